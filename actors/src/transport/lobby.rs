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
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};

use super::{
    access::Access,
    body::Budget,
    mcp::{Changes, Listing},
    views::{Seen, Views},
};
use crate::{
    audit::Trail,
    catalogue::{Catalogue, ToolKind},
    chat::{self, Chat, Chatted},
    error::CallError,
    principal::Principal,
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
    /// Who may enter.
    pub access: Arc<Access>,
    /// Where calls are put down.
    pub trail: Trail,
    /// What those see who do not see everything.
    views: Views,
    health: Recipient<ReportHealth>,
    draining: AtomicBool,
    in_flight: Arc<AtomicUsize>,
}

/// Counts a call while it lives: a draining hub waits for it.
pub struct InFlight {
    count: Arc<AtomicUsize>,
    /// Its place among its principal's calls at the same time.
    place: Option<OwnedSemaphorePermit>,
}

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
    pub fn new(health: Recipient<ReportHealth>, trail: Trail) -> Self {
        Self {
            catalogue: ArcSwapOption::empty(),
            listing: ArcSwap::default(),
            changes: watch::Sender::default(),
            listeners: Arc::new(Semaphore::new(LISTENERS)),
            bodies: Budget::default(),
            access: Arc::default(),
            trail,
            views: Views::default(),
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
        self.views.clear();
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

    /// What there is for `principal`; `None` before the registry has spoken.
    pub fn seen_by(&self, principal: &Principal) -> Option<Seen> {
        let catalogue = self.catalogue.load_full()?;
        if principal.sees_all() {
            let listing = self.listing.load_full();
            return Some(Seen { catalogue, listing });
        }
        Some(self.views.of(principal, &catalogue))
    }

    /// Runs a call against the latest catalogue, as its principal sees it. It ends when their key is
    /// revoked.
    ///
    /// # Errors
    /// Every [`CallError`] there is.
    pub async fn run(&self, call: Call) -> Result<Outcome, CallError> {
        let principal = call.principal.clone();
        let (seen, _held) = self.begin(&principal)?;
        tokio::select! {
            biased;
            outcome = tools::run(&seen.catalogue, &self.health, call) => outcome,
            () = principal.account.over() => Err(CallError::Unauthorized),
        }
    }

    /// Runs a call against the latest catalogue, bit by bit if it can be. It is in flight until its
    /// answer is written.
    ///
    /// # Errors
    /// Every [`CallError`] there is.
    pub async fn stream(&self, call: Call) -> Result<(Streamed, InFlight), CallError> {
        let principal = call.principal.clone();
        let (seen, mut in_flight) = self.begin(&principal)?;
        let catalogue = seen.catalogue;
        let tool = tools::find(&catalogue, &principal, &call.tool)?;
        if !matches!(tool.kind, ToolKind::Llm { .. }) {
            // It takes a place of its own.
            in_flight.place = None;
            let outcome = self.run(call).await?;
            return Ok((Streamed::Done(Box::new(outcome)), in_flight));
        }
        let tool = tool.name.clone();
        let chatted = tokio::select! {
            biased;
            chatted = tools::tell(&catalogue, call) => chatted?,
            () = principal.account.over() => return Err(CallError::Unauthorized),
        };
        let told = Streamed::Told {
            catalogue,
            tool,
            chatted: Box::new(chatted),
        };
        Ok((told, in_flight))
    }

    /// Runs a conversation against the latest catalogue, as its principal sees it. It is in flight until
    /// its answer is written.
    ///
    /// # Errors
    /// Every [`CallError`] there is.
    pub async fn chat(&self, chat: Chat) -> Result<(Chatted, InFlight), CallError> {
        let principal = chat.principal.clone();
        let (seen, in_flight) = self.begin(&principal)?;
        tokio::select! {
            biased;
            chatted = chat::run(&seen.catalogue, chat) => Ok((chatted?, in_flight)),
            () = principal.account.over() => Err(CallError::Unauthorized),
        }
    }

    /// Lets a call in: what its principal sees, and what it holds while it lasts.
    fn begin(&self, principal: &Principal) -> Result<(Seen, InFlight), CallError> {
        let mut in_flight = InFlight::new(&self.in_flight);
        if principal.account.is_over() {
            return Err(CallError::Unauthorized);
        }
        in_flight.place = principal.account.begin()?;
        let open = !self.draining.load(Ordering::SeqCst);
        let seen = self.seen_by(principal).filter(|_| open);
        let seen = seen.ok_or_else(|| {
            CallError::Overloaded(
                "The hub is starting or stopping. Try again in a second.".to_owned(),
            )
        })?;
        Ok((seen, in_flight))
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
        Self {
            count: count.clone(),
            place: None,
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
    }
}
