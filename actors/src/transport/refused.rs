//! Refused: why a request goes no further than the layers, and what its sender is told.

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{StatusCode, header, header::HeaderValue},
};

use super::{
    access::Denied,
    api::{failure, limited},
    body::BodyError,
    chat::{self, refusal::Refusal},
    guard::Foreign,
};
use crate::{account::Exhausted, error::CallError};

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

/// What everybody without a key is told.
const NO_KEY: &str = "Send a valid API key: `Authorization: Bearer KEY`, or `X-Hub-Key: KEY`.";

// === impl Refused ===

impl Refused {
    /// The answer, as whoever sent the request reads it: SDKs in their vendor's words.
    pub fn answer_to(self, request: &ServiceRequest) -> HttpResponse {
        if !request.path().starts_with("/v1/") {
            return self.answer();
        }
        let plain = self.answer();
        let refusal = match self {
            Self::TooLarge => BodyError::TooLarge.into(),
            Self::Foreign(foreign) => Refusal::new(plain.status(), "forbidden", foreign.sentence()),
            Self::Denied(Denied::Unknown) => Refusal::new(plain.status(), "unauthorized", NO_KEY),
            Self::Denied(Denied::Unavailable) => CallError::Internal.into(),
            Self::NotPermitted(permission) => {
                let sentence = format!("This key does not have the permission {permission}.");
                Refusal::new(plain.status(), "forbidden", sentence)
            }
            Self::Exhausted(exhausted) => CallError::from(exhausted).into(),
        };
        let mut answer = chat::refused(request.path(), request.headers(), &refusal);
        if let Some(challenge) = plain.headers().get(header::WWW_AUTHENTICATE) {
            let headers = answer.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, challenge.clone());
        }
        answer
    }

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
                let mut answer =
                    failure(StatusCode::UNAUTHORIZED, "unauthorized", NO_KEY.to_owned());
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
