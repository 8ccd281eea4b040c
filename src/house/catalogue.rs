//! The catalogue, as the configuration makes it: nobody is up yet.

use std::{sync::Arc, time::Instant};

use hub_actors::{
    cache::Cache,
    catalogue::{
        Catalogue, Crypto, Fetcher, HubInfo, ModelInfo, Models, Provider, ProviderInfo, Results,
    },
    conversation::Format,
    protocol::SearchRequest,
};

use super::{embedders::embedders, tools::tools};
use crate::{
    settings::{
        self, LlmProvider, SearchProvider, Settings,
        readiness::{self, IsSet, ProviderState},
    },
    vault::MASTER,
};

/// What can be called, and what cannot and why. `no_database` says why there is none, if one was asked for.
pub(super) fn catalogue(
    settings: &Settings,
    has: &IsSet<'_>,
    no_database: Option<&str>,
) -> Catalogue {
    let hub = &settings.hub;
    Catalogue {
        hub: Arc::new(HubInfo {
            name: hub.name.clone(),
            version: hub.version.clone(),
            description: hub.description.clone(),
            transport: hub.transport.clone(),
            started: Instant::now(),
            tag_replies: hub.tag_replies,
            max_wait: settings.limits.max_wait,
            request_timeout: settings.limits.request_timeout,
            search_timeout: settings.limits.search_timeout,
        }),
        tools: tools(settings, has, no_database),
        providers: settings
            .llm_providers
            .iter()
            .map(|p| provider(p, has))
            .collect(),
        searchers: settings
            .search_providers
            .iter()
            .map(|p| searcher(p, has))
            .collect(),
        embedders: embedders(settings, has),
        models: settings.models.iter().map(model).collect(),
        db: None,
        crypto: match MASTER.iter().all(|name| has(name)) {
            true => Crypto::Down,
            false => Crypto::NotConfigured,
        },
        cache: keeps_answers(settings).then(|| Arc::new(Cache::new(settings.limits.cache_bytes))),
        outbox: None,
        fetcher: match hub.fetch_images {
            true => Fetcher::Down,
            false => Fetcher::Off,
        },
        #[cfg(feature = "fixtures")]
        conformance: settings
            .tools
            .iter()
            .any(|tool| tool.provider_type == "conformance"),
    }
}

/// Whether a tool keeps its answers.
pub(super) fn keeps_answers(settings: &Settings) -> bool {
    settings.tools.iter().any(|tool| tool.cache_ttl.is_some())
}

fn provider(provider: &LlmProvider, has: &IsSet<'_>) -> Provider {
    let models = provider.models.iter().map(|model| model.as_str().into());
    Provider {
        info: Arc::new(ProviderInfo {
            name: provider.name.as_str().into(),
            offer: Models {
                default: provider.default_model.as_str().into(),
                all: models.collect(),
                format: Format::read(&provider.api),
            },
            fallback: provider.fallback_to.as_deref().map(Into::into),
            inactive: why_inactive(readiness::state(provider, has), provider.env_key.as_deref()),
        }),
        up: None,
    }
}

fn searcher(provider: &SearchProvider, has: &IsSet<'_>) -> Provider<SearchRequest> {
    Provider {
        info: Arc::new(ProviderInfo {
            name: provider.name.as_str().into(),
            offer: Results {
                default: provider.default_results,
                most: provider.max_results,
            },
            fallback: provider.fallback_to.as_deref().map(Into::into),
            inactive: why_inactive(readiness::state(provider, has), provider.env_key.as_deref()),
        }),
        up: None,
    }
}

/// Why a provider cannot be used, and what to set.
pub(super) fn why_inactive(state: ProviderState, env_key: Option<&str>) -> Option<String> {
    match (state, env_key) {
        (ProviderState::Ready, _) => None,
        (ProviderState::NoKey, Some(variable)) => Some(format!("set {variable}")),
        (ProviderState::NotBuilt, _) => Some("api is not set".to_owned()),
        _ => Some("active is false".to_owned()),
    }
}

fn model(model: &settings::Model) -> Arc<ModelInfo> {
    Arc::new(ModelInfo {
        name: model.name.as_str().into(),
        provider: model.provider.as_str().into(),
        calls: model.calls.as_deref().map(Into::into),
        context_tokens: model.context_tokens,
        max_output_tokens: model.max_output_tokens,
        requests_per_min: model.requests_per_min,
        requests_per_day: model.requests_per_day,
        cost_input_per_1k: model.cost_input_per_1k,
        cost_output_per_1k: model.cost_output_per_1k,
        cost_cached_input_per_1k: model.cost_cached_input_per_1k,
        capabilities: model.capabilities.clone(),
    })
}
