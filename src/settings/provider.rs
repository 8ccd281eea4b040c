//! `[LLM_PROVIDER.x]`

use hub_actors::provider::wire::embedding;

use super::{
    LlmProvider,
    chain::Link,
    env_key,
    headers::extra_headers,
    nearest::suggestion,
    section::{Section, quoted},
    url, vendors,
};
use crate::pyfun::{Place, Problem};

/// A block and what the checks between blocks need of it.
#[derive(Debug)]
pub(super) struct LlmBlock {
    pub(super) provider: LlmProvider,
    pub(super) fallback: Option<Place>,
    pub(super) models: Place,
    pub(super) embedding_models: Place,
}

/// Request parameters that can be left out.
const PARAMETERS: [&str; 3] = ["temperature", "max_tokens", "system"];

/// The two names of the parameter for the most tokens to generate.
const MAX_TOKENS_FIELDS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// Reads `[LLM_PROVIDER.name]`; `apis` are the wire formats there are.
pub(super) fn llm(
    name: &str,
    apis: &[&str],
    mut section: Section<'_>,
    problems: &mut Vec<Problem>,
) -> LlmBlock {
    let active = section.flag("active").unwrap_or(true);
    let api = api(name, apis, &mut section);
    let base_url = base_url(name, &mut section);
    let env_key = env_key::read(name, vendors::by_name(name), &base_url, &mut section);
    url::check_exposure(&base_url, env_key.as_deref(), &mut section);
    let (default_model, models, models_place) = models(&mut section);
    let (embedding_models, embedding_place) = embedding_models(&api, apis, &mut section);
    let fallback = section.text("fallback_to");
    let provider = LlmProvider {
        name: name.to_owned(),
        active,
        api_version: api_version(&api, &mut section),
        default_model,
        models,
        embedding_models,
        fallback_to: fallback.as_ref().map(|text| text.value.to_owned()),
        extra_headers: extra_headers(env_key.is_some(), &mut section),
        drop_params: drop_params(&mut section),
        max_completion_tokens: max_completion_tokens(&base_url, &mut section),
        api,
        base_url,
        env_key,
    };
    problems.extend(section.finish());
    LlmBlock {
        provider,
        fallback: fallback.map(|text| text.place),
        models: models_place,
        embedding_models: embedding_place,
    }
}

// === impl LlmBlock ===

impl LlmBlock {
    pub(super) fn link(&self) -> Link<'_> {
        let next = self.provider.fallback_to.as_deref();
        Link {
            name: &self.provider.name,
            active: self.provider.active,
            next: next.zip(self.fallback.clone()),
        }
    }
}

fn api(name: &str, apis: &[&str], section: &mut Section<'_>) -> String {
    let Some(text) = section.text("api") else {
        return vendors::by_name(name)
            .map_or("openai", |vendor| vendor.api)
            .to_owned();
    };
    if !apis.contains(&text.value) {
        let message = format!("`api` is {}, no format the hub speaks", quoted(text.value));
        section.report(
            Problem::error(text.place, message).help(format!("it can be {}", apis.join(", "))),
        );
    }
    text.value.to_owned()
}

fn base_url(name: &str, section: &mut Section<'_>) -> String {
    let written = section.text("base_url").is_some();
    if let Some((address, _)) = url::base_url(section) {
        return address;
    }
    let known = vendors::by_name(name);
    if !written && known.is_none() {
        let message = format!("{} has no `base_url`", section.title());
        let names: Vec<&str> = vendors::VENDORS.iter().map(|vendor| vendor.name).collect();
        section.report(Problem::error(section.place(), message).help(format!(
            "write `base_url = \"https://..\"`; only these have a known one: {}",
            names.join(", ")
        )));
    }
    known
        .map(|vendor| vendor.base_url.to_owned())
        .unwrap_or_default()
}

