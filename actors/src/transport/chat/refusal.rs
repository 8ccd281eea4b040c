//! Refusal: why a request of an SDK has no answer, before a vendor's format puts it into words.
//!
//! SDKs decide by the status which exception they raise and whether they ask again, so the status has to
//! say what is true for the caller: that a vendor does not take the *hub's* key is no 401 of theirs.

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::{
    attempt::Attempt,
    error::CallError,
    protocol::{Failure, FailureKind},
    provider::wire::BadRequest,
    transport::body::BodyError,
};

/// The word for a request that a vendor found too large.
const TOO_LARGE: &str = "request_too_large";

/// Why there is no answer.
#[derive(Debug)]
pub struct Refusal {
    /// The status that SDKs understand.
    pub status: StatusCode,
    /// The hub's machine word, or the vendor's own if it is one that we know.
    pub code: &'static str,
    /// One plain sentence.
    pub sentence: String,
    /// Which part of the request is wrong: `messages[2].content`.
    pub param: Option<String>,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
    /// Asking again brings nothing else: SDKs are told not to.
    pub is_final: bool,
    /// What was tried.
    pub attempts: Vec<Attempt>,
}

/// The status of a chain that nobody answered. If all who were asked are over their limits, the caller has
/// to wait like a vendor's own; if all are overloaded, or too slow, that is how it is.
fn of_chain(attempts: &[Attempt]) -> StatusCode {
    let mut asked = attempts
        .iter()
        .filter(|attempt| attempt.outcome != Err(FailureKind::NotConfigured))
        .peekable();
    let is_limit = |attempt: &Attempt| {
        matches!(
            attempt.outcome,
            Err(FailureKind::RateLimited | FailureKind::QuotaExhausted)
        )
    };
    let is_overload = |attempt: &Attempt| {
        attempt.outcome == Err(FailureKind::Busy)
            || (attempt.outcome == Err(FailureKind::ServerError)
                && matches!(attempt.status, Some(503 | 529)))
    };
    if asked.peek().is_none() {
        StatusCode::BAD_GATEWAY
    } else if asked.clone().all(is_limit) {
        StatusCode::TOO_MANY_REQUESTS
    } else if asked
        .clone()
        .all(|attempt| is_limit(attempt) || is_overload(attempt))
    {
        StatusCode::SERVICE_UNAVAILABLE
    } else if asked.all(|attempt| attempt.outcome == Err(FailureKind::Timeout)) {
        StatusCode::GATEWAY_TIMEOUT
    } else {
        StatusCode::BAD_GATEWAY
    }
}

/// Whether who was asked last found the request too large: by its status, or by Anthropic's word, which may
/// come with another.
fn is_too_large(word: Option<&str>, attempts: &[Attempt]) -> bool {
    let status = attempts.last().and_then(|last| last.status);
    word == Some(TOO_LARGE) || status == Some(StatusCode::PAYLOAD_TOO_LARGE.as_u16())
}

/// Whether everybody who was asked would say the same again: what is wrong is a key or a name of the hub's.
fn is_final(attempts: &[Attempt]) -> bool {
    let lasts = |attempt: &Attempt| {
        matches!(
            attempt.outcome,
            Err(FailureKind::NotConfigured
                | FailureKind::Unauthorized
                | FailureKind::ModelNotFound)
        )
    };
    attempts.iter().all(lasts)
}

// === impl Refusal ===

impl Refusal {
    /// One that needs nothing but a sentence.
    pub fn new(status: StatusCode, code: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            status,
            code,
            sentence: sentence.into(),
            param: None,
            retry_after: None,
            is_final: false,
            attempts: Vec::new(),
        }
    }

    /// A stream that breaks off after it began.
    pub fn broken(provider: &str, failure: &Failure) -> Self {
        let mut sentence = format!("{provider} {}.", failure.kind);
        if let Some(advice) = &failure.advice {
            sentence.push(' ');
            sentence.push_str(advice);
        }
        let overloaded =
            failure.word == Some("overloaded_error") || matches!(failure.status, Some(503 | 529));
        let status = match failure.kind {
            FailureKind::RateLimited | FailureKind::QuotaExhausted => StatusCode::TOO_MANY_REQUESTS,
            FailureKind::ServerError if overloaded => StatusCode::SERVICE_UNAVAILABLE,
            FailureKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, failure.kind.word(), sentence)
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        let status = match &error {
            CallError::ProvidersFailed { attempts, .. } => of_chain(attempts),
            CallError::Rejected { word, attempts, .. } if is_too_large(*word, attempts) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            other => StatusCode::from_u16(other.status().as_u16())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        };
        Self {
            status,
            code: match &error {
                _ if status == StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
                // Clients act on `context_length_exceeded` and the like. What ends so is a type, and no code.
                CallError::Rejected {
                    word: Some(word), ..
                } if !word.ends_with("_error") => word,
                error => error.code(),
            },
            sentence: error.to_string(),
            param: None,
            retry_after: error.retry_after(),
            is_final: match &error {
                CallError::NotConfigured(_) => true,
                CallError::ProvidersFailed { attempts, .. } => is_final(attempts),
                _ => false,
            },
            attempts: error.attempts().to_vec(),
        }
    }
}

