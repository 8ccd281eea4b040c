//! Plan: who is asked, in which order, with which model. Made from the catalogue, before anyone is.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    catalogue::{Catalogue, Provider, ProviderInfo, Tool},
    error::CallError,
    params::{LlmParams, clip},
    protocol::{CompletionRequest, ProviderUp},
};

/// How alike two names must be to be suggested (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.75;

/// One LLM call, planned.
#[derive(Debug)]
pub struct Plan {
    /// What to complete, with the caller's `max_tokens`.
    pub request: Arc<CompletionRequest>,
    /// Who is asked, in order. Never empty.
    pub hops: Vec<Hop>,
    /// When the whole chain must be done.
    pub deadline: Instant,
    /// The tool's limit, for the error that says so.
    pub timeout: Duration,
}

/// One provider of the chain.
#[derive(Debug)]
pub struct Hop {
    /// Who.
    pub provider: Arc<ProviderInfo>,
    /// Its running actor; `None` if it has no key, or is being restarted.
    pub up: Option<ProviderUp>,
    /// Which of its models.
    pub model: Arc<str>,
    /// The caller's limit, capped by the model's.
    pub max_tokens: u32,
}

// === impl Plan ===

impl Plan {
    /// Plans a call of an LLM tool that came in at `now`.
    ///
    /// The chain starts at the provider that the caller names, else at the one that offers the model
    /// the caller names, else at the tool's own; it goes on along `fallback_to`. A provider without
    /// a key stays in the plan, so that the caller sees that it was passed over. If nobody in the
    /// chain can be used, the first provider that can follows.
    ///
    /// # Errors
    /// [`CallError::BadRequest`], [`CallError::UnknownModel`], [`CallError::NotConfigured`].
    pub fn new(
        catalogue: &Catalogue,
        tool: &Tool,
        start: Option<&str>,
        system: Option<Arc<str>>,
        params: LlmParams,
        now: Instant,
    ) -> Result<Self, CallError> {
        let first = first(catalogue, start, &params)?;
        let mut chain = walk(catalogue, first);
        if !chain
            .iter()
            .any(|provider| provider.info.inactive.is_none())
        {
            let Some(usable) = catalogue.usable_providers().next() else {
                return Err(CallError::NotConfigured(format!(
                    "`{}` needs an LLM provider with a key: {}.",
                    tool.name,
                    tool.inactive.as_deref().unwrap_or("none is set")
                )));
            };
            chain.extend(walk(catalogue, usable));
        }
        let hops = chain
            .into_iter()
            .map(|provider| hop(catalogue, provider, &params))
            .collect();
        Ok(Self {
            hops,
            deadline: now + tool.timeout,
            timeout: tool.timeout,
            request: Arc::new(CompletionRequest {
                system,
                prompt: params.prompt,
                max_tokens: params.max_tokens,
                temperature: params.temperature,
            }),
        })
    }
}

fn first<'a>(
    catalogue: &'a Catalogue,
    start: Option<&str>,
    params: &LlmParams,
) -> Result<&'a Provider, CallError> {
    if let Some(name) = &params.provider {
        let Some(provider) = catalogue.provider(name) else {
            let names: Vec<_> = catalogue
                .usable_providers()
                .map(|p| &*p.info.name)
                .collect();
            return Err(CallError::BadRequest(format!(
                "There is no provider `{}`. Providers: {}.",
                clip(name),
                list(&names)
            )));
        };
        if let Some(model) = &params.model
            && provider.info.offers(model).is_none()
        {
            return Err(not_offered(catalogue, &provider.info, model));
        }
        return Ok(provider);
    }
    let own = start.and_then(|name| catalogue.provider(name));
    if let Some(model) = &params.model {
        let offers = |provider: &&Provider| provider.info.offers(model).is_some();
        return own
            .filter(offers)
            .or_else(|| catalogue.usable_providers().find(offers))
            .or_else(|| catalogue.providers.iter().find(offers))
            .ok_or_else(|| unknown_model(catalogue, model));
    }
    own.or_else(|| catalogue.usable_providers().next())
        .or_else(|| catalogue.providers.first())
        .ok_or_else(|| {
            CallError::NotConfigured(
                "No LLM provider is configured. Add an [LLM_PROVIDER.name] block to hub.pyfun."
                    .to_owned(),
            )
        })
}

/// The provider and its fallbacks. The configuration has no cycles; the guard is for a catalogue
/// that was made some other way.
fn walk<'a>(catalogue: &'a Catalogue, first: &'a Provider) -> Vec<&'a Provider> {
    let mut chain = vec![first];
    let mut last = first;
    while let Some(next) = last
        .info
        .fallback
        .as_deref()
        .and_then(|name| catalogue.provider(name))
    {
        if chain.iter().any(|seen| seen.info.name == next.info.name) {
            break;
        }
        chain.push(next);
        last = next;
    }
    chain
}

fn hop(catalogue: &Catalogue, provider: &Provider, params: &LlmParams) -> Hop {
    let asked = params
        .model
        .as_deref()
        .and_then(|model| provider.info.offers(model));
    let model = asked.unwrap_or(&provider.info.default_model).clone();
    let most = catalogue
        .model_of(&provider.info.name, &model)
        .and_then(|info| info.max_output_tokens);
    Hop {
        provider: provider.info.clone(),
        up: provider.up.clone(),
        max_tokens: params.max_tokens.min(most.unwrap_or(u32::MAX)),
        model,
    }
}

fn not_offered(catalogue: &Catalogue, provider: &ProviderInfo, model: &str) -> CallError {
    let elsewhere = catalogue
        .usable_providers()
        .find(|p| p.info.offers(model).is_some());
    let offered: Vec<_> = provider.models.iter().map(|name| &**name).collect();
    let help = match elsewhere {
        Some(other) => format!(
            "`{}` does; leave `provider` out to use it.",
            other.info.name
        ),
        None => format!("It offers: {}.", list(&near(model, &offered))),
    };
    CallError::UnknownModel(format!(
        "`{}` does not offer the model `{}`. {help}",
        provider.name,
        clip(model)
    ))
}

/// The error for a model that nobody offers, with the names that look most like it.
pub fn unknown_model(catalogue: &Catalogue, model: &str) -> CallError {
    let mut names = catalogue.available_models();
    for info in &catalogue.models {
        if !names.contains(&&*info.name) {
            names.push(&info.name);
        }
    }
    CallError::UnknownModel(format!(
        "There is no model `{}`. Did you mean: {}?",
        clip(model),
        list(&near(model, &names))
    ))
}

/// The names most like `word`, best first; all of them if none is.
fn near<'a>(word: &str, names: &[&'a str]) -> Vec<&'a str> {
    let mut scored: Vec<_> = names
        .iter()
        .map(|name| (strsim::jaro_winkler(word, name), *name))
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    if scored.is_empty() {
        return names.iter().take(8).copied().collect();
    }
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Names as a sentence lists them.
pub fn list<T: AsRef<str>>(names: &[T]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    names.join(", ")
}
