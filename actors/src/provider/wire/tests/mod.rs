//! The formats, vendor by vendor: what is sent, what is understood, and what an error means.

mod anthropic;
mod gemini;
mod gemini_errors;
mod hostile;
mod openai;
mod openai_errors;
mod statuses;

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use super::{Dialect, Wire, by_name};
use crate::protocol::{Class, Completion, CompletionRequest, Failure, FailureKind};

fn wire(name: &str) -> &'static dyn Wire {
    by_name(name).expect("a known format")
}

fn request() -> CompletionRequest {
    CompletionRequest {
        system: Some("Be brief.".into()),
        prompt: "What is \"Rust\"?\n".to_owned(),
        max_tokens: 64,
        temperature: Some(0.5),
    }
}

fn plain_request() -> CompletionRequest {
    CompletionRequest {
        system: None,
        temperature: None,
        ..request()
    }
}

fn without(parameters: &[&str]) -> Dialect {
    Dialect {
        drop_params: parameters.iter().map(|name| (*name).to_owned()).collect(),
        ..Dialect::default()
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
    wire(format).decode(body.as_bytes()).expect("a completion")
}

fn failed(format: &str, body: &str) -> Failure {
    wire(format).decode(body.as_bytes()).expect_err("a failure")
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
