//! OpenAI's chat completions format and its dialects.

use super::{decoded, encoded, failed, gist, plain_request, request, wire, without};
use crate::conversation::{Content, Part};
use crate::protocol::{Class::NextNow, Completion, FailureKind::Malformed, FinishReason, Usage};
use crate::provider::wire::Dialect;

const GOLDEN: &str = r#"{
    "id": "gen-1", "object": "chat.completion", "created": 1795341600, "provider": "Groq",
    "model": "meta-llama/llama-4:free", "error": null,
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "A language.\nIt is fast.",
         "refusal": null, "reasoning": "hm"}, "finish_reason": "stop", "logprobs": null},
        {"index": 1, "message": {"role": "assistant", "content": "another"}}
    ],
    "usage": {"prompt_tokens": 3210, "completion_tokens": 47, "total_tokens": 3257,
              "prompt_tokens_details": {"cached_tokens": 3000},
              "completion_tokens_details": {"reasoning_tokens": 40}, "cost": 0.00012}
}"#;

#[test]
fn a_header_carries_the_key() {
    assert_eq!(wire("openai").auth(), ("authorization", "Bearer "));
    assert_eq!(wire("openai").version(), None);
}

#[test]
fn request_is_exact() {
    let (path, body) = encoded("openai", &request(), "org/model:free", &without(&[]));
    assert_eq!(path, "/chat/completions");
    assert_eq!(
        body,
        r#"{"model":"org/model:free","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"What is \"Rust\"?\n"}],"max_tokens":64,"temperature":0.5}"#
    );
}

#[test]
fn request_follows_the_dialect() {
    let dialect = Dialect {
        max_completion_tokens: true,
        ..Dialect::default()
    };
    let (_, body) = encoded("openai", &plain_request(), "m", &dialect);
    assert_eq!(
        body,
        r#"{"model":"m","messages":[{"role":"user","content":"What is \"Rust\"?\n"}],"max_completion_tokens":64}"#
    );
    for max_completion_tokens in [true, false] {
        let dialect = Dialect {
            max_completion_tokens,
            ..without(&["temperature", "max_tokens", "system"])
        };
        let (_, body) = encoded("openai", &request(), "m", &dialect);
        assert_eq!(
            body,
            r#"{"model":"m","messages":[{"role":"user","content":"Be brief.\n\nWhat is \"Rust\"?\n"}]}"#
        );
    }
}

#[test]
fn reply_is_read_with_all_its_counts() {
    assert_eq!(
        decoded("openai", GOLDEN),
        Completion {
            parts: vec![
                Content::Thinking("hm".to_owned()).into(),
                Part::text("A language.\nIt is fast."),
            ],
            model: Some("meta-llama/llama-4:free".to_owned()),
            usage: Usage {
                input_tokens: 3210,
                output_tokens: 47,
                cached_input_tokens: Some(3000),
                reasoning_tokens: Some(40),
                cost_usd: Some(0.00012),
            },
            finish: FinishReason::Stop,
            ..Completion::default()
        }
    );
}

#[test]
fn thinking_that_only_the_total_counts_is_output() {
    let body = r#"{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":32,
        "completion_tokens":9,"total_tokens":135,
        "completion_tokens_details":{"reasoning_tokens":94}}}"#;
    assert_eq!(decoded("openai", body).usage.output_tokens, 103);
}

