//! Refused: why a request goes no further than the layers, and what its sender is told.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode, header,
        header::{HeaderMap, HeaderValue},
    },
};

use super::{
    access::Denied,
    api::{failure, limited},
    body::BodyError,
    chat::refusal::Refusal,
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

/// What somebody is told who is nobody. The same for everybody: it tells nothing about what was wrong.
const WHO: &str = "Send a valid API key: `Authorization: Bearer KEY`, or `X-Hub-Key: KEY`.";
/// What somebody is told as long as nobody can be asked.
const CANNOT_TELL: &str = "The hub cannot tell now who may enter. Try again in a second.";

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
            Self::Denied(Denied::Unknown) => {
                let mut answer = failure(StatusCode::UNAUTHORIZED, "unauthorized", WHO.to_owned());
                self.mark(answer.headers_mut());
                answer
            }
            Self::Denied(Denied::Unavailable) => failure(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                CANNOT_TELL.to_owned(),
            ),
            Self::NotPermitted(permission) => failure(
                StatusCode::FORBIDDEN,
                "forbidden",
                format!("This key does not have the permission {permission}."),
            ),
            Self::Exhausted(exhausted) => limited(&exhausted.into()),
        }
    }
    /// Puts into an answer's headers what belongs to it in every format.
    pub fn mark(self, headers: &mut HeaderMap) {
        if let Self::Denied(Denied::Unknown) = self {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
    }
}

impl From<&Refused> for Refusal {
    fn from(refused: &Refused) -> Self {
        match *refused {
            Refused::TooLarge => BodyError::TooLarge.into(),
            Refused::Denied(Denied::Unknown) => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthorized", WHO)
            }
            Refused::Denied(Denied::Unavailable) => Self {
                retry_after: Some(Duration::from_secs(1)),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", CANNOT_TELL)
            },
            Refused::NotPermitted(permission) => Self::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                format!("This key does not have the permission {permission}."),
            ),
            Refused::Exhausted(exhausted) => CallError::from(exhausted).into(),
            Refused::Foreign(foreign) => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", foreign.sentence())
            }
        }
    }
}
