//! CloudDb: the PostgreSQL database that DATABASE_URL names, behind a mailbox.
//!
//! - `dsn`: what DATABASE_URL says, and what is made of it; `tls`: whom the hub believes
//! - `database`: connections; `fault`: what failed, in our words
//! - `results`: rows into a table that may not be ours; `schema`: the tables that are
//! - `actor`: deliveries, and one backoff for all of them
//!
//! The DSN, and what can be made of it, stays in the Guardian. Others hold a `Recipient`.

mod actor;
mod database;
mod dsn;
mod fault;
mod results;
pub mod schema;
#[cfg(test)]
mod tests;
mod tls;

use actix::prelude::*;
use hub_actors::{
    protocol::{CloudState, CloudUp, Heartbeat},
    supervise::{Link, spawn_linked},
};
use tokio::sync::watch;

use self::actor::CloudDb;
pub use self::{
    database::{Database, DatabaseSpec},
    dsn::{Dsn, DsnError},
    fault::Fault,
};

/// The variable that names the database.
pub const VARIABLE: &str = "DATABASE_URL";

/// A started CloudDb.
pub struct Started {
    /// Its thread: the kill switch.
    pub arbiter: Arbiter,
    /// Where it is asked whether it still turns its loop.
    pub heartbeat: Recipient<Heartbeat>,
    /// What the outbox is told of it.
    pub up: CloudUp,
}

/// Starts its next life.
pub fn start(spec: &DatabaseSpec, link: Link) -> Started {
    let spec = spec.clone();
    let (tell, state) = watch::channel(CloudState::Connecting);
    let (arbiter, address) = spawn_linked(link, move || CloudDb::new(spec, tell));
    Started {
        arbiter,
        heartbeat: address.clone().recipient(),
        up: CloudUp {
            deliveries: address.recipient(),
            state,
        },
    }
}