#[test]
fn content_comes_as_text_as_parts_or_not_at_all() {
    for (message, expected) in [
        (r#"{"content":"x"}"#, "x"),
        (r#"{"content":"not refused","refusal":"no"}"#, "not refused"),
        (r#"{"content":null,"tool_calls":[]}"#, ""),
        (r#"{"role":"assistant"}"#, ""),
        (
            r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#,
            "ab",
        ),
        (
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"x"}]}"#,
            "x",
        ),
        (r#"{"content":[null,7,{"text":{}},{"text":"x"}]}"#, "x"),
        (r#"{"content":[]}"#, ""),
    ] {
        let body = format!(r#"{{"choices":[{{"message":{message},"finish_reason":"stop"}}]}}"#);
        assert_eq!(decoded("openai", &body).text(), expected, "{message}");
    }
}

#[test]
fn a_refusal_is_an_answer_and_what_it_says() {
    let refusal = || Part::from(Content::Refusal("I cannot.".to_owned()));
    for (message, reason, parts, finish) in [
        (
            r#"{"content":null,"refusal":"I cannot."}"#,
            "stop",
            vec![refusal()],
            FinishReason::ContentFilter,
        ),
        (
            r#"{"content":"Well.","refusal":"I cannot."}"#,
            "stop",
            vec![Part::text("Well."), refusal()],
            FinishReason::Stop,
        ),
        (
            r#"{"content":null}"#,
            "content_filter",
            vec![],
            FinishReason::ContentFilter,
        ),
        // Some leave the message out, too.
        (
            "null",
            "content_filter",
            vec![],
            FinishReason::ContentFilter,
        ),
    ] {
        let body = format!(r#"{{"choices":[{{"message":{message},"finish_reason":"{reason}"}}]}}"#);
        let completion = decoded("openai", &body);
        assert_eq!(completion.parts, parts, "{message}");
        assert_eq!(completion.finish, finish, "{message}");
    }
}

#[test]
fn a_call_as_it_was_written_in_the_beginning_is_one() {
    let message = r#"{"content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}}"#;
    let body = format!(
        r#"{{"id":"i","choices":[{{"message":{message},"finish_reason":"function_call"}}]}}"#
    );
    let completion = decoded("openai", &body);
    assert_eq!(completion.finish, FinishReason::ToolCalls);
    let [
        Part {
            content: Content::ToolCall(call),
            ..
        },
    ] = completion.parts.as_slice()
    else {
        panic!("no call in {completion:?}");
    };
    assert_eq!((&*call.name, &*call.arguments), ("f", r#"{"a":1}"#));
    assert!(call.id.starts_with("call_hub_"), "{}", call.id);
}

#[test]
fn finish_reasons_are_mapped() {
    for (reason, expected) in [
        (r#""stop""#, FinishReason::Stop),
        (r#""length""#, FinishReason::Length),
        (r#""tool_calls""#, FinishReason::ToolCalls),
        (r#""function_call""#, FinishReason::ToolCalls),
        (r#""content_filter""#, FinishReason::ContentFilter),
        (r#""sensitive""#, FinishReason::ContentFilter),
        (r#""model_length""#, FinishReason::Length),
        (r#""insufficient_system_resource""#, FinishReason::Length),
        (r#""abort""#, FinishReason::Length),
        (r#""from_the_future""#, FinishReason::Stop),
        ("null", FinishReason::Stop),
        ("7", FinishReason::Stop),
    ] {
        let body =
            format!(r#"{{"choices":[{{"message":{{"content":"x"}},"finish_reason":{reason}}}]}}"#);
        assert_eq!(decoded("openai", &body).finish, expected, "{reason}");
    }
}

#[test]
fn what_is_no_answer_is_malformed() {
    for body in [
        "{}",
        r#"{"choices":[]}"#,
        r#"{"choices":{}}"#,
        r#"{"choices":[{}]}"#,
        r#"{"choices":[null]}"#,
        r#"{"choices":[{"message":"x"}]}"#,
        "[]",
        "7",
        r#""text""#,
        "null",
    ] {
        assert_eq!(
            gist(&failed("openai", body)),
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
        r#"{"prompt_tokens":null,"cost":"free"}"#,
    ] {
        let body = format!(
            r#"{{"choices":[{{"index":"0","message":{{"content":"kept","refusal":false}}}}],
                "usage":{usage},"model":null,"adi":{{"a":[1,{{}}]}},"error":{{}}}}"#
        );
        let completion = decoded("openai", &body);
        assert_eq!(completion.text(), "kept", "{usage}");
        assert_eq!(completion.usage, Usage::default(), "{usage}");
    }
    for error in ["null", "false", "0", r#""""#, "[]"] {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"x"}}}}],"error":{error}}}"#);
        assert_eq!(decoded("openai", &body).text(), "x", "{error}");
    }
    for model in [r#""a b""#, r#""a\r\nb""#, r#""""#, r#""mödel""#] {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"x"}}}}],"model":{model}}}"#);
        assert_eq!(decoded("openai", &body).model, None, "{model}");
    }
}
