//! What has no words in the inner language: kept for its own format, told or named for another.

use serde_json::{Value, json};

use super::{
    gist,
    translations::{asked_by_anthropic, asked_by_openai, sent},
    wire, without,
};
use crate::{
    protocol::{Class::NextNow, CompletionRequest, FailureKind::Rejected},
    provider::wire::{anthropic, openai},
};

/// A request of OpenAI's format with something unknown in every place, as the hub writes it.
fn rich_chat() -> Value {
    json!({
        "model": "gpt-5",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "name": "house", "content": [
                {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}},
            ]},
            {"role": "user", "name": "ann", "content": [
                {"type": "text", "text": "See", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low", "x_crop": [1, 2]}, "x_part": 1},
                {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4", "fps": 2}},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav", "x_rate": 8}},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "flac"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf", "x_pages": 3}},
                {"type": "file", "file": {"file_url": "https://example.com/a.pdf"}},
            ]},
            {"role": "assistant", "content": "Hm.", "name": "bob", "x_trace": {"id": 1}, "tool_calls": [
                {"id": "c1", "type": "function", "x_call": 1,
                 "function": {"name": "look", "arguments": "{\"at\":1}", "x_inner": true}},
                {"id": "c2", "type": "custom", "custom": {"name": "run", "input": "print(1)"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "x_took": 7, "content": "a cat"},
            {"role": "tool", "tool_call_id": "c2", "content": [
                {"type": "text", "text": "1", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
            ]},
            {"role": "assistant", "content": null, "audio": {"id": "audio_1"}, "images": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
            ]},
            {"role": "function", "name": "old", "content": "of 2023"},
            {"role": "assistant", "content": [
                {"type": "text", "text": "No: "}, {"type": "refusal", "refusal": "I will not."},
            ]},
            {"role": "system", "name": "late", "content": "Now."},
            {"role": "user", "content": "And now?"},
        ],
        "max_tokens": 300, "top_k": 40, "seed": 7,
        "tools": [
            {"type": "function", "cache_control": {"type": "ephemeral"},
             "function": {"name": "look", "parameters": {"type": "object"}, "x_examples": [1]}},
            {"type": "custom", "custom": {"name": "run"}},
        ],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
        "response_format": {"type": "json_schema", "x_shape": 1,
            "json_schema": {"name": "a", "schema": {"type": "object"}, "x_schema": 1}},
        "reasoning_effort": "ultra",
        "stream": true,
        "stream_options": {"include_usage": true, "include_obfuscation": false},
        "logit_bias": {"1": 2}, "modalities": ["text"],
    })
}

/// The same of Anthropic's.
fn rich_message() -> Value {
    let ephemeral = json!({"type": "ephemeral"});
    json!({
        "model": "claude-opus-4-6",
        "max_tokens": 9000,
        "system": [
            {"type": "text", "text": "One."},
            {"type": "text", "text": "Two.", "cache_control": ephemeral},
            {"type": "text", "text": "Three."},
        ],
        "messages": [
            {"role": "user", "x_turn": 1, "content": [
                {"type": "search_result", "source": "https://example.com", "title": "A",
                 "content": [{"type": "text", "text": "Found."}], "citations": {"enabled": true}},
                {"type": "document", "context": "c", "citations": {"enabled": true}, "title": "t",
                 "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk=", "x_source": 1}},
                {"type": "document", "source": {"type": "content", "content": "in pieces"}},
                {"type": "container_upload", "file_id": "file_1"},
                {"type": "text", "text": "Well?", "cache_control": ephemeral},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln", "x_thought": 1},
                {"type": "redacted_thinking", "data": "b3BhcXVl"},
                {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
                {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
                {"type": "text", "text": "So.", "citations": [{"type": "char_location"}]},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}, "caller": {"type": "direct"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "cache_control": ephemeral, "content": [
                    {"type": "text", "text": "a cat", "citations": []},
                    {"type": "tool_reference", "tool_name": "other"},
                ]},
            ]},
            {"role": "assistant", "content": "done"},
            {"role": "system", "content": "Now."},
            {"role": "user", "content": "And now?"},
        ],
        "tools": [
            {"name": "look", "input_schema": {"type": "object"}, "cache_control": ephemeral, "defer_loading": true},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 1},
        ],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true, "x_choice": 1},
        "thinking": {"type": "adaptive", "display": "omitted"},
        "output_config": {"effort": "high", "task_budget": 9,
            "format": {"type": "json_schema", "schema": {"type": "object"}, "x_format": 1}},
        "metadata": {"user_id": "u1", "x_meta": 1},
        "stream": true, "service_tier": "auto", "context_management": {"edits": []},
    })
}

fn refused(format: &str, request: &CompletionRequest) -> String {
    let failure = wire(format).encode(request, "m", &without(&[]));
    let failure = failure.expect_err("a refusal");
    assert_eq!(gist(&failure), (Rejected, NextNow, None));
    failure.advice.expect("advice").into_owned()
}

