//! One vendor's request at another vendor's door, and what passes through as it is.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{gemini_client::gathered, gist, streams::answered, wire, without};
use crate::{
    conversation::Content,
    protocol::{
        Class::NextNow, Completion, CompletionRequest, Failure, FailureKind::Rejected, FinishReason,
    },
    provider::wire::{Dialect, Encoded, anthropic, openai},
};

/// Everything that a client of OpenAI's format can ask for, in a conversation that called two tools at
/// once.
pub(super) fn chat() -> Value {
    json!({
        "model": "hub/any",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this, and the weather?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}},
                {"id": "call_2", "type": "function", "function": {"name": "files/list", "arguments": ""}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "{\"files\": 3}"}]},
            {"role": "user", "content": "And now?"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "weather", "description": "Tells it.",
             "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}},
            {"type": "function", "function": {"name": "files/list"}},
        ],
        "tool_choice": "required",
        "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
        "max_completion_tokens": 300, "temperature": 1.5, "top_p": 0.5, "seed": 7,
        "frequency_penalty": 0.25, "stop": "END", "user": "u1", "logit_bias": {"1": 2},
        "stream": false,
    })
}

pub(super) fn asked_by_openai(body: &Value) -> CompletionRequest {
    let asked = openai::read_request(&Bytes::from(body.to_string()));
    CompletionRequest {
        raw: None,
        ..asked.expect("a request").request
    }
}

pub(super) fn asked_by_anthropic(body: &Value) -> CompletionRequest {
    let asked = anthropic::read_request(&Bytes::from(body.to_string()));
    CompletionRequest {
        raw: None,
        ..asked.expect("a request").request
    }
}

fn encode(format: &str, request: &CompletionRequest, model: &str) -> Result<Encoded, Failure> {
    wire(format).encode(request, model, &without(&[]))
}

pub(super) fn sent(format: &str, request: &CompletionRequest, model: &str) -> (Value, Vec<String>) {
    let encoded = encode(format, request, model).expect("a request");
    let body = serde_json::from_slice(&encoded.body.expect("a body")).expect("JSON");
    let dropped = encoded.dropped.into_iter().map(String::from).collect();
    (body, dropped)
}

fn outer_name(tools: &Value) -> String {
    tools.as_str().expect("a name").to_owned()
}

#[test]
fn openai_to_anthropic() {
    let (body, dropped) = sent("anthropic", &asked_by_openai(&chat()), "claude-haiku-4-5");
    let name = outer_name(&body["tools"][1]["name"]);
    assert!(name.starts_with("_files_list_"), "{name}");
    let expected = json!({
        "model": "claude-haiku-4-5",
        "max_tokens": 300,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "What is this, and the weather?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            ]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Ulm"}},
                {"type": "tool_use", "id": "call_2", "name": name, "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"},
                {"type": "tool_result", "tool_use_id": "call_2", "content": "{\"files\": 3}"},
                {"type": "text", "text": "And now?"},
            ]},
        ],
        "temperature": 1.0, "top_p": 0.5, "stop_sequences": ["END"],
        "tools": [
            {"name": "weather", "description": "Tells it.",
             "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
            {"name": name, "input_schema": {"type": "object"}},
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "metadata": {"user_id": "u1"},
    });
    assert_eq!(body, expected);
    assert_eq!(
        dropped,
        [
            "messages.content.image_url.detail",
            "seed",
            "frequency_penalty",
            "temperature>1",
            "logit_bias"
        ]
    );
}

#[test]
fn openai_to_gemini() {
    let (body, dropped) = sent("gemini", &asked_by_openai(&chat()), "gemini-2.5-flash");
    let name = outer_name(&body["tools"][0]["functionDeclarations"][1]["name"]);
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [
                {"text": "What is this, and the weather?"},
                {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
            ]},
            {"role": "model", "parts": [
                {"functionCall": {"id": "call_1", "name": "weather", "args": {"city": "Ulm"}}},
                {"functionCall": {"id": "call_2", "name": name, "args": {}}},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "call_1", "name": "weather", "response": {"result": "sunny"}}},
                {"functionResponse": {"id": "call_2", "name": name, "response": {"files": 3}}},
            ]},
            {"role": "user", "parts": [{"text": "And now?"}]},
        ],
        "tools": [{"functionDeclarations": [
            {"name": "weather", "description": "Tells it.",
             "parametersJsonSchema": {"type": "object", "properties": {"city": {"type": "string"}}}},
            {"name": name},
        ]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {
            "maxOutputTokens": 300, "temperature": 1.5, "topP": 0.5, "seed": 7,
            "frequencyPenalty": 0.25, "stopSequences": ["END"],
            "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
        },
    });
    assert_eq!(body, expected);
    assert_eq!(
        dropped,
        [
            "messages.content.image_url.detail",
            "user",
            "parallel_tool_calls",
            "logit_bias"
        ]
    );
}

