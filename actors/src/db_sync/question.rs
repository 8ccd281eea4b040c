//! Questions: what waits for the connection that reads.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::query::{LONGEST, Reader, too_long};
use crate::{
    lent::lent,
    protocol::{Query, QueryError, ReadState},
};

/// How long a question waits for what was accepted before it to be written.
pub const FRESH: Duration = Duration::from_millis(40);

/// How much later than its deadline a query ends at best.
const GRACE: Duration = Duration::from_millis(10);

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

    /// Answers, and returns the reader. Who asked is answered in time, even if SQLite is not done then:
    /// the next question waits.
    pub async fn answer(self, mut reader: Reader) -> Reader {
        let (answered, reader) = match self {
            Self::Query(query) if query.reply.is_closed() => return reader,
            Self::Query(Query { sql, reply }) => {
                let mut work = std::pin::pin!(lent(move || (reader.query(&sql), reader)));
                match timeout(LONGEST + GRACE, &mut work).await {
                    Ok((answer, reader)) => (reply.send(answer).is_ok(), reader),
                    Err(_) => {
                        let told = reply.send(Err(too_long())).is_ok();
                        (told, work.await.1)
                    }
                }
            }
            Self::State(ReadState { key, reply }) => {
                let (answer, reader) = lent(move || (reader.state(&key), reader)).await;
                (reply.send(answer).is_ok(), reader)
            }
        };
        if !answered {
            tracing::debug!("a question's asker has gone");
        }
        reader
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
