//! Refusal: the answers to requests that get no further than the door, as JSON-RPC clients read them.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use rmcp::model::ProtocolVersion;

use super::{
    adapter,
    door::{SESSION, VERSION},
    rpc::{self, Code},
};
use crate::transport::body::BodyError;

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