#[test]
fn openai_to_another_server_of_its_format() {
    let (body, dropped) = sent("openai", &asked_by_openai(&chat()), "org/model");
    let mut expected = chat();
    let fields = expected.as_object_mut().expect("an object");
    fields.remove("stream");
    fields.remove("max_completion_tokens");
    fields.insert("model".to_owned(), json!("org/model"));
    fields.insert("max_tokens".to_owned(), json!(300));
    fields.insert("stop".to_owned(), json!(["END"]));
    let name = outer_name(&body["tools"][1]["function"]["name"]);
    expected["messages"][0]["role"] = json!("system");
    expected["messages"][2]["tool_calls"][1]["function"] = json!({"name": name, "arguments": "{}"});
    expected["messages"][4]["content"] = json!("{\"files\": 3}");
    expected["tools"][1]["function"]["name"] = json!(name);
    assert_eq!(body, expected);
    assert_eq!(dropped, [""; 0]);
}

#[test]
fn anthropic_to_the_others() {
    let request = asked_by_anthropic(&json!({
        "model": "claude-sonnet-4-6", "max_tokens": 9000, "stream": true,
        "system": [{"type": "text", "text": "One.", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "Two."}],
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                {"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": [
                    {"type": "text", "text": "broken"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                ]},
                {"type": "text", "text": "Again"},
            ]},
        ],
        "tools": [
            {"name": "weather", "input_schema": {"type": "object"}},
            {"type": "web_search_20250305", "name": "web_search"},
        ],
        "tool_choice": {"type": "tool", "name": "weather"},
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "top_k": 5, "metadata": {"user_id": "u1"}, "service_tier": "auto",
    }));
    let (body, dropped) = sent("openai", &request, "m");
    assert_eq!(
        body,
        json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "One."},
                {"role": "system", "content": "Two."},
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Looking.", "tool_calls": [{
                    "id": "toolu_1", "type": "function",
                    "function": {"name": "weather", "arguments": "{\"city\":\"Ulm\"}"},
                }]},
                {"role": "tool", "tool_call_id": "toolu_1", "content": "broken"},
                {"role": "user", "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                    {"type": "text", "text": "Again"},
                ]},
            ],
            "max_tokens": 9000,
            "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
            "reasoning_effort": "low", "user": "u1",
            "stream": true, "stream_options": {"include_usage": true},
        })
    );
    let [above, thought, failed] = [
        "system.cache_control",
        "messages.content.thinking",
        "messages.content.is_error",
    ];
    assert_eq!(
        dropped,
        [above, thought, failed, "top_k", "tools", "service_tier"]
    );

    let (body, dropped) = sent("gemini", &request, "gemini-3-pro");
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "One."}, {"text": "Two."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hello"}]},
            {"role": "model", "parts": [
                {"text": "Looking."},
                {"functionCall": {"id": "toolu_1", "name": "weather", "args": {"city": "Ulm"}},
                 "thoughtSignature": "skip_thought_signature_validator"},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "toolu_1", "name": "weather", "response": {"error": "broken"}}},
                {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
                {"text": "Again"},
            ]},
        ],
        "tools": [{"functionDeclarations": [
            {"name": "weather", "parametersJsonSchema": {"type": "object"}},
        ]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
        "generationConfig": {
            "maxOutputTokens": 9000, "topK": 5,
            "thinkingConfig": {"thinkingBudget": 2048, "includeThoughts": true},
        },
    });
    assert_eq!(body, expected);
    assert_eq!(dropped, [above, thought, "tools", "user", "service_tier"]);
    let path = encode("gemini", &request, "gemini-3-pro")
        .expect("a request")
        .path;
    assert_eq!(path, "/models/gemini-3-pro:streamGenerateContent?alt=sse");
}

#[test]
fn a_shape_that_anthropic_keeps_to_is_one_that_openai_has_to() {
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let request = asked_by_anthropic(&json!({"model": "m", "max_tokens": 9,
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        "messages": [{"role": "user", "content": "x"}]}));
    let (body, dropped) = sent("openai", &request, "m");
    let shape = json!({"name": "answer", "schema": schema, "strict": true});
    assert_eq!(
        body["response_format"],
        json!({"type": "json_schema", "json_schema": shape})
    );
    assert_eq!(dropped, [""; 0]);
}