fn says(content: Value) -> Value {
    json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]})
}

#[test]
fn all_of_a_request_comes_back_to_its_own_format() {
    let (body, dropped) = sent("openai", &asked_by_openai(&rich_chat()), "gpt-5");
    assert_eq!(body, rich_chat());
    assert_eq!(dropped, [""; 0]);
    let request = asked_by_anthropic(&rich_message());
    let (body, dropped) = sent("anthropic", &request, "claude-opus-4-6");
    assert_eq!(body, rich_message());
    assert_eq!(dropped, [""; 0]);
}

#[test]
fn kinds_that_only_the_vendor_knows_stay_under_their_names() {
    let values = [
        ("tool_choice", json!("maybe")),
        (
            "tool_choice",
            json!({"type": "custom", "custom": {"name": "run"}}),
        ),
        (
            "response_format",
            json!({"type": "grammar", "grammar": "root"}),
        ),
        ("top_k", json!(-1)),
        ("max_tokens", json!(-1)),
        ("seed", json!(1.5)),
    ];
    for (name, value) in values {
        let mut body = says("x".into());
        body[name] = value.clone();
        let raw = openai::read_request(&body.to_string().into()).expect("a request");
        let (passed, _) = sent("openai", &raw.request, "m");
        assert_eq!(passed[name], value);
        let request = asked_by_openai(&body);
        let (written, dropped) = sent("openai", &request, "m");
        assert_eq!((&written[name], dropped.len()), (&value, 0));
        for other in ["anthropic", "gemini"] {
            assert_eq!(sent(other, &request, "m").1, [name], "{value} at {other}");
        }
    }
    let values = [
        ("tool_choice", json!({"type": "some_day"})),
        ("thinking", json!({"type": "some_day"})),
        ("output_config", json!({"effort": "some_day"})),
        ("max_tokens", json!(0)),
    ];
    for (name, value) in values {
        let mut body = says("x".into());
        body[name] = value.clone();
        let raw = anthropic::read_request(&body.to_string().into()).expect("a request");
        let (passed, _) = sent("anthropic", &raw.request, "m");
        assert_eq!(passed[name], value);
        let request = asked_by_anthropic(&body);
        let (written, dropped) = sent("anthropic", &request, "m");
        assert_eq!((&written[name], dropped.len()), (&value, 0));
        let path = match name {
            "output_config" => "output_config.effort",
            name => name,
        };
        for other in ["openai", "gemini"] {
            assert_eq!(sent(other, &request, "m").1, [path], "{value} at {other}");
        }
    }
}

#[test]
fn whole_numbers_are_whole_however_they_are_written() {
    let mut body = says("x".into());
    body["seed"] = json!(1.0);
    body["max_tokens"] = json!(64.0);
    body["top_k"] = json!(3.0);
    let (body, _) = sent("gemini", &asked_by_openai(&body), "m");
    let expected = json!({"seed": 1, "maxOutputTokens": 64, "topK": 3});
    assert_eq!(body["generationConfig"], expected);
}

#[test]
fn what_the_model_said_is_left_out_and_named() {
    let (with, _) = sent("anthropic", &asked_by_openai(&history_of_chat()), "m");
    let expected = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [
            {"type": "text", "text": "I will not."},
            {"type": "tool_use", "id": "c1", "name": "look", "input": {}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "a cat"}]},
    ]);
    assert_eq!(with["messages"], expected);
    for other in ["anthropic", "gemini"] {
        let (_, dropped) = sent(other, &asked_by_openai(&history_of_chat()), "m");
        let expected = [
            "messages.name",
            "messages.content.thinking",
            "messages.images",
            "messages.tool_calls.function.x_inner",
            "messages.tool_calls.custom",
            "messages.x_took",
            "tools.cache_control",
        ];
        let mut sorted = dropped.clone();
        sorted.sort();
        let mut expected = expected.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(sorted, expected, "{other}");
    }
}

fn history_of_chat() -> Value {
    json!({"model": "m", "messages": [
        {"role": "user", "content": "go", "name": "ann"},
        {"role": "assistant", "name": "bob", "refusal": "I will not.", "reasoning_content": "hm", "images": [{}], "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}", "x_inner": 1}},
            {"id": "c2", "type": "custom", "custom": {"name": "run", "input": "1"}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "a cat", "x_took": 7},
    ], "tools": [{"type": "function", "function": {"name": "look"}, "cache_control": {}}]})
}

