//! Audit: what is kept of each call, and how it gets there without holding the call up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use tokio::sync::mpsc;

/// What is kept of one call or one administrative act. Never what was asked or answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    /// When it ended.
    pub at: SystemTime,
    /// Whose key: its id.
    pub principal: Arc<str>,
    /// Whose key: its name.
    pub name: Arc<str>,
    /// Through which door: `api`, `mcp`, `control`.
    pub door: &'static str,
    /// The tool, or the act: `llm_complete`, `key add`. At most 64 characters, whatever was sent.
    pub what: String,
    /// Who answered, or to what it was done.
    pub provider: Arc<str>,
    /// Which model answered.
    pub model: Arc<str>,
    /// `ok`, `cancelled`, or the failure's code.
    pub outcome: &'static str,
    /// US dollars, where known.
    pub cost_usd: Option<f64>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// The call's name, as its caller has it.
    pub request_id: String,
}

/// Where a door leaves what is to be kept. Never waits: what finds no room is dropped and counted.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    queue: Option<mpsc::Sender<Audited>>,
    lost: Arc<AtomicU64>,
}

// === impl Trail ===

impl Trail {
    /// A trail with room for so many that are not written yet, and its other end.
    pub fn new(room: usize) -> (Self, mpsc::Receiver<Audited>) {
        let (queue, other_end) = mpsc::channel(room);
        let trail = Self {
            queue: Some(queue),
            lost: Arc::default(),
        };
        (trail, other_end)
    }

    /// Whether anybody keeps what is left here.
    pub fn is_kept(&self) -> bool {
        self.queue.is_some()
    }

    /// Leaves it.
    pub fn leave(&self, audited: Audited) {
        if let Some(queue) = &self.queue
            && queue.try_send(audited).is_err()
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were dropped since this was asked last.
    pub fn lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}
