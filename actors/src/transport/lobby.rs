//! Lobby: what every request of a door needs, shared by its threads without a lock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::Recipient;
use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use super::{
    body::Budget,
    mcp::{Changes, Listing},
};
use crate::{
    catalogue::{Catalogue, ToolKind},
    chat::{self, Chat, Chatted},
    error::CallError,
    protocol::ReportHealth,
    tools::{self, Call, Outcome},
};

/// How often an end of the calls in flight is looked for while draining.
const DRAIN_POLL: Duration = Duration::from_millis(10);

/// Most streams that wait for changes. Anyone may open one, and it costs memory for as long as it likes.
const LISTENERS: usize = 1_000;
/// Longest wait for the registry's first word.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shared by all requests of one life of a transport.
pub struct Lobby {
    /// The latest catalogue; none before the registry has spoken.
    pub catalogue: ArcSwapOption<Catalogue>,
    /// The latest catalogue as MCP clients see it.
    pub listing: ArcSwap<Listing>,
    /// Counts the changes of what is listed.
    pub changes: watch::Sender<Changes>,
    /// Places for streams that wait for changes and nothing else.
    pub listeners: Arc<Semaphore>,
    /// Memory for what callers send.
    pub bodies: Budget,
    health: Recipient<ReportHealth>,
    draining: AtomicBool,
    in_flight: Arc<AtomicUsize>,
}

/// Counts a call while it lives: a draining hub waits for it.
pub struct InFlight(Arc<AtomicUsize>);

/// How a call comes that may come bit by bit.
pub enum Streamed {
    /// An LLM's answer, which has begun.
    Told {
        /// By which it was planned.
        catalogue: Arc<Catalogue>,
        /// Which tool.
        tool: Arc<str>,
        /// The answer.
        chatted: Box<Chatted>,
    },
    /// Another tool's result.
    Done(Box<Outcome>),
}

// === impl Lobby ===

impl Lobby {
    /// A lobby that is not ready yet.
    pub fn new(health: Recipient<ReportHealth>) -> Self {
        Self {
            catalogue: ArcSwapOption::empty(),
            listing: ArcSwap::default(),
            changes: watch::Sender::default(),
            listeners: Arc::new(Semaphore::new(LISTENERS)),
            bodies: Budget::default(),
            health,
            draining: AtomicBool::new(false),
            in_flight: Arc::default(),
        }
    }

    /// Makes a new catalogue the truth, and tells those who wait for changes of what is listed. A
    /// provider that goes down or comes up changes no list.
    pub fn publish(&self, catalogue: Arc<Catalogue>) {
        let listing = Arc::new(Listing::new(&catalogue));
        self.catalogue.store(Some(catalogue));
        let before = self.listing.swap(listing.clone());
        self.changes
            .send_if_modified(|changes| changes.count(&before, &listing));
    }

    /// Waits a moment for the first catalogue: who comes just after a start need not come again.
    /// Whether it is there.
    pub async fn ready(&self) -> bool {
        let mut changes = self.changes.subscribe();
        // Every catalogue has tools, so the first one changes their list.
        let spoken = changes.wait_for(|changes| changes.tools > 0);
        timeout(PATIENCE, spoken)
            .await
            .is_ok_and(|spoken| spoken.is_ok())
    }

    /// Why no call can be taken now, in a word; `None` if it can.
    pub fn unready(&self) -> Option<&'static str> {
        if self.draining.load(Ordering::Relaxed) {
            Some("draining")
        } else if self.catalogue.load().is_none() {
            Some("starting")
        } else {
            None
        }
    }

    /// Runs a call against the latest catalogue.
    ///
    /// # Errors
    /// Every [`CallError`] there is.
    pub async fn run(&self, call: Call) -> Result<Outcome, CallError> {
        let _in_flight = InFlight::new(&self.in_flight);
        let catalogue = self.open()?;
        tools::run(&catalogue, &self.health, call).await
    }

    /// Runs a call against the latest catalogue, bit by bit if it can be. It is in flight until its
    /// answer is written.
    ///
    /// # Errors
    /// Every [`CallError`] there is.
    pub async fn stream(&self, call: Call) -> Result<(Streamed, InFlight), CallError> {
        let in_flight = InFlight::new(&self.in_flight);
        let catalogue = self.open()?;
        let tool = tools::find(&catalogue, &call.tool)?;
        if !matches!(tool.kind, ToolKind::Llm { .. }) {
            let outcome = tools::run(&catalogue, &self.health, call).await?;
            return Ok((Streamed::Done(Box::new(outcome)), in_flight));
        }
        let tool = tool.name.clone();
        let chatted = tools::tell(&catalogue, call).await?;
        let told = Streamed::Told {
            catalogue,
            tool,
            chatted: Box::new(chatted),
        };
        Ok((told, in_flight))
    }

    /// Runs a conversation against the latest catalogue. It is in flight until its answer is written.
    ///
    /// # Errors
    /// Every [`CallError`] there is.
    pub async fn chat(&self, chat: Chat) -> Result<(Chatted, InFlight), CallError> {
        let in_flight = InFlight::new(&self.in_flight);
        let catalogue = self.open()?;
        Ok((chat::run(&catalogue, chat).await?, in_flight))
    }

    fn open(&self) -> Result<Arc<Catalogue>, CallError> {
        let open = !self.draining.load(Ordering::SeqCst);
        let catalogue = self.catalogue.load_full().filter(|_| open);
        catalogue.ok_or_else(|| {
            CallError::Overloaded(
                "The hub is starting or stopping. Try again in a second.".to_owned(),
            )
        })
    }

    /// Takes no new calls; returns when those in flight are done.
    pub async fn drain(self: Arc<Self>) {
        self.draining.store(true, Ordering::SeqCst);
        while self.in_flight.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(DRAIN_POLL).await;
        }
    }
}

// === impl InFlight ===

impl InFlight {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
