//! The actor: a loop that accepts rows, and lends out what blocks.

mod delivery;
mod inbox;

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix::prelude::*;
use rusqlite::ErrorCode;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    OutboxSpec,
    file::{Accepted, OutboxFile, Tally, Visit},
    waiting::{Caller, Waiting, refuse},
};
use crate::{
    db_sync::{
        Place,
        lent::lent,
        open::{self, OpenError},
    },
    protocol::{CloudUp, Kept, Rejected},
};

/// Most rows that a file holds, those that were given up included.
const MOST_ROWS: u64 = 100_000;
/// Most bytes of their payloads.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// The same where there is no file.
const MOST_BYTES_IN_MEMORY: u64 = 8 * 1024 * 1024;
/// Most bytes that wait for the file.
const MOST_WAITING: u64 = 32 * 1024 * 1024;
/// Pause before a file that another program holds is tried again.
const LOCKED: Duration = Duration::from_millis(50);
/// Pause before a file that cannot be used is tried again.
const BROKEN: Duration = Duration::from_secs(5);
/// Longest time for the last write.
const LAST: Duration = Duration::from_secs(4);

/// Where it is said that a row has arrived, or why it never will.
type Arrival = oneshot::Sender<Result<(), Arc<str>>>;

/// The actor.
pub struct Outbox {
    spec: OutboxSpec,
    /// The file, unless it is at work or not open.
    file: Option<OutboxFile>,
    tally: Tally,
    /// Rows that are not in the file yet.
    waiting: Waiting,
    /// Who wants to hear of an arrival.
    arrivals: HashMap<Uuid, Arrival>,
    /// What the database said that the file does not know yet.
    arrived: Vec<Uuid>,
    rejected: Vec<Rejected>,
    /// What the file is being told at this moment.
    visiting: Visiting,
    /// Rows on their way to the database.
    delivering: bool,
    cloud: Option<CloudUp>,
    watch: SpawnHandle,
    /// The file cannot be used, and the next try has its time.
    broken: bool,
    /// The last visit failed, and the next has its time: until then none is tried.
    resting: bool,
    /// The last trouble that was logged, so that it is logged once.
    trouble: Option<String>,
    /// Waits until everything is written.
    draining: Option<oneshot::Sender<()>>,
}

/// What a visit that is under way changes.
#[derive(Debug, Default)]
struct Visiting {
    accepted: u64,
    arrived: u64,
    rejected: u64,
    last_reason: Option<Arc<str>>,
}

// === impl Outbox ===

impl Outbox {
    /// An actor that has not opened its file yet.
    pub fn new(spec: OutboxSpec) -> Self {
        Self {
            spec,
            file: None,
            tally: Tally::default(),
            waiting: Waiting::default(),
            arrivals: HashMap::new(),
            arrived: Vec::new(),
            rejected: Vec::new(),
            visiting: Visiting::default(),
            delivering: false,
            cloud: None,
            watch: SpawnHandle::default(),
            broken: false,
            resting: false,
            trouble: None,
            draining: None,
        }
    }

    fn open(&mut self, ctx: &mut Context<Self>) {
        let place = self.spec.place.clone();
        let opened = lent(move || OutboxFile::open(&place));
        ctx.spawn(opened.into_actor(self).map(|opened, actor, ctx| {
            actor.broken = false;
            match opened {
                Ok(file) => {
                    actor.tally = file.tally().clone();
                    if actor.tally.pending > 0 {
                        let rows = actor.tally.pending;
                        tracing::info!(rows, "rows of before wait for the database");
                    }
                    actor.file = Some(file);
                    actor.well();
                    actor.visit(ctx);
                }
                Err(error) => {
                    actor.troubled(&error);
                    let pause = match error {
                        OpenError::Locked => LOCKED,
                        OpenError::File(_) | OpenError::Sqlite(_) => {
                            actor.broken = true;
                            actor.waiting.refuse();
                            BROKEN
                        }
                    };
                    ctx.run_later(pause, Self::open);
                }
            }
        }));
    }

