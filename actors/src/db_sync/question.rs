//! Questions: what waits for the connection that reads.

use std::time::{Duration, Instant};

use super::query::Reader;
use crate::protocol::{Query, QueryError, ReadState};

/// How long a question waits for what was accepted before it to be written.
pub const FRESH: Duration = Duration::from_millis(40);

/// A question.
pub enum Question {
    /// A query from outside.
    Query(Query),
    /// A key of `hub_state`.
    State(ReadState),
}

/// A question that waits for its turn.
pub struct Asked {
    question: Question,
    /// How much must be written before it sees everything that it may not miss.
    after: u64,
    patience: Instant,
}

// === impl Question ===

impl Question {
    /// Says that nobody can answer.
    pub fn refuse(self) {
        // Who no longer waits misses nothing.
        match self {
            Self::Query(query) => drop(query.reply.send(Err(QueryError::Unavailable))),
            Self::State(read) => drop(read.reply.send(Err(QueryError::Unavailable))),
        }
    }

    /// Answers.
    pub fn answer(self, reader: &mut Reader) {
        match self {
            Self::Query(Query { sql, reply }) => {
                if !reply.is_closed() {
                    drop(reply.send(reader.query(&sql)));
                }
            }
            Self::State(ReadState { key, reply }) => drop(reply.send(reader.state(&key))),
        }
    }
}

// === impl Asked ===

impl Asked {
    /// A question that wants to see the first `after` changes and records.
    pub fn new(question: Question, after: u64) -> Self {
        Self {
            question,
            after,
            patience: Instant::now() + FRESH,
        }
    }

    /// Whether its time has come.
    pub fn is_ready(&self, written: u64) -> bool {
        self.after <= written || self.patience <= Instant::now()
    }

    /// The question.
    pub fn into_question(self) -> Question {
        self.question
    }
}
