//! Google's errors.

use super::{failed, gist, refused, seconds};
use crate::protocol::{
    Class::{NextNow, RetrySame, Stop},
    FailureKind::{
        ModelNotFound, QuotaExhausted, RateLimited, Rejected, ServerError, Unauthorized,
    },
};

/// Google's error, with its details.
fn error(code: u16, status: &str, message: &str, details: &str) -> String {
    format!(
        r#"{{"error":{{"code":{code},"message":"{message}","status":"{status}","details":[{details}]}}}}"#
    )
}

const REASON: &str =
    r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}"#;
const RETRY: &str = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"46.5s"}"#;

fn quota(id: &str, value: &str) -> String {
    format!(
        r#"{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaId":"{id}","quotaValue":"{value}"}}]}}"#
    )
}

#[test]
fn errors_are_classified_bare_and_in_a_list() {
    let day = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "50");
    let minute = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "15");
    let zero = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "0");
    for (code, status, message, details, expected) in [
        (
            400,
            "INVALID_ARGUMENT",
            "bad",
            "",
            (Rejected, Stop, Some("invalid_argument")),
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
            REASON,
            (Unauthorized, NextNow, Some("api_key_invalid")),
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
            "",
            (Unauthorized, NextNow, Some("invalid_argument")),
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "",
            REASON,
            (Unauthorized, NextNow, Some("api_key_invalid")),
        ),
        (
            400,
            "FAILED_PRECONDITION",
            "User location is not supported for the API use.",
            "",
            (Unauthorized, NextNow, Some("failed_precondition")),
        ),
        (
            402,
            "RESOURCE_EXHAUSTED",
            "",
            "",
            (QuotaExhausted, NextNow, Some("resource_exhausted")),
        ),
        (
            403,
            "PERMISSION_DENIED",
            "",
            "",
            (Unauthorized, NextNow, Some("permission_denied")),
        ),
        (
            404,
            "NOT_FOUND",
            "",
            "",
            (ModelNotFound, NextNow, Some("not_found")),
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "",
            "",
            (RateLimited, RetrySame, Some("resource_exhausted")),
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "* Quota exceeded, limit: 0, model: x",
            "",
            (QuotaExhausted, NextNow, Some("resource_exhausted")),
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "",
            &format!("{minute},{RETRY}"),
            (RateLimited, RetrySame, Some("resource_exhausted")),
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "",
            &format!("{minute},{day},{RETRY}"),
            (QuotaExhausted, NextNow, Some("resource_exhausted")),
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "",
            &zero,
            (QuotaExhausted, NextNow, Some("resource_exhausted")),
        ),
        (
            500,
            "INTERNAL",
            "",
            "",
            (ServerError, RetrySame, Some("internal")),
        ),
        (
            503,
            "UNAVAILABLE",
            "",
            "",
            (ServerError, RetrySame, Some("unavailable")),
        ),
        (
            504,
            "DEADLINE_EXCEEDED",
            "",
            "",
            (ServerError, RetrySame, Some("deadline_exceeded")),
        ),
    ] {
        let body = error(code, status, message, details);
        let bare = refused("gemini", code, &[], &body);
        assert_eq!(gist(&bare), expected, "{body}");
        assert_eq!(bare.status, Some(code));
        let listed = format!("[{body}\n]");
        assert_eq!(refused("gemini", code, &[], &listed), bare, "{listed}");
        // With a status of success it means the same.
        assert_eq!(failed("gemini", &body), bare, "{body}");
        assert_eq!(failed("gemini", &listed), bare, "{listed}");
    }
}

#[test]
fn the_delay_is_in_the_body_unless_a_header_knows_better() {
    let body = error(429, "RESOURCE_EXHAUSTED", "", RETRY);
    assert_eq!(seconds(&refused("gemini", 429, &[], &body)), Some(46.5));
    let header = [("retry-after", "2")];
    assert_eq!(seconds(&refused("gemini", 429, &header, &body)), Some(2.0));
    let nonsense = body.replace("46.5s", "a while");
    assert_eq!(seconds(&refused("gemini", 429, &[], &nonsense)), None);
}
