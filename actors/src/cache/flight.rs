//! Flights: calls that ask the same at the same time share one piece of work.
//!
//! The work is nobody's own: it goes on for as long as one caller waits for it, whoever began it, and is
//! dropped with the last of them. However it ends, everyone who waits hears of it: a panic, too.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use moka::{ops::compute::Op, sync::Cache};
use tokio::sync::watch;

use super::key::Key;

/// Everything that is under way.
#[derive(Debug)]
pub struct Flights<T: Clone + Send + Sync + 'static>(Cache<Key, Arc<Flight<T>>>);

/// What a flight came to, for one of those who waited.
#[derive(Debug)]
pub struct Shared<T> {
    /// The work's value.
    pub value: T,
    /// Nobody else has taken it before: what it cost is this caller's.
    pub first: bool,
}

/// The work ended without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the work that was waited for crashed")]
pub struct Crashed;

/// One piece of work.
#[derive(Debug)]
struct Flight<T> {
    end: watch::Sender<Option<End<T>>>,
    taken: AtomicBool,
}

/// How it ended.
#[derive(Debug, Clone)]
enum End<T> {
    Done(T),
    /// Nobody waited any more. Who comes at that moment begins anew.
    Abandoned,
    Crashed,
}

/// Ends a flight, however its work ends.
struct Landing<T: Clone + Send + Sync + 'static> {
    flights: Cache<Key, Arc<Flight<T>>>,
    key: Key,
    flight: Arc<Flight<T>>,
    end: End<T>,
}

// === impl Flights ===

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// Waits for the work on `key` that is under way, or begins it.
    ///
    /// # Errors
    /// [`Crashed`] if the work panicked, or its thread ended.
    pub async fn share<W>(&self, key: Key, begin: impl FnOnce() -> W) -> Result<Shared<T>, Crashed>
    where
        W: Future<Output = T> + Send + 'static,
    {
        let mut begin = Some(begin);
        loop {
            let entry = self.0.entry(key).or_insert_with(Flight::new);
            let fresh = entry.is_fresh();
            let flight = entry.into_value();
            // Before the work begins: it ends when nobody listens.
            let mut end = flight.end.subscribe();
            if fresh {
                // From here on it ends, whatever happens.
                let landing = Landing {
                    flights: self.0.clone(),
                    key,
                    flight: flight.clone(),
                    end: End::Crashed,
                };
                let begin = begin.take().ok_or(Crashed)?;
                tokio::spawn(landing.after(begin()));
            }
            let end = match end.wait_for(Option::is_some).await {
                Ok(end) => end.clone(),
                Err(_closed) => return Err(Crashed),
            };
            match end {
                Some(End::Done(value)) => {
                    let first = !flight.taken.swap(true, Ordering::Relaxed);
                    return Ok(Shared { value, first });
                }
                // Only who did not begin it comes here: one who waits keeps it going.
                Some(End::Abandoned) => {}
                Some(End::Crashed) | None => return Err(Crashed),
            }
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Default for Flights<T> {
    /// Nothing is under way. As many flights as there are calls: whoever bounds these bounds them.
    fn default() -> Self {
        Self(Cache::builder().build())
    }
}

// === impl Flight ===

impl<T> Flight<T> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            end: watch::Sender::new(None),
            taken: AtomicBool::new(false),
        })
    }
}

// === impl Landing ===

impl<T: Clone + Send + Sync + 'static> Landing<T> {
    async fn after(mut self, work: impl Future<Output = T> + Send) {
        self.end = tokio::select! {
            biased;
            value = work => End::Done(value),
            () = self.flight.end.closed() => End::Abandoned,
        };
    }
}

impl<T: Clone + Send + Sync + 'static> Drop for Landing<T> {
    fn drop(&mut self) {
        let own = &self.flight;
        self.flights.entry(self.key).and_compute_with(|entry| {
            match entry.is_some_and(|entry| Arc::ptr_eq(entry.value(), own)) {
                true => Op::Remove,
                false => Op::Nop,
            }
        });
        // What is removed would otherwise stay in memory until later.
        self.flights.run_pending_tasks();
        let end = std::mem::replace(&mut self.end, End::Crashed);
        own.end.send_replace(Some(end));
    }
}
