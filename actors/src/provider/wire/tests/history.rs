//! Conversations that a client of one format may send, and a vendor of another refuses as they are.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{plain_request, wire, without};
use crate::{
    protocol::CompletionRequest,
    provider::wire::{Encoded, anthropic, openai::read_request},
};

/// What a client of OpenAI's format sends.
fn asked(body: Value) -> CompletionRequest {
    let body = body.to_string().into();
    let mut request = read_request(&body).expect("a request").request;
    request.raw = None;
    request
}

fn sent(format: &str, request: &CompletionRequest) -> (Value, Vec<String>) {
    let Encoded { body, dropped, .. } = wire(format)
        .encode(request, "m", &without(&[]))
        .expect("a request");
    let body = serde_json::from_slice(&body.expect("a body")).expect("JSON");
    (body, dropped.into_iter().map(String::from).collect())
}

fn tool_history() -> Value {
    let call = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
    json!([
        {"role": "user", "content": "how is it?"},
        {"role": "assistant", "content": null, "tool_calls": [
            call("a", "weather"), call("b", "weather"), call("c", "get.time"),
        ]},
        {"role": "tool", "tool_call_id": "a", "content": "sun"},
        {"role": "tool", "tool_call_id": "b", "content": "rain"},
        {"role": "tool", "tool_call_id": "c", "content": "noon"},
    ])
}

#[test]
fn anthropic_is_offered_the_tools_that_were_called_and_told_to_call_none() {
    let request = asked(json!({"model": "m", "messages": tool_history()}));
    let (body, dropped) = sent("anthropic", &request);
    let schema = json!({"type": "object"});
    let calls = body["messages"][1]["content"].as_array().expect("calls");
    assert_eq!(
        body["tools"],
        json!([
            {"name": "weather", "input_schema": schema},
            {"name": calls[2]["name"], "input_schema": schema},
        ])
    );
    assert_eq!(body["tool_choice"], json!({"type": "none"}));
    assert_eq!(dropped, [""; 0]);
}

#[test]
fn anthropic_is_offered_no_others_than_the_callers_own_tools() {
    let request = asked(json!({"model": "m", "messages": tool_history(), "tools": [
        {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}},
    ]}));
    let (body, _) = sent("anthropic", &request);
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["tool_choice"], Value::Null);
    let (body, _) = sent("anthropic", &plain_request());
    assert_eq!(body["tools"], Value::Null);
}

#[test]
fn anthropic_gets_no_white_space_to_stop_at() {
    let ask = |stop: Value| {
        asked(
            json!({"model": "m", "stop": stop, "messages": [{"role": "user", "content": "hello"}]}),
        )
    };
    let (body, dropped) = sent("anthropic", &ask(json!(["\n", "END", " \t"])));
    assert_eq!(body["stop_sequences"], json!(["END"]));
    assert_eq!(dropped, ["stop"]);
    let (body, dropped) = sent("anthropic", &ask(json!("\n\n")));
    assert_eq!(body["stop_sequences"], Value::Null);
    assert_eq!(dropped, ["stop"]);
    for other in ["openai", "gemini"] {
        let (_, dropped) = sent(other, &ask(json!(["\n"])));
        assert_eq!(dropped, [""; 0], "{other}");
    }
}

#[test]
fn where_somebody_has_to_speak_the_user_says_what_the_system_does() {
    let request = asked(json!({"model": "m", "messages": [
        {"role": "system", "content": "Write a haiku."},
        {"role": "developer", "content": "About rust."},
    ]}));
    let text = "Write a haiku.\n\nAbout rust.";
    let (body, _) = sent("anthropic", &request);
    assert_eq!(body["messages"], json!([{"role": "user", "content": text}]));
    assert_eq!(body["system"], Value::Null);
    let (body, _) = sent("gemini", &request);
    let turn = json!([{"role": "user", "parts": [{"text": text}]}]);
    assert_eq!(body["contents"], turn);
    assert_eq!(body["systemInstruction"], Value::Null);
    let (body, _) = sent("openai", &request);
    assert_eq!(body["messages"][0]["role"], "system");

    // Nothing at all is the caller's mistake, and the vendor says so.
    let mut request = request;
    Arc::make_mut(&mut request.conversation).system.clear();
    let (body, _) = sent("anthropic", &request);
    assert_eq!(body["messages"], json!([]));
}

#[test]
fn gemini_gets_results_of_two_messages_in_one_turn() {
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let result = |id: &str| {
        json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": "x"},
        ]})
    };
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [call("a"), call("b")]},
        result("a"), result("b"),
        {"role": "user", "content": "and now?"},
    ]});
    let mut request = anthropic::read_request(&body.to_string().into())
        .expect("a request")
        .request;
    request.raw = None;
    let (body, _) = sent("gemini", &request);
    let turns = body["contents"].as_array().expect("turns");
    let parts: Vec<_> = turns
        .iter()
        .map(|turn| turn["parts"].as_array().map_or(0, Vec::len))
        .collect();
    assert_eq!(parts, [1, 2, 2, 1]);
}

#[test]
fn gemini_gets_all_results_of_a_turn_in_one() {
    let request = asked(json!({"model": "m", "messages": tool_history()}));
    let (body, _) = sent("gemini", &request);
    let turns = body["contents"].as_array().expect("turns");
    let parts = |index: usize| turns[index]["parts"].as_array().map(Vec::len);
    assert_eq!((turns.len(), parts(1), parts(2)), (3, Some(3), Some(3)));
}
