//! Door: `/mcp`. What real clients send and rmcp refuses is made good here, before and after it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use bytes::Bytes;
use http::HeaderValue;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use std::sync::Arc;

use super::{
    accept::Accept,
    adapter,
    handler::{self, Handler},
    held::Held,
    refusal::{forbidden, full, refuse_body, refused, unavailable},
    rpc::{self, Code},
    sessions::Sessions,
    sse,
};
use crate::{
    principal::Principal,
    scope::Scope,
    transport::{body, layers::Caller, lobby::Lobby},
};

/// Most requests of one batch.
pub(super) const LARGEST_BATCH: usize = 50;
/// Newest version that has batches.
pub(super) const LAST_WITH_BATCHES: &str = "2025-03-26";

pub(super) const SESSION: &str = "Mcp-Session-Id";
pub(super) const VERSION: &str = "MCP-Protocol-Version";
const METHOD: &str = "Mcp-Method";

/// One life's MCP server, shared by all threads.
pub struct Mcp {
    pub(super) lobby: Arc<Lobby>,
    pub(super) service: StreamableHttpService<Handler, Sessions>,
    pub(super) sessions: Arc<Sessions>,
    stateless: bool,
    /// The transport of 2024, if it is on.
    pub(super) legacy: Option<sse::Clients>,
}

/// How the door behaves.
#[derive(Debug, Clone, Copy)]
pub struct McpOptions {
    /// HUB_STATELESS: no session, whatever version a client speaks.
    pub stateless: bool,
    /// HUB_TRANSPORT is `sse`: `GET /sse`, `POST /messages`, and the same stream on `GET /mcp`.
    pub sse: bool,
}

/// Any request to `/mcp`.
pub async fn serve(
    request: HttpRequest,
    payload: web::Payload,
    caller: web::ReqData<Caller>,
    mcp: web::Data<Mcp>,
) -> HttpResponse {
    let principal = caller.into_inner().0;
    match *request.method() {
        Method::POST => mcp.post(&request, payload, principal).await,
        Method::GET => mcp.get(&request, principal).await,
        Method::DELETE if !mcp.stateless => {
            let held = Held::of_caller(principal, None);
            mcp.pass(&request, Accept::Both, Bytes::new(), held).await
        }
        _ => mcp.method_not_allowed(),
    }
}

// === impl Mcp ===

impl Mcp {
    /// A server without clients.
    pub fn new(lobby: Arc<Lobby>, options: McpOptions) -> Self {
        let sessions = Sessions::new();
        // The guard has looked at Host and Origin before. Keep-alive stays at rmcp's 15 s: Cursor
        // hangs up on a stream that is silent for five minutes, proxies much sooner.
        let mut config = StreamableHttpServerConfig::default().disable_allowed_hosts();
        config.legacy_session_mode = !options.stateless;
        config.json_response = options.stateless;
        config.max_request_body_bytes = body::MAX;
        let handlers = lobby.clone();
        let factory = move || Ok(Handler::new(handlers.clone()));
        Self {
            service: StreamableHttpService::new(factory, sessions.clone(), config),
            lobby,
            sessions,
            stateless: options.stateless,
            legacy: options.sse.then(sse::Clients::default),
        }
    }

    /// Ends every stream, so that a hub that stops need not wait for listeners.
    pub fn close(&self) {
        self.service.config.cancellation_token.cancel();
    }

    async fn get(&self, request: &HttpRequest, principal: Arc<Principal>) -> HttpResponse {
        let accept = Accept::of(request);
        if !self.stateless && request.headers().contains_key(SESSION) {
            let held = Held::of_caller(principal, None);
            return self.pass(request, Accept::Both, Bytes::new(), held).await;
        }
        // Clients of 2024 name no version; later ones that come without a session want a stream that
        // there is not, and take a 405 for an answer (a 400 makes some ask again for ever).
        let old = !request.headers().contains_key(VERSION);
        match &self.legacy {
            Some(_) if old && matches!(accept, Some(Accept::Both | Accept::Events)) => {
                sse::open(self, principal).await
            }
            _ => self.method_not_allowed(),
        }
    }

