//! How a model behind Google's format shall answer.

use serde::Serialize;
use serde_json::Value;

use crate::{
    conversation::{Conversation, Effort, OutputShape, Sampling, ThinkingBudget},
    provider::wire::{taken::Taken, thinking},
};

/// Most thinking that all models of version 2.5 take.
const MOST_THINKING: u32 = 24_576;

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_sequences: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_thoughts: Option<bool>,
}

pub(super) fn config<'a>(
    taken: &mut Taken<'_>,
    conversation: &'a Conversation,
    model: &str,
    max_tokens: Option<u32>,
) -> Config<'a> {
    let Sampling {
        temperature,
        top_p,
        top_k,
        seed,
        frequency_penalty,
        presence_penalty,
    } = conversation.sampling;
    let (response_mime_type, response_json_schema) = match taken
        .take("response_format", conversation.output.as_ref())
    {
        None => (None, None),
        Some(OutputShape::JsonObject) => (Some("application/json"), None),
        Some(OutputShape::JsonSchema { schema, .. }) => (Some("application/json"), Some(schema)),
    };
    let stop = (!conversation.stop.is_empty()).then_some(conversation.stop.as_slice());
    Config {
        max_output_tokens: max_tokens.filter(|_| taken.takes("max_tokens")),
        temperature: taken.take("temperature", temperature),
        top_p: taken.take("top_p", top_p),
        top_k: taken.take("top_k", top_k),
        seed: taken.take("seed", seed),
        frequency_penalty: taken.take("frequency_penalty", frequency_penalty),
        presence_penalty: taken.take("presence_penalty", presence_penalty),
        stop_sequences: taken.take("stop", stop),
        response_mime_type,
        response_json_schema,
        thinking_config: taken.take("reasoning_effort", think(conversation, model)),
    }
}

/// How the model is told to think. From version 3 on it is told in words, before in tokens.
fn think(conversation: &Conversation, model: &str) -> Option<ThinkingConfig> {
    let reasoning = conversation.reasoning;
    let by_words = thinking::version(model).is_some_and(|(major, _)| major >= 3);
    let mut config = ThinkingConfig {
        include_thoughts: reasoning.shown,
        ..ThinkingConfig::default()
    };
    match (reasoning.budget, reasoning.effort) {
        (Some(ThinkingBudget::Off), _) => config.thinking_budget = Some(0),
        (Some(ThinkingBudget::Adaptive), _) => config.thinking_budget = Some(-1),
        (Some(ThinkingBudget::Tokens(tokens)), _) => config.thinking_budget = Some(tokens.into()),
        (None, Some(effort)) if by_words => {
            config.thinking_level = Some(match effort {
                Effort::None | Effort::Minimal => "minimal",
                Effort::Low => "low",
                Effort::Medium => "medium",
                Effort::High | Effort::XHigh | Effort::Max => "high",
            });
        }
        (None, Some(effort)) => {
            let tokens = thinking::tokens(effort).unwrap_or(0);
            config.thinking_budget = Some(tokens.min(MOST_THINKING).into());
        }
        (None, None) => {}
    }
    (config != ThinkingConfig::default()).then_some(config)
}

// === impl Config ===

impl Config<'_> {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
