//! `/auth`: how a person's browser comes by a session, ends it, and asks whose it is.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    access::Denied,
    api::{self, failure},
    body::Body,
    layers::Caller,
    lobby::Lobby,
    refused::Refused,
    session,
    status::Status,
};
use crate::{
    principal::Principal,
    protocol::{LoggedIn, Login, LoginError},
};

/// What somebody shows to get a session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    username: String,
    password: String,
}

/// Whose key or session it is.
#[derive(Serialize, ToSchema)]
pub(super) struct Me<'a> {
    /// The key's or the session's own name.
    id: &'a str,
    /// What people call it.
    name: &'a str,
    /// Tools that it may call.
    tools: String,
    /// Models that it may name.
    models: String,
    /// Its administrative permissions.
    admin: String,
}

/// `POST /auth/login`
pub async fn login(
    request: HttpRequest,
    payload: web::Payload,
    lobby: web::Data<Lobby>,
) -> HttpResponse {
    let request_id = crate::request_id::RequestId::new();
    let Body { bytes, held: _held } = match api::read(&request, payload, &lobby).await {
        Ok(body) => body,
        Err(refused) => return refused.respond(request_id.as_str()),
    };
    let Ok(Credentials { username, password }) = serde_json::from_slice(&bytes) else {
        let shape = r#"Send {"username": "..", "password": ".."}."#;
        return api::bad(shape).respond(request_id.as_str());
    };
    let from = session::browser(&request).address;
    let login = |reply| Login {
        name: username,
        password,
        browser: session::browser(&request),
        before: session::cookie(&request),
        reply,
    };
    match lobby.access.login(login).await {
        Some(Ok(LoggedIn {
            session,
            seconds,
            principal,
        })) => {
            lobby.entries.login(&lobby.trail, &principal, from);
            HttpResponse::Ok()
                .cookie(session::begin(&request, session, seconds))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .json(about(&principal))
        }
        Some(Err(LoginError::Wrong(user))) => {
            lobby.entries.refused(&lobby.trail, user, from);
            failure(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Nobody has this name and password, or the account is locked.".to_owned(),
            )
        }
        Some(Err(LoginError::Later(wait))) => {
            let mut answer = failure(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Too many logins from this address. Try again in a minute.".to_owned(),
            );
            let seconds = wait.as_secs().max(1).into();
            answer.headers_mut().insert(header::RETRY_AFTER, seconds);
            answer
        }
        Some(Err(LoginError::Busy)) | None => Refused::Denied(Denied::Unavailable).answer(),
    }
}

/// `POST /auth/logout`
pub async fn logout(
    request: HttpRequest,
    lobby: web::Data<Lobby>,
    caller: web::ReqData<Caller>,
) -> HttpResponse {
    if let Some(session) = session::cookie(&request) {
        lobby.access.logout(session).await;
        let from = session::browser(&request).address;
        lobby.entries.logout(&lobby.trail, &caller.0, from);
    }
    HttpResponse::Ok().cookie(session::end()).json(Status {
        status: "logged out",
    })
}

/// `GET /auth/me`
pub async fn me(caller: web::ReqData<Caller>) -> HttpResponse {
    let Caller(principal) = caller.into_inner();
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(about(&principal))
}

fn about(principal: &Principal) -> Me<'_> {
    Me {
        id: &principal.id,
        name: &principal.name,
        tools: principal.tools.to_string(),
        models: principal.models.to_string(),
        admin: principal.admin.to_string(),
    }
}
