//! OpenAI's errors and those of its compatibles.

use super::{failed, gist, refused, seconds};
use crate::protocol::{
    Class::{NextNow, RetrySame, Stop},
    FailureKind::{
        ModelNotFound, QuotaExhausted, RateLimited, Rejected, ServerError, Unauthorized,
    },
};

#[test]
fn an_error_with_status_200_is_a_failure() {
    for (body, expected, status) in [
        (
            r#"{"error":{"code":429,"message":"slow"}}"#,
            (RateLimited, RetrySame, None),
            Some(429),
        ),
        (
            r#"{"error":{"code":"402","message":"pay"}}"#,
            (QuotaExhausted, NextNow, None),
            Some(402),
        ),
        (
            r#"{"error":{"code":502,"metadata":{"error_type":"provider_unavailable"}}}"#,
            (ServerError, RetrySame, Some("provider_unavailable")),
            Some(502),
        ),
        (
            r#"{"error":{"code":"insufficient_quota","type":"x"}}"#,
            (QuotaExhausted, NextNow, Some("insufficient_quota")),
            None,
        ),
        (
            r#"{"error":"overloaded"}"#,
            (ServerError, RetrySame, None),
            None,
        ),
        (
            r#"{"error":{"code":7,"message":"x"}}"#,
            (ServerError, RetrySame, None),
            None,
        ),
        (
            r#"{"error":{"code":"rate_limit_exceeded"},"choices":[{"message":{"content":"half"}}]}"#,
            (RateLimited, RetrySame, Some("rate_limit_exceeded")),
            None,
        ),
        (
            r#"{"choices":[{"message":{"content":"half"},"finish_reason":"error"}]}"#,
            (ServerError, RetrySame, None),
            None,
        ),
        (
            r#"{"choices":[{"message":{"content":"half"},"finish_reason":"error","error":{"code":403,"metadata":{"reasons":["violence"]}}}]}"#,
            (Rejected, Stop, Some("moderation")),
            Some(403),
        ),
        (
            r#"{"choices":[{"message":{"content":"half"},"finish_reason":null,"error":{"code":502}}]}"#,
            (ServerError, RetrySame, None),
            Some(502),
        ),
        (
            r#"{"object":"error","message":"no","type":"invalid_api_key","code":401}"#,
            (Unauthorized, NextNow, Some("invalid_api_key")),
            Some(401),
        ),
        (
            r#"[{"error":{"code":404,"status":"NOT_FOUND"}}]"#,
            (ModelNotFound, NextNow, Some("not_found")),
            Some(404),
        ),
    ] {
        let failure = failed("openai", body);
        assert_eq!(gist(&failure), expected, "{body}");
        assert_eq!(failure.status, status, "{body}");
    }
}

