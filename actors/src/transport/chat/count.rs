//! `POST /v1/messages/count_tokens`: how many tokens a conversation has, where the provider can say.

use actix_web::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{About, Anthropic, Door, Spoken, anthropic, refusal::Refusal};
use crate::{
    protocol::{Completion, FailureKind},
    provider::wire::{Asked, BadRequest},
};

/// The door.
pub struct CountTokens;

/// Whether the provider was not even asked, because it has no way to count.
fn cannot(refusal: &Refusal) -> bool {
    let last = refusal.attempts.last();
    last.is_some_and(|last| last.outcome == Err(FailureKind::Rejected) && last.tries == Some(0))
}

// === impl CountTokens ===

impl Door for CountTokens {
    const NAME: &'static str = "count_tokens";
    const HAS_IMAGES: bool = false;
    const REQUEST_ID: Option<&'static str> = Anthropic::REQUEST_ID;
    const BETA: Option<&'static str> = Anthropic::BETA;

    fn read(body: &Bytes) -> Result<Asked, BadRequest> {
        let mut asked = Anthropic::read(body)?;
        asked.request.count = true;
        asked.request.stream = false;
        Ok(asked)
    }

    fn write(completion: &Completion, _: About) -> Bytes {
        let counted = json!({"input_tokens": completion.usage.input_tokens});
        counted.to_string().into()
    }

    /// Never needed: what is counted does not stream.
    fn speak(about: About) -> Box<dyn Spoken> {
        Anthropic::speak(about)
    }

    fn status(refusal: &Refusal) -> StatusCode {
        match cannot(refusal) {
            true => StatusCode::NOT_FOUND,
            false => Anthropic::status(refusal),
        }
    }

    fn error(refusal: &Refusal, request_id: &str) -> Value {
        anthropic::error(Self::status(refusal), &refusal.sentence, request_id)
    }
}
