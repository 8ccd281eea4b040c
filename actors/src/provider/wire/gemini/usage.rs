//! Tokens, as Google's format counts them.

use serde::Deserialize;

use crate::{
    protocol::Usage,
    provider::wire::lenient::{Object, any},
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::provider::wire) struct Tokens {
    #[serde(deserialize_with = "any")]
    prompt_token_count: Option<u64>,
    #[serde(deserialize_with = "any")]
    tool_use_prompt_token_count: Option<u64>,
    #[serde(deserialize_with = "any")]
    cached_content_token_count: Option<u64>,
    #[serde(deserialize_with = "any")]
    candidates_token_count: Option<u64>,
    #[serde(deserialize_with = "any")]
    thoughts_token_count: Option<u64>,
}

// === impl Usage ===

impl From<Tokens> for Usage {
    /// Gemini counts the cached part within the prompt, and thinking beside the answer.
    fn from(tokens: Tokens) -> Self {
        let thoughts = tokens.thoughts_token_count.unwrap_or(0);
        let tool_use = tokens.tool_use_prompt_token_count.unwrap_or(0);
        Self {
            input_tokens: tokens.prompt_token_count.unwrap_or(0) + tool_use,
            output_tokens: tokens.candidates_token_count.unwrap_or(0) + thoughts,
            cached_input_tokens: tokens.cached_content_token_count.filter(|&count| count > 0),
            reasoning_tokens: Some(thoughts).filter(|&count| count > 0),
            cost_usd: None,
        }
    }
}

// === impl Lenient ===

impl Object<'_> for Tokens {}
