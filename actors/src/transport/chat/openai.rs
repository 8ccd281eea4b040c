//! `POST /v1/chat/completions`: OpenAI's format, which most SDKs and programs speak.

use actix_web::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{About, Asked, Door, Spoken, refusal::Refusal};
use crate::{protocol::Completion, streaming::Event};

/// The door.
pub struct OpenAi;

struct Chunks {
    about: About,
}

// === impl OpenAi ===

impl Door for OpenAi {
    const NAME: &'static str = "chat_completions";

    fn read(body: Bytes) -> Result<Asked, String> {
        let _ = body;
        Err("not yet".to_owned())
    }

    fn write(completion: Completion, about: About) -> Bytes {
        let _ = (completion, about);
        Bytes::new()
    }

    fn speak(about: About) -> Box<dyn Spoken> {
        Box::new(Chunks { about })
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
        (code, _) => (code, None),
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
    fn write(&mut self, event: Event) -> Bytes {
        let _ = (&self.about, event);
        Bytes::new()
    }

    fn keep_alive(&self) -> &'static str {
        ": keep-alive\n\n"
    }

    fn last_words(&mut self, refusal: &Refusal) -> Bytes {
        format!("data: {}\n\n", error(refusal)).into()
    }
}
