//! A house of one tool and two providers that do as they are told, without a socket.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::prelude::*;
use arc_swap::ArcSwap;
use serde_json::Value;
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

use crate::{
    cache::Cache,
    catalogue::{
        Catalogue, HubInfo, ModelInfo, Models, Provider, ProviderInfo, Results, Tool, ToolKind,
    },
    error::CallError,
    plan::Hop,
    principal::Principal,
    protocol::{
        ActorHealth, Ask, Class, Completion, CompletionRequest, Failure, FailureKind, FinishReason,
        ProviderUp, Reply, ReportHealth, SearchRequest, Usage,
    },
    tools::{self, Call, Outcome},
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

/// The house.
pub struct House {
    pub first: Vendor,
    pub second: Vendor,
    pub catalogue: Arc<Catalogue>,
    health: Recipient<ReportHealth>,
    /// The providers' lives end with it.
    _life: watch::Sender<()>,
}

struct Health;

/// A hop to an LLM provider that is not there.
pub fn hop(provider: &str, model: &str, limit: u32) -> Hop<CompletionRequest> {
    Hop {
        provider: Arc::new(info(provider, None)),
        up: None,
        model: model.into(),
        limit,
    }
}

/// A hop to a search provider that is not there.
pub fn search_hop(provider: &str, _: &str, limit: u32) -> Hop<SearchRequest> {
    Hop {
        provider: Arc::new(ProviderInfo {
            name: provider.into(),
            offer: Results {
                default: 5,
                most: 10,
            },
            fallback: None,
            inactive: None,
        }),
        up: None,
        model: "".into(),
        limit,
    }
}

/// Somebody.
pub fn principal(id: &str) -> Arc<Principal> {
    Arc::new(Principal { id: id.into() })
}

fn info(name: &str, fallback: Option<&str>) -> ProviderInfo {
    ProviderInfo {
        name: name.into(),
        offer: Models {
            default: "m".into(),
            all: vec!["m".into(), "n".into()],
        },
        fallback: fallback.map(Into::into),
        inactive: None,
    }
}

// === impl Vendor ===

impl Vendor {
    fn new(name: &'static str) -> Self {
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
            _ => Ok(Completion {
                text,
                model: None,
                usage: Usage {
                    input_tokens: 1_000,
                    output_tokens: 1_000,
                    ..Usage::default()
                },
                finish: match behaviour {
                    Behaviour::Cut => FinishReason::Length,
                    _ => FinishReason::Stop,
                },
            }),
        };
        let reply = Reply {
            outcome,
            tries: 1,
            dropped: Vec::new(),
        };
        drop(ask.reply.send(reply));
    }

    fn provider(&self, fallback: Option<&str>, life: &watch::Sender<()>) -> Provider {
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

impl Actor for Health {
    type Context = Context<Self>;
}

impl Handler<ReportHealth> for Health {
    type Result = Vec<ActorHealth>;

    fn handle(&mut self, _: ReportHealth, _: &mut Self::Context) -> Self::Result {
        Vec::new()
    }
}

// === impl House ===

impl House {
    /// `ask` asks `first`, then `second`; answers are kept for `ttl`, if at all, calls take `timeout` at
    /// most. `m` of `first` costs 3 dollars a call.
    pub fn new(ttl: Option<Duration>, timeout: Duration) -> Self {
        let (first, second) = (Vendor::new("first"), Vendor::new("second"));
        let life = watch::Sender::new(());
        let catalogue = Catalogue {
            hub: Arc::new(HubInfo {
                name: "test".to_owned(),
                version: String::new(),
                description: String::new(),
                transport: String::new(),
                started: std::time::Instant::now(),
                tag_replies: false,
                max_wait: Duration::from_secs(1),
                request_timeout: Duration::from_secs(60),
                search_timeout: Duration::from_secs(60),
            }),
            tools: vec![Arc::new(Tool {
                name: "ask".into(),
                description: String::new(),
                kind: ToolKind::Llm {
                    system: Some("Be brief.".into()),
                    provider: None,
                },
                timeout,
                cache_ttl: ttl,
                inactive: None,
            })],
            providers: vec![
                first.provider(Some("second"), &life),
                second.provider(None, &life),
            ],
            searchers: Vec::new(),
            models: vec![Arc::new(ModelInfo {
                name: "m".into(),
                provider: "first".into(),
                context_tokens: None,
                max_output_tokens: None,
                requests_per_min: None,
                requests_per_day: None,
                cost_input_per_1k: Some(1.0),
                cost_output_per_1k: Some(2.0),
                cost_cached_input_per_1k: None,
                capabilities: Vec::new(),
            })],
            db: None,
            cache: ttl.map(|_| Arc::new(Cache::new(1_000_000))),
            #[cfg(feature = "fixtures")]
            conformance: false,
        };
        Self {
            first,
            second,
            catalogue: Arc::new(catalogue),
            health: Health.start().recipient(),
            _life: life,
        }
    }

    /// Changes what there is; the cache stays.
    pub fn change(&mut self, change: impl FnOnce(&mut Catalogue)) {
        change(Arc::make_mut(&mut self.catalogue));
    }

    /// One call of `ask`.
    pub async fn call(
        &self,
        principal: &Arc<Principal>,
        params: Value,
    ) -> Result<Outcome, CallError> {
        let call = Call {
            principal: principal.clone(),
            tool: "ask".to_owned(),
            params: Some(params),
            received: Instant::now(),
            observer: None,
        };
        tools::run(&self.catalogue, &self.health, call).await
    }
}
