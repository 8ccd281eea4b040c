//! Catalogue: the truth about tools, models and providers at one moment, immutable.
//!
//! The registry makes a new one whenever something changes and sends it to every door. Doors plan
//! calls from it without asking anybody: no message, no lock, no database on the request path.

mod model;
mod provider;
mod tool;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::Recipient;

pub use self::{
    model::ModelInfo,
    provider::{EmbeddingModels, Models, Provider, ProviderInfo, Results},
    tool::{Tool, ToolKind},
};
use crate::{
    cache::Cache,
    protocol::{CryptoUp, DbUp, EmbeddingRequest, FetchImage, OutboxUp, SearchRequest},
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
