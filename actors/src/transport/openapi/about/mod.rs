//! About: what the reference says of each of the hub's own doors; `vendors` has those for SDKs.

pub mod vendors;

use serde_json::{Value, json};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, PathItem, Required, Response, ResponseBuilder,
    path::{ParameterBuilder, ParameterIn},
};

use super::{
    errors::OF_CALLS,
    parts::{EVENTS, JSON, answer, body, described_at, elsewhere, failing, get, operation, post},
    shapes,
};
use crate::{
    envelope,
    transport::{api as door, auth, status},
};

/// `GET /`
pub fn root() -> PathItem {
    let example = json!({"status": "running", "service": "Multi-LLM Hub", "version": "0.1.0",
        "uptime_seconds": 4711, "transport": "streamable-http"});
    let operation = operation(
        "Who is there",
        "What monitoring and connection tests ask. HEAD works, too.",
    );
    let running = answer::<status::Identity<'static>>("It runs.", example);
    get(operation
        .response("200", running)
        .response("503", word("It is starting.", "starting")))
}

/// `GET /healthz`
pub fn healthz() -> PathItem {
    let operation = operation(
        "The process lives",
        "For orchestrators: whoever gets no answer restarts it.",
    );
    get(operation.response("200", word("It lives.", "ok")))
}

/// `GET /readyz`
pub fn readyz() -> PathItem {
    let operation = operation(
        "Calls are taken",
        "For orchestrators: whoever gets 503 sends no calls for now.",
    );
    let unready = word("It is starting, or draining before its end.", "draining");
    get(operation
        .response("200", word("It is ready.", "ready"))
        .response("503", unready))
}

/// `POST /api`
pub fn api() -> PathItem {
    let operation = operation(
        "Call a tool",
        "Asks a model, searches the web, queries the hub's state, or calls any other tool: \
         `list_active_tools` says which there are. If a provider fails, the next of the chain is asked, and \
         `meta.attempts` says so. With `\"stream\": true` the answer comes as server-sent events: `delta` \
         with each piece of text, at the end `result`, or `error`.",
    );
    let example = json!({"tool": "llm_complete", "params": {"prompt": "Why is the sky blue?"}});
    let operation = operation
        .request_body(body(shapes::of::<door::Request>(), example))
        .response("200", called());
    post(failing(operation, &OF_CALLS))
}

