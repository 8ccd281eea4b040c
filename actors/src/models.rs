//! Models: what a name means to clients that ask for a model and nothing else, and which names there are.
//!
//! Such a name is, in this order: a model of some provider's; a name that the configuration gives to one;
//! `provider/model`; a tool that asks an LLM, with its system prompt and its chain. Names of models hold slashes themselves, so the whole name comes
//! first.

use std::{borrow::Cow, sync::Arc};

use crate::{
    catalogue::{Catalogue, ModelInfo, Provider, Tool, ToolKind},
    embedding,
    error::CallError,
    params::clip,
    plan::{list, near},
};

/// What a name means.
#[derive(Debug)]
pub enum Named<'a> {
    /// A model, and who is asked for it first.
    Model {
        /// Who.
        provider: &'a Provider,
        /// The provider's own name for it.
        model: &'a Arc<str>,
    },
    /// An LLM tool.
    Tool(&'a Arc<Tool>),
}

/// A name that can be asked for.
#[derive(Debug)]
pub struct Listed<'a> {
    /// The name.
    pub name: Cow<'a, str>,
    /// The provider that is asked first; `None` for a tool.
    pub provider: Option<&'a str>,
    /// What the configuration says of the model.
    pub info: Option<&'a ModelInfo>,
    /// It makes vectors, and answers no conversation.
    pub embeds: bool,
}

/// What `name` means.
///
/// # Errors
/// [`CallError::UnknownModel`] with the names that look most like it, [`CallError::BadRequest`] for a model
/// that makes vectors.
pub fn find<'a>(catalogue: &'a Catalogue, name: &str) -> Result<Named<'a>, CallError> {
    if let Some(provider) = catalogue.offering(name)
        && let Some(model) = provider.info.offers(name)
    {
        return Ok(Named::Model { provider, model });
    }
    if let Some((provider, model)) = catalogue.alias(name) {
        return Ok(Named::Model { provider, model });
    }
    let wrong_door = || embedding::wrong_door(catalogue, name);
    if let Some((owner, name)) = name.split_once('/')
        && let Some(provider) = catalogue.provider(owner)
    {
        return match provider.info.offers(name) {
            Some(model) => Ok(Named::Model { provider, model }),
            None => Err(wrong_door().unwrap_or_else(|| not_offered(provider, name))),
        };
    }
    let is_llm = |tool: &&Arc<Tool>| matches!(tool.kind, ToolKind::Llm { .. });
    match catalogue.tool(name).filter(is_llm) {
        Some(tool) => Ok(Named::Tool(tool)),
        None => Err(wrong_door().unwrap_or_else(|| unknown(catalogue, name))),
    }
}

/// Every name that can be asked for: models in the configuration's order, those that make vectors, its own
/// names for some, then tools. A model that more
/// than one provider offers is listed for the others as `provider/model`.
pub fn all(catalogue: &Catalogue) -> Vec<Listed<'_>> {
    let mut listed: Vec<Listed<'_>> = Vec::new();
    for provider in catalogue.usable_providers() {
        let owner = &*provider.info.name;
        for model in &provider.info.offer.all {
            let taken = listed.iter().any(|other| other.name == **model);
            let name = match taken {
                true => Cow::Owned(format!("{owner}/{model}")),
                false => Cow::Borrowed(&**model),
            };
            let info = catalogue.model_of(owner, model);
            listed.push(Listed {
                name,
                provider: Some(owner),
                info: info.map(|info| &**info),
                embeds: false,
            });
        }
    }
    for provider in catalogue.usable_embedders() {
        let owner = &*provider.info.name;
        for model in &provider.info.offer.all {
            let mut taken = listed.iter().filter(|other| other.name == **model);
            let name = match taken.next() {
                // At this one it does both.
                Some(other) if other.provider == Some(owner) => continue,
                Some(_) => Cow::Owned(format!("{owner}/{model}")),
                None => Cow::Borrowed(&**model),
            };
            let info = catalogue.model_of(owner, model);
            listed.push(Listed {
                name,
                provider: Some(owner),
                info: info.map(|info| &**info),
                embeds: true,
            });
        }
    }
    for info in &catalogue.models {
        if listed.iter().any(|other| other.name == *info.name) {
            continue;
        }
        let alias = catalogue
            .alias(&info.name)
            .map(|(provider, _)| &provider.info);
        let chats = alias.filter(|info| info.inactive.is_none());
        let embedder = || embedding::lookup(catalogue, &info.name).map(|found| found.provider);
        let (owner, embeds) = match chats {
            Some(provider) => (&provider.name, false),
            None => match embedder().filter(|provider| provider.info.inactive.is_none()) {
                Some(provider) => (&provider.info.name, true),
                None => continue,
            },
        };
        listed.push(Listed {
            name: Cow::Borrowed(&*info.name),
            provider: Some(owner),
            info: Some(info),
            embeds,
        });
    }
    let tools = catalogue
        .active_tools()
        .filter(|tool| matches!(tool.kind, ToolKind::Llm { .. }));
    listed.extend(tools.map(|tool| Listed {
        name: Cow::Borrowed(&*tool.name),
        provider: None,
        info: None,
        embeds: false,
    }));
    listed
}

fn not_offered(provider: &Provider, model: &str) -> CallError {
    let offered: Vec<_> = provider.info.offer.all.iter().map(|name| &**name).collect();
    CallError::UnknownModel(format!(
        "`{}` does not offer the model `{}`. It offers: {}.",
        provider.info.name,
        clip(model),
        list(&near(model, &offered))
    ))
}

fn unknown(catalogue: &Catalogue, name: &str) -> CallError {
    let listed = all(catalogue);
    let names: Vec<&str> = listed.iter().map(|listed| &*listed.name).collect();
    // Who writes a provider before it may have the provider wrong.
    let (_, model) = name.rsplit_once('/').unwrap_or(("", name));
    CallError::UnknownModel(format!(
        "There is no model `{}`. Did you mean: {}? GET /v1/models lists them all.",
        clip(name),
        list(&near(model, &names))
    ))
}
