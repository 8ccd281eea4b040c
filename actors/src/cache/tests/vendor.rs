//! A provider that does as it is told, without a socket.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix::prelude::*;
use arc_swap::ArcSwap;
use tokio::sync::{Semaphore, watch};

use crate::{
    catalogue::{Models, Provider, ProviderInfo},
    conversation::Part,
    protocol::{
        Ask, Class, Completed, Completion, CompletionRequest, Failure, FailureKind, FinishReason,
        ProviderUp, Reply, Usage,
    },
};

/// What a provider does with the next questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers with a text of its own each time.
    Answer,
    /// The same, cut by the limit.
    Cut,
    /// The same, but nothing is said.
    Empty,
    /// Fails.
    Fail,
}

/// A provider, and what it saw.
#[derive(Clone)]
pub struct Vendor {
    name: &'static str,
    behaviour: Arc<ArcSwap<Behaviour>>,
    asked: Arc<AtomicUsize>,
    given_up: Arc<AtomicUsize>,
    /// One permit for each question that may be answered.
    gate: Arc<Semaphore>,
}

/// What the configuration says of one.
pub fn info(name: &str, fallback: Option<&str>) -> ProviderInfo {
    ProviderInfo {
        name: name.into(),
        offer: Models {
            default: "m".into(),
            all: vec!["m".into(), "n".into()],
            format: None,
        },
        fallback: fallback.map(Into::into),
        inactive: None,
    }
}

// === impl Vendor ===

impl Vendor {
    /// One that answers at once.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            behaviour: Arc::new(ArcSwap::from_pointee(Behaviour::Answer)),
            asked: Arc::default(),
            given_up: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    /// What it does from now on.
    pub fn does(&self, behaviour: Behaviour) {
        self.behaviour.store(Arc::new(behaviour));
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How many questions were taken back.
    pub fn given_up(&self) -> usize {
        self.given_up.load(Ordering::SeqCst)
    }

    /// Answers nobody until [`Vendor::release`].
    pub fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Answers so many.
    pub fn release(&self, count: usize) {
        self.gate.add_permits(count);
    }

    /// Returns once it was asked so often.
    pub async fn until_asked(&self, count: usize) {
        while self.asked() < count {
            tokio::task::yield_now().await;
        }
    }

    async fn answer(self, mut ask: Ask<CompletionRequest>) {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let permit = tokio::select! {
            permit = self.gate.acquire() => permit,
            () = ask.reply.closed() => {
                self.given_up.fetch_add(1, Ordering::SeqCst);
                return;
            }
        };
        permit.unwrap().forget();
        let behaviour = **self.behaviour.load();
        let text = match behaviour {
            Behaviour::Empty => " ".to_owned(),
            _ => format!("{} says {number}", self.name),
        };
        let outcome = match behaviour {
            Behaviour::Fail => Err(Failure::new(FailureKind::ServerError, Class::NextNow)),
            _ => Ok(Completed::Whole(Completion {
                parts: vec![Part::text(text)],
                usage: Usage {
                    input_tokens: 1_000,
                    output_tokens: 1_000,
                    ..Usage::default()
                },
                finish: match behaviour {
                    Behaviour::Cut => FinishReason::Length,
                    _ => FinishReason::Stop,
                },
                ..Completion::default()
            })),
        };
        let reply = Reply {
            outcome,
            tries: 1,
            dropped: Vec::new(),
        };
        drop(ask.reply.send(reply));
    }

    /// Its place in the catalogue; its actor lives as long as `life`.
    pub fn provider(&self, fallback: Option<&str>, life: &watch::Sender<()>) -> Provider {
        Provider {
            info: Arc::new(info(self.name, fallback)),
            up: Some(ProviderUp {
                name: self.name.into(),
                calls: self.clone().start().recipient(),
                permits: Arc::new(Semaphore::new(1_000)),
                life: life.subscribe(),
            }),
        }
    }
}

impl Actor for Vendor {
    type Context = Context<Self>;
}

impl Handler<Ask<CompletionRequest>> for Vendor {
    type Result = ();

    fn handle(&mut self, ask: Ask<CompletionRequest>, ctx: &mut Self::Context) {
        ctx.spawn(self.clone().answer(ask).into_actor(self));
    }
}
