//! What DbSync is asked to keep, to find and to forget.

use std::{sync::Arc, time::SystemTime};

use actix::prelude::*;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::cache::{Answer, Key};

/// Asks for the rows of one SELECT on `hub_state` and `tool_cache`.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Query {
    /// What a caller sent: nothing in it is trusted.
    pub sql: String,
    /// Where the answer goes. Dropped without one if the actor dies.
    pub reply: oneshot::Sender<Result<Rows, QueryError>>,
}

/// The rows of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// One object for each, with a field for each column.
    pub rows: Vec<Value>,
    /// There are more than 1,000, or more than 1 MiB of them: the others are left out.
    pub truncated: bool,
}

/// Why a query has no rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It does something else than reading.
    #[error("Only SELECT queries are permitted in db_query tool.")]
    NotSelect,
    /// There is no such table, or it is nobody's business.
    #[error("no such table: {0}")]
    NoSuchTable(String),
    /// It is wrong, too long, too slow or too large; the sentence says which.
    #[error("{0}")]
    Invalid(String),
    /// The file is not there, held by another program, or too many queries wait.
    #[error("the state cannot be read now")]
    Unavailable,
}

/// Puts a value under a key of `hub_state`. Who reads sees it at once; the file has it soon.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct WriteState {
    /// The key.
    pub key: Arc<str>,
    /// Any JSON, 64 KiB of it at most: what is longer than 256 KiB cannot be read.
    pub value: Value,
}

/// Removes a key of `hub_state`, if it is there.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct DeleteState {
    /// The key.
    pub key: Arc<str>,
}

/// Asks for the value under a key of `hub_state`, changes that the file does not have yet included.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct ReadState {
    /// The key.
    pub key: Arc<str>,
    /// Where the answer goes; `None` if there is no such key.
    pub reply: oneshot::Sender<Result<Option<Value>, QueryError>>,
}

/// Keeps what a call asked and what was answered, in `tool_cache`. May be given up under load.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub struct Record {
    /// Which tool.
    pub tool: Arc<str>,
    /// What was asked.
    pub prompt: String,
    /// What was answered.
    pub response: String,
    /// Who answered.
    pub provider: Arc<str>,
    /// With which model.
    pub model: Arc<str>,
    /// When.
    pub at: SystemTime,
}

/// Keeps an answer of the cache for after a restart. May be given up under load.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub struct KeepAnswer {
    /// Under which it is found.
    pub key: Key,
    /// Which tool was called.
    pub tool: Arc<str>,
    /// The answer.
    pub answer: Arc<Answer>,
    /// When its time is over.
    pub until: SystemTime,
}

/// Asks for an answer that was kept. Dropped without a word if it cannot be looked for now.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct FindAnswer {
    /// Under which it is found.
    pub key: Key,
    /// Where it goes; `None` if there is none whose time is not over.
    pub reply: oneshot::Sender<Option<KeptAnswer>>,
}

/// An answer that was kept.
#[derive(Debug, Clone)]
pub struct KeptAnswer {
    /// The answer.
    pub answer: Arc<Answer>,
    /// When its time is over.
    pub until: SystemTime,
}

/// Look at the last results that wait: there are many.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct Look;

/// A running DbSync, as others see it.
#[derive(Debug, Clone)]
pub struct DbUp {
    /// Where queries are asked.
    pub queries: Recipient<Query>,
    /// Where state is written.
    pub writes: Recipient<WriteState>,
    /// Where state is deleted.
    pub deletes: Recipient<DeleteState>,
    /// Where state is read.
    pub reads: Recipient<ReadState>,
    /// Where records of calls go.
    pub records: Recipient<Record>,
    /// Whether records are kept at all.
    pub keeps_records: bool,
    /// Where each tool's last result waits for `hub_state`; `None` if none is kept. Putting one there
    /// wakes nobody: a call need not pay for that.
    pub last_results: Option<mpsc::Sender<WriteState>>,
    /// Where DbSync is told that many last results wait.
    pub looks: Recipient<Look>,
    /// Where answers of the cache are kept and found; `None` if there is no file for them.
    pub answers: Option<AnswersUp>,
}

/// The cache's part of a running DbSync.
#[derive(Debug, Clone)]
pub struct AnswersUp {
    /// Where answers are kept.
    pub keep: Recipient<KeepAnswer>,
    /// Where answers are looked for.
    pub find: Recipient<FindAnswer>,
}
