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
    entries::Entries,
    mcp::{Changes, Listing},
    views::{Seen, Views},
};
use crate::{
    account::Account,
    audit::Trail,
    catalogue::{Catalogue, ToolKind},
    chat::{self, Chat, Chatted},
    embedding::{self, Embedding},
    error::CallError,
    models,
    outcome::Outcome,
    params::clip,
    principal::Principal,
    protocol::{Embedded, ReportHealth},
    tools::{self, Call},
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
    /// Logins and logouts, on their way there.
    pub entries: Entries,
    /// What those see who do not see everything.
    views: Views,
    health: Recipient<ReportHealth>,
    draining: AtomicBool,
    in_flight: Arc<AtomicUsize>,
}

/// A call, from its beginning until its answer is written: a draining hub waits for it, and its principal
/// has one place less.
pub struct InFlight {
    count: Arc<AtomicUsize>,
    account: Arc<Account>,
    _place: Option<OwnedSemaphorePermit>,
}

/// How a call comes that may come bit by bit.
pub enum Streamed {
    /// An LLM's answer, which has begun.
    Told {
        /// By which it was planned.
        catalogue: Arc<Catalogue>,
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
            entries: Entries::default(),
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
    /// revoked, and is in flight until its answer is written.
    ///
    /// # Errors
    /// Every [`CallError`] there is.
    pub async fn run(&self, call: Call) -> Result<(Outcome, InFlight), CallError> {
        let in_flight = self.begin(&call.principal)?;
        let seen = self.open(&call.principal)?;
        let outcome = tokio::select! {
            biased;
            outcome = tools::run(&seen.catalogue, &self.health, call) => outcome?,
            () = in_flight.over() => return Err(CallError::Unauthorized),
        };
        Ok((outcome, in_flight))
    }

    /// Runs a call against the latest catalogue, bit by bit if it can be. It is in flight until its
    /// answer is written.
    ///
    /// # Errors
    /// Every [`CallError`] there is.
    pub async fn stream(&self, call: Call) -> Result<(Streamed, InFlight), CallError> {
        let in_flight = self.begin(&call.principal)?;
        let seen = self.open(&call.principal)?;
        let streamed = tokio::select! {
            biased;
            streamed = self.streamed(seen.catalogue, call) => streamed?,
            () = in_flight.over() => return Err(CallError::Unauthorized),
        };
        Ok((streamed, in_flight))
    }

    async fn streamed(&self, catalogue: Arc<Catalogue>, call: Call) -> Result<Streamed, CallError> {
        let tool = tools::find(&catalogue, &call.principal, &call.tool)?;
        if !matches!(tool.kind, ToolKind::Llm { .. }) {
            let outcome = tools::run(&catalogue, &self.health, call).await?;
            return Ok(Streamed::Done(Box::new(outcome)));
        }
        let chatted = tools::tell(&catalogue, call).await?;
        Ok(Streamed::Told {
            catalogue,
            chatted: Box::new(chatted),
        })
    }

    /// Runs a conversation against the latest catalogue. It is in flight until its answer is written.
    ///
    /// # Errors
    /// Every [`CallError`] there is.
    pub async fn chat(&self, chat: Chat) -> Result<(Chatted, InFlight), CallError> {
        let (principal, name) = (chat.principal.clone(), chat.model.clone());
        let known = |catalogue: &Catalogue, name: &str| models::find(catalogue, name).is_ok();
        let run = async |catalogue: &Arc<Catalogue>| chat::run(catalogue, chat).await;
        self.named(&principal, &name, known, run).await
    }

    /// The same for vectors.
    ///
    /// # Errors
    /// Every [`CallError`] there is.
    pub async fn embed(
        &self,
        embedding: Embedding,
    ) -> Result<(Chatted<Embedded>, InFlight), CallError> {
        let (principal, name) = (embedding.principal.clone(), embedding.model.clone());
        let known = |catalogue: &Catalogue, name: &str| embedding::find(catalogue, name).is_ok();
        let run = async |catalogue: &Arc<Catalogue>| embedding::run(catalogue, embedding).await;
        self.named(&principal, &name, known, run).await
    }

    /// Runs what asks for something by its name, which may be `known` to somebody and not to `principal`.
    async fn named<T>(
        &self,
        principal: &Principal,
        name: &str,
        known: impl Fn(&Catalogue, &str) -> bool,
        run: impl AsyncFnOnce(&Arc<Catalogue>) -> Result<T, CallError>,
    ) -> Result<(T, InFlight), CallError> {
        let in_flight = self.begin(principal)?;
        let seen = self.open(principal)?;
        let answered = tokio::select! {
            biased;
            answered = run(&seen.catalogue) => answered,
            () = in_flight.over() => return Err(CallError::Unauthorized),
        };
        let whole = self.catalogue.load();
        let known = |whole: &Arc<Catalogue>| known(whole, name);
        match answered {
            Err(CallError::UnknownModel(_))
                if !principal.sees_all() && whole.as_ref().is_some_and(known) =>
            {
                Err(CallError::Forbidden(format!(
                    "The model `{}` is outside of what this key may use.",
                    clip(name)
                )))
            }
            answered => Ok((answered?, in_flight)),
        }
    }

    fn begin(&self, principal: &Principal) -> Result<InFlight, CallError> {
        let account = principal.account.clone();
        if account.is_over() {
            return Err(CallError::Unauthorized);
        }
        let place = account.begin()?;
        Ok(InFlight::new(&self.in_flight, account, place))
    }

    fn open(&self, principal: &Principal) -> Result<Seen, CallError> {
        let open = !self.draining.load(Ordering::SeqCst);
        let seen = self.seen_by(principal).filter(|_| open);
        seen.ok_or_else(|| {
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
    fn new(
        count: &Arc<AtomicUsize>,
        account: Arc<Account>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self {
            count: count.clone(),
            account,
            _place: place,
        }
    }

    /// Returns when the key of whoever calls has ended.
    pub fn over(&self) -> impl Future<Output = ()> + Send + 'static {
        self.account.over()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
    }
}
