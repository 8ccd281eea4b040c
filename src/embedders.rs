//! Embedders: the LLM providers that make vectors, too, as the catalogue has them.

use std::sync::Arc;

use hub_actors::{
    catalogue::{EmbeddingModels, Provider, ProviderInfo},
    protocol::EmbeddingRequest,
};

use crate::{
    house::why_inactive,
    settings::{
        LlmProvider, Settings,
        readiness::{self, IsSet},
    },
};

/// Those that the configuration names, in its order, with nobody up yet.
pub fn embedders(settings: &Settings, has: &IsSet<'_>) -> Vec<Provider<EmbeddingRequest>> {
    let embedder = |provider: &LlmProvider| {
        let models = provider.embedding_models.iter();
        let state = readiness::state(provider, has);
        Provider {
            info: Arc::new(ProviderInfo {
                name: provider.name.as_str().into(),
                offer: EmbeddingModels {
                    all: models.map(|model| model.as_str().into()).collect(),
                },
                fallback: next(&settings.llm_providers, provider).map(Into::into),
                inactive: why_inactive(state, provider.env_key.as_deref()),
            }),
            up: None,
        }
    };
    let all = settings.llm_providers.iter().filter(|p| embeds(p));
    all.map(embedder).collect()
}

/// Whether a provider makes vectors.
pub fn embeds(provider: &LlmProvider) -> bool {
    !provider.embedding_models.is_empty()
}

/// The next of the chain that makes vectors. Those between them have none to give.
fn next<'a>(providers: &'a [LlmProvider], from: &'a LlmProvider) -> Option<&'a str> {
    let mut name = from.fallback_to.as_deref()?;
    // The settings have no cycle.
    for _ in providers {
        let provider = providers.iter().find(|p| p.name == name)?;
        if embeds(provider) {
            return Some(name);
        }
        name = provider.fallback_to.as_deref()?;
    }
    None
}
