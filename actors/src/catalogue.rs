//! Catalogue: the truth about tools, models and providers at one moment, immutable.
//!
//! The registry makes a new one whenever something changes and sends it to every door. Doors plan
//! calls from it without asking anybody: no message, no lock, no database on the request path.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::Recipient;

use crate::{
    cache::Cache,
    conversation::Format,
    protocol::{
        CompletionRequest, CryptoUp, DbUp, EmbeddingRequest, FetchImage, OutboxUp, ProviderUp,
        SearchRequest, Usage,
    },
    request::Request,
    table::Table,
};

/// Everything a door needs to list tools and plan calls.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Who we are.
    pub hub: Arc<HubInfo>,
    /// Every tool that the configuration names, active or not, in its order.
    pub tools: Vec<Arc<Tool>>,
    /// Every LLM provider that the configuration names, in its order.
    pub providers: Vec<Provider>,
    /// Every search provider that the configuration names, in its order.
    pub searchers: Vec<Provider<SearchRequest>>,
    /// Every LLM provider that makes vectors, too, in its order. Its `fallback` is the next of the chain
    /// that does.
    pub embedders: Vec<Provider<EmbeddingRequest>>,
    /// Every model that the configuration describes, in its order.
    pub models: Vec<Arc<ModelInfo>>,
    /// The hub's own state; `None` while it is down.
    pub db: Option<DbUp>,
    /// Who opens and seals envelopes.
    pub crypto: Crypto,
    /// Answers that need not be paid for twice, whatever goes down; `None` if no tool keeps any.
    pub cache: Option<Arc<Cache>>,
    /// What keeps rows for the cloud's database; `None` while it is down, and always without one.
    pub outbox: Option<OutboxUp>,
    /// Who fetches images for providers that read no addresses.
    pub fetcher: Fetcher,
    /// MCP offers what the official conformance suite asks for, too.
    #[cfg(feature = "fixtures")]
    pub conformance: bool,
}

/// Who we are.
#[derive(Debug, Clone)]
pub struct HubInfo {
    /// HUB_NAME
    pub name: String,
    /// HUB_VERSION
    pub version: String,
    /// HUB_DESCRIPTION
    pub description: String,
    /// HUB_TRANSPORT
    pub transport: String,
    /// When the hub started.
    pub started: Instant,
    /// Put `[provider] ` before each text.
    pub tag_replies: bool,
    /// Longest wait for a permit of a busy provider.
    pub max_wait: Duration,
    /// Longest time for one LLM provider.
    pub request_timeout: Duration,
    /// Longest time for one search provider.
    pub search_timeout: Duration,
}

/// One tool.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Its name, unique.
    pub name: Arc<str>,
    /// For people and models.
    pub description: String,
    /// What it does.
    pub kind: ToolKind,
    /// Longest time for one call, fallbacks and retries included.
    pub timeout: Duration,
    /// How long an answer is good for others who ask the same; `None` if it is not.
    pub cache_ttl: Option<Duration>,
    /// Why it cannot be called, in one sentence that says what to do; `None` if it can.
    pub inactive: Option<String>,
}

/// Who opens and seals the envelopes of `POST /crypto`.
#[derive(Debug, Clone)]
pub enum Crypto {
    /// There is no master key.
    NotConfigured,
    /// Its actor is restarting.
    Down,
    /// Here it is asked.
    Up(CryptoUp),
}

/// Who fetches images.
#[derive(Debug, Clone)]
pub enum Fetcher {
    /// The configuration wants none fetched.
    Off,
    /// Its actor is restarting.
    Down,
    /// Here it is asked.
    Up(Recipient<FetchImage>),
}