#[test]
fn errors_are_classified() {
    for (status, error, expected) in [
        (
            400,
            r#"{"type":"invalid_request_error","code":null,"param":"temperature"}"#,
            (Rejected, Stop, Some("invalid_request_error")),
        ),
        (
            400,
            r#"{"code":"content_filter"}"#,
            (Rejected, Stop, Some("content_filter")),
        ),
        (
            400,
            r#"{"message":"The model `m` does not support temperature"}"#,
            (Rejected, Stop, None),
        ),
        (
            400,
            r#"{"code":"model_not_found"}"#,
            (ModelNotFound, NextNow, Some("model_not_found")),
        ),
        (
            400,
            r#"{"code":"model_not_supported"}"#,
            (ModelNotFound, NextNow, Some("model_not_supported")),
        ),
        (
            400,
            r#"{"message":"a/b is not a valid model ID","code":400}"#,
            (ModelNotFound, NextNow, None),
        ),
        (
            400,
            r#"{"message":"Model Not Exist"}"#,
            (ModelNotFound, NextNow, None),
        ),
        (
            400,
            r#"{"message":"The requested model 'a' does not exist"}"#,
            (ModelNotFound, NextNow, None),
        ),
        (
            400,
            r#""Incorrect API key provided: ab***yz.""#,
            (Unauthorized, NextNow, None),
        ),
        (
            400,
            r#"{"code":"billing_hard_limit_reached"}"#,
            (QuotaExhausted, NextNow, Some("billing_hard_limit_reached")),
        ),
        (
            401,
            r#"{"type":"invalid_request_error","code":"invalid_api_key"}"#,
            (Unauthorized, NextNow, Some("invalid_api_key")),
        ),
        (402, r#"{"code":402}"#, (QuotaExhausted, NextNow, None)),
        (
            402,
            r#"{"code":402,"metadata":{"limit_source":"openrouter_in_flight_budget"}}"#,
            (RateLimited, RetrySame, None),
        ),
        (403, r#"{"code":403}"#, (Unauthorized, NextNow, None)),
        (
            403,
            r#"{"code":403,"metadata":{"reasons":["violence"],"flagged_input":"..."}}"#,
            (Rejected, Stop, Some("moderation")),
        ),
        (
            403,
            r#"{"code":403,"metadata":{"flagged_input":"..."}}"#,
            (Rejected, Stop, Some("moderation")),
        ),
        (
            403,
            r#"{"code":"model_not_found","message":"Project has no access"}"#,
            (ModelNotFound, NextNow, Some("model_not_found")),
        ),
        (
            404,
            r#"{"code":"model_not_found"}"#,
            (ModelNotFound, NextNow, Some("model_not_found")),
        ),
        (
            429,
            r#"{"code":"rate_limit_exceeded","type":"tokens"}"#,
            (RateLimited, RetrySame, Some("rate_limit_exceeded")),
        ),
        (
            429,
            r#"{"type":"slow_down"}"#,
            (RateLimited, RetrySame, Some("slow_down")),
        ),
        (503, r#"{"code":503}"#, (ServerError, RetrySame, None)),
    ] {
        let failure = refused("openai", status, &[], &format!(r#"{{"error":{error}}}"#));
        assert_eq!(gist(&failure), expected, "{status} {error}");
        assert_eq!(failure.status, Some(status));
    }
}

#[test]
fn a_used_up_quota_is_no_rate_limit() {
    for word in [
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    ] {
        for field in ["code", "type"] {
            let body = format!(r#"{{"error":{{"message":"x","{field}":"{word}"}}}}"#);
            let headers = [
                ("x-should-retry", "true"),
                ("x-ratelimit-reset-tokens", "1s"),
            ];
            let failure = refused("openai", 429, &headers, &body);
            assert_eq!(gist(&failure), (QuotaExhausted, NextNow, Some(word)));
            assert_eq!(failure.retry_after, None);
        }
    }
}

#[test]
fn errors_are_found_wherever_they_stand() {
    for body in [
        r#"{"error":{"type":"invalid_value"}}"#,
        r#"{"error":[{"type":"invalid_value"}]}"#,
        r#"{"detail":{"type":"invalid_value"}}"#,
        r#"{"detail":[{"type":"invalid_value","loc":["body"],"msg":"x"}]}"#,
        r#"{"object":"error","type":"invalid_value","message":"x","code":"1500"}"#,
        r#"{"error":"x","code":"invalid_value"}"#,
        r#"[{"error":{"status":"INVALID_VALUE"}}]"#,
    ] {
        let failure = refused("openai", 400, &[], body);
        assert_eq!(
            gist(&failure),
            (Rejected, Stop, Some("invalid_value")),
            "{body}"
        );
    }
    for body in [
        r#"{"error":"unknown model"}"#,
        r#"{"error":["unknown model"]}"#,
        r#"{"detail":"unknown model"}"#,
        r#"{"detail":{"error":"unknown model"}}"#,
        r#"{"detail":["unknown model"]}"#,
        r#"{"message":"unknown model"}"#,
        r#""unknown model""#,
    ] {
        let failure = refused("openai", 400, &[], body);
        assert_eq!(gist(&failure), (ModelNotFound, NextNow, None), "{body}");
    }
}

#[test]
fn a_429_says_how_long() {
    let limits = [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "6m0s"),
    ];
    assert_eq!(seconds(&refused("openai", 429, &limits, "")), Some(360.0));
    assert_eq!(seconds(&refused("openai", 503, &limits, "")), None);
    let header = [("retry-after", "7")];
    assert_eq!(seconds(&refused("openai", 503, &header, "")), Some(7.0));
    assert_eq!(seconds(&refused("openai", 400, &header, "")), None);
}
