//! What a model is asked, and what it answers.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    conversation::{Conversation, Part, Raw},
    streaming::Streaming,
};

/// What to complete, in no vendor's words. Copied for each hop, so what is long is shared.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletionRequest {
    /// What was said, and how to go on.
    pub conversation: Arc<Conversation>,
    /// Most tokens to generate, thinking included where the vendor counts it so; `None` if the caller
    /// did not say.
    pub max_tokens: Option<u32>,
    /// The most that the hop's model generates: what a format that needs a number gets if the caller
    /// did not say. `u32::MAX` if nobody knows.
    pub ceiling: u32,
    /// Whether to answer bit by bit.
    pub stream: bool,
    /// Whether to count the tokens of it and not to answer: the input tokens of [`Completion::usage`]
    /// are all that comes.
    pub count: bool,
    /// The request as it came, for a provider of the same format.
    pub raw: Option<Arc<Raw>>,
}

/// How a completion comes.
#[derive(Debug)]
pub enum Completed {
    /// Whole: always, if the request was not to stream.
    Whole(Completion),
    /// Bit by bit: always, if it was.
    Streaming(Streaming),
}

/// A vendor's answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// What the model said, in order: texts, thinking, calls of tools.
    pub parts: Vec<Part>,
    /// The model that the vendor says answered, if it says so.
    pub model: Option<String>,
    /// Tokens as the vendor counted them.
    pub usage: Usage,
    /// Why the text ends where it ends.
    pub finish: FinishReason,
    /// Which of the caller's texts ended it, if the vendor says.
    pub stop_sequence: Option<String>,
    /// The vendor's own body, for a client that speaks its format; only if the request was raw.
    pub raw: Option<Bytes>,
}

/// Tokens of one call, vendor differences evened out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// The whole prompt, cached part included.
    pub input_tokens: u64,
    /// Everything generated, thinking included.
    pub output_tokens: u64,
    /// The part of the input read from the vendor's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_input_tokens: Option<u64>,
    /// The part of the output spent on thinking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// US dollars, where the vendor bills each call in its answer (OpenRouter).
    #[serde(skip)]
    pub cost_usd: Option<f64>,
}

/// Why a completion ended (OpenAI's words, which the other vendors' map onto).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done.
    #[default]
    Stop,
    /// It was cut: by the token limit, or because the vendor broke off.
    Length,
    /// The model wants a tool's result.
    ToolCalls,
    /// The vendor's filter cut it or left nothing, or the model refused.
    ContentFilter,
}