/// What a tool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolKind {
    /// Asks an LLM.
    Llm {
        /// Its system role.
        system: Option<Arc<str>>,
        /// Where its chain starts, if the caller does not say.
        provider: Option<Arc<str>>,
    },
    /// Searches the web.
    Search {
        /// Where its chain starts, if the caller does not say.
        provider: Option<Arc<str>>,
        /// How many hits, if the caller does not say; the provider's own number if not set.
        default_results: Option<u32>,
    },
    /// Lists tools, providers and models.
    ListActiveTools,
    /// Reports each actor's state.
    HealthCheck,
    /// Describes one model.
    GetModelInfo,
    /// Answers one SELECT on the hub's own state.
    DbQuery,
    /// Keeps a row in the cloud's database.
    Persist {
        /// Where it goes.
        table: Arc<Table>,
        /// The key of `hub_state` whose value is kept if the caller sends no data.
        state_key: Option<Arc<str>>,
    },
    /// Named by the configuration, not in this version of the hub.
    NotBuilt,
}

/// One provider.
#[derive(Debug)]
pub struct Provider<R: Request = CompletionRequest> {
    /// What the configuration says of it.
    pub info: Arc<ProviderInfo<R::Offer>>,
    /// Its running actor; `None` while it is down, and always without a key.
    pub up: Option<ProviderUp<R>>,
}

/// What the configuration says of a provider.
#[derive(Debug, Clone)]
pub struct ProviderInfo<O = Models> {
    /// Its name, unique among its kind.
    pub name: Arc<str>,
    /// What it has to offer.
    pub offer: O,
    /// The next provider of the chain.
    pub fallback: Option<Arc<str>>,
    /// Why it cannot be used, in a few words; `None` if it can.
    pub inactive: Option<String>,
}

/// What an LLM provider offers.
#[derive(Debug, Clone)]
pub struct Models {
    /// Used when the caller names no model.
    pub default: Arc<str>,
    /// Every model it offers.
    pub all: Vec<Arc<str>>,
    /// What it speaks; `None` for one without a vendor.
    pub format: Option<Format>,
}

/// What a provider of vectors offers.
#[derive(Debug, Clone)]
pub struct EmbeddingModels {
    /// Every embedding model.
    pub all: Vec<Arc<str>>,
}

/// What a search provider offers.
#[derive(Debug, Clone, Copy)]
pub struct Results {
    /// How many hits when the caller does not say.
    pub default: u32,
    /// Most hits.
    pub most: u32,
}

/// What the configuration says of a model.
#[derive(Debug, Clone)]
pub struct ModelInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Who offers it.
    pub provider: Arc<str>,
    /// What its provider calls it, if the name is a name of the configuration's own.
    pub calls: Option<Arc<str>>,
    /// Longest prompt and answer together.
    pub context_tokens: Option<u64>,
    /// Longest answer.
    pub max_output_tokens: Option<u32>,
    /// The vendor's limit.
    pub requests_per_min: Option<u64>,
    /// The vendor's limit.
    pub requests_per_day: Option<u64>,
    /// US dollars per 1,000 tokens.
    pub cost_input_per_1k: Option<f64>,
    /// US dollars per 1,000 tokens.
    pub cost_output_per_1k: Option<f64>,
    /// US dollars per 1,000 tokens read from the vendor's cache.
    pub cost_cached_input_per_1k: Option<f64>,
    /// What it can do, in the configuration's words.
    pub capabilities: Vec<String>,
}

// === impl Catalogue ===

impl Catalogue {
    /// The tool of that name, active or not.
    pub fn tool(&self, name: &str) -> Option<&Arc<Tool>> {
        self.tools.iter().find(|tool| &*tool.name == name)
    }

    /// Tools that can be called.
    pub fn active_tools(&self) -> impl Iterator<Item = &Arc<Tool>> {
        self.tools.iter().filter(|tool| tool.inactive.is_none())
    }

