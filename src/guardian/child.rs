//! Child: what the guardian knows of one actor through all its lives.

use std::{collections::VecDeque, time::Instant};

use actix::prelude::*;
use hub_actors::{
    protocol::{
        AccessChanged, ActorState, Announce, CatalogueChanged, CloudIs, CloudUp, CryptoUp, DbUp,
        Drain, EmbeddingRequest, FetchImage, Heartbeat, OutboxUp, ProviderUp, ReportHealth,
        SearchRequest,
    },
    supervise::{Link, Restart, RestartPolicy},
};
use tokio::sync::watch;

use crate::identity::{Administer, IdentityUp};

/// A start: makes a child's next life, tied to the link.
pub type StartChild = Box<dyn Fn(Link, &Parent) -> std::io::Result<Life> + Send>;

/// The guardian, as its children may address it.
pub struct Parent {
    /// How is everyone?
    pub health: Recipient<ReportHealth>,
    /// Identity says here that it runs, and what has changed.
    pub identity: Recipient<IdentityUp>,
    /// Passed on to Identity.
    pub keys: Recipient<Administer>,
}

/// A running child.
pub struct Life {
    /// Its thread: the kill switch.
    pub arbiter: Arbiter,
    /// Where it is asked whether it still turns its loop.
    pub heartbeat: Recipient<Heartbeat>,
    /// How it is wired to the others.
    pub role: Role,
}

/// What a child is to the others.
pub enum Role {
    /// Wants to know who is up.
    Registry(Recipient<Announce>),
    /// Is announced to the registry.
    Provider {
        /// What is announced.
        up: ProviderUp,
        /// Dropped with the life, which callers see, also those of a life that is stuck.
        _life: watch::Sender<()>,
    },
    /// The same, for searches.
    Searcher {
        /// What is announced.
        up: ProviderUp<SearchRequest>,
        /// As above.
        _life: watch::Sender<()>,
    },
    /// The same, for vectors.
    Embedder {
        /// What is announced.
        up: ProviderUp<EmbeddingRequest>,
        /// As above.
        _life: watch::Sender<()>,
    },
    /// Is announced to the registry, and drained when nobody calls any more.
    DbSync {
        /// What is announced.
        up: DbUp,
        /// Where it is asked to write what it has.
        drain: Recipient<Drain>,
    },
    /// Is announced to the registry: who opens and seals envelopes.
    Crypto(CryptoUp),
    /// Is announced to the registry: who fetches images.
    Fetcher(Recipient<FetchImage>),
    /// Is announced to the registry, told of the database, and drained as DbSync is.
    Outbox {
        /// What is announced.
        up: OutboxUp,
        /// Where it is asked to write what it has.
        drain: Recipient<Drain>,
        /// Where it is told who brings its rows to the database.
        cloud: Recipient<CloudIs>,
    },
    /// Is made known to the outbox.
    CloudDb(CloudUp),
    /// Is told of every change, and drained at the end.
    Transport {
        /// Where it learns of changes.
        listener: Recipient<CatalogueChanged>,
        /// Where it learns who may enter.
        access: Recipient<AccessChanged>,
        /// Where it is asked to finish.
        drain: Recipient<Drain>,
    },
    /// Writes what others leave, and is drained when nobody calls any more.
    Keeper {
        /// Where it is asked to write what it has.
        drain: Recipient<Drain>,
    },
    /// Finds others by itself, or through the guardian.
    Helper,
}

/// A child through all its lives.
pub(super) struct Child {
    /// Makes the next life.
    pub start: StartChild,
    /// Which life this is; also counts ends, so that an echo of an earlier one is known as such.
    pub incarnation: u64,
    /// The running life.
    pub life: Option<Life>,
    /// When it was asked for a sign of life that it still owes.
    pub asked: Option<Instant>,
    exits: VecDeque<Instant>,
    /// Where it stands.
    pub state: ActorState,
    /// Starts after the first.
    pub restarts: u64,
    /// The last exit, in a word.
    pub last_exit: Option<&'static str>,
}

// === impl Life ===

impl Life {
    /// The life of a child that nobody needs to be told of.
    pub fn helper(arbiter: Arbiter, heartbeat: Recipient<Heartbeat>) -> Self {
        Self {
            arbiter,
            heartbeat,
            role: Role::Helper,
        }
    }
}

// === impl Role ===

impl Role {
    /// What the registry is told of a child.
    pub(super) fn announcement(&self) -> Option<Announce> {
        match self {
            Self::Registry(_) | Self::CloudDb(_) | Self::Keeper { .. } | Self::Helper => None,
            Self::Outbox { up, .. } => Some(Announce::OutboxUp(up.clone())),
            Self::Provider { up, .. } => Some(Announce::ProviderUp(up.clone())),
            Self::Searcher { up, .. } => Some(Announce::SearcherUp(up.clone())),
            Self::Embedder { up, .. } => Some(Announce::EmbedderUp(up.clone())),
            Self::DbSync { up, .. } => Some(Announce::DbUp(up.clone())),
            Self::Crypto(up) => Some(Announce::CryptoUp(up.clone())),
            Self::Fetcher(up) => Some(Announce::FetcherUp(up.clone())),
            Self::Transport { listener, .. } => Some(Announce::Listener(listener.clone())),
        }
    }

    /// What the registry is told when a child ends.
    pub(super) fn farewell(&self) -> Option<Announce> {
        match self {
            Self::Provider { up, .. } => Some(Announce::ProviderDown(up.name.clone())),
            Self::Searcher { up, .. } => Some(Announce::SearcherDown(up.name.clone())),
            Self::Embedder { up, .. } => Some(Announce::EmbedderDown(up.name.clone())),
            Self::DbSync { .. } => Some(Announce::DbDown),
            Self::Crypto(_) => Some(Announce::CryptoDown),
            Self::Fetcher(_) => Some(Announce::FetcherDown),
            Self::Outbox { .. } => Some(Announce::OutboxDown),
            Self::Registry(_)
            | Self::CloudDb(_)
            | Self::Transport { .. }
            | Self::Keeper { .. }
            | Self::Helper => None,
        }
    }
}

// === impl Child ===

impl Child {
    pub(super) fn new(start: StartChild) -> Self {
        Self {
            start,
            incarnation: 0,
            life: None,
            asked: None,
            exits: VecDeque::new(),
            state: ActorState::Restarting,
            restarts: 0,
            last_exit: None,
        }
    }

    /// Counts an exit that just happened and says what to do.
    pub(super) fn exited(&mut self, policy: RestartPolicy) -> Restart {
        let now = Instant::now();
        self.exits
            .retain(|exit| now.duration_since(*exit) < policy.within);
        self.exits.push_back(now);
        let decision = policy.decide(self.exits.len());
        self.state = match decision {
            Restart::After(_) => ActorState::Restarting,
            Restart::Quarantine(_) => ActorState::Quarantined,
        };
        decision
    }
}
