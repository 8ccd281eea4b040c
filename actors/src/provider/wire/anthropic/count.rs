//! How many tokens a request has, as Anthropic counts them.

use serde::Deserialize;

use super::{request, said};
use crate::{
    protocol::{Completed, Completion, CompletionRequest, Failure},
    provider::wire::{
        Dialect, Encoded,
        passthrough::{self, Edit},
        refusal,
    },
};

/// What says how to answer. The vendor does not take it where it only counts.
const ANSWERING: [&str; 9] = [
    "max_tokens",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
    "service_tier",
    "container",
];

#[derive(Deserialize)]
struct Counted {
    input_tokens: u64,
}

/// `POST {base}/messages/count_tokens`
pub(super) fn encode(
    request: &CompletionRequest,
    model: &str,
    dialect: &Dialect,
) -> Result<Encoded, Failure> {
    let answered = request::encode(request, model, dialect)?;
    let edits = ANSWERING.map(Edit::Remove);
    let body = answered.body.as_deref();
    let body = body.and_then(|body| passthrough::edited(body, &edits));
    Ok(Encoded {
        path: "/messages/count_tokens".to_owned(),
        body: Some(body.ok_or_else(|| refusal::rejected("invalid_request_error"))?),
        dropped: Vec::new(),
        raw: false,
    })
}

pub(super) fn decode(body: &[u8]) -> Result<Completed, Failure> {
    let body = String::from_utf8_lossy(body);
    let counted: Counted =
        serde_json::from_str(&body).map_err(|_| refusal::unreadable(&body, said))?;
    Ok(Completed::Whole(Completion::counted(counted.input_tokens)))
}
