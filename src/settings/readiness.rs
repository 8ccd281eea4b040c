//! What works with the keys that are there, and what does not and why.
//!
//! `hub check` prints it and the serving hub decides by it: one truth. Only the names of variables
//! come in, never their values.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{LlmProvider, SearchProvider, Settings, Tool, chain::providers_from};

/// Whether a variable is set, by its name.
pub type IsSet<'a> = dyn Fn(&str) -> bool + 'a;

/// Whether a provider can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderState {
    /// Active, and its key is there or it needs none.
    Ready,
    /// Active, and the variable with its key is not set.
    NoKey,
    /// `active = "false"`
    Inactive,
    /// Of a kind that comes with a later version.
    NotBuilt,
}

/// A provider and whether it can be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderStatus {
    /// Its block's name.
    pub name: String,
    /// `llm` or `search`.
    pub kind: &'static str,
    /// The wire format; none for a search provider.
    pub api: Option<String>,
    /// How many models it lists.
    pub models: usize,
    /// The variable that holds its key; none if it needs no key.
    pub env_key: Option<String>,
    /// Whether that variable is set.
    pub key_set: bool,
    /// Whether it can be called.
    pub state: ProviderState,
    /// The provider after it in a chain.
    pub falls_back_to: Option<String>,
}

/// A tool and whether it can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolStatus {
    /// Its block's name.
    pub name: String,
    /// `llm`, `search`, `db`, `persist` or another word.
    pub provider_type: String,
    /// Whether it would register.
    pub usable: bool,
    /// Why not; none if it would.
    pub reason: Option<String>,
    /// Variables of which one would make it usable, the most useful first.
    pub missing: Vec<String>,
    /// The providers that a call tries unless it names another, in order.
    pub chain: Vec<String>,
}

/// Every provider of the file, in its order, LLM providers first.
pub fn provider_status(settings: &Settings, is_set: &IsSet<'_>) -> Vec<ProviderStatus> {
    let llm = settings.llm_providers.iter().map(|provider| {
        let key_set = provider.env_key.as_deref().is_some_and(is_set);
        ProviderStatus {
            name: provider.name.clone(),
            kind: "llm",
            api: Some(provider.api.clone()),
            models: provider.models.len(),
            env_key: provider.env_key.clone(),
            key_set,
            state: state(provider, is_set),
            falls_back_to: provider.fallback_to.clone(),
        }
    });
    let search = settings.search_providers.iter().map(|provider| {
        let key_set = provider.env_key.as_deref().is_some_and(is_set);
        ProviderStatus {
            name: provider.name.clone(),
            kind: "search",
            api: None,
            models: 0,
            env_key: provider.env_key.clone(),
            key_set,
            state: search_state(provider),
            falls_back_to: provider.fallback_to.clone(),
        }
    });
    llm.chain(search).collect()
}

/// Every tool of the file, in its order. The hub's own tools are not among them: they always work.
pub fn tool_status(settings: &Settings, is_set: &IsSet<'_>) -> Vec<ToolStatus> {
    settings
        .tools
        .iter()
        .map(|tool| {
            let (reason, missing) = match hindrance(tool, settings, is_set) {
                Some((reason, missing)) => (Some(reason), missing),
                None => (None, Vec::new()),
            };
            ToolStatus {
                name: tool.name.clone(),
                provider_type: tool.provider_type.clone(),
                usable: reason.is_none(),
                reason,
                missing,
                chain: chain(tool, settings)
                    .into_iter()
                    .map(|provider| provider.name.clone())
                    .collect(),
            }
        })
        .collect()
}

/// The variables that the hub needs to read with these settings: the keys of the active LLM
/// providers. Nothing else of the environment has to travel into the sealed process.
pub fn needed_variables(settings: &Settings) -> BTreeSet<&str> {
    settings
        .llm_providers
        .iter()
        .filter(|provider| provider.active)
        .filter_map(|provider| provider.env_key.as_deref())
        .collect()
}

/// Whether one LLM provider can be called.
pub fn state(provider: &LlmProvider, is_set: &IsSet<'_>) -> ProviderState {
    match &provider.env_key {
        _ if !provider.active => ProviderState::Inactive,
        Some(variable) if !is_set(variable) => ProviderState::NoKey,
        _ => ProviderState::Ready,
    }
}

fn search_state(provider: &SearchProvider) -> ProviderState {
    if provider.active {
        ProviderState::NotBuilt
    } else {
        ProviderState::Inactive
    }
}

/// Why a tool cannot be used, and the variables of which one would help.
fn hindrance(
    tool: &Tool,
    settings: &Settings,
    is_set: &IsSet<'_>,
) -> Option<(String, Vec<String>)> {
    let because = |reason: &str| Some((reason.to_owned(), Vec::new()));
    if !tool.active {
        return because("active is false");
    }
    match tool.provider_type.as_str() {
        "llm" => {}
        "db" => return None,
        "search" | "persist" => {
            return because("not built yet: comes with a later version");
        }
        _ => return because("its provider_type is not known"),
    }
    let active: Vec<&LlmProvider> = settings
        .llm_providers
        .iter()
        .filter(|provider| provider.active)
        .collect();
    if active.is_empty() {
        return because("no LLM provider is active");
    }
    let ready = |provider: &&LlmProvider| state(provider, is_set) == ProviderState::Ready;
    if active.iter().any(ready) {
        return None;
    }
    // The keys of the tool's own chain come first: with one of those it needs no `provider`.
    let own = chain(tool, settings).into_iter().filter(|link| link.active);
    let mut missing: Vec<String> = Vec::new();
    for provider in own.chain(active) {
        if let Some(variable) = provider.env_key.as_ref().filter(|v| !missing.contains(v)) {
            missing.push(variable.clone());
        }
    }
    Some(("no LLM provider has its key".to_owned(), missing))
}

/// The providers that a call of the tool tries: from its `default_provider`, else from the first
/// active one.
fn chain<'a>(tool: &Tool, settings: &'a Settings) -> Vec<&'a LlmProvider> {
    if tool.provider_type != "llm" {
        return Vec::new();
    }
    let providers = &settings.llm_providers;
    let first = tool.default_provider.as_deref().or_else(|| {
        providers
            .iter()
            .find(|provider| provider.active)
            .map(|provider| provider.name.as_str())
    });
    first
        .map(|first| providers_from(providers, first))
        .unwrap_or_default()
}
