//! A house of one tool and two providers.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use serde_json::Value;
use tokio::{sync::watch, time::Instant};

use super::vendor::{Vendor, info};
use crate::{
    cache::Cache,
    catalogue::{Catalogue, HubInfo, ModelInfo, ProviderInfo, Results, Tool, ToolKind},
    error::CallError,
    outcome::Outcome,
    plan::Hop,
    principal::Principal,
    protocol::{ActorHealth, CompletionRequest, ReportHealth, SearchRequest},
    tools::{self, Call},
};

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
    Arc::new(Principal::all(id))
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
            crypto: crate::catalogue::Crypto::NotConfigured,
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
            embedders: Vec::new(),
            models: vec![Arc::new(ModelInfo {
                name: "m".into(),
                calls: None,
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
            outbox: None,
            fetcher: crate::catalogue::Fetcher::Off,
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
