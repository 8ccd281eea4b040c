//! `POST /api`: the door that the WordPress plugin, the desktop client and scripts use.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{
    api_stream,
    body::{self, Body},
    calls::{Recorded, milliseconds},
    held::hold,
    layers::Caller,
    lobby::{InFlight, Lobby},
    openapi::shapes,
};
use crate::{
    attempt::Attempt,
    cache::Status,
    error::{CallError, ErrorBody},
    outcome::{Outcome, Provenance, ToolResult},
    params::clip,
    principal::Principal,
    request_id::RequestId,
    tools::Call,
};

/// The request.
#[derive(Deserialize, ToSchema)]
#[schema(as = Call)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// Which tool.
    #[schema(min_length = 1)]
    tool: String,
    /// What the tool takes: `prompt` and `max_tokens` for a model, `query` for a search, `sql` for `db_query`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    params: Option<Value>,
    /// Whether to answer bit by bit.
    #[serde(default)]
    pub(super) stream: bool,
}

/// The body of a successful call.
#[derive(Serialize, ToSchema)]
pub(super) struct Success<'a> {
    /// Text from a model or a search, rows from `db_query`, an object from tools about the hub.
    #[schema(schema_with = shapes::result)]
    result: &'a ToolResult,
    #[schema(value_type = Meta<'static>)]
    meta: Meta<'a>,
}

/// What a successful call says besides its result.
#[derive(Serialize, ToSchema)]
pub(super) struct Meta<'a> {
    /// The same as in `X-Request-Id`.
    request_id: &'a str,
    /// From the request to the answer, in milliseconds.
    duration_ms: u64,
    #[serde(flatten)]
    #[schema(schema_with = shapes::provenance)]
    provenance: Option<&'a Provenance>,
    /// Whether `db_query` found more rows than it gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
}

/// Why a request never became a call.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) sentence: String,
}

/// One call.
pub async fn call(
    request: HttpRequest,
    payload: web::Payload,
    caller: web::ReqData<Caller>,
    lobby: web::Data<Lobby>,
) -> HttpResponse {
    let received = Instant::now();
    let request_id = RequestId::new();
    let request_id = request_id.as_str();
    let Body { bytes, held } = match read(&request, payload, &lobby).await {
        Ok(body) => body,
        Err(refused) => return refused.respond(request_id),
    };
    let asked = match parse(&bytes) {
        Ok(asked) => asked,
        Err(refused) => return refused.respond(request_id),
    };
    drop(bytes);
    let stream = asked.stream;
    let call = asked.into_call(caller.into_inner().0, received);
    let (response, in_flight) = match stream {
        true => api_stream::call(&lobby, request_id, call).await,
        false => answer(call, "api", request_id, &lobby).await,
    };
    drop(held);
    hold(response, in_flight)
}

/// Runs a call, and answers it whole. It is in flight until its answer is written.
pub(super) async fn answer(
    call: Call,
    door: &'static str,
    request_id: &str,
    lobby: &Lobby,
) -> (HttpResponse, Option<InFlight>) {
    let received = call.received;
    let recorded = Recorded::new(
        lobby,
        door,
        &call.principal,
        &call.tool,
        request_id,
        received,
    );
    let (outcome, in_flight) = match lobby.run(call).await {
        Ok((outcome, in_flight)) => (Ok(outcome), Some(in_flight)),
        Err(error) => (Err(error), None),
    };
    let duration_ms = milliseconds(received);
    if let Some(recorded) = recorded {
        recorded.end(duration_ms, &outcome);
    }
    let response = match outcome {
        Ok(outcome) => success(request_id, duration_ms, &outcome),
        Err(error) => failed(request_id, &error),
    };
    (response, in_flight)
}

/// Reads a body of JSON.
pub(super) async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    lobby: &Lobby,
) -> Result<Body, Refused> {
    if !body::is_json(request) {
        return Err(Refused {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: "unsupported_media_type",
            sentence: "Send JSON, with the header Content-Type: application/json.".to_owned(),
        });
    }
    let read = body::read(request, payload, &lobby.bodies).await;
    read.map_err(|error| Refused {
        status: error.status(),
        code: error.code(),
        sentence: error.to_string(),
    })
}

/// The call that a body asks for.
pub(super) fn parse(bytes: &[u8]) -> Result<Request, Refused> {
    match serde_json::from_slice::<Request>(bytes) {
        Ok(request) if !request.tool.is_empty() => Ok(request),
        Ok(_) => Err(bad("`tool` is missing: say which tool to call.")),
        Err(error) => Err(bad(explain(bytes, &error))),
    }
}