#[test]
fn a_document_that_is_a_text_is_a_part_of_the_text_for_openai() {
    let document = |source: Value, title: Option<&str>| {
        let request = asked_by_anthropic(&json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": [
            {"type": "document", "source": source, "title": title},
            {"type": "text", "text": "What is it?"},
        ]}]}));
        let (mut body, _) = sent("openai", &request, "m");
        body["messages"][0]["content"][0].take()
    };
    let text = |text: &str| json!({"type": "text", "text": text});
    let plain = json!({"type": "text", "media_type": "text/plain", "data": "Grüße"});
    assert_eq!(document(plain.clone(), None), text("Grüße"));
    assert_eq!(
        document(plain, Some("notes.txt")),
        text("notes.txt\n\nGrüße")
    );
    let table = json!({"type": "base64", "media_type": "text/csv", "data": "YSxi"});
    assert_eq!(document(table, Some("t.csv")), text("t.csv\n\na,b"));
    // What is no text, whatever it is called, and what is none at all.
    for media_type in ["text/plain", "application/pdf"] {
        let source = json!({"type": "base64", "media_type": media_type, "data": "/w=="});
        let sent = document(source, Some("a"));
        assert_eq!(sent["type"], "file", "{media_type}");
        assert_eq!(sent["file"]["filename"], "a", "{media_type}");
    }
}

#[test]
fn what_is_hotter_than_anthropic_takes_is_told() {
    let asked = |temperature: f64, effort: Value| {
        let request = asked_by_openai(&json!({"model": "m", "temperature": temperature,
            "reasoning_effort": effort, "messages": [{"role": "user", "content": "x"}]}));
        let (body, dropped) = sent("anthropic", &request, "claude-opus-4-6");
        (body["temperature"].as_f64(), dropped)
    };
    assert_eq!(asked(1.0, Value::Null), (Some(1.0), vec![]));
    assert_eq!(
        asked(1.5, Value::Null),
        (Some(1.0), vec!["temperature>1".to_owned()])
    );
    // Left out altogether.
    assert_eq!(
        asked(1.5, json!("low")),
        (None, vec!["temperature".to_owned()])
    );
}

#[test]
fn a_refusal_in_a_history_is_what_was_said() {
    let asked = |message: Value| {
        asked_by_openai(&json!({"model": "m", "messages": [
            {"role": "user", "content": "x"}, message, {"role": "user", "content": "Why?"}]}))
    };
    let beside = json!({"role": "assistant", "content": null, "refusal": "No."});
    let within = json!({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]});
    for message in [beside, within] {
        let request = CompletionRequest {
            raw: None,
            ..asked(message.clone())
        };
        let (body, _) = sent("anthropic", &request, "m");
        assert_eq!(
            body["messages"][1],
            json!({"role": "assistant", "content": "No."})
        );
        let (body, _) = sent("gemini", &request, "gemini-2.5-flash");
        assert_eq!(
            body["contents"][1],
            json!({"role": "model", "parts": [{"text": "No."}]})
        );
        let (body, _) = sent("openai", &request, "m");
        assert_eq!(body["messages"][1], message, "as it came");
    }
}

#[test]
fn names_that_a_vendor_does_not_take_come_back() {
    let request = asked_by_openai(&chat());
    let name = {
        let (body, _) = sent("anthropic", &request, "m");
        outer_name(&body["tools"][1]["name"])
    };
    let answers = [
        (
            "anthropic",
            json!({"type": "message", "stop_reason": "tool_use", "content": [
            {"type": "tool_use", "id": "t", "name": name, "input": {}}]}),
        ),
        (
            "gemini",
            json!({"candidates": [{"finishReason": "STOP", "content": {"parts": [
            {"functionCall": {"name": name, "args": {}}}]}}]}),
        ),
        (
            "openai",
            json!({"choices": [{"finish_reason": "stop", "message": {"tool_calls": [
            {"id": "t", "function": {"name": name, "arguments": "{}"}}]}}]}),
        ),
    ];
    let known = |completion: Completion, place: &str| {
        let Some(Content::ToolCall(call)) = completion.parts.first().map(|part| &part.content)
        else {
            panic!("{place}: no call in {completion:?}");
        };
        assert_eq!(call.name, "files/list", "{place}");
        assert_eq!(completion.finish, FinishReason::ToolCalls, "{place}");
    };
    for (format, body) in answers {
        let decoded = wire(format).decode(&request, body.to_string().as_bytes());
        known(
            decoded.expect("an answer").whole().expect("a whole one"),
            format,
        );
    }
    // Bit by bit, likewise.
    let request = CompletionRequest {
        stream: true,
        ..request
    };
    let streams = [
        (
            "anthropic",
            vec![
                json!({"type": "content_block_start", "index": 0,
                    "content_block": {"type": "tool_use", "id": "t", "name": name, "input": {}}}),
                json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
                json!({"type": "message_stop"}),
            ],
        ),
        (
            "gemini",
            vec![
                json!({"candidates": [{"finishReason": "STOP", "content": {"parts": [
                {"functionCall": {"name": name, "args": {}}}]}}]}),
            ],
        ),
        (
            "openai",
            vec![
                json!({"choices": [{"delta": {"tool_calls": [
                    {"index": 0, "id": "t", "function": {"name": name, "arguments": "{}"}}]}}]}),
                json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
            ],
        ),
    ];
    for (format, events) in streams {
        let mut stream: String = events
            .iter()
            .map(|data| format!("data: {data}\n\n"))
            .collect();
        if format == "openai" {
            stream.push_str("data: [DONE]\n\n");
        }
        let (events, ended) = answered(&request, format, stream.as_bytes(), &[]);
        ended.expect("whole");
        known(gathered(events), format);
    }
}

