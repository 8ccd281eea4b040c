//! Vendors that do not answer well: what each refusal, and each answer that is none, is taken for.

use serde_json::{Value, json};

use crate::support::{FakeUpstream, Fault, Hub, vendor::Vendor};

/// Every provider of the usual chain.
const PROVIDERS: [&str; 3] = ["anthropic", "gemini", "openrouter"];

#[tokio::test]
async fn refusals_are_understood() {
    let bad_gemini_key = json!([{"error": {
        "code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
        "details": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID",
        }],
    }}]);
    let gemini_delay = json!({"error": {
        "code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "46s"}],
    }});
    let string_error = json!({"error": "model is loading"});
    let (a, g, o) = (Vendor::Anthropic, Vendor::Gemini, Vendor::OpenAi);
    let cases = [
        (a, Fault::Status(401), "unauthorized 401"),
        (a, Fault::Status(403), "unauthorized 403"),
        (a, Fault::Status(402), "quota_exhausted 402"),
        (a, Fault::Status(404), "model_not_found 404"),
        (a, Fault::Status(429), "rate_limited 429"),
        (a, Fault::Quota, "quota_exhausted 429"),
        (a, Fault::Status(529), "server_error 529"),
        (g, Fault::Json(400, bad_gemini_key), "unauthorized 400"),
        (g, Fault::Json(429, gemini_delay), "rate_limited 429"),
        (g, Fault::Quota, "quota_exhausted 429"),
        (g, Fault::Status(503), "server_error 503"),
        (o, Fault::Status(401), "unauthorized 401"),
        (o, Fault::Status(402), "quota_exhausted 402"),
        (o, Fault::Quota, "quota_exhausted 429"),
        (o, Fault::Status(408), "server_error 408"),
        (o, Fault::Json(503, string_error), "server_error 503"),
    ];
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for (vendor, fault, expected) in cases {
        upstream.always(&Fault::Answer("ok"));
        upstream.endpoint(vendor).once(fault.clone());
        let reply = hub.prompt_at(vendor.provider(), "hello").await;
        let expected = format!("{} {expected}", vendor.provider());
        assert_eq!(
            reply.attempts().first(),
            Some(&expected),
            "{fault:?}: {reply}"
        );
    }
}

#[tokio::test]
async fn answers_that_are_none_are_attempts_that_failed() {
    let deep = "[".repeat(100_000);
    let page = b"<!DOCTYPE html><html><body>Bad gateway</body></html>".to_vec();
    let cases = [
        (Fault::TruncatedJson, "malformed"),
        (Fault::Json(200, json!([1, 2])), "malformed"),
        (Fault::Json(200, json!("hello")), "malformed"),
        (Fault::Json(200, json!(42)), "malformed"),
        (Fault::Json(200, Value::Null), "malformed"),
        (
            Fault::Json(200, json!({"content": 5, "choices": {}, "candidates": 1})),
            "malformed",
        ),
        (
            Fault::Body(200, "application/json", deep.into_bytes()),
            "malformed",
        ),
        (
            Fault::Body(200, "application/json", Vec::new()),
            "malformed",
        ),
        (Fault::Body(200, "text/html", page.clone()), "malformed"),
        (Fault::Body(502, "text/html", page), "server_error"),
        (Fault::ResetBeforeAnswer, "interrupted"),
        (Fault::ResetInBody, "interrupted"),
        (Fault::ErrorInside200, "server_error"),
    ];
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for (fault, expected) in cases {
        upstream.always(&fault);
        for provider in PROVIDERS {
            let reply = hub.prompt_at(provider, "hello").await;
            let outcome = &reply.attempt_entries()[0]["outcome"];
            assert_eq!(outcome, expected, "{provider}, {fault:?}: {reply}");
            reply.assert_fails(502, "providers_failed");
        }
    }
}

#[tokio::test]
async fn a_wrong_content_type_around_a_good_answer_is_forgiven() {
    let upstream = FakeUpstream::start().await;
    upstream.always(&Fault::ContentType("text/plain; charset=latin-1"));
    let hub = Hub::three(&upstream).await;
    for provider in PROVIDERS {
        assert_eq!(
            hub.prompt_at(provider, "hello").await.assert_ok().text(),
            "hello"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_target_sees_nothing() {
    let (upstream, thief) = (FakeUpstream::start().await, FakeUpstream::start().await);
    upstream.always(&Fault::Redirect(thief.url()));
    let hub = Hub::three(&upstream).await;
    for provider in PROVIDERS {
        let reply = hub.prompt_at(provider, "hello").await;
        reply.assert_fails(502, "providers_failed");
        assert_eq!(reply.attempt_entries()[0]["status"], 307, "{reply}");
    }
    assert_eq!(thief.seen().len(), 0);
}

#[tokio::test]
async fn bytes_that_are_no_utf8_are_replaced() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for vendor in [Vendor::Anthropic, Vendor::Gemini, Vendor::OpenAi] {
        let answer = vendor.answer("model", "caf#").to_string().into_bytes();
        let bytes = answer
            .into_iter()
            .map(|byte| if byte == b'#' { 0xe9 } else { byte });
        let body = bytes.collect();
        upstream.always(&Fault::Body(200, "application/json", body));
        let reply = hub.prompt_at(vendor.provider(), "hello").await;
        assert_eq!(reply.assert_ok().text(), "caf\u{fffd}");
    }
}
