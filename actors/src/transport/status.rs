//! Status: what monitoring, orchestrators and the existing clients' connection tests ask.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{api::failure, lobby::Lobby};
use crate::catalogue::Catalogue;

/// How the hub is, in a word.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    /// The word.
    pub(super) status: &'static str,
}

/// Who we are.
#[derive(Serialize, ToSchema)]
pub(super) struct Identity<'a> {
    /// `running`
    status: &'static str,
    /// The hub's name in its configuration.
    service: &'a str,
    /// The program's version.
    version: &'a str,
    /// Since it was started.
    uptime_seconds: u64,
    /// `HUB_TRANSPORT`
    transport: &'a str,
}

/// `GET /`: who we are.
pub async fn root(lobby: web::Data<Lobby>) -> HttpResponse {
    match lobby.catalogue.load().as_deref() {
        Some(catalogue) => HttpResponse::Ok().json(identity(catalogue)),
        None => HttpResponse::ServiceUnavailable().json(Status { status: "starting" }),
    }
}

fn identity(catalogue: &Catalogue) -> Identity<'_> {
    let hub = &catalogue.hub;
    Identity {
        status: "running",
        service: &hub.name,
        version: &hub.version,
        uptime_seconds: hub.started.elapsed().as_secs(),
        transport: &hub.transport,
    }
}

/// `GET /healthz`: the process lives.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Status { status: "ok" })
}

/// `GET /readyz`: calls are taken.
pub async fn readyz(lobby: web::Data<Lobby>) -> HttpResponse {
    match lobby.unready() {
        None => HttpResponse::Ok().json(Status { status: "ready" }),
        Some(why) => HttpResponse::ServiceUnavailable().json(Status { status: why }),
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