/// What a call answers, in one piece or bit by bit.
fn called() -> Response {
    let example = json!({"result": "Air scatters blue light more than red.", "meta": {
        "request_id": "019a…", "duration_ms": 1840, "provider": "gemini",
        "model": "gemini-3.5-flash-lite", "cached": false, "finish_reason": "stop",
        "usage": {"input_tokens": 21, "output_tokens": 9}, "cost_usd": 0.000_028_8,
        "attempts": [
            {"provider": "anthropic", "model": "claude-haiku-5-5", "outcome": "server_error",
             "status": 529, "ms": 310, "tries": 2},
            {"provider": "gemini", "model": "gemini-3.5-flash-lite", "outcome": "ok",
             "status": 200, "ms": 1528, "tries": 1}]}});
    let json = ContentBuilder::new()
        .schema(Some(shapes::of::<door::Success<'static>>()))
        .example(Some(example));
    let description = "The result. `X-Request-Id`, `X-Hub-Provider`, `X-Hub-Model`, `X-Hub-Attempts` and \
                       `X-Hub-Cache` say in headers what `meta` says.";
    ResponseBuilder::new()
        .description(description)
        .content(JSON, json.build())
        .content(EVENTS, ContentBuilder::new().build())
        .build()
}

/// `POST /crypto`
pub fn crypto() -> PathItem {
    let operation = operation(
        "Call a tool, sealed",
        "What `POST /api` takes, in an envelope that only the hub can open. Every sealed answer has status \
         200; inside is `{\"status\", \"body\"}` with what `POST /api` would have answered. No stream.",
    );
    let example = json!({"v": 1, "kid": "a1b2c3d4", "ts": 1_790_000_000, "id": "0f1e2d3c4b5a69788796",
        "nonce": "000102030405060708090a0b", "tag": "000102030405060708090a0b0c0d0e0f", "data": "AAAA"});
    let sealed = answer::<envelope::Fields>("The sealed answer.", example.clone());
    let operation = operation
        .request_body(body(shapes::of::<envelope::Fields>(), example))
        .response("200", sealed);
    post(failing(operation, &[400, 408, 409, 413, 415, 503]))
}

/// `/mcp`
pub fn mcp() -> PathItem {
    let specification = "https://modelcontextprotocol.io/specification";
    let message = "The Model Context Protocol, every version: the same tools for IDEs and agents.";
    let about = |summary| operation(summary, message);
    let example = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let sent = about("Send a message (MCP)")
        .request_body(body(shapes::anything(), example))
        .response("200", elsewhere("Its answer.", &[JSON, EVENTS]))
        .response("202", elsewhere("Taken, nothing to answer.", &[]));
    let heard = about("Listen (MCP)").response("200", elsewhere("Messages.", &[EVENTS]));
    let ended = about("End a session (MCP)").response("204", elsewhere("Ended.", &[]));
    let told = |operation| described_at(failing(operation, &[400, 404]), specification);
    let mut item = post(told(sent));
    item.merge_operations(get(told(heard)));
    item.merge_operations(PathItem::new(HttpMethod::Delete, told(ended)));
    item
}

/// `GET /sse`
pub fn sse() -> PathItem {
    let operation = operation(
        "Listen (MCP of 2024)",
        "The first event names where messages are sent to.",
    );
    get(operation.response("200", elsewhere("Messages.", &[EVENTS])))
}

/// `POST /messages`
pub fn sse_message() -> PathItem {
    let operation = operation(
        "Send a message (MCP of 2024)",
        "Its answer comes over `GET /sse`.",
    );
    let session = ParameterBuilder::new()
        .name("sessionId")
        .parameter_in(ParameterIn::Query)
        .required(Required::True)
        .description(Some("As `GET /sse` has named it."))
        .schema(Some(shapes::text()));
    let example = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let operation = operation
        .parameter(session)
        .request_body(body(shapes::anything(), example))
        .response("202", elsewhere("Taken.", &[]));
    post(failing(operation, &[400, 404]))
}

/// `POST /auth/login`
pub fn login() -> PathItem {
    let operation = operation(
        "Log in",
        "Begins a browser's session: the cookie `hub_session`.",
    );
    let example = json!({"username": "ada", "password": "…"});
    let operation = operation
        .request_body(body(shapes::of::<auth::Credentials>(), example))
        .response("200", whose());
    post(failing(operation, &[400, 401, 413, 415, 429, 503]))
}

/// `POST /auth/logout`
pub fn logout() -> PathItem {
    let operation = operation("Log out", "Ends the browser's session.");
    post(operation.response("200", word("It has ended.", "logged out")))
}

/// `GET /auth/me`
pub fn me() -> PathItem {
    let operation = operation(
        "Who am I",
        "Whose key or session this is, and what it may use.",
    );
    get(operation.response("200", whose()))
}

/// `GET /openapi.json`
pub fn document() -> PathItem {
    let operation = operation(
        "This document",
        "OpenAPI 3.1, for programs. `If-None-Match` is answered with 304.",
    );
    let operation = operation.response("200", elsewhere("The document.", &[JSON]));
    get(operation.response("304", elsewhere("It is the one that you have.", &[])))
}

/// `GET /docs`
pub fn page() -> PathItem {
    let operation = operation("This document, for people", "One page without scripts.");
    let operation = operation.response("200", elsewhere("The page.", &["text/html"]));
    get(operation.response("304", elsewhere("It is the one that you have.", &[])))
}

fn whose() -> Response {
    let example =
        json!({"id": "a1b2c3d4", "name": "ada", "tools": "*", "models": "*", "admin": ""});
    answer::<auth::Me<'static>>("Whose it is.", example)
}

fn word(description: &str, status: &str) -> Response {
    let example: Value = json!({"status": status});
    answer::<status::Status>(description, example)
}
