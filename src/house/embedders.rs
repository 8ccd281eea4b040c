//! Embedders: the LLM providers that make vectors, too, as the catalogue has them.

use std::sync::Arc;

use hub_actors::{
    catalogue::{EmbeddingModels, Provider, ProviderInfo},
    protocol::EmbeddingRequest,
};

use super::catalogue::why_inactive;
use crate::settings::{
    LlmProvider, Settings,
    readiness::{self, IsSet},
};

/// Those that the configuration names, in its order, with nobody up yet.
pub(super) fn embedders(settings: &Settings, has: &IsSet<'_>) -> Vec<Provider<EmbeddingRequest>> {
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
pub(super) fn embeds(provider: &LlmProvider) -> bool {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_chain_goes_past_those_without_vectors() {
        let provider = |name: &str, next: &str, models: &str| {
            format!(
                "[LLM_PROVIDER.{name}]\nbase_url = \"https://{name}.example\"\nenv_key = \"K\"\n\
                 default_model = \"m\"\nfallback_to = \"{next}\"\nembedding_models = \"{models}\"\n\
                 [LLM_PROVIDER.{name}_END]\n"
            )
        };
        let text = [
            provider("a", "b", "v"),
            provider("b", "c", ""),
            provider("c", "d", "w"),
            provider("d", "", ""),
        ]
        .concat();
        let (settings, _) =
            Settings::load("f", Some(text.as_bytes()), &BTreeMap::new()).expect("settings");
        let embedders = embedders(&settings, &|_| true);
        let found: Vec<_> = embedders
            .iter()
            .map(|embedder| (&*embedder.info.name, embedder.info.fallback.as_deref()))
            .collect();
        assert_eq!(found, [("a", Some("c")), ("c", None)]);
    }
}
