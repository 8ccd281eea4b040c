//! Status: what monitoring, orchestrators and the existing clients' connection tests ask.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde_json::json;

use super::{api::failure, lobby::Lobby};
use crate::catalogue::Catalogue;

/// `GET /`: who we are.
pub async fn root(lobby: web::Data<Lobby>) -> HttpResponse {
    match lobby.catalogue.load().as_deref() {
        Some(catalogue) => HttpResponse::Ok().json(identity(catalogue)),
        None => HttpResponse::ServiceUnavailable().json(json!({"status": "starting"})),
    }
}

fn identity(catalogue: &Catalogue) -> serde_json::Value {
    json!({
        "status": "running",
        "service": catalogue.hub.name,
        "version": catalogue.hub.version,
        "uptime_seconds": catalogue.hub.started.elapsed().as_secs(),
        "transport": catalogue.hub.transport,
    })
}

/// `GET /healthz`: the process lives.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// `GET /readyz`: calls are taken.
pub async fn readyz(lobby: web::Data<Lobby>) -> HttpResponse {
    match lobby.unready() {
        None => HttpResponse::Ok().json(json!({"status": "ready"})),
        Some(why) => HttpResponse::ServiceUnavailable().json(json!({"status": why})),
    }
}

/// Any other path.
pub async fn not_found(request: HttpRequest) -> HttpResponse {
    let sentence = format!(
        "There is nothing at {}. Calls go to POST /api, SDKs to /v1, MCP to /mcp.",
        crate::params::clip(request.path())
    );
    failure(StatusCode::NOT_FOUND, "not_found", sentence)
}

/// What is no path.
pub async fn nothing() -> HttpResponse {
    let sentence = "The request names no path. Calls go to POST /api, MCP to /mcp.";
    failure(StatusCode::BAD_REQUEST, "bad_request", sentence.to_owned())
}

/// A known path, another method.
pub fn method_not_allowed(allow: &'static str) -> HttpResponse {
    let mut response = failure(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("Use {allow} here."),
    );
    response.headers_mut().insert(
        actix_web::http::header::ALLOW,
        actix_web::http::header::HeaderValue::from_static(allow),
    );
    response
}
