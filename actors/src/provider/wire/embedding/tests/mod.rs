//! The formats of vectors: what is sent, what is understood, and what is neither.

mod client;
mod gemini;
mod hostile;
mod openai;

use std::sync::Arc;

use bytes::Bytes;

use super::{by_name, read_request};
use crate::{
    protocol::{Embedded, EmbeddingRequest, Failure},
    provider::wire::{Dialect, Encoded, Wire},
};

fn wire(name: &str) -> &'static dyn Wire<EmbeddingRequest> {
    by_name(name).expect("a known format")
}

/// What a client asks with this body.
fn asked(body: &str) -> Arc<EmbeddingRequest> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Arc::new(read_request(&body).expect("a request").request)
}

fn two() -> Arc<EmbeddingRequest> {
    asked(r#"{"model":"m","input":["one","two"]}"#)
}

fn without(parameters: &[&str]) -> Dialect {
    Dialect {
        drop_params: parameters.iter().map(|name| (*name).to_owned()).collect(),
        ..Dialect::default()
    }
}

/// The body as text, and the rest.
fn encoded(format: &str, request: &EmbeddingRequest, dialect: &Dialect) -> (String, Encoded) {
    let encoded = wire(format).encode(request, "new-1", dialect);
    let encoded = encoded.expect("a request");
    let body = encoded.body.clone().expect("a body");
    (String::from_utf8(body).expect("UTF-8"), encoded)
}

fn decoded(
    format: &str,
    request: &EmbeddingRequest,
    body: impl AsRef<[u8]>,
) -> Result<Embedded, Failure> {
    wire(format).decode(request, body.as_ref())
}
