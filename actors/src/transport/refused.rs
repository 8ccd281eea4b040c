//! Refused: why a request goes no further than the layers, and what its sender is told.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header, header::HeaderValue},
};

use super::{
    access::Denied,
    api::{failure, limited},
    body::BodyError,
    guard::Foreign,
};
use crate::account::Exhausted;

/// Why a request goes no further.
#[derive(Debug, Clone, Copy)]
pub enum Refused {
    /// Its body says that it is too large.
    TooLarge,
    /// It is for another host, or from a page that may not call.
    Foreign(Foreign),
    /// Nobody knows its sender.
    Denied(Denied),
    /// Its sender does not have this permission.
    NotPermitted(&'static str),
    /// Its sender has used as much as they may for now.
    Exhausted(Exhausted),
}

// === impl Refused ===

impl Refused {
    /// The answer.
    pub fn answer(self) -> HttpResponse {
        match self {
            Self::TooLarge => {
                let error = BodyError::TooLarge;
                failure(error.status(), error.code(), error.to_string())
            }
            Self::Foreign(foreign) => foreign.answer(),
            // The same for everybody: it tells nothing about what was wrong.
            Self::Denied(Denied::Unknown) => {
                let sentence =
                    "Send a valid API key: `Authorization: Bearer KEY`, or `X-Hub-Key: KEY`.";
                let mut answer = failure(
                    StatusCode::UNAUTHORIZED,
                    "unauthorized",
                    sentence.to_owned(),
                );
                let challenge = HeaderValue::from_static("Bearer");
                answer
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, challenge);
                answer
            }
            Self::Denied(Denied::Unavailable) => failure(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "The hub cannot tell now who may enter. Try again in a second.".to_owned(),
            ),
            Self::NotPermitted(permission) => failure(
                StatusCode::FORBIDDEN,
                "forbidden",
                format!("This key does not have the permission {permission}."),
            ),
            Self::Exhausted(exhausted) => limited(&exhausted.into()),
        }
    }
}
