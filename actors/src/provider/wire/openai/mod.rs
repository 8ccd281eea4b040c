//! OpenAI's chat completions format (`api = "openai"`) and what its many speakers make of it.

mod answer;
mod memory;
mod message;
mod order;
mod piece;
mod read;
mod read_message;
mod request;
mod stream;
mod tools;
pub(super) mod usage;
mod write;
mod write_stream;

use http::HeaderMap;
use serde_json::{Value, json};

pub use self::{
    read::read_request, read_message::read_messages, write::write_answer,
    write_stream::StreamWriter,
};
use super::{
    Dialect, Encoded, ReadStream, Wire,
    error_body::ErrorBody,
    refusal::{self, Said},
    words,
};
use crate::protocol::{Class, Completed, CompletionRequest, Failure, FailureKind, FinishReason};

/// `POST {base}/chat/completions`
#[derive(Debug)]
pub(super) struct OpenAi;

// === impl OpenAi ===

impl Wire for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn auth(&self) -> (&'static str, &'static str) {
        ("authorization", "Bearer ")
    }

    fn encode(
        &self,
        request: &CompletionRequest,
        model: &str,
        dialect: &Dialect,
    ) -> Result<Encoded, Failure> {
        if request.count {
            return Err(Failure {
                advice: Some("Its API has no way to count tokens.".into()),
                ..Failure::new(FailureKind::Rejected, Class::Stop)
            });
        }
        request::encode(request, model, dialect)
    }

    fn stream(&self, request: &CompletionRequest) -> Option<Box<dyn ReadStream>> {
        let stream = || -> Box<dyn ReadStream> { Box::new(stream::Stream::new(request)) };
        request.stream.then(stream)
    }

    fn decode(&self, request: &CompletionRequest, body: &[u8]) -> Result<Completed, Failure> {
        answer::decode(request, body)
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::refusal(status, headers, body, said)
    }
}

/// Where Google's thought signatures stand in this format.
fn extra_content(signature: &str) -> Value {
    json!({"google": {"thought_signature": signature}})
}

/// OpenAI's words, and those of others: Mistral says `model_length` for a full context window, DeepSeek
/// `insufficient_system_resource` and vLLM `abort` for an answer that they gave up, Zhipu `sensitive`.
fn finish(reason: Option<&str>) -> FinishReason {
    match reason {
        Some(
            "length" | "model_length" | "max_tokens" | "insufficient_system_resource" | "abort",
        ) => FinishReason::Length,
        Some("tool_calls" | "function_call") => FinishReason::ToolCalls,
        Some("content_filter" | "sensitive") => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

pub(super) fn said(status: u16, error: &ErrorBody<'_>) -> Said {
    const USED_UP: [&str; 9] = [
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_exhausted",
        "insufficient_balance",
        "insufficient_credits",
        "insufficient_quota",
        "organization_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "project_spend_limit_exceeded",
    ];
    const BAD_KEY: [&str; 3] = ["incorrect api key", "invalid api key", "api key not valid"];

    let metadata = &error.metadata;
    let sentence = error.sentence();
    let next = |kind| Some((kind, Class::NextNow));
    let meaning = match status {
        _ if error.is_any_of(&USED_UP) => next(FailureKind::QuotaExhausted),
        400 | 403 | 404 | 422 if refusal::knows_no_model(error) => next(FailureKind::ModelNotFound),
        400 if error.is_any_of(&["invalid_api_key"])
            || BAD_KEY.iter().any(|phrase| sentence.contains(phrase)) =>
        {
            next(FailureKind::Unauthorized)
        }
        402 if metadata.is_in_flight_budget() => Some((FailureKind::RateLimited, Class::RetrySame)),
        403 if metadata.is_moderation() => Some((FailureKind::Rejected, Class::Stop)),
        _ => None,
    };
    let moderation = meaning == Some((FailureKind::Rejected, Class::Stop));
    let word = error
        .word()
        .or_else(|| words::known(metadata.error_type.as_deref()?))
        .or_else(|| moderation.then_some("moderation"));
    Said {
        meaning,
        word,
        delay: None,
    }
}
