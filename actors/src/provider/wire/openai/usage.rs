//! Tokens, as OpenAI's format counts them.

use serde::Deserialize;

use crate::{
    protocol::Usage,
    provider::wire::lenient::{Object, any},
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::provider::wire) struct Tokens {
    #[serde(deserialize_with = "any")]
    prompt_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    completion_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    total_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    prompt_tokens_details: Option<PromptTokens>,
    #[serde(deserialize_with = "any")]
    completion_tokens_details: Option<CompletionTokens>,
    /// OpenRouter: US dollars.
    #[serde(deserialize_with = "any")]
    cost: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PromptTokens {
    #[serde(deserialize_with = "any")]
    cached_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CompletionTokens {
    #[serde(deserialize_with = "any")]
    reasoning_tokens: Option<u64>,
}

// === impl Usage ===

impl From<Tokens> for Usage {
    /// Some count thinking in the total alone (xAI, Gemini's compatible endpoint), so what the
    /// total holds beyond the prompt is output.
    fn from(tokens: Tokens) -> Self {
        let input_tokens = tokens.prompt_tokens.unwrap_or(0);
        let completion = tokens.completion_tokens.unwrap_or(0);
        let beyond_prompt = match (tokens.prompt_tokens, tokens.total_tokens) {
            (Some(prompt), Some(total)) => total.saturating_sub(prompt),
            _ => 0,
        };
        let cached = tokens.prompt_tokens_details.unwrap_or_default();
        let reasoning = tokens.completion_tokens_details.unwrap_or_default();
        Self {
            input_tokens,
            output_tokens: completion.max(beyond_prompt),
            cached_input_tokens: cached.cached_tokens.filter(|&count| count > 0),
            reasoning_tokens: reasoning.reasoning_tokens.filter(|&count| count > 0),
            cost_usd: tokens.cost,
        }
    }
}

// === impl Lenient ===

impl Object<'_> for CompletionTokens {}
impl Object<'_> for PromptTokens {}
impl Object<'_> for Tokens {}