/// What is wrong with a body that is no request.
fn explain(body: &[u8], error: &serde_json::Error) -> String {
    const SHAPE: &str = r#"{"tool": "llm_complete", "params": {"prompt": ".."}}"#;
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        let (line, column) = (error.line(), error.column());
        return format!("The request is not JSON (line {line}, column {column}).");
    };
    let Value::Object(fields) = value else {
        return format!("The request must be an object like {SHAPE}.");
    };
    let unknown = fields
        .keys()
        .find(|name| !["tool", "params", "stream"].contains(&name.as_str()));
    if !fields.get("stream").is_none_or(Value::is_boolean) {
        return "`stream` must be true or false.".to_owned();
    }
    match (fields.get("tool"), unknown) {
        (Some(Value::String(_)), Some(name)) => {
            format!("A request has no `{}`. It looks like {SHAPE}.", clip(name))
        }
        // Both are right, so one of them is there twice.
        (Some(Value::String(_)), None) => "A field is given twice.".to_owned(),
        (None | Some(Value::Null), _) => "`tool` is missing: say which tool to call.".to_owned(),
        (Some(_), _) => format!("`tool` must be a string, as in {SHAPE}."),
    }
}

pub(super) fn bad(sentence: impl Into<String>) -> Refused {
    Refused {
        status: StatusCode::BAD_REQUEST,
        code: "bad_request",
        sentence: sentence.into(),
    }
}

fn success(request_id: &str, duration_ms: u64, outcome: &Outcome) -> HttpResponse {
    let mut response = begin(request_id, outcome);
    response.json(Success {
        result: &outcome.result,
        meta: meta_of(request_id, duration_ms, outcome),
    })
}

/// The head of a successful call's answer: who answers, and what the cache did.
pub(super) fn begin(request_id: &str, outcome: &Outcome) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header(("X-Request-Id", request_id));
    if let Some(provenance) = &outcome.provenance {
        response.insert_header(("X-Hub-Provider", &*provenance.provider));
        if !provenance.model.is_empty() {
            response.insert_header(("X-Hub-Model", &*provenance.model));
        }
        cache_header(&mut response, provenance.cache);
        if !provenance.attempts.is_empty() {
            attempts_header(&mut response, &provenance.attempts);
        }
    }
    response
}

/// What a successful call says besides its result.
pub(super) fn meta_of<'a>(request_id: &'a str, duration_ms: u64, outcome: &'a Outcome) -> Meta<'a> {
    Meta {
        request_id,
        duration_ms,
        provenance: outcome.provenance.as_ref(),
        truncated: outcome.truncated(),
    }
}

/// The answer to a call that failed.
pub(super) fn failed(request_id: &str, error: &CallError) -> HttpResponse {
    let status = StatusCode::from_u16(error.status().as_u16());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response.insert_header(("X-Request-Id", request_id));
    if let CallError::Unauthorized = error {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    if !error.attempts().is_empty() {
        attempts_header(&mut response, error.attempts());
    }
    if let Some(wait) = error.retry_after() {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    response.json(error.body(request_id))
}

/// The answer to a caller who has to wait.
pub fn limited(error: &CallError) -> HttpResponse {
    failed(RequestId::new().as_str(), error)
}

/// Says in a header who was asked.
pub(super) fn attempts_header(response: &mut HttpResponseBuilder, attempts: &[Attempt]) {
    let each: Vec<_> = attempts.iter().map(Attempt::brief).collect();
    response.insert_header(("X-Hub-Attempts", each.join(", ")));
}

/// Says in a header what the cache did, if there is one.
pub(super) fn cache_header(response: &mut HttpResponseBuilder, status: Option<Status>) {
    if let Some(status) = status {
        response.insert_header(("X-Hub-Cache", status.word()));
    }
}

/// A failure that no call made.
pub fn failure(status: StatusCode, code: &'static str, sentence: String) -> HttpResponse {
    let request_id = RequestId::new();
    let request_id = request_id.as_str();
    Refused {
        status,
        code,
        sentence,
    }
    .respond(request_id)
}

// === impl Request ===

impl Request {
    /// The call that it asks for.
    pub(super) fn into_call(self, principal: Arc<Principal>, received: Instant) -> Call {
        Call {
            principal,
            tool: self.tool,
            params: self.params,
            received,
            observer: None,
        }
    }
}

// === impl Refused ===

impl Refused {
    pub(super) fn respond(self, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header(("X-Request-Id", request_id));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, "1"));
        }
        response.json(ErrorBody {
            error: self.sentence,
            code: self.code,
            request_id,
            attempts: &[],
        })
    }
}
