//! The formats, vendor by vendor: what is sent, what is understood, and what an error means.

mod anthropic;
mod calls;
mod gemini;
mod gemini_client;
mod gemini_errors;
mod history;
mod hostile;
mod kept;
mod openai;
mod openai_errors;
mod order;
mod put_together;
mod refusals;
mod round_trip;
mod signatures;
mod statuses;
mod streams;
mod thoughts;
mod translations;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName};

use super::{Dialect, Wire, by_name};
use crate::{
    conversation::{Content, Conversation, Format, Part, Signature},
    protocol::{Class, Completion, CompletionRequest, Failure, FailureKind},
};

fn wire(name: &str) -> &'static dyn Wire {
    by_name(name).expect("a known format")
}

fn request() -> CompletionRequest {
    asking(Some("Be brief."), Some(0.5))
}

fn plain_request() -> CompletionRequest {
    asking(None, None)
}

fn streaming() -> CompletionRequest {
    CompletionRequest {
        stream: true,
        ..plain_request()
    }
}

fn asking(system: Option<&str>, temperature: Option<f64>) -> CompletionRequest {
    let prompt = "What is \"Rust\"?\n".to_owned();
    let mut conversation = Conversation::ask(system.map(Arc::from), prompt);
    conversation.sampling.temperature = temperature;
    CompletionRequest {
        count: false,
        conversation: Arc::new(conversation),
        max_tokens: Some(64),
        ceiling: u32::MAX,
        stream: false,
        raw: None,
    }
}

fn without(parameters: &[&str]) -> Dialect {
    Dialect {
        drop_params: parameters.iter().map(|name| (*name).to_owned()).collect(),
        ..Dialect::default()
    }
}

fn signed(content: Content, format: Format, text: &str) -> Part {
    let text = text.into();
    Part {
        signature: Some(Signature { format, text }),
        ..content.into()
    }
}

/// The path and the body as text.
fn encoded(
    format: &str,
    request: &CompletionRequest,
    model: &str,
    dialect: &Dialect,
) -> (String, String) {
    let encoded = wire(format)
        .encode(request, model, dialect)
        .expect("a request");
    let body = String::from_utf8(encoded.body.expect("a body")).expect("UTF-8");
    (encoded.path, body)
}

fn decoded(format: &str, body: &str) -> Completion {
    read(format, body.as_bytes()).expect("a completion")
}

fn read(format: &str, body: &[u8]) -> Result<Completion, Failure> {
    let completed = wire(format).decode(&plain_request(), body)?;
    Ok(completed.whole().expect("a whole answer"))
}

fn failed(format: &str, body: &str) -> Failure {
    read(format, body.as_bytes()).expect_err("a failure")
}

fn refused(format: &str, status: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, value.parse().expect("a header value"))
        })
        .collect();
    wire(format).refusal(status, &headers, body.as_bytes())
}

/// A failure in short: what, what next, and the word.
fn gist(failure: &Failure) -> (FailureKind, Class, Option<&str>) {
    (failure.kind, failure.class, failure.word)
}

fn seconds(failure: &Failure) -> Option<f64> {
    failure.retry_after.as_ref().map(Duration::as_secs_f64)
}