#[test]
fn other_formats_get_what_they_have_words_for() {
    let ephemeral = json!({"type": "ephemeral"});
    let request = asked_by_anthropic(&json!({
        "model": "m", "max_tokens": 9,
        "system": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two.", "cache_control": ephemeral}],
        "messages": [
            {"role": "user", "content": [
                {"type": "search_result", "source": "https://example.com", "title": "A",
                 "content": [{"type": "text", "text": "Found."}], "citations": {"enabled": true}},
                {"type": "text", "text": "Well?", "cache_control": ephemeral},
            ]},
            {"role": "assistant", "content": [
                {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
                {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": "broken"},
            ]},
        ],
        "thinking": {"type": "disabled", "display": "omitted"},
    }));
    let told = "A\nhttps://example.com\nFound.";
    let (body, dropped) = sent("openai", &request, "m");
    let expected = json!([
        {"role": "system", "content": "One."},
        {"role": "system", "content": "Two."},
        {"role": "user", "content": [{"type": "text", "text": told}, {"type": "text", "text": "Well?"}]},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "t1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "t1", "content": "broken"},
    ]);
    assert_eq!(body["messages"], expected);
    let mut names = vec![
        "system.cache_control",
        "messages.content.citations",
        "messages.content.cache_control",
        "messages.content.server_tool_use",
        "messages.content.web_search_tool_result",
        "messages.content.is_error",
        "thinking.display",
    ];
    assert_eq!(dropped, names);
    let (body, dropped) = sent("gemini", &request, "gemini-2.5-flash");
    assert_eq!(
        body["systemInstruction"]["parts"],
        json!([{"text": "One."}, {"text": "Two."}])
    );
    assert_eq!(body["contents"][0]["parts"][0]["text"], told);
    let response = &body["contents"][2]["parts"][0]["functionResponse"]["response"];
    assert_eq!(*response, json!({"error": "broken"}));
    names.retain(|name| *name != "messages.content.is_error");
    assert_eq!(dropped, names);
}

#[test]
fn what_a_user_says_is_never_left_out() {
    let video = asked_by_openai(&says(
        json!([{"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}]),
    ));
    assert_eq!(
        refused("anthropic", &video),
        "Anthropic's format has no parts of the kind `video_url`, so a provider that speaks it was not asked."
    );
    assert!(
        refused("gemini", &video).contains("Google's format has no parts of the kind `video_url`")
    );
    let upload = asked_by_anthropic(&says(json!([{"type": "container_upload", "file_id": "f"}])));
    for other in ["openai", "gemini"] {
        assert!(refused(other, &upload).contains("`container_upload`"));
    }
    let inside = json!([{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_reference"}]}]);
    assert!(refused("openai", &asked_by_anthropic(&says(inside))).contains("`tool_reference`"));
    // Nor is the result of a call that only its vendor knows.
    let mut body = history_of_chat();
    let result = json!({"role": "tool", "tool_call_id": "c2", "content": "1"});
    body["messages"]
        .as_array_mut()
        .expect("a list")
        .push(result);
    assert!(refused("gemini", &asked_by_openai(&body)).contains("tool calls of the kind `custom`"));
    // Nor is a message of an unknown role, nor what the system shows.
    let old =
        json!({"model": "m", "messages": [{"role": "function", "name": "f", "content": "x"}]});
    assert!(refused("anthropic", &asked_by_openai(&old)).contains("the role `function`"));
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
    let shown = json!({"model": "m", "messages": [{"role": "system", "content": [image]}, {"role": "user", "content": "x"}]});
    assert!(refused("gemini", &asked_by_openai(&shown)).contains("nothing but texts"));
}

#[test]
fn thoughts_go_back_to_those_who_want_them() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "So.", "reasoning_content": "hm", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "a cat", "cache_control": {}},
    ]});
    let (written, dropped) = sent("openai", &asked_by_openai(&body), "deepseek-chat");
    assert_eq!(
        (&written["messages"], dropped.len()),
        (&body["messages"], 0)
    );
    let raw = openai::read_request(&body.to_string().into())
        .expect("a request")
        .request;
    let encode = |model| {
        wire("openai")
            .encode(&raw, model, &without(&[]))
            .expect("a request")
    };
    assert!(encode("deepseek-chat").raw && !encode("gpt-5").raw);
    let (written, dropped) = sent("openai", &raw, "gpt-5");
    assert_eq!(dropped, ["messages.content.thinking"]);
    let mut expected = body["messages"].clone();
    expected[1]
        .as_object_mut()
        .expect("fields")
        .remove("reasoning_content");
    assert_eq!(written["messages"], expected, "and nothing else is lost");
}

#[test]
fn nobody_pays_for_an_answer_that_is_not_shown() {
    let mut body = says("x".into());
    body["n"] = json!(2);
    let raw = openai::read_request(&body.to_string().into()).expect("a request");
    assert_eq!(sent("openai", &raw.request, "m").0["n"], 2, "as it came");
    for format in ["openai", "anthropic", "gemini"] {
        let (written, dropped) = sent(format, &asked_by_openai(&body), "m");
        assert_eq!(
            (&written["n"], dropped),
            (&Value::Null, vec!["n".to_owned()])
        );
    }
}

#[test]
fn many_names_are_few_to_tell() {
    let mut body = says("x".into());
    for index in 0..50_000 {
        body["messages"][0][format!("field_{index}")] = json!(1);
    }
    let (_, dropped) = sent("anthropic", &asked_by_openai(&body), "m");
    assert_eq!(dropped.len(), 64);
}
