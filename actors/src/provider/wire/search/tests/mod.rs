//! The search formats, vendor by vendor: what is sent, what is understood, what an error means.

mod brave;
mod plain;
mod searxng;
mod statuses;
mod tavily;

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};

use super::by_name;
use crate::{
    protocol::{Class, Failure, FailureKind, Found, Freshness, SearchRequest},
    provider::wire::{Dialect, Wire},
};

fn wire(name: &str) -> &'static dyn Wire<SearchRequest> {
    by_name(name).expect("a known format")
}

/// Words alone.
fn plain_request() -> SearchRequest {
    SearchRequest {
        query: "rust actors".to_owned(),
        max_results: 5,
        include_answer: None,
        freshness: None,
        country: None,
        language: None,
        domains: Vec::new(),
    }
}

/// Everything that a caller can say.
fn request() -> SearchRequest {
    SearchRequest {
        query: "a&b=c #\"ü\"\r\n?x".to_owned(),
        max_results: 50,
        include_answer: Some(true),
        freshness: Some(Freshness::Week),
        country: Some("de".to_owned()),
        language: Some("pt-br".to_owned()),
        domains: vec!["docs.rs".to_owned(), "example.com".to_owned()],
    }
}

/// The path and the body as text.
fn encoded(
    format: &str,
    request: &SearchRequest,
    include_answer: bool,
) -> (String, Option<String>) {
    let dialect = Dialect {
        include_answer,
        ..Dialect::default()
    };
    let encoded = wire(format).encode(request, "", &dialect);
    let encoded = encoded.expect("a request");
    let body = encoded.body.map(String::from_utf8);
    (encoded.path, body.transpose().expect("UTF-8"))
}

fn dropped(format: &str, request: &SearchRequest) -> Vec<Cow<'static, str>> {
    let encoded = wire(format).encode(request, "", &Dialect::default());
    encoded.expect("a request").dropped
}

fn decoded(format: &str, body: &str) -> Found {
    wire(format)
        .decode(&plain_request(), body.as_bytes())
        .expect("hits")
}

fn failed(format: &str, body: &str) -> Failure {
    wire(format)
        .decode(&plain_request(), body.as_bytes())
        .expect_err("a failure")
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

/// A failure in short: what, what next, and the wait in seconds.
fn gist(failure: &Failure) -> (FailureKind, Class, Option<u64>) {
    let wait = failure.retry_after.map(|wait| wait.as_secs());
    (failure.kind, failure.class, wait)
}