#[test]
fn turns_are_what_anthropic_takes() {
    let request = asked_by_openai(&json!({"model": "m", "messages": [
        {"role": "user", "content": "one"},
        {"role": "system", "content": "Later."},
        {"role": "user", "content": [{"type": "text", "text": " "}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "three"},
    ]}));
    let (body, _) = sent("anthropic", &request, "m");
    assert_eq!(body["system"], "Later.");
    assert_eq!(
        body["messages"],
        json!([{"role": "user", "content": [
            {"type": "text", "text": "one"}, {"type": "text", "text": "two"}, {"type": "text", "text": "three"},
        ]}])
    );
    assert_eq!(body["max_tokens"], 4096);
}

#[test]
fn broken_arguments_are_not_lost() {
    let request = asked_by_openai(&json!({"model": "m", "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "n", "arguments": "{\"a\": "}}]},
        {"role": "tool", "tool_call_id": "c", "content": "no"},
    ]}));
    let (body, _) = sent("anthropic", &request, "m");
    assert_eq!(
        body["messages"][1]["content"][0]["input"],
        json!({"INVALID_JSON": "{\"a\": "})
    );
}

#[test]
fn what_a_vendor_cannot_take_is_refused_with_advice() {
    let with = |part: Value| {
        asked_by_openai(&json!({"model": "m", "messages": [{"role": "user", "content": [part]}]}))
    };
    let image =
        with(json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}));
    let failure = encode("gemini", &image, "m").expect_err("a refusal");
    assert_eq!(gist(&failure), (Rejected, NextNow, None));
    assert!(
        failure
            .advice
            .is_some_and(|advice| advice.contains("HUB_FETCH_IMAGES"))
    );
    assert!(encode("anthropic", &image, "m").is_ok() && encode("openai", &image, "m").is_ok());

    let audio =
        with(json!({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}));
    let failure = encode("anthropic", &audio, "m").expect_err("a refusal");
    assert_eq!(gist(&failure), (Rejected, NextNow, None));
    assert!(encode("gemini", &audio, "m").is_ok() && encode("openai", &audio, "m").is_ok());
}

#[test]
fn thinking_is_told_as_the_model_takes_it() {
    let asked = |effort: &str| {
        asked_by_openai(&json!({
            "model": "m", "reasoning_effort": effort, "temperature": 0.5, "max_tokens": 20_000,
            "messages": [{"role": "user", "content": "x"}],
        }))
    };
    let (body, dropped) = sent("anthropic", &asked("high"), "claude-sonnet-4-5");
    assert_eq!(
        body["thinking"],
        json!({"type": "enabled", "budget_tokens": 15_000})
    );
    assert_eq!(body["temperature"], Value::Null);
    assert_eq!(dropped, ["temperature"]);
    let (body, _) = sent("anthropic", &asked("high"), "claude-opus-4-6");
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
    assert_eq!(body["output_config"], json!({"effort": "high"}));
    let (body, dropped) = sent("anthropic", &asked("none"), "claude-opus-4-6");
    assert_eq!((&body["thinking"], dropped.len()), (&Value::Null, 0));
    let (body, _) = sent("gemini", &asked("low"), "gemini-2.5-flash");
    assert_eq!(
        body["generationConfig"]["thinkingConfig"],
        json!({"thinkingBudget": 2048})
    );
    let (body, _) = sent("gemini", &asked("low"), "gemini-3-pro");
    assert_eq!(
        body["generationConfig"]["thinkingConfig"],
        json!({"thinkingLevel": "low"})
    );
}

