//! Cache: answers that need not be paid for twice.
//!
//! Exact: an answer is given again only to the same principal, for the same question to the same
//! provider (`key`). It is in memory first, where a hit takes no lock that anybody holds for long, no
//! message and no database; the state file has it for after a restart. Calls that ask the same at the
//! same time share one question (`flight`).
//!
//! One cache serves all doors and outlives their crashes: it is part of the catalogue. A hub without a
//! tool that keeps answers has none.

mod answer;
mod bit_by_bit;
mod flight;
mod key;
mod place;
mod said;
#[cfg(test)]
mod tests;
mod through;

use std::{fmt, sync::Arc, time::Duration};

use moka::{Expiry, sync::Cache as Memory};
use tokio::{sync::Semaphore, time::Instant};

pub use self::{
    answer::{Answer, Given, Status},
    bit_by_bit::{Begun, Collector, Told, begin},
    key::{Cacheable, Key},
    said::Said,
    through::{Asked, answer},
};
use self::{bit_by_bit::MOST_COLLECTED, flight::Flights, through::Landed};

/// Largest answer that is kept. A few large ones shall not push out everything else.
pub const LARGEST: usize = 1024 * 1024;

/// The answers in memory, and the questions that are being asked.
pub struct Cache {
    answers: Memory<Key, Entry>,
    flights: Flights<Landed>,
    /// For answers that come bit by bit and are not complete yet, in bytes.
    room: Arc<Semaphore>,
}

/// An answer in memory.
#[derive(Clone)]
struct Entry {
    answer: Arc<Answer>,
    until: Instant,
}

/// Lets what nobody asks for again go when its time is over.
struct ByItsTime;

// === impl Cache ===

impl Cache {
    /// An empty cache for so many bytes.
    pub fn new(most_bytes: u64) -> Self {
        let answers = Memory::builder()
            .max_capacity(most_bytes)
            .weigher(|_, entry: &Entry| u32::try_from(entry.answer.size()).unwrap_or(u32::MAX))
            .expire_after(ByItsTime)
            .build();
        Self {
            answers,
            flights: Flights::default(),
            room: Arc::new(Semaphore::new(MOST_COLLECTED)),
        }
    }

    /// The answer, if it is in memory and its time is not over.
    pub fn get(&self, key: &Key) -> Option<Arc<Answer>> {
        let entry = self.answers.get(key)?;
        (Instant::now() < entry.until).then_some(entry.answer)
    }

    /// Keeps an answer for so long; whether it is small enough to be kept.
    pub fn put(&self, key: Key, answer: Arc<Answer>, time: Duration) -> bool {
        if answer.size() > LARGEST {
            return false;
        }
        let until = Instant::now() + time;
        self.answers.insert(key, Entry { answer, until });
        // Left to itself it tidies up after dozens of entries, and they may be large.
        self.answers.run_pending_tasks();
        true
    }

    /// Bytes that the answers take, roughly.
    pub fn size(&self) -> u64 {
        self.answers.weighted_size()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is in it is nobody's business, a log's neither.
        f.debug_struct("Cache")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

// === impl ByItsTime ===

impl Expiry<Key, Entry> for ByItsTime {
    fn expire_after_create(
        &self,
        _: &Key,
        entry: &Entry,
        _: std::time::Instant,
    ) -> Option<Duration> {
        Some(entry.until.saturating_duration_since(Instant::now()))
    }

    fn expire_after_update(
        &self,
        key: &Key,
        entry: &Entry,
        now: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, entry, now)
    }
}
