//! Waiting: rows that are not in the file yet, and who waits until they are.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::file::Accepted;
use crate::protocol::{Kept, PersistError};

/// Most rows that share a transaction.
const MOST: usize = 1_000;
/// About how many bytes do.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Who waits.
pub type Caller = oneshot::Sender<Result<Kept, PersistError>>;

/// The queue in front of the file. Its owner bounds it.
#[derive(Debug, Default)]
pub struct Waiting {
    rows: VecDeque<(Accepted, Caller)>,
    bytes: u64,
}

// === impl Waiting ===

impl Waiting {
    /// Adds the newest row.
    pub fn push(&mut self, row: Accepted, caller: Caller) {
        self.bytes += row.payload.len() as u64;
        self.rows.push_back((row, caller));
    }

    /// Takes the oldest rows for one transaction, without those that nobody waits for any more.
    pub fn take(&mut self) -> (Vec<Accepted>, Vec<Caller>) {
        let (mut rows, mut callers, mut bytes) = (Vec::new(), Vec::new(), 0);
        while rows.len() < MOST && bytes < MOST_BYTES {
            let Some((row, caller)) = self.rows.pop_front() else {
                break;
            };
            self.bytes -= row.payload.len() as u64;
            if !caller.is_closed() {
                bytes += row.payload.len();
                rows.push(row);
                callers.push(caller);
            }
        }
        (rows, callers)
    }

    /// Puts back what was taken; it is older than what has come since.
    pub fn put_back(&mut self, rows: Vec<Accepted>, callers: Vec<Caller>) {
        for (row, caller) in rows.into_iter().zip(callers).rev() {
            self.bytes += row.payload.len() as u64;
            self.rows.push_front((row, caller));
        }
    }

    /// Tells everybody that their rows are not kept.
    pub fn refuse(&mut self) {
        self.bytes = 0;
        self.rows.drain(..).for_each(|(_, caller)| refuse(caller));
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many bytes their payloads have.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Tells a caller that the row is not kept.
pub fn refuse(caller: Caller) {
    // Who no longer waits misses nothing.
    let _ = caller.send(Err(PersistError::Unavailable));
}
