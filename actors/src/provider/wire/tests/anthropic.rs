//! Anthropic's Messages format.

use super::{
    decoded, encoded, failed, gist, plain_request, refused, request, seconds, signed, wire, without,
};
use crate::conversation::{Content, Format, Part, ToolCall};
use crate::protocol::{
    Class::{NextNow, RetrySame, Stop},
    Completion,
    FailureKind::{
        Malformed, ModelNotFound, QuotaExhausted, RateLimited, Rejected, ServerError, Unauthorized,
    },
    FinishReason, Usage,
};

const GOLDEN: &str = r#"{
    "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-haiku-4-5-20251001",
    "content": [
        {"type": "thinking", "thinking": "hm", "text": "not this", "signature": "c2ln"},
        {"type": "text", "text": "A language.\n"},
        {"type": "tool_use", "id": "t1", "name": "x", "input": {"text": "nor this"}},
        {"type": "text", "text": "It is fast."}
    ],
    "stop_reason": "end_turn", "stop_sequence": null,
    "usage": {"input_tokens": 10, "cache_creation_input_tokens": 200,
              "cache_read_input_tokens": 3000, "output_tokens": 7, "service_tier": "standard"}
}"#;

#[test]
fn headers_carry_key_and_version() {
    let wire = wire("anthropic");
    assert_eq!(wire.auth(), ("x-api-key", ""));
    assert_eq!(wire.version(), Some(("anthropic-version", "2023-06-01")));
}

#[test]
fn request_is_exact() {
    let model = "claude-haiku-4-5";
    let (path, body) = encoded("anthropic", &request(), model, &without(&[]));
    assert_eq!(path, "/messages");
    assert_eq!(
        body,
        r#"{"model":"claude-haiku-4-5","max_tokens":64,"system":"Be brief.","messages":[{"role":"user","content":"What is \"Rust\"?\n"}],"temperature":0.5}"#
    );
}

#[test]
fn request_leaves_out_what_is_not_set() {
    let (_, body) = encoded("anthropic", &plain_request(), "m", &without(&[]));
    assert_eq!(
        body,
        r#"{"model":"m","max_tokens":64,"messages":[{"role":"user","content":"What is \"Rust\"?\n"}]}"#
    );
}

#[test]
fn dropped_parameters_lose_neither_system_nor_the_required_limit() {
    let dialect = without(&["temperature", "max_tokens", "system"]);
    let (_, body) = encoded("anthropic", &request(), "m", &dialect);
    assert_eq!(
        body,
        r#"{"model":"m","max_tokens":64,"messages":[{"role":"user","content":"Be brief.\n\nWhat is \"Rust\"?\n"}]}"#
    );
}

#[test]
fn reply_keeps_its_blocks_apart_and_counts_the_cache_as_input() {
    assert_eq!(
        decoded("anthropic", GOLDEN),
        Completion {
            parts: vec![
                signed(
                    Content::Thinking("hm".to_owned()),
                    Format::Anthropic,
                    "c2ln"
                ),
                Part::text("A language.\n"),
                Content::ToolCall(ToolCall {
                    id: "t1".to_owned(),
                    name: "x".to_owned(),
                    arguments: r#"{"text": "nor this"}"#.to_owned(),
                })
                .into(),
                Part::text("It is fast."),
            ],
            model: Some("claude-haiku-4-5-20251001".to_owned()),
            usage: Usage {
                input_tokens: 3210,
                output_tokens: 7,
                cached_input_tokens: Some(3000),
                reasoning_tokens: None,
                cost_usd: None,
            },
            finish: FinishReason::Stop,
            ..Completion::default()
        }
    );
}

