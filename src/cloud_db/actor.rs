//! The actor: brings rows to the database, and knows when that makes sense.
//!
//! One backoff stands behind every failure. While the database is down nobody asks it for anything but
//! this actor, from 1 to 60 s apart; while it is well it is only asked what somebody wants, because
//! databases that sleep when nobody asks cost less.

use std::{collections::HashMap, time::Duration};

use actix::prelude::*;
use hub_actors::{
    protocol::{CloudState, Deliver, Heartbeat, NotNow},
    table::Table,
};
use tokio::{sync::watch, time::Instant};

use super::{
    database::{Database, DatabaseSpec, answer},
    fault::{Fault, FaultKind},
    results::{self, Insert},
};

/// Pause after the first failure; doubles with each.
const FIRST: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// The actor.
pub struct CloudDb {
    spec: DatabaseSpec,
    database: Option<Database>,
    state: watch::Sender<CloudState>,
    /// Failures since it was well last.
    failures: u32,
    /// The last failure was that of a connection: a new one makes it good.
    lost: bool,
    /// A look at it is under way or has its time.
    looking: bool,
    /// How rows get into each table.
    inserts: HashMap<Table, Insert>,
}

// === impl CloudDb ===

impl CloudDb {
    /// An actor that has not connected yet.
    pub fn new(spec: DatabaseSpec, state: watch::Sender<CloudState>) -> Self {
        Self {
            spec,
            database: None,
            state,
            failures: 0,
            lost: false,
            looking: false,
            inserts: HashMap::new(),
        }
    }

    /// Asks the database for a sign of life.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let Some(database) = self.database.clone() else {
            return;
        };
        self.looking = true;
        let look = async move {
            let client = database.client().await?;
            answer(client, async |client: &deadpool_postgres::Client| {
                client.simple_query("SELECT 1").await
            })
            .await
            .1
        };
        ctx.spawn(look.into_actor(self).map(|seen, actor, ctx| {
            actor.looking = false;
            match seen {
                Ok(_) => {
                    if actor.lost {
                        actor.failures = 0;
                    }
                    actor.up();
                }
                Err(fault) => actor.down(&fault, ctx),
            }
        }));
    }

    fn up(&mut self) {
        let before = self.state.send_replace(CloudState::Connected);
        if before != CloudState::Connected {
            tracing::info!(database = self.spec.place(), "the database is connected");
        }
    }

    fn down(&mut self, fault: &Fault, ctx: &mut Context<Self>) {
        let why = fault.sentence.clone();
        let (since, known) = match &*self.state.borrow() {
            CloudState::Down { since, why: before } => (*since, *before == why),
            _ => (Instant::now(), false),
        };
        if !known {
            tracing::warn!(
                database = self.spec.place(),
                reason = &*why,
                "the database cannot be used; calls go on, rows wait, and it is tried again"
            );
        }
        self.state.send_replace(CloudState::Down { since, why });
        self.failures = self.failures.saturating_add(1);
        self.lost = fault.kind == FaultKind::NoConnection;
        if !self.looking {
            self.looking = true;
            ctx.run_later(pause(self.failures), Self::look);
        }
    }
}

/// From half to nine tenths of what has doubled, so that hubs do not come all at once, and none comes
/// later than a minute.
fn pause(failures: u32) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled.min(LONGEST).mul_f64(0.5 + 0.4 * fastrand::f64())
}

impl Actor for CloudDb {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Here, because connections belong to the thread that makes them.
        match Database::open(&self.spec) {
            Ok(database) => self.database = Some(database),
            Err(error) => {
                tracing::error!(%error, "the database cannot be set up");
                return ctx.stop();
            }
        }
        self.look(ctx);
    }
}

impl Handler<Deliver> for CloudDb {
    type Result = ();

    fn handle(&mut self, deliver: Deliver, ctx: &mut Self::Context) {
        let Deliver { table, rows, reply } = deliver;
        let Some(database) = self.database.clone() else {
            return;
        };
        let insert = self.inserts.remove(&table);
        let work = async move {
            let delivered = results::deliver(&database, &table, &rows, insert).await;
            (table, delivered)
        };
        let work = work.into_actor(self);
        ctx.spawn(work.map(|(table, delivered), actor, ctx| {
            let outcome = match delivered {
                Ok(delivered) => {
                    if let Some(insert) = delivered.insert {
                        actor.inserts.insert(table, insert);
                    }
                    actor.failures = 0;
                    actor.up();
                    Ok(delivered.rejected)
                }
                Err(fault) => {
                    if fault.kind == FaultKind::NoConnection {
                        // The next one starts from the beginning: a failover may bring another table.
                        actor.inserts.clear();
                    }
                    actor.down(&fault, ctx);
                    Err(NotNow)
                }
            };
            // An outbox that has restarted brings them again.
            let _ = reply.send(outcome);
        }));
    }
}

impl Handler<Heartbeat> for CloudDb {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_less_than_a_minute() {
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60)] {
            let longest = Duration::from_secs(longest);
            for _ in 0..100 {
                let pause = pause(failures);
                assert!(
                    pause >= longest / 2 && pause < longest.mul_f64(0.91),
                    "{pause:?}"
                );
            }
        }
    }
}