    /// The LLM provider of that name, usable or not.
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers
            .iter()
            .find(|provider| &*provider.info.name == name)
    }

    /// LLM providers that have what they need to be called, up or not at this moment.
    pub fn usable_providers(&self) -> impl Iterator<Item = &Provider> {
        self.providers
            .iter()
            .filter(|provider| provider.info.inactive.is_none())
    }

    /// Who is asked for that model: the first that offers it and can be used, else the first that
    /// offers it.
    pub fn offering(&self, model: &str) -> Option<&Provider> {
        let offers = |provider: &&Provider| provider.info.offers(model).is_some();
        self.usable_providers()
            .find(offers)
            .or_else(|| self.providers.iter().find(offers))
    }

    /// Search providers that have what they need to be called, up or not at this moment.
    pub fn usable_searchers(&self) -> impl Iterator<Item = &Provider<SearchRequest>> {
        self.searchers
            .iter()
            .filter(|provider| provider.info.inactive.is_none())
    }

    /// The provider of vectors of that name, usable or not.
    pub fn embedder(&self, name: &str) -> Option<&Provider<EmbeddingRequest>> {
        self.embedders
            .iter()
            .find(|provider| &*provider.info.name == name)
    }

    /// Providers of vectors that have what they need to be called, up or not at this moment.
    pub fn usable_embedders(&self) -> impl Iterator<Item = &Provider<EmbeddingRequest>> {
        self.embedders
            .iter()
            .filter(|provider| provider.info.inactive.is_none())
    }

    /// What the configuration says of a model.
    pub fn model(&self, name: &str) -> Option<&Arc<ModelInfo>> {
        self.models.iter().find(|model| &*model.name == name)
    }

    /// The provider and the provider's name of a model that has a name of the configuration's own.
    pub fn alias(&self, name: &str) -> Option<(&Provider, &Arc<str>)> {
        let info = self.model(name)?;
        let provider = self.provider(&info.provider)?;
        Some((provider, provider.info.offers(info.calls.as_deref()?)?))
    }

    /// What the configuration says of a model at one provider. Others that offer a model of the same
    /// name have their own prices and limits.
    pub fn model_of(&self, provider: &str, name: &str) -> Option<&Arc<ModelInfo>> {
        self.model(name).filter(|info| &*info.provider == provider)
    }

    /// Names of the models that can be asked for, without duplicates, in the configuration's order.
    pub fn available_models(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for provider in self.usable_providers() {
            for model in &provider.info.offer.all {
                if !names.contains(&&**model) {
                    names.push(model);
                }
            }
        }
        names
    }

    /// Names of the embedding models that can be asked for, likewise.
    pub fn available_embedding_models(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for provider in self.usable_embedders() {
            for model in &provider.info.offer.all {
                if !names.contains(&&**model) {
                    names.push(model);
                }
            }
        }
        names
    }
}

// === impl Provider ===

impl<R: Request> Provider<R> {
    /// The same with another actor, or none.
    pub fn with(&self, up: Option<ProviderUp<R>>) -> Self {
        Self {
            info: self.info.clone(),
            up,
        }
    }
}

// Derived, it would ask for a question that can be copied.
impl<R: Request> Clone for Provider<R> {
    fn clone(&self) -> Self {
        self.with(self.up.clone())
    }
}

// === impl ProviderInfo ===

impl ProviderInfo {
    /// Its own name for a model it offers.
    pub fn offers(&self, model: &str) -> Option<&Arc<str>> {
        self.offer.all.iter().find(|offered| &***offered == model)
    }
}

impl ProviderInfo<EmbeddingModels> {
    /// Its own name for an embedding model it offers.
    pub fn offers(&self, model: &str) -> Option<&Arc<str>> {
        self.offer.all.iter().find(|offered| &***offered == model)
    }
}

// === impl ModelInfo ===

impl ModelInfo {
    /// What a call cost in US dollars, if the configuration knows the prices.
    ///
    /// The cached part of the input costs its own price where one is configured, else the full one:
    /// rather too much than too little.
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        let (input, output) = (self.cost_input_per_1k?, self.cost_output_per_1k?);
        let cached = usage
            .cached_input_tokens
            .unwrap_or(0)
            .min(usage.input_tokens);
        let cached_price = self.cost_cached_input_per_1k.unwrap_or(input);
        let thousandths = (usage.input_tokens - cached) as f64 * input
            + cached as f64 * cached_price
            + usage.output_tokens as f64 * output;
        Some(thousandths / 1000.0)
    }
}
