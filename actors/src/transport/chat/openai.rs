//! `POST /v1/chat/completions`: OpenAI's format, which most SDKs and programs speak.

use actix_web::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{About, Door, Spoken, refusal::Refusal};
use crate::{
    protocol::Completion,
    provider::wire::{
        Asked, BadRequest,
        openai::{StreamWriter, read_request, write_answer},
    },
    streaming::Event,
};

/// The door.
pub struct OpenAi;

struct Chunks(StreamWriter);

// === impl OpenAi ===

impl Door for OpenAi {
    const NAME: &'static str = "chat_completions";
    const HAS_IMAGES: bool = true;

    fn read(body: &Bytes) -> Result<Asked, BadRequest> {
        read_request(body)
    }

    fn write(completion: &Completion, about: About) -> Bytes {
        write_answer(completion, &about.envelope("chatcmpl-")).into()
    }

    fn speak(about: About) -> Box<dyn Spoken> {
        let wants_usage = about.wants_usage;
        let writer = StreamWriter::new(about.envelope("chatcmpl-"), wants_usage);
        Box::new(Chunks(writer))
    }

    fn error(refusal: &Refusal, _: &str) -> Value {
        error(refusal)
    }
}

fn error(refusal: &Refusal) -> Value {
    let kind = match refusal.status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_client_error() => "invalid_request_error",
        _ => "server_error",
    };
    // The words that clients look for, where OpenAI has one of its own.
    let (code, param) = match (refusal.code, refusal.status) {
        ("unknown_model", _) => ("model_not_found", Some("model")),
        ("unauthorized", _) => ("invalid_api_key", None),
        (_, StatusCode::TOO_MANY_REQUESTS) => ("rate_limit_exceeded", None),
        (code, _) => (code, refusal.param.as_deref()),
    };
    json!({"error": {
        "message": refusal.sentence,
        "type": kind,
        "param": param,
        "code": code,
    }})
}

// === impl Chunks ===

impl Spoken for Chunks {
    fn write(&mut self, event: &Event, into: &mut Vec<u8>) {
        self.0.event(event, into);
    }

    fn keep_alive(&self) -> &'static str {
        ": keep-alive\n\n"
    }

    fn last_words(&mut self, refusal: &Refusal) -> Bytes {
        format!("data: {}\n\n", error(refusal)).into()
    }
}
