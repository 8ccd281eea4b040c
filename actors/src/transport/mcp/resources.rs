//! Resources: what the hub says about itself, to be read without calling a tool. No secret.

use percent_encoding::percent_decode_str;
use rmcp::{
    ErrorData,
    model::{
        ArgumentInfo, CompleteResult, CompletionInfo, ReadResourceResult, Reference, Resource,
        ResourceContents, ResourceTemplate,
    },
};
use serde_json::{Value, json};

use crate::{
    catalogue::Catalogue,
    inventory,
    params::{Params, clip},
    principal::Principal,
};

const PROVIDERS: &str = "hub://providers";
const TOOLS: &str = "hub://tools";
/// What a model's name is put behind.
const MODELS: &str = "hub://models/";
const MODEL_TEMPLATE: &str = "hub://models/{name}";
const JSON: &str = "application/json";

/// Everything with an address of its own.
pub fn resources(catalogue: &Catalogue) -> Vec<Resource> {
    let models = models(catalogue).into_iter().map(|name| {
        Resource::new(format!("{MODELS}{name}"), name)
            .with_description("A model's limits, prices and capabilities")
            .with_mime_type(JSON)
    });
    [
        Resource::new(PROVIDERS, "providers")
            .with_title("Providers")
            .with_description(
                "Every LLM provider: its models, its fallback, and why it is inactive",
            )
            .with_mime_type(JSON),
        Resource::new(TOOLS, "tools")
            .with_title("Tools")
            .with_description("The tools that can be used now, and what is inactive and why")
            .with_mime_type(JSON),
    ]
    .into_iter()
    .chain(models)
    .collect()
}

/// What has an address by its name.
pub fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(MODEL_TEMPLATE, "model")
            .with_title("Model")
            .with_description("A model's limits, prices and capabilities")
            .with_mime_type(JSON),
    ]
}

/// Every model that can be asked for or is described, without duplicates.
pub fn models(catalogue: &Catalogue) -> Vec<&str> {
    let mut names = catalogue.available_models();
    let described = catalogue.models.iter().map(|model| &*model.name);
    let vectors = catalogue.available_embedding_models();
    for name in vectors.into_iter().chain(described) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Reads one.
///
/// # Errors
/// Resource not found, with the address in `data.uri`.
pub fn read(
    catalogue: &Catalogue,
    principal: &Principal,
    uri: &str,
) -> Result<ReadResourceResult, ErrorData> {
    let content = match uri {
        PROVIDERS => Some(providers(catalogue)),
        TOOLS => Some(inventory::active_tools(catalogue)),
        _ => uri.strip_prefix(MODELS).and_then(|name| {
            // A client that fills in the template encodes the `/` of `openai/gpt-oss-120b`.
            let name = percent_decode_str(name).decode_utf8().ok()?;
            let params = Params::new("get_model_info", Some(json!({"model": name}))).ok()?;
            inventory::model_info(catalogue, principal, params).ok()
        }),
    };
    let Some(content) = content else {
        return Err(not_found(uri));
    };
    let contents = ResourceContents::text(content.to_string(), uri).with_mime_type(JSON);
    Ok(ReadResourceResult::new(vec![contents]))
}

/// The error for an address where nothing is.
pub fn not_found(uri: &str) -> ErrorData {
    ErrorData::resource_not_found(
        format!("There is no resource {}.", clip(uri)),
        Some(json!({"uri": uri})),
    )
}

/// Names that begin with what is typed, at most as many as MCP allows.
///
/// # Errors
/// Invalid params, for a template that there is not.
pub fn complete(
    catalogue: &Catalogue,
    reference: &Reference,
    argument: &ArgumentInfo,
) -> Result<CompleteResult, ErrorData> {
    let known = match reference {
        Reference::Resource(template) => template.uri == MODEL_TEMPLATE,
        // The prompts' one argument is free text.
        Reference::Prompt(_) => return Ok(CompleteResult::default()),
        _ => false,
    };
    if !known {
        return Err(ErrorData::invalid_params(
            format!("There is no such template. There is {MODEL_TEMPLATE}."),
            None,
        ));
    }
    if argument.name != "name" {
        return Err(ErrorData::invalid_params(
            format!(
                "{MODEL_TEMPLATE} has no argument `{}`.",
                clip(&argument.name)
            ),
            None,
        ));
    }
    let mut names: Vec<String> = models(catalogue)
        .into_iter()
        .filter(|name| name.starts_with(&argument.value))
        .map(str::to_owned)
        .collect();
    let total = names.len();
    names.truncate(CompletionInfo::MAX_VALUES);
    let more = names.len() < total;
    let completion = CompletionInfo::with_pagination(names, u32::try_from(total).ok(), more)
        .map_err(|error| ErrorData::internal_error(error, None))?;
    Ok(CompleteResult::new(completion))
}

fn providers(catalogue: &Catalogue) -> Value {
    catalogue
        .providers
        .iter()
        .map(|provider| {
            let info = &provider.info;
            json!({
                "name": &*info.name,
                "active": info.inactive.is_none(),
                "inactive": info.inactive,
                "running": provider.up.is_some(),
                "default_model": &*info.offer.default,
                "models": info.offer.all.iter().map(|model| &**model).collect::<Vec<_>>(),
                "fallback_to": info.fallback.as_deref(),
            })
        })
        .collect()
}