#[test]
fn stop_reasons_are_mapped() {
    for (reason, expected) in [
        (r#""end_turn""#, FinishReason::Stop),
        (r#""stop_sequence""#, FinishReason::Stop),
        (r#""pause_turn""#, FinishReason::Stop),
        (r#""max_tokens""#, FinishReason::Length),
        (r#""model_context_window_exceeded""#, FinishReason::Length),
        (r#""tool_use""#, FinishReason::ToolCalls),
        (r#""refusal""#, FinishReason::ContentFilter),
        (r#""from_the_future""#, FinishReason::Stop),
        ("null", FinishReason::Stop),
        ("7", FinishReason::Stop),
    ] {
        let body = format!(
            r#"{{"type":"message","content":[{{"type":"text","text":"x"}}],"stop_reason":{reason}}}"#
        );
        assert_eq!(decoded("anthropic", &body).finish, expected, "{reason}");
    }
}

#[test]
fn a_refusal_is_an_answer_with_what_the_vendor_says_of_it() {
    let refused = |more: &str| {
        let body = format!(r#"{{"type":"message","content":[],"stop_reason":"refusal"{more}}}"#);
        let completion = decoded("anthropic", &body);
        assert_eq!(completion.finish, FinishReason::ContentFilter, "{more}");
        completion.parts
    };
    let explained = r#","stop_details":{"type":"refusal","category":"bio","explanation":"No."}"#;
    let refusal = Content::Refusal("No.".to_owned());
    assert_eq!(refused(explained), [refusal.into()]);
    let unexplained = r#","stop_details":{"type":"refusal","explanation":null}"#;
    for more in ["", r#","stop_details":7"#, unexplained] {
        assert_eq!(refused(more), [], "{more}");
    }
    // Not a refusal, whatever stands beside it.
    let body = format!(r#"{{"type":"message","content":"x","stop_reason":"end_turn"{explained}}}"#);
    assert_eq!(decoded("anthropic", &body).parts, [Part::text("x")]);
}

#[test]
fn an_answer_without_text_is_empty_and_one_without_content_is_malformed() {
    let body = r#"{"type":"message","content":[],"stop_reason":"max_tokens"}"#;
    let completion = decoded("anthropic", body);
    assert_eq!(
        (completion.text().as_str(), completion.finish),
        ("", FinishReason::Length)
    );
    let failure = failed(
        "anthropic",
        r#"{"type":"message","stop_reason":"end_turn"}"#,
    );
    assert_eq!(gist(&failure), (Malformed, NextNow, None));
}

#[test]
fn strange_types_do_not_lose_the_text() {
    for usage in [
        r#""many""#,
        "null",
        "[]",
        "[1,2]",
        "true",
        r#"{"input_tokens":null,"output_tokens":{}}"#,
        r#"{"input_tokens":-4,"output_tokens":1e300}"#,
    ] {
        let body = format!(
            r#"{{"content":[null,"x",7,{{"type":"text"}},{{"type":"text","text":"kept"}}],
                "usage":{usage},"model":[],"id":{{}},"stop_reason":{{}}}}"#
        );
        let completion = decoded("anthropic", &body);
        assert_eq!(completion.text(), "kept", "{usage}");
        assert_eq!(completion.usage, Usage::default(), "{usage}");
        assert_eq!(completion.model, None);
    }
    let body = r#"{"content":[{"type":"text","text":"x"}],
        "usage":{"input_tokens":12.0,"output_tokens":"34"}}"#;
    let usage = decoded("anthropic", body).usage;
    assert_eq!((usage.input_tokens, usage.output_tokens), (12, 34));
}

#[test]
fn an_error_with_status_200_is_a_failure() {
    for (error, expected) in [
        (
            r#"{"type":"overloaded_error"}"#,
            (ServerError, RetrySame, Some("overloaded_error")),
        ),
        (
            r#"{"type":"api_error"}"#,
            (ServerError, RetrySame, Some("api_error")),
        ),
        (
            r#"{"type":"rate_limit_error"}"#,
            (RateLimited, RetrySame, Some("rate_limit_error")),
        ),
        (
            r#"{"type":"authentication_error"}"#,
            (Unauthorized, NextNow, Some("authentication_error")),
        ),
        (
            r#"{"type":"billing_error"}"#,
            (QuotaExhausted, NextNow, Some("billing_error")),
        ),
        (
            r#"{"type":"invalid_request_error"}"#,
            (Rejected, Stop, Some("invalid_request_error")),
        ),
        ("null", (ServerError, RetrySame, None)),
        (r#""broken""#, (ServerError, RetrySame, None)),
    ] {
        let failure = failed(
            "anthropic",
            &format!(r#"{{"type":"error","error":{error}}}"#),
        );
        assert_eq!(gist(&failure), expected, "{error}");
        assert_eq!(failure.status, None);
    }
}

#[test]
fn errors_are_classified() {
    let error = |kind: &str, rest: &str| {
        format!(r#"{{"type":"error","error":{{"type":"{kind}"{rest}}},"request_id":"req_1"}}"#)
    };
    for (status, kind, rest, expected) in [
        (
            400,
            "invalid_request_error",
            r#","message":"max_tokens: too large""#,
            (Rejected, Stop),
        ),
        (
            400,
            "invalid_request_error",
            r#","message":"Your credit balance is too low to access the Anthropic API.""#,
            (QuotaExhausted, NextNow),
        ),
        (401, "authentication_error", "", (Unauthorized, NextNow)),
        (402, "billing_error", "", (QuotaExhausted, NextNow)),
        (403, "permission_error", "", (Unauthorized, NextNow)),
        (
            404,
            "not_found_error",
            r#","message":"model: claude-9""#,
            (ModelNotFound, NextNow),
        ),
        (413, "request_too_large", "", (Rejected, Stop)),
        (429, "rate_limit_error", "", (RateLimited, RetrySame)),
        (
            429,
            "rate_limit_error",
            r#","details":{"error_code":"ramp_limit_exceeded"}"#,
            (RateLimited, RetrySame),
        ),
        (500, "api_error", "", (ServerError, RetrySame)),
        (504, "timeout_error", "", (ServerError, RetrySame)),
        (529, "overloaded_error", "", (ServerError, RetrySame)),
    ] {
        let failure = refused("anthropic", status, &[], &error(kind, rest));
        assert_eq!(
            (failure.kind, failure.class),
            expected,
            "{status} {kind} {rest}"
        );
        assert_eq!(failure.word, Some(kind));
        assert_eq!(failure.status, Some(status));
        assert_eq!(failure.retry_after, None);
    }
}

#[test]
fn a_spend_limit_is_no_rate_limit() {
    for code in [
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
    ] {
        let body = format!(
            r#"{{"type":"error","error":{{"type":"rate_limit_error","message":"x","details":{{"error_code":"{code}"}}}}}}"#
        );
        let failure = refused("anthropic", 429, &[("x-should-retry", "true")], &body);
        assert_eq!(gist(&failure), (QuotaExhausted, NextNow, Some(code)));
    }
}

#[test]
fn a_429_says_how_long() {
    let limits = [
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2020-01-01T00:00:00Z"),
    ];
    assert_eq!(seconds(&refused("anthropic", 429, &limits, "")), Some(0.0));
    assert_eq!(
        seconds(&refused("anthropic", 429, &[("retry-after", "3")], "")),
        Some(3.0)
    );
}
