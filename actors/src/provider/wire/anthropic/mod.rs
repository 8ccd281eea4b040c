//! Anthropic's Messages format (`api = "anthropic"`), version 2023-06-01.

mod answer;
mod calls;
mod count;
mod message;
mod read;
mod request;
mod stream;
mod think;
mod tools;
mod write;
mod write_stream;

use http::{HeaderMap, HeaderName, HeaderValue};

pub use self::{
    read::{NO_THREADS, read_request},
    write::write_answer,
    write_stream::StreamWriter,
};
use super::{
    Dialect, Encoded, ReadStream, Wire,
    error_body::ErrorBody,
    refusal::{self, Said},
    words,
};
use crate::conversation::Format;
use crate::protocol::{Class, Completed, CompletionRequest, Failure, FailureKind, FinishReason};

/// Names what a request wants to try out.
pub const BETA: &str = "anthropic-beta";

/// `POST {base}/messages`
#[derive(Debug)]
pub(super) struct Anthropic;

// === impl Anthropic ===

impl Wire for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn auth(&self) -> (&'static str, &'static str) {
        ("x-api-key", "")
    }

    fn version(&self) -> Option<(&'static str, &'static str)> {
        Some(("anthropic-version", "2023-06-01"))
    }

    fn encode(
        &self,
        request: &CompletionRequest,
        model: &str,
        dialect: &Dialect,
    ) -> Result<Encoded, Failure> {
        if request.count {
            return count::encode(request, model, dialect);
        }
        request::encode(request, model, dialect)
    }

    fn header(&self, request: &CompletionRequest) -> Option<(HeaderName, HeaderValue)> {
        let rest = request.conversation.rest.as_ref();
        let rest = rest.filter(|rest| rest.format == Format::Anthropic)?;
        let betas = HeaderValue::from_str(rest.betas.as_deref()?).ok()?;
        Some((HeaderName::from_static(BETA), betas))
    }

    fn stream(&self, request: &CompletionRequest) -> Option<Box<dyn ReadStream>> {
        let stream = || -> Box<dyn ReadStream> { Box::new(stream::Stream::new(request)) };
        request.stream.then(stream)
    }

    fn decode(&self, request: &CompletionRequest, body: &[u8]) -> Result<Completed, Failure> {
        if request.count {
            return count::decode(body);
        }
        answer::decode(request, body)
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::refusal(status, headers, body, said)
    }
}

fn finish(stop_reason: Option<&str>) -> FinishReason {
    match stop_reason {
        Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
        Some("tool_use") => FinishReason::ToolCalls,
        Some("refusal") => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

fn said(status: u16, error: &ErrorBody<'_>) -> Said {
    const SPENT: [&str; 2] = [
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
    ];
    let used_up = (FailureKind::QuotaExhausted, Class::NextNow);
    // A spend limit comes as a 429 without a delay, an empty balance as a 400.
    let (meaning, word) = if error.is_any_of(&SPENT) {
        let word = error.details.error_code.as_deref().and_then(words::known);
        (Some(used_up), word)
    } else if status == 400 && error.sentence().contains("credit balance") {
        (Some(used_up), None)
    } else if status == 400 && refusal::knows_no_model(error) {
        (Some((FailureKind::ModelNotFound, Class::NextNow)), None)
    } else {
        (None, None)
    };
    Said {
        meaning,
        word: word.or_else(|| error.word()),
        delay: None,
    }
}
