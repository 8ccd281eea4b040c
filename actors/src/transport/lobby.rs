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
    access::Access,
    body::Budget,
    mcp::{Changes, Listing},
    views::{Seen, Views},
};
use crate::{
    audit::Trail,
    catalogue::Catalogue,
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
    in_flight: AtomicUsize,
}

/// Counts a call while it lives.
struct InFlight<'a>(&'a AtomicUsize);

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
            in_flight: AtomicUsize::new(0),
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
        let _in_flight = InFlight::new(&self.in_flight);
        let account = call.principal.account.clone();
        if account.is_over() {
            return Err(CallError::Unauthorized);
        }
        let _place = account.begin()?;
        let Some(seen) = self.open(&call.principal) else {
            return Err(CallError::Overloaded(
                "The hub is starting or stopping. Try again in a second.".to_owned(),
            ));
        };
        tokio::select! {
            biased;
            outcome = tools::run(&seen.catalogue, &self.health, call) => outcome,
            () = account.over() => Err(CallError::Unauthorized),
        }
    }

    fn open(&self, principal: &Principal) -> Option<Seen> {
        if self.draining.load(Ordering::SeqCst) {
            return None;
        }
        self.seen_by(principal)
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

impl<'a> InFlight<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
