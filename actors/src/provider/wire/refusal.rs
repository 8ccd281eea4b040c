//! What a refusal means and what to do about it: the classification that all formats share.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

use super::{
    delay,
    error_body::ErrorBody,
    lenient::{self, Object},
};
use crate::protocol::{Class, Failure, FailureKind};

/// The status of a request that is larger than the vendor takes (RFC 9110, section 15.5.14).
const TOO_LARGE: u16 = 413;

/// What a caller can do about that.
const SMALLER: &str = "It is larger than this provider takes: send less of it, or smaller images.";

/// What a body adds to its status.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// What the refusal means, where the body knows better than the status.
    pub(super) meaning: Option<(FailureKind, Class)>,
    /// The vendor's machine word.
    pub(super) word: Option<&'static str>,
    /// The wait that the body asks for. Headers come first.
    pub(super) delay: Option<Duration>,
}

/// An answer that is not in its format. Another provider's may be.
pub(super) fn malformed() -> Failure {
    Failure::new(FailureKind::Malformed, Class::NextNow)
}

/// A stream that ends before its answer does. The vendor did the work and bills it: not again.
pub(super) fn broken_off() -> Failure {
    Failure::new(FailureKind::Interrupted, Class::NextNow)
}

/// The request itself was refused, by a filter or by the model.
pub(super) fn rejected(word: &'static str) -> Failure {
    Failure {
        word: Some(word),
        ..Failure::new(FailureKind::Rejected, Class::Stop)
    }
}

/// What an answer with this status and body means; `said` reads the vendor's own words.
pub(super) fn refusal(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    said: impl FnOnce(u16, &ErrorBody<'_>) -> Said,
) -> Failure {
    let body = String::from_utf8_lossy(body);
    weigh(status, headers, said(status, &ErrorBody::read(&body)))
}

/// An error that came with a status of success: its own code is its status, else its word.
///
/// The failure's status is the error's own code, if it gives one.
pub(super) fn late(
    error: &ErrorBody<'_>,
    said: impl FnOnce(u16, &ErrorBody<'_>) -> Said,
) -> Failure {
    let meant = error.code.status.unwrap_or_else(|| by_word(error));
    let said = said(meant, error);
    Failure {
        status: error.code.status,
        ..weigh(meant, &HeaderMap::new(), said)
    }
}

/// The answer in a body with a status of success.
pub(super) fn answer<'a, T: Object<'a>>(
    body: &'a str,
    said: impl FnOnce(u16, &ErrorBody<'_>) -> Said,
) -> Result<T, Failure> {
    let answer: Option<T> = lenient::read(body).flatten();
    answer.ok_or_else(|| unreadable(body, said))
}

/// A body with a status of success that is no answer: an error in an unusual shape, if it holds the
/// code of one.
pub(super) fn unreadable(body: &str, said: impl FnOnce(u16, &ErrorBody<'_>) -> Said) -> Failure {
    let error = ErrorBody::read(body);
    match error.code.status {
        Some(_) => late(&error, said),
        None => malformed(),
    }
}

/// Whether an error says that there is no such model. Compatible servers do so with a 400, too, and
/// not all of them with a machine word.
pub(super) fn knows_no_model(error: &ErrorBody<'_>) -> bool {
    const WORDS: [&str; 5] = [
        "invalid_model",
        "model_not_available",
        "model_not_found",
        "model_not_supported",
        "unknown_model",
    ];
    const PHRASES: [&str; 5] = [
        "invalid model",
        "is not a valid model",
        "model not exist",
        "model not found",
        "unknown model",
    ];
    let sentence = error.sentence();
    error.is_any_of(&WORDS)
        || PHRASES.iter().any(|phrase| sentence.contains(phrase))
        || sentence
            .split_once("does not exist")
            .is_some_and(|(subject, _)| subject.contains("model"))
}

fn weigh(status: u16, headers: &HeaderMap, said: Said) -> Failure {
    let now = SystemTime::now();
    let (kind, class) = said.meaning.unwrap_or_else(|| by_status(status));
    let retry_after = match kind {
        FailureKind::RateLimited => delay::retry_after(headers, now)
            .or_else(|| delay::reset(headers, now))
            .or(said.delay),
        FailureKind::ServerError => delay::retry_after(headers, now).or(said.delay),
        FailureKind::QuotaExhausted => delay::retry_after(headers, now),
        _ => None,
    };
    Failure {
        kind,
        class: advised(kind, class, headers),
        status: Some(status),
        retry_after,
        word: said.word,
        advice: (kind == FailureKind::Rejected && status == TOO_LARGE).then_some(SMALLER.into()),
    }
}

fn by_status(status: u16) -> (FailureKind, Class) {
    match status {
        429 => (FailureKind::RateLimited, Class::RetrySame),
        401 | 403 => (FailureKind::Unauthorized, Class::NextNow),
        402 | 432 | 433 => (FailureKind::QuotaExhausted, Class::NextNow),
        404 => (FailureKind::ModelNotFound, Class::NextNow),
        408 | 409 | 500..=599 => (FailureKind::ServerError, Class::RetrySame),
        // Nothing is there: the base URL is wrong or retired, which is not the request's fault.
        405 | 410 => (FailureKind::ServerError, Class::NextNow),
        400..=499 => (FailureKind::Rejected, Class::Stop),
        // A redirect is never followed: it would carry the key to another host.
        _ => (FailureKind::ServerError, Class::NextNow),
    }
}

/// The status that the vendors' documents give to a word; 502 for a word they do not know.
fn by_word(error: &ErrorBody<'_>) -> u16 {
    const STATUSES: [(u16, &[&str]); 9] = [
        (400, &["invalid_request_error"]),
        (401, &["authentication_error", "invalid_api_key"]),
        (402, &["billing_error"]),
        (403, &["permission_error"]),
        (404, &["not_found_error"]),
        (413, &["request_too_large"]),
        (
            429,
            &["rate_limit_error", "rate_limit_exceeded", "slow_down"],
        ),
        (504, &["timeout_error"]),
        (529, &["overloaded_error"]),
    ];
    if knows_no_model(error) {
        return 404;
    }
    STATUSES
        .iter()
        .find(|(_, words)| error.is_any_of(words))
        .map_or(502, |(status, _)| *status)
}

/// The class after `x-should-retry`, which the vendors' own clients obey. It never makes the hub
/// repeat a request that a key, a quota or the request itself stands against.
fn advised(kind: FailureKind, class: Class, headers: &HeaderMap) -> Class {
    let advice = headers.get("x-should-retry").map(|value| value.as_bytes());
    match (class, advice) {
        (Class::RetrySame, Some(b"false")) => Class::NextNow,
        (Class::NextNow, Some(b"true")) if kind == FailureKind::ServerError => Class::RetrySame,
        _ => class,
    }
}
