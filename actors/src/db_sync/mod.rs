//! DbSync: the hub's own state, behind a mailbox.
//!
//! The actor's loop never touches the file: SQLite works on threads that the runtime lends, one for
//! writing and one for queries, and the loop turns meanwhile. So a slow disk, or a lock that another
//! program holds, is not taken for an actor that is stuck, and queries and writes do not wait for each
//! other. A panic on such a thread is the actor's.
//!
//! Writing is for later: changes of state count at once, records of calls wait in a bounded queue, and
//! both go into the file together after the interval, when there are many, before a query, and at the
//! end.

mod actor;
mod answers;
mod authorizer;
mod batch;
mod finder;
mod like;
pub(crate) mod open;
mod query;
mod question;
mod records;
mod rows;
mod state;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use actix::prelude::*;
use tokio::sync::mpsc;

use self::actor::DbSync;
pub use self::open::{Place, StateFile};
use crate::{
    protocol::{AnswersUp, DbUp, Drain, Heartbeat},
    supervise::{Link, spawn_linked},
};

/// Most last results that wait to be looked at; DbSync is told at half of it.
pub const MOST_LAST_RESULTS: usize = 256;

/// What the Guardian knows of it.
#[derive(Clone)]
pub struct DbSpec {
    /// Where the state is kept.
    pub place: Place,
    /// SYNC_INTERVAL_SEC
    pub interval: Duration,
    /// MAX_CACHE_ENTRIES; 0 keeps no records.
    pub max_records: usize,
    /// HUB_STATE_LAST_RESULTS
    pub last_results: bool,
    /// Most bytes of the cache's answers; `None` keeps none.
    pub answers: Option<u64>,
}

/// A started DbSync.
pub struct Started {
    /// Its thread: the kill switch.
    pub arbiter: Arbiter,
    /// Where it is asked whether it still turns its loop.
    pub heartbeat: Recipient<Heartbeat>,
    /// Where it is asked to write what it has and to close the file.
    pub drain: Recipient<Drain>,
    /// What it can be asked for.
    pub up: DbUp,
}

/// Starts its next life. What the one before had not written is gone.
pub fn start(spec: &DbSpec, link: Link) -> Started {
    let (keeps_records, keeps_last_results) = (spec.max_records > 0, spec.last_results);
    let mut spec = spec.clone();
    // Without a file nothing is left after a restart, and the cache has its answers in memory already.
    spec.answers = spec
        .answers
        .filter(|_| matches!(spec.place, Place::File(_)));
    let keeps_answers = spec.answers.is_some();
    let (last_results, waiting) = mpsc::channel(MOST_LAST_RESULTS);
    let (arbiter, address) = spawn_linked(link, move || DbSync::new(spec, waiting));
    Started {
        arbiter,
        heartbeat: address.clone().recipient(),
        drain: address.clone().recipient(),
        up: DbUp {
            queries: address.clone().recipient(),
            writes: address.clone().recipient(),
            deletes: address.clone().recipient(),
            reads: address.clone().recipient(),
            records: address.clone().recipient(),
            keeps_records,
            last_results: keeps_last_results.then_some(last_results),
            looks: address.clone().recipient(),
            answers: keeps_answers.then(|| AnswersUp {
                keep: address.clone().recipient(),
                find: address.recipient(),
            }),
        },
    }
}
