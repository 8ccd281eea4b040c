//! Google's generateContent format.

use super::{decoded, encoded, failed, gist, plain_request, read, request, signed, wire, without};
use crate::conversation::{Content, Format, Part};
use crate::protocol::{
    Class::NextNow,
    Completion,
    FailureKind::{Malformed, ModelNotFound},
    FinishReason, Usage,
};

const GOLDEN: &str = r#"{
    "candidates": [{
        "content": {"role": "model", "parts": [
            {"text": "Let me think.", "thought": true},
            {"text": "A language.\n", "thoughtSignature": "c2ln"},
            {"text": "It is fast.", "thought": false}
        ]},
        "finishReason": "STOP", "index": 0, "safetyRatings": []
    }],
    "usageMetadata": {"promptTokenCount": 3210, "cachedContentTokenCount": 3000,
                      "candidatesTokenCount": 7, "thoughtsTokenCount": 40,
                      "toolUsePromptTokenCount": 5, "totalTokenCount": 3262},
    "modelVersion": "gemini-2.5-flash", "responseId": "r1"
}"#;

#[test]
fn a_header_carries_the_key() {
    assert_eq!(wire("gemini").auth(), ("x-goog-api-key", ""));
    assert_eq!(wire("gemini").version(), None);
}

#[test]
fn request_is_exact() {
    let (path, body) = encoded("gemini", &request(), "gemini-2.5-flash", &without(&[]));
    assert_eq!(path, "/models/gemini-2.5-flash:generateContent");
    assert_eq!(
        body,
        r#"{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[{"role":"user","parts":[{"text":"What is \"Rust\"?\n"}]}],"generationConfig":{"maxOutputTokens":64,"temperature":0.5}}"#
    );
}

#[test]
fn request_leaves_out_what_is_not_set() {
    let (_, body) = encoded("gemini", &plain_request(), "m", &without(&[]));
    assert_eq!(
        body,
        r#"{"contents":[{"role":"user","parts":[{"text":"What is \"Rust\"?\n"}]}],"generationConfig":{"maxOutputTokens":64}}"#
    );
}

#[test]
fn dropped_parameters_do_not_lose_the_system_text() {
    let dialect = without(&["temperature", "max_tokens", "system"]);
    let (_, body) = encoded("gemini", &request(), "m", &dialect);
    assert_eq!(
        body,
        r#"{"contents":[{"role":"user","parts":[{"text":"Be brief.\n\nWhat is \"Rust\"?\n"}]}]}"#
    );
}

#[test]
fn a_model_stays_in_its_path_segment() {
    let (path, _) = encoded("gemini", &request(), "models/gemini-x_1.5", &without(&[]));
    assert_eq!(path, "/models/gemini-x_1.5:generateContent");
    for model in [
        "",
        ".",
        "..",
        "models/",
        "models/..",
        "a/b",
        "../../x?y",
        "a?key=1",
        "a#b",
        "a%2fb",
        "a b",
        "a:b",
        "ü",
        "a\n",
    ] {
        let failure = wire("gemini")
            .encode(&request(), model, &without(&[]))
            .expect_err("a failure");
        assert_eq!(gist(&failure), (ModelNotFound, NextNow, None), "{model:?}");
    }
}

#[test]
fn reply_keeps_thinking_apart_and_counts_it_as_output() {
    assert_eq!(
        decoded("gemini", GOLDEN),
        Completion {
            parts: vec![
                Content::Thinking("Let me think.".to_owned()).into(),
                signed(
                    Content::Text("A language.\n".to_owned()),
                    Format::Gemini,
                    "c2ln"
                ),
                Part::text("It is fast."),
            ],
            model: Some("gemini-2.5-flash".to_owned()),
            usage: Usage {
                input_tokens: 3215,
                output_tokens: 47,
                cached_input_tokens: Some(3000),
                reasoning_tokens: Some(40),
                cost_usd: None,
            },
            finish: FinishReason::Stop,
            ..Completion::default()
        }
    );
}

