//! Outbox: rows on their way to the cloud's database, of which none gets lost.
//!
//! A row is in the file, and the file on the disk, before anybody is told that it is kept: many callers
//! share one transaction. From the file it is brought to the database, again and again until that has
//! it; there its id makes sure that it is there once. What the database will never take goes to the
//! dead letters, which are tried again at the next start.
//!
//! As in [`db_sync`](crate::db_sync), the loop never touches the file: it lends the work out. It is an
//! actor of its own because DbSync may lose records and restart over a damaged file; rows wait for
//! neither.

mod actor;
mod file;
#[cfg(test)]
mod tests;
mod waiting;

use actix::prelude::*;

use self::actor::Outbox;
use crate::{
    db_sync::Place,
    protocol::{CloudIs, Drain, Heartbeat, OutboxUp},
    supervise::{Link, spawn_linked},
};

/// Longest payload in bytes.
pub const LONGEST: usize = 4 * 1024 * 1024;

/// What the Guardian knows of it.
#[derive(Clone)]
pub struct OutboxSpec {
    /// Where rows wait.
    pub place: Place,
    /// Whether that place outlives the process.
    pub durable: bool,
}

/// A started outbox.
pub struct Started {
    /// Its thread: the kill switch.
    pub arbiter: Arbiter,
    /// Where it is asked whether it still turns its loop.
    pub heartbeat: Recipient<Heartbeat>,
    /// Where it is asked to write what it has and to close the file.
    pub drain: Recipient<Drain>,
    /// Where it is told who brings its rows to the database.
    pub cloud: Recipient<CloudIs>,
    /// What it can be asked for.
    pub up: OutboxUp,
}

/// Starts its next life.
pub fn start(spec: &OutboxSpec, link: Link) -> Started {
    let spec = spec.clone();
    let (arbiter, address) = spawn_linked(link, move || Outbox::new(spec));
    Started {
        arbiter,
        heartbeat: address.clone().recipient(),
        drain: address.clone().recipient(),
        cloud: address.clone().recipient(),
        up: OutboxUp {
            rows: address.clone().recipient(),
            reports: address.recipient(),
        },
    }
}
