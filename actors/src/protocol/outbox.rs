//! Rows on their way to the cloud's database.

use std::sync::Arc;

use actix::prelude::*;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};
use uuid::Uuid;

use crate::table::Table;

/// Keeps a row until the cloud's database has it.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Persist {
    /// Where it goes.
    pub table: Arc<Table>,
    /// Any JSON that PostgreSQL's jsonb can hold, as text.
    pub payload: String,
    /// Where the answer goes, once no crash can lose the row. Who drops it before wants it no more.
    pub reply: oneshot::Sender<Result<Kept, PersistError>>,
}

/// A row that is kept.
#[derive(Debug)]
pub struct Kept {
    /// Its id, there and in the cloud's database: a UUID of version 7.
    pub id: Uuid,
    /// Whether it outlives the process.
    pub durable: bool,
    /// Tells that it has arrived, or why it never will. Dropped if that takes a while.
    pub arrival: oneshot::Receiver<Result<(), Arc<str>>>,
}

/// Why a row is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersistError {
    /// Too many rows wait already.
    #[error("the outbox is full")]
    Full,
    /// The outbox's file cannot be written now.
    #[error("the outbox cannot be written now")]
    Unavailable,
}

/// Brings rows of one table to the cloud's database. However often one is brought, it is there once.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Deliver {
    /// Where they go.
    pub table: Table,
    /// Oldest first.
    pub rows: Vec<Row>,
    /// Where the answer goes. Dropped without one if the actor dies: then nobody knows.
    pub reply: oneshot::Sender<Result<Vec<Rejected>, NotNow>>,
}

/// A row on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// By which the database knows it again.
    pub id: Uuid,
    /// JSON.
    pub payload: String,
    /// When it was accepted (RFC 3339, UTC).
    pub created_at: String,
}

/// A row that the database will never take; it has all others of the delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Which.
    pub id: Uuid,
    /// Why, and what to do about it. Nothing of the row is in it.
    pub reason: Arc<str>,
}

/// The rows, or some of them, are not there. They can be brought again when [`CloudState`] says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotNow;

/// A running CloudDb, as the outbox sees it.
#[derive(Debug, Clone)]
pub struct CloudUp {
    /// Where rows are brought.
    pub deliveries: Recipient<Deliver>,
    /// Where the database stands.
    pub state: watch::Receiver<CloudState>,
}

/// Where the cloud's database stands, as far as anybody has tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudState {
    /// Nobody knows yet.
    Connecting,
    /// It did what it was asked last.
    Connected,
    /// It cannot be used, and is tried again and again.
    Down {
        /// Since when.
        since: Instant,
        /// Why: nothing secret, nothing that the server made up.
        why: Arc<str>,
    },
}

/// Tells the outbox who brings its rows to the database; `None` if nobody does at this moment.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub struct CloudIs(pub Option<CloudUp>);

/// How do the outbox and its database do?
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct ReportOutbox {
    /// Where the answer goes.
    pub reply: oneshot::Sender<OutboxHealth>,
}

/// The outbox's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxHealth {
    /// Where the database stands; `None` while its actor restarts.
    pub database: Option<CloudState>,
    /// Rows that wait.
    pub pending: u64,
    /// Rows that the database will never take as they are, or as it is.
    pub dead_letters: u64,
    /// Why the last of them was given up.
    pub last_reason: Option<Arc<str>>,
    /// Whether rows outlive the process.
    pub durable: bool,
}

/// A running outbox, as others see it.
#[derive(Debug, Clone)]
pub struct OutboxUp {
    /// Where rows are kept.
    pub rows: Recipient<Persist>,
    /// Where its health is asked for.
    pub reports: Recipient<ReportOutbox>,
}
