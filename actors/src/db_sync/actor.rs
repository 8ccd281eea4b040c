//! The actor: a loop that accepts, and lends out what blocks.

mod inbox;

use std::{collections::VecDeque, time::Duration};

use actix::prelude::*;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    DbSpec, answers,
    batch::{Batch, Written},
    finder::Finder,
    lent::lent,
    open::{self, OpenError, Opened},
    query::Reader,
    question::{Asked, FRESH, Question},
    records, state,
};
use crate::protocol::WriteState;

/// So many changes and records are written before the interval is over.
pub const MANY: usize = 100;
/// Most queries that wait for their turn.
const MOST_WAITING: usize = 32;
/// Pause before a file that another program holds is tried again.
const LOCKED: Duration = Duration::from_millis(50);
/// Pause before a file that cannot be used is tried again.
const BROKEN: Duration = Duration::from_secs(5);
/// Longest time for the last write.
const LAST: Duration = Duration::from_secs(4);

/// The actor.
pub struct DbSync {
    spec: DbSpec,
    /// Writes, unless it is at work or the file is not open.
    writer: Option<Connection>,
    writing: bool,
    /// The last write failed, and the next has its time: until then none is tried.
    resting: bool,
    /// Answers queries, unless it is at work or the file is not open.
    reader: Option<Reader>,
    changes: state::Changes,
    /// Last results that nobody has looked at yet.
    last_results: mpsc::Receiver<WriteState>,
    records: records::Queue,
    /// Answers of the cache that wait for the file.
    answers: answers::Queue,
    /// Looks for answers of the cache.
    finder: Finder,
    asked: VecDeque<Asked>,
    /// How many changes and records were accepted, and how many of them the file has.
    accepted: u64,
    written: u64,
    /// The last trouble that was logged, so that it is logged once.
    trouble: Option<String>,
    /// Waits until everything is written.
    draining: Option<oneshot::Sender<()>>,
}

// === impl DbSync ===

impl DbSync {
    /// An actor that has not opened its file yet.
    pub fn new(spec: DbSpec, last_results: mpsc::Receiver<WriteState>) -> Self {
        Self {
            answers: answers::Queue::new(spec.answers),
            finder: Finder::default(),
            spec,
            writer: None,
            writing: false,
            resting: false,
            reader: None,
            changes: state::Changes::default(),
            last_results,
            records: records::Queue::default(),
            asked: VecDeque::new(),
            accepted: 0,
            written: 0,
            trouble: None,
            draining: None,
        }
    }

    fn open(&mut self, ctx: &mut Context<Self>) {
        let DbSpec {
            place,
            max_records,
            answers,
            last_results,
            ..
        } = self.spec.clone();
        let opened = lent(move || open::open(&place, max_records, answers, last_results));
        ctx.spawn(opened.into_actor(self).map(|opened, actor, ctx| {
            match opened {
                Ok(Opened {
                    writer,
                    reader,
                    finder,
                }) => {
                    actor.writer = Some(writer);
                    actor.reader = Some(reader);
                    actor.finder.open(finder);
                    actor.well();
                    actor.sync(ctx);
                    actor.ask_next(ctx);
                }
                Err(error) => {
                    // Nobody waits for a file that may stay away for long.
                    actor
                        .asked
                        .drain(..)
                        .for_each(|asked| asked.into_question().refuse());
                    let pause = match error {
                        OpenError::Locked => LOCKED,
                        OpenError::File(_) | OpenError::Sqlite(_) => BROKEN,
                    };
                    actor.troubled(&error);
                    ctx.run_later(pause, Self::open);
                }
            }
        }));
    }