    async fn post(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        principal: Arc<Principal>,
    ) -> HttpResponse {
        if !body::is_json(request) {
            return rpc::refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Code::Invalid,
                "Send JSON, with the header Content-Type: application/json.",
            );
        }
        let Some(accept) = Accept::of(request) else {
            return rpc::refuse(
                StatusCode::NOT_ACCEPTABLE,
                Code::Invalid,
                "The answer is application/json or text/event-stream; accept one of them.",
            );
        };
        let (body, mut held) = match body::read(request, payload, &self.lobby.bodies).await {
            Ok(read) => (read.bytes, Held::of_caller(principal.clone(), read.held)),
            Err(error) => return refuse_body(error),
        };
        if let Some(id) = session(request) {
            held.session = self.sessions.watch(id).await;
        }
        if body.trim_ascii_start().starts_with(b"[") {
            return self.batch(request, accept, &body, held, &principal).await;
        }
        if let Some(refused) = self.refuse_call(&body, &principal) {
            return refused;
        }
        // rmcp acknowledges before it asks us, and compares this header with the body.
        if header_is(request, METHOD, "subscriptions/listen") {
            match self.lobby.listeners.clone().try_acquire_owned() {
                Ok(place) => held.listener = Some(Arc::new(place)),
                Err(_) => return unavailable(handler::CROWDED),
            }
        }
        let opens =
            !self.stateless && !request.headers().contains_key(SESSION) && initializes(&body);
        let _place = if opens {
            match self.sessions.reserve().await {
                Some(place) => Some(place),
                None => return full(),
            }
        } else {
            None
        };
        self.pass(request, accept, body, held).await
    }

    /// Lets rmcp answer one message.
    async fn pass(
        &self,
        request: &HttpRequest,
        accept: Accept,
        body: Bytes,
        held: Held,
    ) -> HttpResponse {
        let principal = held.principal.clone();
        // Somebody else's session is none at all.
        if let (Some(id), Some(principal)) = (session(request), &principal)
            && self.sessions.is_foreign(id, principal).await
        {
            return refused(request, &body, http::StatusCode::NOT_FOUND);
        }
        let forwarded = forward(request, body.clone(), held);
        let answer = self.service.handle(forwarded).await;
        let opened = answer.headers().get(SESSION).map(HeaderValue::to_str);
        if let (Some(Ok(id)), Some(principal)) = (opened, &principal) {
            self.sessions.claim(id, principal).await;
        }
        // The content type was right, so what rmcp could not read is the content.
        if answer.status() == http::StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return HttpResponse::BadRequest().json(rpc::diagnose(&body));
        }
        let kind = answer.headers().get(http::header::CONTENT_TYPE);
        if answer.status().as_u16() >= 400 && kind.is_none() {
            return match answer.status() {
                http::StatusCode::METHOD_NOT_ALLOWED => self.method_not_allowed(),
                status => refused(request, &body, status),
            };
        }
        accept.answer(answer).await
    }

    /// 403 for a call of a tool that is outside of the caller's scope, put down like any call. rmcp
    /// could answer with 200 alone.
    pub(super) fn refuse_call(
        &self,
        body: &[u8],
        principal: &Arc<Principal>,
    ) -> Option<HttpResponse> {
        if principal.tools == Scope::All {
            return None;
        }
        let (id, tool) = rpc::called(body)?;
        if principal.tools.allows(&tool) {
            return None;
        }
        Some(forbidden(&self.lobby, principal, id.as_ref(), &tool))
    }

    fn method_not_allowed(&self) -> HttpResponse {
        let allow = if self.stateless {
            "POST"
        } else {
            "GET, POST, DELETE"
        };
        let mut response = rpc::refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            Code::Invalid,
            "Send POST. A stream of its own (GET) belongs to a session.",
        );
        response
            .headers_mut()
            .insert(header::ALLOW, header::HeaderValue::from_static(allow));
        response
    }
}

/// Whether a body is `initialize`. Looked for, and read only where it is found: a prompt may have the
/// word in it. Letters can be escaped in JSON (`initi\u0061lize`).
fn initializes(body: &[u8]) -> bool {
    let has = |words: &[u8]| body.windows(words.len()).any(|window| window == words);
    (has(b"\"initialize\"") || has(b"\\u")) && rpc::method(body).as_deref() == Some("initialize")
}

/// The session that a request names.
pub(super) fn session(request: &HttpRequest) -> Option<&str> {
    request.headers().get(SESSION)?.to_str().ok()
}

fn header_is(request: &HttpRequest, name: &str, value: &str) -> bool {
    let found = request.headers().get(name);
    found.is_some_and(|found| found.as_bytes() == value.as_bytes())
}

/// The request as rmcp insists on it: both forms accepted, and plain JSON.
pub(super) fn forward(
    request: &HttpRequest,
    body: Bytes,
    held: Held,
) -> http::Request<adapter::Whole> {
    let mut headers = adapter::headers(request);
    headers.insert(
        http::header::ACCEPT,
        HeaderValue::from_static("application/json, text/event-stream"),
    );
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let mut forwarded = adapter::request(request, headers, body);
    forwarded.extensions_mut().insert(held);
    forwarded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_opens_a_session_by_its_method_alone() {
        for opens in [
            r#"{"method": "initialize"}"#,
            r#"{"id": 1, "method": "initi\u0061lize", "params": {}}"#,
        ] {
            assert!(initializes(opens.as_bytes()), "{opens}");
        }
        for other in [
            r#"{"method": "tools/call", "params": {"prompt": "l'\u00e9t\u00e9"}}"#,
            r#"{"method": "tools/call", "params": {"method": "initialize"}}"#,
            r#"{"method": ["initialize"]}"#,
            r#""initialize""#,
        ] {
            assert!(!initializes(other.as_bytes()), "{other}");
        }
    }
}
