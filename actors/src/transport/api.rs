//! `POST /api`: the door that the WordPress plugin, the desktop client and scripts use.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::{calls::Logged, lobby::Lobby};
use crate::{
    call::Attempt,
    error::{CallError, ErrorBody},
    tools::{Call, Outcome, Provenance, ToolResult},
};

/// Largest request body: 10 MiB.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// Longest time for a client to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    tool: String,
    #[serde(default)]
    params: Option<Value>,
}

/// The body of a successful call.
#[derive(Serialize)]
struct Success<'a> {
    result: &'a ToolResult,
    meta: Meta<'a>,
}

#[derive(Serialize)]
struct Meta<'a> {
    request_id: &'a str,
    duration_ms: u64,
    #[serde(flatten)]
    provenance: Option<&'a Provenance>,
}

/// Why a request never became a call.
struct Refused {
    status: StatusCode,
    code: &'static str,
    sentence: String,
}

/// One call.
pub async fn call(
    request: HttpRequest,
    payload: web::Payload,
    lobby: web::Data<Lobby>,
) -> HttpResponse {
    let received = Instant::now();
    let mut buffer = Uuid::encode_buffer();
    let request_id: &str = Uuid::now_v7().simple().encode_lower(&mut buffer);
    let parsed = match read(&request, payload).await {
        Ok(parsed) => parsed,
        Err(refused) => return refused.respond(request_id),
    };
    let Request { tool, params } = parsed;
    let logged = Logged::new(&tool);
    let outcome = lobby
        .run(Call {
            tool,
            params,
            received,
            observer: None,
        })
        .await;
    let duration_ms = u64::try_from(received.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Some(logged) = logged {
        logged.end(request_id, duration_ms, &outcome);
    }
    match outcome {
        Ok(outcome) => success(request_id, duration_ms, &outcome),
        Err(error) => failed(request_id, &error),
    }
}

async fn read(request: &HttpRequest, payload: web::Payload) -> Result<Request, Refused> {
    // A browser sends this type across sites only after asking, so no page can call by surprise.
    if !is_json(request) {
        return Err(Refused {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: "unsupported_media_type",
            sentence: "Send JSON, with the header Content-Type: application/json.".to_owned(),
        });
    }
    let body = match timeout(BODY_TIMEOUT, payload.to_bytes_limited(MAX_BODY)).await {
        Ok(Ok(Ok(body))) => body,
        Ok(Err(_limit_exceeded)) => {
            return Err(Refused {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                code: "payload_too_large",
                sentence: "The request is larger than 10 MiB.".to_owned(),
            });
        }
        Ok(Ok(Err(_broken))) => return Err(bad("The request's body broke off.")),
        Err(_elapsed) => {
            return Err(Refused {
                status: StatusCode::REQUEST_TIMEOUT,
                code: "request_timeout",
                sentence: "The request's body did not arrive within 30 s.".to_owned(),
            });
        }
    };
    serde_json::from_slice(&body).map_err(|error| {
        bad(match error.classify() {
            serde_json::error::Category::Data => format!(
                "The request must be an object like {{\"tool\": \"llm_complete\", \"params\": {{\"prompt\": \"..\"}}}} \
                 (line {}, column {}).",
                error.line(),
                error.column()
            ),
            _ => format!(
                "The request is not JSON (line {}, column {}).",
                error.line(),
                error.column()
            ),
        })
    })
}

fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else {
        return false;
    };
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 5 && essence.to_ascii_lowercase().ends_with("+json"))
}

fn bad(sentence: impl Into<String>) -> Refused {
    Refused {
        status: StatusCode::BAD_REQUEST,
        code: "bad_request",
        sentence: sentence.into(),
    }
}

fn success(request_id: &str, duration_ms: u64, outcome: &Outcome) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(("X-Request-Id", request_id));
    if let Some(provenance) = &outcome.provenance {
        response.insert_header(("X-Hub-Provider", &*provenance.provider));
        response.insert_header(("X-Hub-Model", &*provenance.model));
        attempts_header(&mut response, &provenance.attempts);
    }
    response.json(Success {
        result: &outcome.result,
        meta: Meta {
            request_id,
            duration_ms,
            provenance: outcome.provenance.as_ref(),
        },
    })
}

fn failed(request_id: &str, error: &CallError) -> HttpResponse {
    let status = StatusCode::from_u16(error.status().as_u16());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response.insert_header(("X-Request-Id", request_id));
    if !error.attempts().is_empty() {
        attempts_header(&mut response, error.attempts());
    }
    if let Some(wait) = error.retry_after() {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    response.json(error.body(request_id))
}

fn attempts_header(response: &mut HttpResponseBuilder, attempts: &[Attempt]) {
    let each: Vec<_> = attempts.iter().map(Attempt::brief).collect();
    response.insert_header(("X-Hub-Attempts", each.join(", ")));
}

/// A failure that no call made.
pub fn failure(status: StatusCode, code: &'static str, sentence: String) -> HttpResponse {
    let mut buffer = Uuid::encode_buffer();
    let request_id: &str = Uuid::now_v7().simple().encode_lower(&mut buffer);
    Refused {
        status,
        code,
        sentence,
    }
    .respond(request_id)
}

// === impl Refused ===

impl Refused {
    fn respond(self, request_id: &str) -> HttpResponse {
        HttpResponse::build(self.status)
            .insert_header(("X-Request-Id", request_id))
            .json(ErrorBody {
                error: self.sentence,
                code: self.code,
                request_id,
                attempts: &[],
            })
    }
}