#[test]
fn finish_reasons_are_mapped() {
    for (reason, with_text, without_text) in [
        ("STOP", FinishReason::Stop, Ok(FinishReason::Stop)),
        ("MAX_TOKENS", FinishReason::Length, Ok(FinishReason::Length)),
        (
            "SAFETY",
            FinishReason::ContentFilter,
            Ok(FinishReason::ContentFilter),
        ),
        (
            "BLOCKLIST",
            FinishReason::ContentFilter,
            Ok(FinishReason::ContentFilter),
        ),
        (
            "PROHIBITED_CONTENT",
            FinishReason::ContentFilter,
            Ok(FinishReason::ContentFilter),
        ),
        (
            "SPII",
            FinishReason::ContentFilter,
            Ok(FinishReason::ContentFilter),
        ),
        (
            "RECITATION",
            FinishReason::ContentFilter,
            Ok(FinishReason::ContentFilter),
        ),
        (
            "IMAGE_SAFETY",
            FinishReason::ContentFilter,
            Ok(FinishReason::ContentFilter),
        ),
        (
            "FROM_THE_FUTURE",
            FinishReason::Stop,
            Err((Malformed, NextNow, None)),
        ),
        (
            "LANGUAGE",
            FinishReason::ContentFilter,
            Err((Malformed, NextNow, Some("language"))),
        ),
        (
            "OTHER",
            FinishReason::ContentFilter,
            Err((Malformed, NextNow, Some("other"))),
        ),
    ] {
        let body = |text| {
            format!(
                r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}},"finishReason":"{reason}"}}]}}"#
            )
        };
        assert_eq!(decoded("gemini", &body("x")).finish, with_text, "{reason}");
        match (read("gemini", body("").as_bytes()), without_text) {
            (Ok(completion), Ok(finish)) => assert_eq!(completion.finish, finish, "{reason}"),
            (Err(failure), Err(expected)) => assert_eq!(gist(&failure), expected, "{reason}"),
            (outcome, expected) => panic!("{reason}: {outcome:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn what_went_wrong_in_the_model_is_told_for_what_it_is() {
    for (reason, word) in [
        ("MALFORMED_RESPONSE", "malformed_response"),
        ("MALFORMED_FUNCTION_CALL", "malformed_function_call"),
        ("UNEXPECTED_TOOL_CALL", "unexpected_tool_call"),
        ("TOO_MANY_TOOL_CALLS", "too_many_tool_calls"),
        ("MISSING_THOUGHT_SIGNATURE", "missing_thought_signature"),
    ] {
        let body = |parts: &str| {
            format!(
                r#"{{"candidates":[{{"content":{{"parts":[{parts}]}},"finishReason":"{reason}"}}]}}"#
            )
        };
        // A call that the vendor does not stand by is none, and nothing is no answer.
        for part in [
            "",
            r#"{"text":"","thought":true}"#,
            r#"{"functionCall":{"name":"f"}}"#,
        ] {
            let failure = failed("gemini", &body(part));
            assert_eq!(gist(&failure), (Malformed, NextNow, Some(word)), "{part}");
        }
        // A text is not lost, and does not look complete.
        for parts in [
            r#"{"text":"x"}"#,
            r#"{"text":"x"},{"functionCall":{"name":"f"}}"#,
        ] {
            let completion = decoded("gemini", &body(parts));
            assert_eq!(completion.parts, [Part::text("x")], "{parts}");
            assert_eq!(completion.finish, FinishReason::Length, "{parts}");
        }
    }
}

#[test]
fn a_function_call_is_one_whatever_the_reason_says() {
    let body = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP"}]}"#;
    assert_eq!(decoded("gemini", body).finish, FinishReason::ToolCalls);
}

#[test]
fn thinking_may_spend_all_tokens() {
    for candidate in [
        r#"{"finishReason":"MAX_TOKENS","index":0}"#,
        r#"{"content":{"role":"model"},"finishReason":"MAX_TOKENS"}"#,
        r#"{"content":{"parts":null},"finishReason":"MAX_TOKENS"}"#,
        r#"{"content":{"parts":[]},"finishReason":"MAX_TOKENS"}"#,
    ] {
        let body = format!(
            r#"{{"candidates":[{candidate}],"usageMetadata":{{"promptTokenCount":3,"thoughtsTokenCount":64}}}}"#
        );
        let completion = decoded("gemini", &body);
        assert_eq!(
            (completion.text().as_str(), completion.finish),
            ("", FinishReason::Length)
        );
        assert_eq!(completion.usage.output_tokens, 64);
    }
}

#[test]
fn a_blocked_prompt_is_an_answer_with_nothing_in_it() {
    for body in [
        r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{}}"#,
        r#"{"candidates":[],"promptFeedback":{"blockReason":"SAFETY","safetyRatings":[]}}"#,
        r#"{"candidates":[{}],"promptFeedback":{"blockReason":"OTHER"}}"#,
    ] {
        let completion = decoded("gemini", body);
        assert_eq!(completion.finish, FinishReason::ContentFilter, "{body}");
        assert_eq!(completion.parts, [], "{body}");
    }
}

#[test]
fn no_candidate_and_no_reason_is_malformed() {
    for body in [
        "{}",
        r#"{"candidates":[]}"#,
        r#"{"candidates":[{}]}"#,
        r#"{"candidates":[null]}"#,
        r#"{"candidates":"none","promptFeedback":{}}"#,
        r#"{"promptFeedback":{"blockReason":"BLOCK_REASON_UNSPECIFIED"}}"#,
    ] {
        assert_eq!(
            gist(&failed("gemini", body)),
            (Malformed, NextNow, None),
            "{body}"
        );
    }
}

#[test]
fn strange_types_do_not_lose_the_text() {
    for usage in [
        r#""many""#,
        "null",
        "[]",
        "7",
        r#"{"promptTokenCount":"x"}"#,
    ] {
        let body = format!(
            r#"{{"candidates":[{{"content":{{"parts":[null,3,{{"text":null}},{{"text":"kept","thought":"no"}}]}},
                "finishReason":null}}],"usageMetadata":{usage},"modelVersion":2.5,"error":null}}"#
        );
        let completion = decoded("gemini", &body);
        assert_eq!(completion.text(), "kept", "{usage}");
        assert_eq!(completion.usage, Usage::default(), "{usage}");
    }
}
