//! What tools take.

use serde_json::{Value, json};

use super::DIALECT;
use crate::{catalogue::Catalogue, protocol::Freshness, transport::mcp::resources};

/// A tool that takes nothing.
pub fn no_input() -> Value {
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {},
        "additionalProperties": false,
    })
}

/// An LLM tool, with the providers and models that can be asked now, so that a model picks well.
pub fn llm_input(catalogue: &Catalogue) -> Value {
    let providers: Vec<_> = catalogue
        .usable_providers()
        .map(|provider| &*provider.info.name)
        .collect();
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "prompt": {
                "type": "string",
                "minLength": 1,
                "description": "The text to work on.",
            },
            "provider": {
                "type": "string",
                "enum": providers,
                "description": "Who is asked first. Leave it out unless it matters.",
            },
            "model": {
                "type": "string",
                "enum": catalogue.available_models(),
                "description": "Which model is asked. Leave it out for the provider's default.",
            },
            "max_tokens": {
                "type": "integer",
                "minimum": 1,
                "default": crate::params::DEFAULT_MAX_TOKENS,
                "description": "Most tokens of the answer.",
            },
            "temperature": {
                "type": "number",
                "minimum": 0,
                "maximum": 2,
                "description": "Higher is more varied. Left out, the model's own default counts.",
            },
            "cache": cache(),
            "messages": messages(),
            "images": {
                "type": "array",
                "items": {"type": "string", "pattern": "^(https://|data:)"},
                "description": "What to look at with the prompt: `https://` addresses, or data URLs \
                    such as `data:image/png;base64,..`.",
            },
        },
        "required": ["prompt"],
        "additionalProperties": false,
    })
}

/// The messages of OpenAI's format, as far as it needs to be said. No `anyOf` at the top: vendors take no
/// tool with one.
fn messages() -> Value {
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "role": {
                    "type": "string",
                    "enum": ["system", "developer", "user", "assistant", "tool"],
                },
                "content": {
                    "anyOf": [
                        {"type": "string"},
                        {"type": "array", "items": {"type": "object"}},
                    ],
                    "description": "A text, or parts: `text`, `image_url`, `input_audio`, `file`.",
                },
            },
            "required": ["role"],
        },
        "description": "What was said before the prompt, as OpenAI's chat completions have it.",
    })
}

/// A search tool, with the providers that can be asked now.
pub fn search_input(catalogue: &Catalogue) -> Value {
    let usable = || catalogue.usable_searchers();
    let providers: Vec<_> = usable().map(|provider| &*provider.info.name).collect();
    let most = usable().map(|provider| provider.info.offer.most).max();
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "minLength": 1,
                "description": "The words to search for.",
            },
            "max_results": {
                "type": "integer",
                "minimum": 1,
                "maximum": most.unwrap_or(1),
                "description": "Most results.",
            },
            "include_answer": {
                "type": "boolean",
                "description": "Whether a short answer above the results is wanted.",
            },
            "freshness": {
                "type": "string",
                "enum": Freshness::WORDS,
                "description": "No older pages than this.",
            },
            "country": {
                "type": "string",
                "pattern": "^[A-Za-z]{2}$",
                "description": "Where the results come from: two letters, such as `de`.",
            },
            "language": {
                "type": "string",
                "description": "The results' language: its code, such as `de` or `pt-br`.",
            },
            "domains": {
                "type": "array",
                "items": {"type": "string"},
                "maxItems": 20,
                "description": "Results from these hosts alone, such as `example.com`.",
            },
            "provider": {
                "type": "string",
                "enum": providers,
                "description": "Who is asked first. Leave it out unless it matters.",
            },
            "cache": cache(),
        },
        "required": ["query"],
        "additionalProperties": false,
    })
}

fn cache() -> Value {
    json!({
        "type": "boolean",
        "description": "False asks anew, whatever answer has been kept. Leave it out otherwise.",
    })
}

/// `get_model_info`
pub fn model_input(catalogue: &Catalogue) -> Value {
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "model": {
                "type": "string",
                "enum": resources::models(catalogue),
                "description": "The model's name.",
            },
        },
        "required": ["model"],
        "additionalProperties": false,
    })
}

/// `db_query`
pub fn query_input() -> Value {
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "sql": {
                "type": "string",
                "minLength": 1,
                "maxLength": 16_384,
                "description": "One SELECT of SQLite's SQL. Tables: \
                    hub_state(key, value, updated_at), where value is JSON; \
                    tool_cache(id, tool_name, prompt, response, provider, model, created_at). \
                    At most 1,000 rows, 1 MiB and 250 ms; no value of more than 256 KiB.",
            },
        },
        "required": ["sql"],
        "additionalProperties": false,
    })
}

/// `persist_result`
pub fn persist_input(state_key: Option<&str>) -> Value {
    let data = match state_key {
        Some(key) => {
            format!("What to keep: any JSON, 4 MiB at most. Without it, the value of `{key}`.")
        }
        None => "What to keep: any JSON, 4 MiB at most.".to_owned(),
    };
    let required: &[&str] = if state_key.is_some() { &[] } else { &["data"] };
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {"data": {"description": data}},
        "required": required,
        "additionalProperties": false,
    })
}
