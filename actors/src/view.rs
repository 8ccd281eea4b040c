//! View: the catalogue as one principal sees it. What is outside of their scope does not exist for
//! them: it is not listed, not a choice in a schema, not named in an error, and no chain leads there.
//!
//! So nobody has to remember to ask for each list and each hop whether it may be shown or taken.

use std::sync::Arc;

use crate::{
    catalogue::{Catalogue, EmbeddingModels, Models, Provider, ProviderInfo, Tool, ToolKind},
    principal::Principal,
    protocol::EmbeddingRequest,
    request::Request,
};

/// Why a tool that asks an LLM cannot be called by somebody who may use none.
pub const NO_MODEL: &str = "none of the models that can be asked now is one that this key may use";

// === impl Catalogue ===

impl Catalogue {
    /// What exists for `principal`.
    ///
    /// A provider has the models that they may use. If its default is none of these, the first that is
    /// takes its place; if it has none at all, the chain goes on where it would have gone from there.
    pub fn seen_by(&self, principal: &Principal) -> Self {
        let providers: Vec<_> = self
            .providers
            .iter()
            .filter_map(|provider| self.provider_seen_by(provider, principal))
            .collect();
        let embedders = self.embedders.iter();
        let embedders = embedders.filter_map(|embedder| self.embedder_seen_by(embedder, principal));
        let can_ask = providers.iter().any(|p| p.info.inactive.is_none());
        let tools = self.tools.iter();
        let tools = tools.filter(|tool| principal.tools.allows(&tool.name));
        let models = self.models.iter();
        let models = models.filter(|model| principal.models.allows(&model.name));
        Self {
            tools: tools
                .map(|tool| self.tool_seen_by(tool, principal, can_ask))
                .collect(),
            models: models.cloned().collect(),
            embedders: embedders.collect(),
            providers,
            ..self.clone()
        }
    }

    fn provider_seen_by(&self, provider: &Provider, principal: &Principal) -> Option<Provider> {
        let Models {
            default,
            all,
            format,
        } = &provider.info.offer;
        let allowed = |model: &&Arc<str>| principal.models.allows(model);
        let all: Vec<_> = all.iter().filter(allowed).cloned().collect();
        let default = Some(default).filter(allowed).or(all.first())?.clone();
        let info = ProviderInfo {
            name: provider.info.name.clone(),
            offer: Models {
                default,
                all,
                format: *format,
            },
            fallback: self.next(provider.info.fallback.as_ref(), principal),
            inactive: provider.info.inactive.clone(),
        };
        Some(Provider {
            info: Arc::new(info),
            up: provider.up.clone(),
        })
    }

    fn embedder_seen_by(
        &self,
        embedder: &Provider<EmbeddingRequest>,
        principal: &Principal,
    ) -> Option<Provider<EmbeddingRequest>> {
        let seen = |all: &[Arc<str>]| all.iter().any(|model| principal.models.allows(model));
        let ProviderInfo {
            name,
            offer,
            fallback,
            inactive,
        } = &*embedder.info;
        if !seen(&offer.all) {
            return None;
        }
        let allowed = |model: &&Arc<str>| principal.models.allows(model);
        let info = ProviderInfo {
            name: name.clone(),
            offer: EmbeddingModels {
                all: offer.all.iter().filter(allowed).cloned().collect(),
            },
            fallback: next(&self.embedders, fallback.as_ref(), |offer| seen(&offer.all)),
            inactive: inactive.clone(),
        };
        Some(Provider {
            info: Arc::new(info),
            up: embedder.up.clone(),
        })
    }

    fn tool_seen_by(&self, tool: &Arc<Tool>, principal: &Principal, can_ask: bool) -> Arc<Tool> {
        let ToolKind::Llm { system, provider } = &tool.kind else {
            return tool.clone();
        };
        let unusable = (!can_ask).then(|| NO_MODEL.to_owned());
        Arc::new(Tool {
            kind: ToolKind::Llm {
                system: system.clone(),
                provider: self.next(provider.as_ref(), principal),
            },
            inactive: tool.inactive.clone().or(unusable),
            ..Tool::clone(tool)
        })
    }

    /// The first provider that exists for `principal`, from the one of that name along the chain.
    fn next(&self, name: Option<&Arc<str>>, principal: &Principal) -> Option<Arc<str>> {
        next(&self.providers, name, |offer: &Models| {
            offer.all.iter().any(|model| principal.models.allows(model))
        })
    }
}

/// The first of `providers` that has something to offer, from the one of that name along the chain.
fn next<R: Request>(
    providers: &[Provider<R>],
    name: Option<&Arc<str>>,
    offers: impl Fn(&R::Offer) -> bool,
) -> Option<Arc<str>> {
    let mut name = name?;
    // A chain is no longer than there are providers, whatever the configuration says.
    for _ in providers {
        let provider = providers.iter().find(|p| p.info.name == *name)?;
        if offers(&provider.info.offer) {
            return Some(name.clone());
        }
        name = provider.info.fallback.as_ref()?;
    }
    None
}