impl From<BadRequest> for Refusal {
    fn from(wrong: BadRequest) -> Self {
        Self {
            param: Some(wrong.param).filter(|param| !param.is_empty()),
            ..Self::new(StatusCode::BAD_REQUEST, wrong.code, wrong.sentence)
        }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        // The same wording as on every door.
        let status = StatusCode::from_u16(error.status().as_u16());
        Self {
            retry_after: matches!(error, BodyError::Crowded).then_some(Duration::from_secs(1)),
            ..Self::new(
                status.unwrap_or(StatusCode::BAD_REQUEST),
                error.code(),
                error.to_string(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Class;

    fn attempt(kind: FailureKind, status: Option<u16>) -> Attempt {
        Attempt {
            provider: "p".into(),
            model: "m".into(),
            outcome: Err(kind),
            status,
            ms: 1,
            tries: Some(1),
        }
    }

    #[test]
    fn a_status_says_what_is_true_for_the_caller() {
        let limited = || attempt(FailureKind::RateLimited, Some(429));
        let quota = || attempt(FailureKind::QuotaExhausted, Some(402));
        let overloaded = || attempt(FailureKind::ServerError, Some(529));
        let failing = || attempt(FailureKind::ServerError, Some(500));
        let keyless = || attempt(FailureKind::NotConfigured, None);
        let unauthorized = || attempt(FailureKind::Unauthorized, Some(401));
        let slow = || attempt(FailureKind::Timeout, None);
        let cases = [
            (vec![limited(), quota()], 429),
            (vec![keyless(), limited()], 429),
            (vec![overloaded()], 503),
            (vec![limited(), overloaded()], 503),
            (vec![limited(), failing()], 502),
            (vec![unauthorized()], 502),
            (vec![keyless()], 502),
            (vec![slow(), keyless(), slow()], 504),
            (vec![slow(), failing()], 502),
        ];
        for (attempts, status) in cases {
            assert_eq!(of_chain(&attempts).as_u16(), status, "{attempts:?}");
        }
        assert!(is_final(&[keyless(), unauthorized()]));
        assert!(!is_final(&[unauthorized(), limited()]));
    }

    #[test]
    fn too_large_is_what_the_vendor_says_last() {
        let told = |word, statuses: &[u16]| {
            let attempt = |status: &u16| attempt(FailureKind::Rejected, Some(*status));
            let refusal = Refusal::from(CallError::Rejected {
                word,
                sentence: "no".to_owned(),
                attempts: statuses.iter().map(attempt).collect(),
            });
            (refusal.status.as_u16(), refusal.code)
        };
        assert_eq!(told(None, &[413]), (413, TOO_LARGE));
        assert_eq!(
            told(Some("invalid_request_error"), &[413]),
            (413, TOO_LARGE)
        );
        assert_eq!(told(Some(TOO_LARGE), &[200]), (413, TOO_LARGE));
        assert_eq!(told(Some("invalid_image"), &[400]), (400, "invalid_image"));
        assert_eq!(told(None, &[413, 400]), (400, "bad_request"));
    }

    #[test]
    fn a_stream_breaks_off_for_a_reason() {
        let failure = |kind, status, word| Failure {
            status,
            word,
            ..Failure::new(kind, Class::NextNow)
        };
        for (failure, status) in [
            (failure(FailureKind::RateLimited, Some(200), None), 429),
            (
                failure(
                    FailureKind::ServerError,
                    Some(200),
                    Some("overloaded_error"),
                ),
                503,
            ),
            (failure(FailureKind::ServerError, Some(200), None), 502),
            (failure(FailureKind::Timeout, None, None), 504),
            (failure(FailureKind::Interrupted, None, None), 502),
        ] {
            let status_of = Refusal::broken("p", &failure).status.as_u16();
            assert_eq!(status_of, status, "{failure:?}");
        }
    }
}