    /// Brings everything that waits into the file, and comes back with rows to deliver.
    fn visit(&mut self, ctx: &mut Context<Self>) {
        if self.resting {
            return;
        }
        let Some(mut file) = self.file.take() else {
            return;
        };
        let told = !self.arrived.is_empty() || !self.rejected.is_empty();
        let load = self.wants_load();
        let (accepted, callers) = self.waiting.take();
        if accepted.is_empty() && !told && !load {
            self.file = Some(file);
            return self.close(ctx);
        }
        let visit = Visit {
            accepted,
            arrived: std::mem::take(&mut self.arrived),
            rejected: std::mem::take(&mut self.rejected),
            load,
        };
        self.visiting = Visiting {
            accepted: visit.accepted.len() as u64,
            arrived: visit.arrived.len() as u64,
            rejected: visit.rejected.len() as u64,
            last_reason: visit.rejected.last().map(|row| row.reason.clone()),
        };
        let visited = lent(move || {
            let done = file.visit(&visit);
            (file, visit, done)
        });
        let visited = visited.into_actor(self);
        ctx.spawn(visited.map(move |(file, visit, done), actor, ctx| {
            actor.visiting = Visiting::default();
            actor.tally = file.tally().clone();
            actor.file = Some(file);
            match done {
                Ok(load) => {
                    actor.well();
                    actor.kept(&visit.accepted, callers);
                    if let Some(load) = load {
                        actor.deliver(load, ctx);
                    }
                    actor.visit(ctx);
                }
                Err(error) => actor.not_visited(visit, callers, &error, ctx),
            }
        }));
    }

    fn kept(&mut self, rows: &[Accepted], callers: Vec<Caller>) {
        let soon = self.may_arrive_soon();
        for (row, caller) in rows.iter().zip(callers) {
            let (arrival, told) = oneshot::channel();
            let kept = Kept {
                id: row.id,
                durable: self.spec.durable,
                arrival: told,
            };
            if caller.send(Ok(kept)).is_ok() && soon {
                self.arrivals.insert(row.id, arrival);
            }
        }
    }

    fn not_visited(
        &mut self,
        visit: Visit,
        callers: Vec<Caller>,
        error: &rusqlite::Error,
        ctx: &mut Context<Self>,
    ) {
        self.arrived = visit.arrived;
        self.rejected = visit.rejected;
        // Memory is what a query has taken, for a quarter of a second at most.
        let memory = error.sqlite_error_code() == Some(ErrorCode::OutOfMemory);
        let pause = if open::is_busy(error) || memory {
            self.troubled(error);
            self.waiting.put_back(visit.accepted, callers);
            LOCKED
        } else {
            // They are told at once: their row is not kept.
            callers.into_iter().for_each(refuse);
            self.waiting.refuse();
            if open::is_corrupt(error) {
                // The next life finds the damage when it opens the file, and moves it aside.
                tracing::error!(%error, "the outbox's file is damaged");
                return ctx.stop();
            }
            self.troubled(error);
            BROKEN
        };
        self.resting = true;
        ctx.run_later(pause, |actor, ctx| {
            actor.resting = false;
            actor.visit(ctx);
        });
    }

    /// Closes the file once nothing waits for it, if that is what is wanted.
    fn close(&mut self, ctx: &mut Context<Self>) {
        let Some(draining) = self.draining.take() else {
            return;
        };
        let file = self.file.take();
        // The last connection that closes leaves one file behind, not three.
        let closed = lent(move || drop(file));
        ctx.spawn(closed.into_actor(self).map(|(), _, _| {
            // Whoever asked may have given up waiting.
            let _ = draining.send(());
        }));
    }

    fn is_full(&self, length: u64) -> bool {
        let most = match self.spec.place {
            Place::Memory => MOST_BYTES_IN_MEMORY,
            Place::File(_) => MOST_BYTES,
        };
        let rows = self.tally.pending + self.tally.dead + self.waiting.len() as u64;
        let waiting = self.waiting.bytes() + length;
        rows >= MOST_ROWS || waiting > MOST_WAITING || self.tally.bytes + waiting > most
    }

    fn troubled(&mut self, error: &dyn std::error::Error) {
        let mut words = error.to_string();
        if let Some(cause) = error.source() {
            words = format!("{words}: {cause}");
        }
        if self.trouble.as_ref() != Some(&words) {
            tracing::warn!("the outbox cannot be used ({words}); it is tried again");
            self.trouble = Some(words);
        }
    }

    fn well(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!("the outbox can be used again");
        }
    }
}

impl Actor for Outbox {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.open(ctx);
    }
}
