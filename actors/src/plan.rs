//! Plan: who is asked, in which order, with which model. Made from the catalogue, before anyone is.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    catalogue::{Catalogue, Provider, ProviderInfo, Tool},
    embedding,
    error::CallError,
    params::{LlmParams, clip},
    protocol::{CompletionRequest, ProviderUp},
    request::Request,
};

/// How alike two names must be to be suggested (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.75;

/// One call, planned.
#[derive(Debug)]
pub struct Plan<R: Request = CompletionRequest> {
    /// What is asked, with the caller's own limit.
    pub request: Arc<R>,
    /// Who is asked, in order. Never empty.
    pub hops: Vec<Hop<R>>,
    /// When the whole chain must be done.
    pub deadline: Instant,
    /// The tool's limit, for the error that says so.
    pub timeout: Duration,
    /// Longest time for one provider.
    pub hop_timeout: Duration,
}

/// One provider of the chain.
#[derive(Debug)]
pub struct Hop<R: Request = CompletionRequest> {
    /// Who.
    pub provider: Arc<ProviderInfo<R::Offer>>,
    /// Its running actor; `None` if it has no key, or is being restarted.
    pub up: Option<ProviderUp<R>>,
    /// Which of its models; empty for a search.
    pub model: Arc<str>,
    /// The caller's limit, capped by the model's or the provider's: most tokens, or most hits.
    pub limit: u32,
}

/// Who needs a provider: what the caller asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// A tool, or a model.
    pub name: &'a str,
    /// Why it cannot be called.
    pub inactive: Option<&'a str>,
}

/// Where a conversation's chain starts.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Who is asked first.
    pub provider: &'a Provider,
    /// Which model, wherever it is offered; each provider's default if the caller names none.
    pub model: Option<&'a str>,
    /// Longest time for the whole chain.
    pub timeout: Duration,
}

// === impl Plan ===

impl Plan {
    /// Plans a call of an LLM tool that came in at `now`.
    ///
    /// The chain starts at the provider that the caller names, else at the one that offers the model
    /// the caller names, else at the tool's own; it goes on as [`chain`] says.
    ///
    /// # Errors
    /// [`CallError::BadRequest`], [`CallError::UnknownModel`], [`CallError::NotConfigured`].
    pub fn new(
        catalogue: &Catalogue,
        tool: &Tool,
        start: Option<&str>,
        system: Option<Arc<str>>,
        mut params: LlmParams,
        now: Instant,
    ) -> Result<Self, CallError> {
        let named = params.model.as_deref();
        if let Some((provider, model)) = named.and_then(|name| catalogue.alias(name)) {
            let provider = || provider.info.name.to_string();
            params.provider.get_or_insert_with(provider);
            params.model = Some(model.to_string());
        }
        let first = first(catalogue, start, &params)?;
        let asker = Asker {
            name: &tool.name,
            inactive: tool.inactive.as_deref(),
        };
        let model = params.model.clone();
        let request = params.request(system);
        let start = Start {
            provider: first,
            model: model.as_deref(),
            timeout: tool.timeout,
        };
        Self::conversation(catalogue, asker, start, request, now)
    }

    /// Plans a conversation that came in at `now`.
    ///
    /// # Errors
    /// [`CallError::NotConfigured`]
    pub fn conversation(
        catalogue: &Catalogue,
        asker: Asker<'_>,
        start: Start<'_>,
        request: CompletionRequest,
        now: Instant,
    ) -> Result<Self, CallError> {
        let Start {
            provider,
            model,
            timeout,
        } = start;
        let hops = chain(&catalogue.providers, provider, asker, "an LLM provider")?
            .into_iter()
            .map(|provider| hop(catalogue, provider, model, request.max_tokens))
            .collect();
        Ok(Self {
            hops,
            deadline: now + timeout,
            timeout,
            hop_timeout: catalogue.hub.request_timeout,
            request: Arc::new(request),
        })
    }
}

/// From `first` along `fallback_to`. A provider without a key stays in the chain, so that the caller
/// sees that it was passed over. If nobody in it can be used, the first provider that can follows;
/// `what` says what `asker` needs if there is none.
///
/// # Errors
/// [`CallError::NotConfigured`]
pub fn chain<'a, R: Request>(
    providers: &'a [Provider<R>],
    first: &'a Provider<R>,
    asker: Asker<'_>,
    what: &str,
) -> Result<Vec<&'a Provider<R>>, CallError> {
    let usable = |provider: &&Provider<R>| provider.info.inactive.is_none();
    let mut chain = walk(providers, first);
    if !chain.iter().any(usable) {
        let Some(other) = providers.iter().find(usable) else {
            return Err(CallError::NotConfigured(format!(
                "`{}` needs {what} with a key: {}.",
                clip(asker.name),
                asker.inactive.unwrap_or("none is set")
            )));
        };
        chain.extend(walk(providers, other));
    }
    Ok(chain)
}

