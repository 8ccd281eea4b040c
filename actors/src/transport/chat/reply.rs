//! What stands above an answer or a refusal: its status and its headers.

use std::borrow::Cow;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
};

use super::{Anthropic, Door, OpenAi, models, refusal::Refusal};
use crate::{
    chat::Chatted,
    params::clip,
    request_id::RequestId,
    transport::{
        api::{attempts_header, cache_header},
        refused::Refused,
    },
};

/// Another method at one of the doors that take POST.
pub async fn wrong_method<D: Door>() -> HttpResponse {
    let refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Use POST here.",
    );
    let mut response = refuse::<D>(&refusal, RequestId::new().as_str());
    let post = header::HeaderValue::from_static("POST");
    response.headers_mut().insert(header::ALLOW, post);
    response
}

/// Any other path where SDKs look for something.
pub async fn nowhere(request: HttpRequest) -> HttpResponse {
    let path = clip(request.path());
    let help = if !path.starts_with("/v1/") {
        "The base URL of OpenAI's SDKs ends with /v1 here."
    } else if path.starts_with("/v1/v1/") {
        "Leave /v1 out of the base URL."
    } else {
        "SDKs find /v1/chat/completions, /v1/messages, /v1/embeddings and /v1/models here."
    };
    let refusal = Refusal::new(
        StatusCode::NOT_FOUND,
        "not_found",
        format!("There is nothing at {path}. {help}"),
    );
    let request_id = RequestId::new();
    match models::speaks_anthropic(&request) {
        true => refuse::<Anthropic>(&refusal, request_id.as_str()),
        false => refuse::<OpenAi>(&refusal, request_id.as_str()),
    }
}

/// The answer to a request that went no further than the layers before the door.
pub fn refused<D: Door>(refused: Refused) -> HttpResponse {
    let refusal = Refusal::from(&refused);
    let mut response = refuse::<D>(&refusal, RequestId::new().as_str());
    refused.mark(response.headers_mut());
    response
}

/// The answer to a request that gets none.
pub(super) fn refuse<D: Door>(refusal: &Refusal, request_id: &str) -> HttpResponse {
    let mut response = begin::<D>(D::status(refusal), request_id);
    if !refusal.attempts.is_empty() {
        attempts_header(&mut response, &refusal.attempts);
    }
    if let Some(wait) = refusal.retry_after {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    if refusal.is_final {
        response.insert_header(("X-Should-Retry", "false"));
    }
    response.json(D::error(refusal, request_id))
}

/// The head of an answer.
pub(super) fn begin<D: Door>(status: StatusCode, request_id: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header(("X-Request-Id", request_id));
    if let Some(name) = D::REQUEST_ID {
        response.insert_header((name, request_id));
    }
    response
}

/// Says in headers who answers, and what it did not take.
pub(super) fn said_by<A>(response: &mut HttpResponseBuilder, chatted: &Chatted<A>) {
    response.insert_header(("X-Hub-Provider", &*chatted.provider));
    response.insert_header(("X-Hub-Model", &*chatted.model));
    cache_header(response, chatted.cache);
    if !chatted.attempts.is_empty() {
        attempts_header(response, &chatted.attempts);
    }
    if !chatted.dropped.is_empty() {
        response.insert_header(("X-Hub-Dropped-Params", names(&chatted.dropped)));
    }
}

/// Names of parameters, which may be the caller's own words, as a header takes them.
fn names(dropped: &[Cow<'static, str>]) -> String {
    const MOST: usize = 1024;
    let clean = |name: &Cow<'static, str>| -> String {
        let fits = |c: &char| c.is_ascii_graphic() && *c != ',';
        name.chars().filter(fits).take(64).collect()
    };
    let mut names = String::new();
    for name in dropped.iter().map(clean) {
        if names.len() + name.len() > MOST {
            names.push_str(", ..");
            break;
        }
        if !names.is_empty() {
            names.push_str(", ");
        }
        names.push_str(&name);
    }
    names
}