fn api_version(api: &str, section: &mut Section<'_>) -> Option<String> {
    let text = section.text("api_version_header")?;
    if api != "anthropic" {
        section.report(
            Problem::warning(
                text.place,
                format!("`api_version_header` does nothing with the format `{api}`"),
            )
            .help("remove the line; only the anthropic format has a version"),
        );
        return None;
    }
    let version_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !text.value.chars().all(version_char) {
        let message = format!("`api_version_header` is {}, no version", quoted(text.value));
        section.report(Problem::error(text.place, message).help("write it as \"2023-06-01\""));
    }
    Some(text.value.to_owned())
}

/// `default_model`, `models` and where they are written. Each stands in for the other; a default
/// outside the list is put in front of it.
fn models(section: &mut Section<'_>) -> (String, Vec<String>, Place) {
    let default = section.text("default_model");
    let list = section.list("models");
    let place = list
        .as_ref()
        .map(|(_, place)| place.clone())
        .or_else(|| default.as_ref().map(|text| text.place.clone()))
        .unwrap_or_else(|| section.place());
    let mut models = list.map(|(models, _)| models).unwrap_or_default();
    let default_model = match &default {
        Some(text) => text.value.to_owned(),
        None => models.first().cloned().unwrap_or_default(),
    };
    if default_model.is_empty() {
        let message = format!("{} names no model", section.title());
        section.report(
            Problem::error(section.place(), message).help(
                "write `default_model = \"..\"`, and `models = \".., ..\"` for more than one",
            ),
        );
    } else if !models.contains(&default_model) {
        if let Some(text) = default.filter(|_| !models.is_empty()) {
            section.report(
                Problem::warning(
                    text.place,
                    format!("`default_model` `{default_model}` is not among `models`"),
                )
                .help("it is used all the same; add it to `models`, or correct it"),
            );
        }
        models.insert(0, default_model.clone());
    }
    (default_model, models, place)
}

/// `embedding_models` and where it is written. Not every format has vectors.
fn embedding_models(api: &str, apis: &[&str], section: &mut Section<'_>) -> (Vec<String>, Place) {
    let Some((models, place)) = section.list("embedding_models") else {
        return (Vec::new(), section.place());
    };
    let makes = |api: &str| embedding::by_name(api).is_some();
    #[cfg(feature = "fixtures")]
    let makes = |api: &str| makes(api) || api == "fault";
    if !models.is_empty() && apis.contains(&api) && !makes(api) {
        let message =
            format!("the format `{api}` has no vectors, so `embedding_models` cannot be asked");
        let formats: Vec<&str> = embedding::ALL.iter().map(|wire| wire.name()).collect();
        section.report(Problem::error(place.clone(), message).help(format!(
            "remove the line; these formats have vectors: {}",
            formats.join(", ")
        )));
    }
    (models, place)
}

fn drop_params(section: &mut Section<'_>) -> Vec<String> {
    let Some((params, place)) = section.list("drop_params") else {
        return Vec::new();
    };
    for param in &params {
        if !PARAMETERS.contains(&param.as_str()) {
            let message = format!(
                "`drop_params` names {}, no parameter of ours",
                quoted(param)
            );
            section.report(Problem::warning(place.clone(), message).help(suggestion(
                param,
                &PARAMETERS,
                "it can name",
            )));
        }
    }
    params
}

/// OpenAI itself takes `max_completion_tokens` only; many compatible servers know `max_tokens` only.
fn max_completion_tokens(base_url: &str, section: &mut Section<'_>) -> bool {
    let Some(text) = section.text("max_tokens_field") else {
        return url::same_host(base_url, "https://api.openai.com/v1");
    };
    if !MAX_TOKENS_FIELDS.contains(&text.value) {
        let message = format!("`max_tokens_field` is {}", quoted(text.value));
        section.report(
            Problem::error(text.place, message)
                .help(format!("it can be {}", MAX_TOKENS_FIELDS.join(" or "))),
        );
    }
    text.value == "max_completion_tokens"
}
