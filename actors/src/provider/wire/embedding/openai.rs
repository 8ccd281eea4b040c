//! OpenAI's embeddings format (`api = "openai"`). A request goes on as it came, but for its `model`.

use std::borrow::Cow;

use http::HeaderMap;

use super::answer;
use crate::{
    protocol::{Embedded, EmbeddingRequest, Failure},
    provider::wire::{
        Dialect, Encoded, Wire, openai,
        passthrough::{self, Edit},
        refusal,
    },
};

/// `POST {base}/embeddings`
#[derive(Debug)]
pub(super) struct OpenAi;

/// The hub writes vectors as they were asked for, whether or not the vendor can.
const ENCODING: &str = "encoding_format";

// === impl OpenAi ===

impl Wire<EmbeddingRequest> for OpenAi {
    fn name(&self) -> &'static str {
        Wire::name(&openai::OpenAi)
    }

    fn auth(&self) -> (&'static str, &'static str) {
        Wire::auth(&openai::OpenAi)
    }

    fn encode(
        &self,
        request: &EmbeddingRequest,
        model: &str,
        dialect: &Dialect,
    ) -> Result<Encoded, Failure> {
        let unwanted = passthrough::unwanted(&request.body, dialect);
        let mut edits = vec![Edit::Set("model", passthrough::quoted(model))];
        edits.extend(unwanted.iter().map(|name| Edit::Remove(name)));
        let body = passthrough::edited(&request.body, &edits)
            .ok_or_else(|| refusal::rejected("invalid_request_error"))?;
        let missed = unwanted.into_iter().filter(|name| *name != ENCODING);
        Ok(Encoded {
            path: "/embeddings".to_owned(),
            body: Some(body),
            dropped: missed.map(|name| Cow::Owned(name.to_owned())).collect(),
            raw: true,
        })
    }

    fn decode(&self, request: &EmbeddingRequest, body: &[u8]) -> Result<Embedded, Failure> {
        answer::decode(request, body)
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::refusal(status, headers, body, openai::said)
    }
}
