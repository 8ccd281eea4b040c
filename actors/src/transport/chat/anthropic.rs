//! `POST /v1/messages`: Anthropic's format.

use actix_web::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{About, Door, Spoken, refusal::Refusal};
use crate::{
    protocol::Completion,
    provider::wire::{
        Asked, BadRequest,
        anthropic::{BETA, NO_THREADS, StreamWriter, read_request, write_answer},
    },
    streaming::Event,
};

/// What Anthropic says where others say 503. SDKs know it.
const OVERLOADED: u16 = 529;

/// The door.
pub struct Anthropic;

struct Events {
    writer: StreamWriter,
    request_id: String,
}

// === impl Anthropic ===

impl Door for Anthropic {
    const NAME: &'static str = "messages";
    const HAS_IMAGES: bool = false;
    const REQUEST_ID: Option<&'static str> = Some("Request-Id");
    const BETA: Option<&'static str> = Some(BETA);

    fn read(body: &Bytes) -> Result<Asked, BadRequest> {
        read_request(body)
    }

    fn write(completion: &Completion, about: About) -> Bytes {
        write_answer(completion, &about.envelope("msg_")).into()
    }

    fn speak(about: About) -> Box<dyn Spoken> {
        Box::new(Events {
            request_id: about.request_id.clone(),
            writer: StreamWriter::new(about.envelope("msg_")),
        })
    }

    fn status(refusal: &Refusal) -> StatusCode {
        let overloaded =
            refusal.status == StatusCode::SERVICE_UNAVAILABLE && refusal.code != "not_configured";
        match StatusCode::from_u16(OVERLOADED) {
            Ok(status) if overloaded => status,
            _ => refusal.status,
        }
    }

    fn error(refusal: &Refusal, request_id: &str) -> Value {
        let mut error = error(Self::status(refusal), &refusal.sentence, request_id);
        if refusal.code == NO_THREADS {
            error["error"]["details"] =
                json!({"error_code": NO_THREADS, "unsupported": [refusal.param]});
        }
        error
    }
}

pub(super) fn error(status: StatusCode, sentence: &str, request_id: &str) -> Value {
    let kind = match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        OVERLOADED => "overloaded_error",
        400..500 => "invalid_request_error",
        _ => "api_error",
    };
    json!({
        "type": "error",
        "error": {"type": kind, "message": sentence},
        "request_id": request_id,
    })
}

// === impl Events ===

impl Spoken for Events {
    fn write(&mut self, event: &Event, into: &mut Vec<u8>) {
        self.writer.event(event, into);
    }

    fn keep_alive(&self) -> &'static str {
        "event: ping\ndata: {\"type\": \"ping\"}\n\n"
    }

    fn last_words(&mut self, refusal: &Refusal) -> Bytes {
        let error = Anthropic::error(refusal, &self.request_id);
        format!("event: error\ndata: {error}\n\n").into()
    }
}