/// The provider of that name, usable or not.
///
/// # Errors
/// [`CallError::BadRequest`] that lists those that can be used.
pub fn named<'a, R: Request>(
    providers: &'a [Provider<R>],
    name: &str,
) -> Result<&'a Provider<R>, CallError> {
    let found = providers
        .iter()
        .find(|provider| &*provider.info.name == name);
    found.ok_or_else(|| {
        let usable = providers.iter().filter(|p| p.info.inactive.is_none());
        let names: Vec<_> = usable.map(|provider| &*provider.info.name).collect();
        CallError::BadRequest(format!(
            "There is no provider `{}`. Providers: {}.",
            clip(name),
            list(&names)
        ))
    })
}

fn first<'a>(
    catalogue: &'a Catalogue,
    start: Option<&str>,
    params: &LlmParams,
) -> Result<&'a Provider, CallError> {
    if let Some(name) = &params.provider {
        let provider = named(&catalogue.providers, name)?;
        if let Some(model) = &params.model
            && provider.info.offers(model).is_none()
        {
            return Err(not_offered(catalogue, &provider.info, model));
        }
        return Ok(provider);
    }
    let own = start.and_then(|name| catalogue.provider(name));
    if let Some(model) = &params.model {
        return own
            .filter(|provider| provider.info.offers(model).is_some())
            .or_else(|| catalogue.offering(model))
            .ok_or_else(|| unknown_model(catalogue, model));
    }
    usual(catalogue, start)
}

/// The provider that is asked if the caller names none: `start` if it is there, else the first.
///
/// # Errors
/// [`CallError::NotConfigured`]
pub fn usual<'a>(catalogue: &'a Catalogue, start: Option<&str>) -> Result<&'a Provider, CallError> {
    start
        .and_then(|name| catalogue.provider(name))
        .or_else(|| catalogue.usable_providers().next())
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
pub(crate) fn walk<'a, R: Request>(
    providers: &'a [Provider<R>],
    first: &'a Provider<R>,
) -> Vec<&'a Provider<R>> {
    let mut chain = vec![first];
    let mut last = first;
    while let Some(next) = last
        .info
        .fallback
        .as_deref()
        .and_then(|name| providers.iter().find(|p| &*p.info.name == name))
    {
        if chain.iter().any(|seen| seen.info.name == next.info.name) {
            break;
        }
        chain.push(next);
        last = next;
    }
    chain
}

fn hop(
    catalogue: &Catalogue,
    provider: &Provider,
    model: Option<&str>,
    max_tokens: Option<u32>,
) -> Hop {
    let asked = model.and_then(|model| provider.info.offers(model));
    let model = asked.unwrap_or(&provider.info.offer.default).clone();
    let most = catalogue
        .model_of(&provider.info.name, &model)
        .and_then(|info| info.max_output_tokens);
    Hop {
        provider: provider.info.clone(),
        up: provider.up.clone(),
        limit: max_tokens.unwrap_or(u32::MAX).min(most.unwrap_or(u32::MAX)),
        model,
    }
}

fn not_offered(catalogue: &Catalogue, provider: &ProviderInfo, model: &str) -> CallError {
    if let Some(wrong) = embedding::wrong_door(catalogue, model) {
        return wrong;
    }
    let elsewhere = catalogue
        .usable_providers()
        .find(|p| p.info.offers(model).is_some());
    let offered: Vec<_> = provider.offer.all.iter().map(|name| &**name).collect();
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
    if let Some(wrong) = embedding::wrong_door(catalogue, model) {
        return wrong;
    }
    let mut names = catalogue.available_models();
    for info in &catalogue.models {
        if !names.contains(&&*info.name) && embedding::lookup(catalogue, &info.name).is_none() {
            names.push(&info.name);
        }
    }
    CallError::UnknownModel(format!(
        "There is no model `{}`. Did you mean: {}?",
        clip(model),
        list(&near(model, &names))
    ))
}

/// The names most like `word`, best first; the first few of them all if none is.
pub fn near<'a>(word: &str, names: &[&'a str]) -> Vec<&'a str> {
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
