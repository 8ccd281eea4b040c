//! JSON-RPC's errors, for requests that never reach rmcp.

use std::borrow::Cow;

use actix_web::{HttpResponse, http::StatusCode};
use rmcp::model::{ClientJsonRpcMessage, ErrorCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// Which error.
#[derive(Debug, Clone, Copy)]
pub enum Code {
    /// Not JSON.
    Parse,
    /// JSON, and no JSON-RPC request.
    Invalid,
    /// Our fault.
    Internal,
}

/// What a message says first.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(default)]
    id: Option<Value>,
}

/// What a call says first.
#[derive(Deserialize)]
struct CallHead<'a> {
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(default)]
    id: Option<Value>,
    #[serde(borrow, default)]
    params: Option<CallParams<'a>>,
}

#[derive(Deserialize, Default)]
struct CallParams<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
}

/// An error's document.
pub fn error(id: Option<&Value>, code: Code, sentence: &str) -> Value {
    let code = match code {
        Code::Parse => ErrorCode::PARSE_ERROR,
        Code::Invalid => ErrorCode::INVALID_REQUEST,
        Code::Internal => ErrorCode::INTERNAL_ERROR,
    };
    json!({
        "jsonrpc": "2.0",
        "id": id,
        "error": {"code": code.0, "message": sentence},
    })
}

/// An answer with an error's document.
pub fn refuse(status: StatusCode, code: Code, sentence: &str) -> HttpResponse {
    HttpResponse::build(status).json(error(None, code, sentence))
}

/// What is wrong with a body that rmcp does not understand.
pub fn diagnose(body: &[u8]) -> Value {
    match serde_json::from_slice::<Value>(body) {
        Err(_) => error(None, Code::Parse, "The request is not JSON."),
        Ok(value) => diagnose_value(&value),
    }
}

/// The same, for JSON.
pub fn diagnose_value(value: &Value) -> Value {
    let id = value
        .get("id")
        .filter(|id| id.is_string() || id.is_number());
    error(
        id,
        Code::Invalid,
        "The request is not a JSON-RPC 2.0 message with `jsonrpc`, `method` and, if an answer is \
         wanted, `id`.",
    )
}

/// Which method a message names. The rest is passed over, not kept.
pub fn method(body: &[u8]) -> Option<Cow<'_, str>> {
    serde_json::from_slice::<Head<'_>>(body).ok()?.method
}

/// Which id a message has.
pub fn id(body: &[u8]) -> Option<Value> {
    let id = serde_json::from_slice::<Head<'_>>(body).ok()?.id?;
    (id.is_string() || id.is_number()).then_some(id)
}

/// Which tool a message calls, and under which id; `None` if it calls none. The arguments are passed
/// over, not kept.
pub fn called(body: &[u8]) -> Option<(Option<Value>, String)> {
    let head = serde_json::from_slice::<CallHead<'_>>(body).ok()?;
    let id = head.id.filter(|id| id.is_string() || id.is_number());
    let is_call = head.method.as_deref() == Some("tools/call");
    is_call.then(|| {
        (
            id,
            head.params
                .unwrap_or_default()
                .name
                .unwrap_or_default()
                .into_owned(),
        )
    })
}

/// Whether rmcp would understand it.
pub fn is_message(value: &Value) -> bool {
    serde::Deserialize::deserialize(value)
        .map(|_: ClientJsonRpcMessage| ())
        .is_ok()
}
