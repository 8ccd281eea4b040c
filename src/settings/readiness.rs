//! What works with the keys that are there, and what does not and why.
//!
//! `hub check` prints it and the serving hub decides by it: one truth. Only the names of variables
//! come in, never their values.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    Settings, Tool,
    chain::{Chained, providers_from},
};
use crate::cloud_db::VARIABLE;

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
    /// Active, and the hub does not speak its format.
    NotBuilt,
}

/// A provider and whether it can be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderStatus {
    /// Its block's name.
    pub name: String,
    /// `llm` or `search`.
    pub kind: &'static str,
    /// The wire format; none if the hub does not speak it.
    pub api: Option<String>,
    /// How many models it lists.
    pub models: usize,
    /// How many of them beside that make vectors.
    pub embedding_models: usize,
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
            embedding_models: provider.embedding_models.len(),
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
            api: provider.api.clone(),
            models: 0,
            embedding_models: 0,
            env_key: provider.env_key.clone(),
            key_set,
            state: state(provider, is_set),
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
                chain: match tool.provider_type.as_str() {
                    "llm" => names(&chain(tool, &settings.llm_providers)),
                    "search" => names(&chain(tool, &settings.search_providers)),
                    _ => Vec::new(),
                },
            }
        })
        .collect()
}

/// What becomes of the tools that keep data if the database that is named cannot be used.
pub fn without_database(tools: &mut [ToolStatus], why: &str) {
    let usable = |tool: &&mut ToolStatus| tool.provider_type == "persist" && tool.usable;
    for tool in tools.iter_mut().filter(usable) {
        tool.usable = false;
        tool.reason = Some(why.to_owned());
    }
}

/// The variables that the hub needs to read with these settings: the keys of the active providers, and
/// the database if an active tool keeps data there.
/// Nothing else of the environment has to travel into the sealed process.
pub fn needed_variables(settings: &Settings) -> BTreeSet<&str> {
    let llm = settings.llm_providers.iter().filter_map(needed);
    let search = settings.search_providers.iter().filter_map(needed);
    let keeps = |tool: &&Tool| tool.active && tool.provider_type == "persist";
    let database = settings.tools.iter().find(keeps).map(|_| VARIABLE);
    llm.chain(search).chain(database).collect()
}

fn needed<P: Chained>(provider: &P) -> Option<&str> {
    provider
        .env_key()
        .filter(|_| provider.active() && provider.built())
}

/// Whether one provider can be called.
#[expect(private_bounds, reason = "both kinds of providers are public")]
pub fn state<P: Chained>(provider: &P, is_set: &IsSet<'_>) -> ProviderState {
    match provider.env_key() {
        _ if !provider.active() => ProviderState::Inactive,
        _ if !provider.built() => ProviderState::NotBuilt,
        Some(variable) if !is_set(variable) => ProviderState::NoKey,
        _ => ProviderState::Ready,
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
        "llm" => nobody_ready(tool, &settings.llm_providers, is_set),
        "search" => nobody_ready(tool, &settings.search_providers, is_set),
        "db" => None,
        "persist" if !is_set(VARIABLE) => {
            Some(("no database is named".to_owned(), vec![VARIABLE.to_owned()]))
        }
        "persist" => None,
        _ => because("its provider_type is not known"),
    }
}

/// Why none of the providers can be called, and the variables of which one would help.
fn nobody_ready<P: Chained>(
    tool: &Tool,
    providers: &[P],
    is_set: &IsSet<'_>,
) -> Option<(String, Vec<String>)> {
    let usable = |provider: &&P| provider.active() && provider.built();
    let active: Vec<&P> = providers.iter().filter(usable).collect();
    if active.is_empty() {
        return Some((format!("no {} provider is active", P::KIND), Vec::new()));
    }
    let ready = |provider: &&P| state(*provider, is_set) == ProviderState::Ready;
    if active.iter().any(ready) {
        return None;
    }
    // The keys of the tool's own chain come first: with one of those it needs no `provider`.
    let own = chain(tool, providers).into_iter().filter(usable);
    let mut missing: Vec<String> = Vec::new();
    for variable in own.chain(active).filter_map(Chained::env_key) {
        if !missing.iter().any(|known| known == variable) {
            missing.push(variable.to_owned());
        }
    }
    Some((format!("no {} provider has its key", P::KIND), missing))
}

/// The providers that a call of the tool tries: from its `default_provider`, else from the first
/// active one.
fn chain<'a, P: Chained>(tool: &Tool, providers: &'a [P]) -> Vec<&'a P> {
    let first = tool.default_provider.as_deref().or_else(|| {
        providers
            .iter()
            .find(|provider| provider.active())
            .map(Chained::name)
    });
    first
        .map(|first| providers_from(providers, first))
        .unwrap_or_default()
}

fn names<P: Chained>(providers: &[&P]) -> Vec<String> {
    let names = providers.iter().map(|provider| provider.name().to_owned());
    names.collect()
}