    /// Writes what waits, unless a write is under way or has its time: then that one will.
    fn sync(&mut self, ctx: &mut Context<Self>) {
        self.look();
        if self.waiting() == 0 && !self.answers.is_due() {
            return self.close(ctx);
        }
        if self.resting {
            return;
        }
        let Some(mut writer) = self.writer.take() else {
            return;
        };
        self.writing = true;
        let dropped = self.records.dropped();
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "records of calls were given up: the file was too slow"
            );
        }
        let (accepted, max_records) = (self.accepted, self.spec.max_records);
        let batch = Batch {
            changes: self.changes.take(),
            records: self.records.take(),
            answers: self.answers.take(),
        };
        let written = lent(move || {
            let written = batch.write(&mut writer, max_records);
            (writer, batch, written)
        });
        ctx.spawn(
            written
                .into_actor(self)
                .map(move |(writer, batch, written), actor, ctx| {
                    actor.writer = Some(writer);
                    actor.writing = false;
                    actor.synced(batch, written, accepted, ctx);
                }),
        );
    }

    fn synced(&mut self, batch: Batch, written: Written, accepted: u64, ctx: &mut Context<Self>) {
        let pause = match written {
            Written::Done => {
                self.well();
                return self.done_with(&batch, accepted, ctx);
            }
            Written::Never(error) => {
                tracing::error!(%error, "the state file does not take what the hub writes");
                return self.done_with(&batch, accepted, ctx);
            }
            Written::Corrupt(error) => {
                // The next life finds the damage when it opens the file, and moves it aside.
                tracing::error!(%error, "the state file is damaged");
                return ctx.stop();
            }
            Written::Locked => {
                self.troubled(&OpenError::Locked);
                LOCKED
            }
            Written::Later(error) => {
                self.troubled(&error);
                BROKEN
            }
        };
        self.records.put_back(batch.records);
        self.answers.put_back(batch.answers);
        self.resting = true;
        ctx.run_later(pause, |actor, ctx| {
            actor.resting = false;
            actor.sync(ctx);
        });
    }

    fn done_with(&mut self, batch: &Batch, accepted: u64, ctx: &mut Context<Self>) {
        self.changes.written(&batch.changes);
        self.written = accepted;
        self.ask_next(ctx);
        if self.draining.is_some() || self.waiting() >= MANY {
            self.sync(ctx);
        }
    }

    /// Takes the last results that wait. Of each tool only the newest counts.
    fn look(&mut self) {
        while let Ok(WriteState { key, value }) = self.last_results.try_recv() {
            self.changes.put(key, Some(value));
            self.accepted += 1;
        }
    }

    fn waiting(&self) -> usize {
        self.changes.len() + self.records.len() + self.answers.len()
    }

    fn accept(&mut self, ctx: &mut Context<Self>) {
        self.accepted += 1;
        if self.waiting() >= MANY {
            self.sync(ctx);
        }
    }

    fn ask(&mut self, question: Question, ctx: &mut Context<Self>) {
        if self.asked.len() >= MOST_WAITING {
            return question.refuse();
        }
        self.look();
        self.asked.push_back(Asked::new(question, self.accepted));
        if self.written < self.accepted {
            self.sync(ctx);
            ctx.run_later(FRESH, Self::ask_next);
        }
        self.ask_next(ctx);
    }

    /// Answers the oldest question, if it is its time and no other one is being answered.
    fn ask_next(&mut self, ctx: &mut Context<Self>) {
        let written = self.written;
        let Some(reader) = self.reader.take() else {
            return;
        };
        let Some(asked) = self.asked.pop_front_if(|asked| asked.is_ready(written)) else {
            self.reader = Some(reader);
            return;
        };
        let answered = asked.into_question().answer(reader);
        ctx.spawn(answered.into_actor(self).map(|reader, actor, ctx| {
            actor.reader = Some(reader);
            actor.ask_next(ctx);
        }));
    }

    /// Looks for the answers that are sought, unless it is looking already.
    fn find(&mut self, ctx: &mut Context<Self>) {
        let Some(look) = self.finder.next() else {
            return;
        };
        let looked = lent(move || look.answer());
        ctx.spawn(looked.into_actor(self).map(|connection, actor, ctx| {
            actor.finder.done(connection);
            actor.find(ctx);
        }));
    }

    /// Closes the file once nothing waits for it, if that is what is wanted.
    fn close(&mut self, ctx: &mut Context<Self>) {
        if self.writing {
            return;
        }
        let Some(draining) = self.draining.take() else {
            return;
        };
        let open = (self.reader.take(), self.finder.close(), self.writer.take());
        // The last connection that closes leaves one file behind, not three.
        let closed = lent(move || drop(open));
        ctx.spawn(closed.into_actor(self).map(|(), _, _| {
            // Whoever asked may have given up waiting.
            let _ = draining.send(());
        }));
    }

    fn troubled(&mut self, error: &dyn std::error::Error) {
        let mut words = error.to_string();
        if let Some(cause) = error.source() {
            words = format!("{words}: {cause}");
        }
        if self.trouble.as_ref() != Some(&words) {
            tracing::warn!("{words}; calls go on, and it is tried again");
            self.trouble = Some(words);
        }
    }

    fn well(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!("the state file can be used again");
        }
    }
}

impl Actor for DbSync {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.open(ctx);
        ctx.run_interval(self.spec.interval, Self::sync);
    }
}