#[test]
fn the_same_format_passes_as_it_came() {
    let body = r#"{ "model":"x", "messages" : [ {"role":"user","content":"h\u0069","cache_control":{"a":1.0}} ],"stream":true,"max_tokens":7,"zz": [1,  2]}"#;
    let asked = openai::read_request(&Bytes::from(body))
        .expect("a request")
        .request;
    let encoded = encode("openai", &asked, "new/model").expect("a request");
    assert!(encoded.raw);
    assert_eq!(
        String::from_utf8(encoded.body.expect("a body")).expect("UTF-8"),
        r#"{"model":"new/model","messages":[ {"role":"user","content":"h\u0069","cache_control":{"a":1.0}} ],"stream":true,"max_tokens":7,"zz":[1,  2],"stream_options":{"include_usage":true}}"#
    );
    let dialect = Dialect {
        max_completion_tokens: true,
        ..without(&["zz"])
    };
    let encoded = wire("openai")
        .encode(&asked, "m", &dialect)
        .expect("a request");
    assert_eq!(encoded.dropped, ["zz"]);
    let sent: Value = serde_json::from_slice(&encoded.body.expect("a body")).expect("JSON");
    assert_eq!(
        (&sent["max_completion_tokens"], &sent["max_tokens"]),
        (&json!(7), &Value::Null)
    );

    let asked = anthropic::read_request(&Bytes::from(body))
        .expect("a request")
        .request;
    let encoded = encode("anthropic", &asked, "m").expect("a request");
    assert!(encoded.raw);
    assert_eq!(
        String::from_utf8(encoded.body.expect("a body")).expect("UTF-8"),
        r#"{"model":"m","messages":[ {"role":"user","content":"h\u0069","cache_control":{"a":1.0}} ],"stream":true,"max_tokens":7,"zz":[1,  2]}"#
    );
    // For another format it is translated, and what that has no word for is named.
    let encoded = encode("gemini", &asked, "m").expect("a request");
    assert!(!encoded.raw);
    assert_eq!(encoded.dropped, ["messages.cache_control", "zz"]);
}

#[test]
fn another_vendors_extras_do_not_pass() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": "y", "reasoning_content": "hm", "tool_calls": [{
            "id": "c", "type": "function", "function": {"name": "n", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "c2ln"}}}]},
        {"role": "tool", "tool_call_id": "c", "content": "z"},
    ]});
    let asked = openai::read_request(&Bytes::from(body.to_string())).expect("a request");
    let encoded = encode("openai", &asked.request, "gpt-5").expect("a request");
    let sent = String::from_utf8(encoded.body.expect("a body")).expect("UTF-8");
    assert!(!encoded.raw && !sent.contains("extra_content") && !sent.contains("hm"));
    let encoded = encode("openai", &asked.request, "gemini-3-pro").expect("a request");
    assert!(encoded.raw, "Google's own endpoint wants them back");
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    let cases = [
        (json!([]), "", "must be a JSON object"),
        (json!({"messages": []}), "model", "a string"),
        (json!({"model": "m"}), "messages", "a list"),
        (
            json!({"model": "m", "messages": []}),
            "messages",
            "at least one message",
        ),
        (
            json!({"model": "m", "messages": [{"role": "king"}]}),
            "messages[0].role",
            "one of system",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": 7}]}),
            "messages[0].content",
            "a string or a list",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": 5}]}]}),
            "messages[0].content[0].type",
            "a string",
        ),
        (
            json!({"model": "m", "messages": [{"role": "tool", "content": "x"}]}),
            "messages[0].tool_call_id",
            "a string",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": "hot"}),
            "temperature",
            "a number",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [{"function": {}}]}),
            "tools[0].function.name",
            "a string",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tool_choice": 5}),
            "tool_choice",
            "a word",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "response_format": {}}),
            "response_format.type",
            "a string",
        ),
    ];
    for (body, param, sentence) in cases {
        let wrong = openai::read_request(&Bytes::from(body.to_string())).expect_err("is wrong");
        assert_eq!(wrong.param, param, "{body}");
        assert!(
            wrong.sentence.contains(sentence),
            "{body}: {}",
            wrong.sentence
        );
    }
    let wrong = anthropic::read_request(&Bytes::from("{")).expect_err("is wrong");
    assert!(
        wrong.sentence.contains("line 1, column 1"),
        "{}",
        wrong.sentence
    );
    let body = json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image", "source": {"data": "aGk="}}]}]});
    let wrong = anthropic::read_request(&Bytes::from(body.to_string())).expect_err("is wrong");
    assert_eq!(wrong.param, "messages[0].content[0].source.type");
}
