//! Refusal: the answers to requests that get no further than the door, as JSON-RPC clients read them.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::time::Instant;

use super::{
    adapter,
    door::{SESSION, VERSION},
    rpc::{self, Code},
};
use crate::{
    error::CallError,
    principal::Principal,
    request_id::RequestId,
    transport::{
        body::BodyError,
        calls::{Recorded, milliseconds},
        lobby::Lobby,
    },
};

/// What rmcp refuses with words that no JSON-RPC client reads.
pub fn refused(request: &HttpRequest, body: &[u8], status: http::StatusCode) -> HttpResponse {
    let id = rpc::id(body);
    let status = adapter::status(status);
    let version = request.headers().get(VERSION);
    let known = |version: &header::HeaderValue| {
        let versions = ProtocolVersion::KNOWN_VERSIONS.iter();
        versions
            .map(ProtocolVersion::as_str)
            .any(|known| version.as_bytes() == known.as_bytes())
    };
    let (code, sentence) = match status {
        StatusCode::NOT_FOUND => (
            Code::Invalid,
            "There is no such session. Send `initialize` without Mcp-Session-Id to begin a new one.",
        ),
        StatusCode::BAD_REQUEST if version.is_some_and(|version| !known(version)) => (
            Code::Invalid,
            "The hub does not speak this MCP-Protocol-Version. Send the one that `initialize` \
             agreed on.",
        ),
        StatusCode::BAD_REQUEST if !request.headers().contains_key(SESSION) => (
            Code::Invalid,
            "Send `initialize` first, and its answer's Mcp-Session-Id with every request after it.",
        ),
        status if status.is_client_error() => (
            Code::Invalid,
            "The hub cannot read this request. Its headers do not fit its method.",
        ),
        _ => (
            Code::Internal,
            "The session cannot be used now. Try again, or begin a new one with `initialize`.",
        ),
    };
    HttpResponse::build(status).json(rpc::error(id.as_ref(), code, sentence))
}

/// The answer to a body that cannot be read.
pub fn refuse_body(error: BodyError) -> HttpResponse {
    rpc::refuse(error.status(), Code::Invalid, &error.to_string())
}

/// The answer to a call of a tool that is outside of the caller's scope, and its line in the audit.
pub fn forbidden(
    lobby: &Lobby,
    principal: &Arc<Principal>,
    id: Option<&Value>,
    tool: &str,
) -> HttpResponse {
    let received = Instant::now();
    let request_id = RequestId::new();
    let recorded = Recorded::new(lobby, "mcp", principal, tool, request_id.as_str(), received);
    let error = principal
        .may_call(tool)
        .err()
        .unwrap_or(CallError::Internal);
    let mut document = rpc::error(id, Code::Invalid, &error.to_string());
    document["error"]["data"] = json!({"code": error.code(), "request_id": request_id.as_str()});
    if let Some(recorded) = recorded {
        recorded.end(milliseconds(received), &Err(error));
    }
    HttpResponse::Forbidden()
        // RFC 6750, section 3.1
        .insert_header((
            header::WWW_AUTHENTICATE,
            "Bearer error=\"insufficient_scope\"",
        ))
        .json(document)
}

/// All places are taken.
pub fn full() -> HttpResponse {
    unavailable("The hub has as many sessions as it can hold. Try again in ten seconds.")
}

/// There is no room now, and may be later.
pub fn unavailable(sentence: &str) -> HttpResponse {
    let mut response = rpc::refuse(StatusCode::SERVICE_UNAVAILABLE, Code::Internal, sentence);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, header::HeaderValue::from_static("10"));
    response
}
