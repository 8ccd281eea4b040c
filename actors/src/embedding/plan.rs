//! Who makes vectors of that name, and who may stand in: whoever offers the same model, and nobody else.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    catalogue::{Catalogue, Provider},
    error::CallError,
    models,
    params::clip,
    plan::{Hop, Plan, list, near, walk},
    protocol::EmbeddingRequest,
};

/// An embedding model, and who is asked for it first.
#[derive(Debug, Clone, Copy)]
pub struct Embedder<'a> {
    /// Who.
    pub provider: &'a Provider<EmbeddingRequest>,
    /// The provider's own name for it.
    pub model: &'a Arc<str>,
}

/// What `name` means, as it does for a conversation: a model of some provider's, a name that the
/// configuration gives to one, or `provider/model`.
///
/// # Errors
/// [`CallError::BadRequest`] for a model that answers conversations, [`CallError::UnknownModel`] with the
/// names that look most like it.
pub fn find<'a>(catalogue: &'a Catalogue, name: &str) -> Result<Embedder<'a>, CallError> {
    lookup(catalogue, name).ok_or_else(|| {
        let names = catalogue.available_embedding_models();
        if models::find(catalogue, name).is_ok() {
            return CallError::BadRequest(format!(
                "`{}` answers conversations and makes no vectors: ask it at /v1/chat/completions. \
                 Embedding models: {}.",
                clip(name),
                list(&names)
            ));
        }
        let help = match names.as_slice() {
            [] => "No provider has `embedding_models` in hub.pyfun, and a key.".to_owned(),
            names => format!("Did you mean: {}?", list(&near(name, names))),
        };
        let sentence = format!("There is no embedding model `{}`. {help}", clip(name));
        CallError::UnknownModel(sentence)
    })
}

/// The same, without a word if there is none. A meaning that has a key comes before one that has none:
/// `openai/some-model` may be a name at OpenRouter, and a model of OpenAI's.
pub fn lookup<'a>(catalogue: &'a Catalogue, name: &str) -> Option<Embedder<'a>> {
    let usable = |provider: &Provider<EmbeddingRequest>| provider.info.inactive.is_none();
    meaning(catalogue, name, usable).or_else(|| meaning(catalogue, name, |_| true))
}

fn meaning<'a>(
    catalogue: &'a Catalogue,
    name: &str,
    counts: impl Fn(&Provider<EmbeddingRequest>) -> bool,
) -> Option<Embedder<'a>> {
    let at = |provider: &'a Provider<EmbeddingRequest>, name: &str| {
        let model = provider.info.offers(name)?;
        counts(provider).then_some(Embedder { provider, model })
    };
    let own = catalogue
        .embedders
        .iter()
        .find_map(|provider| at(provider, name));
    let alias = || {
        let info = catalogue.model(name)?;
        let model = info.calls.as_deref()?;
        at(catalogue.embedder(&info.provider)?, model)
    };
    let prefixed = || {
        let (owner, name) = name.split_once('/')?;
        at(catalogue.embedder(owner)?, name)
    };
    own.or_else(alias).or_else(prefixed)
}

/// The error for whoever wants to converse with an embedding model; `None` if `name` is none.
pub fn wrong_door(catalogue: &Catalogue, name: &str) -> Option<CallError> {
    lookup(catalogue, name).map(|_| {
        CallError::BadRequest(format!(
            "`{}` is an embedding model, which answers no conversation: ask it at /v1/embeddings.",
            clip(name)
        ))
    })
}

// === impl Plan ===

impl Plan<EmbeddingRequest> {
    /// Plans a request for vectors that came in at `now`.
    ///
    /// The chain goes from the first provider along `fallback_to`, past everyone who does not offer the
    /// same model. If nobody in it has a key, others that offer the model follow.
    ///
    /// # Errors
    /// [`CallError::NotConfigured`]
    pub fn embedding(
        catalogue: &Catalogue,
        first: Embedder<'_>,
        request: EmbeddingRequest,
        timeout: Duration,
        now: Instant,
    ) -> Result<Self, CallError> {
        let model = first.model;
        let usable = |provider: &&Provider<EmbeddingRequest>| provider.info.inactive.is_none();
        let offers = |provider: &&Provider<EmbeddingRequest>| provider.info.offers(model).is_some();
        let mut chain = walk(&catalogue.embedders, first.provider);
        chain.retain(offers);
        if !chain.iter().any(usable) {
            chain.extend(catalogue.usable_embedders().filter(offers));
        }
        if !chain.iter().any(usable) {
            let why = first.provider.info.inactive.as_deref();
            return Err(CallError::NotConfigured(format!(
                "`{model}` needs `{}` with a key: {}.",
                first.provider.info.name,
                why.unwrap_or("none is set")
            )));
        }
        let hop = |provider: &Provider<EmbeddingRequest>| Hop {
            provider: provider.info.clone(),
            up: provider.up.clone(),
            model: model.clone(),
            limit: u32::MAX,
        };
        Ok(Self {
            request: Arc::new(request),
            hops: chain.into_iter().map(hop).collect(),
            deadline: now + timeout,
            timeout,
            hop_timeout: catalogue.hub.request_timeout,
        })
    }
}
