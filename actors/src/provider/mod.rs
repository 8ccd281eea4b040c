//! ProviderActor: one vendor behind a mailbox, on a thread of its own.

mod exchange;
#[cfg(feature = "fixtures")]
pub mod fault;
mod pump;
mod reading;
mod retry;
mod sieve;
#[cfg(test)]
mod silence;
pub mod wire;

use std::{rc::Rc, sync::Arc};

use actix::prelude::*;
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use tokio::sync::{Semaphore, mpsc, watch};

pub use self::retry::Retry;
use self::{
    exchange::{Vendor, answer},
    wire::{Dialect, Wire},
};
use crate::{
    memory::Memory,
    protocol::{Ask, CompletionRequest, Heartbeat, ProviderUp},
    request::Request,
    supervise::{Link, spawn_linked},
    upstream::Upstream,
};

/// What the Guardian knows of a provider, without its key.
pub struct ProviderSpec<R: Request = CompletionRequest> {
    /// Its name in hub.pyfun.
    pub name: Arc<str>,
    /// Most requests in flight.
    pub permits: usize,
    /// What answers.
    pub kind: ProviderKind<R>,
}

/// What answers.
pub enum ProviderKind<R: Request = CompletionRequest> {
    /// A vendor's API.
    Vendor {
        /// The right to call it.
        upstream: Upstream,
        /// Its format.
        wire: &'static dyn Wire<R>,
        /// Its habits within the format.
        dialect: Dialect,
        /// How often it is asked again.
        retry: Retry,
        /// What the large events of all providers' streams share.
        memory: Memory,
    },
    /// Fails on demand.
    #[cfg(feature = "fixtures")]
    Fault(fault::Kill),
}

/// A started provider.
pub struct Started<R: Request> {
    /// Its thread: the kill switch.
    pub arbiter: Arbiter,
    /// Where it is asked whether it still turns its loop.
    pub heartbeat: Recipient<Heartbeat>,
    /// Where it is asked.
    pub up: ProviderUp<R>,
    /// Dropped when this life is given up, which its callers see.
    pub life: watch::Sender<()>,
}

/// The actor. Its requests run inside its own context, so that a panic in one is its exit.
struct ProviderActor<R: Request> {
    spec: ProviderSpec<R>,
    vendor: Option<Rc<Vendor<R>>>,
    work: Option<mpsc::UnboundedSender<LocalBoxFuture<'static, ()>>>,
}

/// Starts a provider's next life.
///
/// Permits belong to one life: those that a stuck life never gives back are not missed by the next.
pub fn start<R: Request>(spec: &ProviderSpec<R>, link: Link) -> Started<R> {
    let permits = Arc::new(Semaphore::new(spec.permits));
    let name = spec.name.clone();
    match &spec.kind {
        ProviderKind::Vendor { .. } => {
            let spec = spec.clone();
            let (arbiter, address) = spawn_linked(link, move || ProviderActor {
                spec,
                vendor: None,
                work: None,
            });
            Started::new(arbiter, address, name, permits)
        }
        #[cfg(feature = "fixtures")]
        ProviderKind::Fault(kill) => {
            let kill = kill.clone();
            let (arbiter, address) = spawn_linked(link, move || fault::Fault::new(kill));
            Started::new(arbiter, address, name, permits)
        }
    }
}

/// Polls every request in flight. A wake-up polls the request it is for, not all of them, which is
/// what the context itself would do.
async fn drive(mut work: mpsc::UnboundedReceiver<LocalBoxFuture<'static, ()>>) {
    let mut in_flight = FuturesUnordered::new();
    loop {
        tokio::select! {
            more = work.recv() => match more {
                Some(future) => in_flight.push(future),
                None => return,
            },
            Some(()) = in_flight.next() => {}
        }
    }
}

// === impl ProviderSpec ===

// Derived, these would ask for a question that can be copied.
impl<R: Request> Clone for ProviderSpec<R> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            permits: self.permits,
            kind: self.kind.clone(),
        }
    }
}

impl<R: Request> Clone for ProviderKind<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Vendor {
                upstream,
                wire,
                dialect,
                retry,
                memory,
            } => Self::Vendor {
                upstream: upstream.clone(),
                wire: *wire,
                dialect: dialect.clone(),
                retry: *retry,
                memory: memory.clone(),
            },
            #[cfg(feature = "fixtures")]
            Self::Fault(kill) => Self::Fault(kill.clone()),
        }
    }
}

// === impl Started ===

impl<R: Request> Started<R> {
    fn new<A>(arbiter: Arbiter, address: Addr<A>, name: Arc<str>, permits: Arc<Semaphore>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<Ask<R>> + Handler<Heartbeat>,
    {
        let (life, callers) = watch::channel(());
        Self {
            arbiter,
            heartbeat: address.clone().recipient(),
            up: ProviderUp {
                name,
                calls: address.recipient(),
                permits,
                life: callers,
            },
            life,
        }
    }
}

// === impl ProviderActor ===

impl<R: Request> Actor for ProviderActor<R> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        #[cfg_attr(not(feature = "fixtures"), expect(irrefutable_let_patterns))]
        let ProviderKind::Vendor {
            upstream,
            wire,
            dialect,
            retry,
            memory,
        } = &self.spec.kind
        else {
            return;
        };
        let connection = match upstream.open() {
            Ok(connection) => connection,
            Err(error) => {
                tracing::error!(provider = &*self.spec.name, %error, "no client for this provider");
                return ctx.stop();
            }
        };
        self.vendor = Some(Rc::new(Vendor::new(
            self.spec.name.clone(),
            connection,
            *wire,
            dialect.clone(),
            *retry,
            memory.clone(),
        )));
        let (sender, work) = mpsc::unbounded_channel();
        self.work = Some(sender);
        ctx.spawn(drive(work).into_actor(self));
    }
}

impl<R: Request> Handler<Ask<R>> for ProviderActor<R> {
    type Result = ();

    fn handle(&mut self, ask: Ask<R>, _: &mut Self::Context) {
        // Without a vendor the actor is stopping; dropping `ask` tells the caller.
        if let (Some(vendor), Some(work)) = (&self.vendor, &self.work) {
            // The receiver lives in this context: a failed send means that the context ends too.
            drop(work.send(answer(vendor.clone(), ask).boxed_local()));
        }
    }
}

impl<R: Request> Handler<Heartbeat> for ProviderActor<R> {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
