//! What only its vendor understands comes back to that vendor, through any door, and to no other.

use serde_json::{Value, json};

use super::{
    put_together::put_together,
    read,
    streams::answered,
    translations::{asked_by_anthropic, asked_by_openai, chat, sent},
};
use crate::{
    protocol::CompletionRequest,
    provider::wire::{Envelope, anthropic, openai},
};

fn envelope() -> Envelope {
    Envelope {
        id: "i".to_owned(),
        model: "m".to_owned(),
        created: 1,
    }
}

#[test]
fn a_gemini_signature_survives_both_doors() {
    let body = r#"{"candidates":[{"content":{"parts":[
        {"functionCall":{"id":"f1","name":"a","args":{}},"thoughtSignature":"c2ln"},
        {"functionCall":{"id":"f2","name":"b","args":{}}}]},"finishReason":"STOP"}]}"#;
    let completion = read("gemini", body.as_bytes()).expect("an answer");
    let chat: Value =
        serde_json::from_slice(&openai::write_answer(&completion, &envelope())).expect("JSON");
    let again = asked_by_openai(&json!({"model": "m", "messages": [
        {"role": "user", "content": "x"}, chat["choices"][0]["message"],
    ]}));
    let message: Value =
        serde_json::from_slice(&anthropic::write_answer(&completion, &envelope())).expect("JSON");
    let also = asked_by_anthropic(&json!({"model": "m", "max_tokens": 1, "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": message["content"]},
    ]}));
    for request in [again, also] {
        let (body, _) = sent("gemini", &request, "gemini-3-pro");
        assert_eq!(
            body["contents"][1]["parts"],
            json!([
                {"functionCall": {"id": "f1", "name": "a", "args": {}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"id": "f2", "name": "b", "args": {}}},
            ])
        );
        let (body, _) = sent("anthropic", &request, "claude-haiku-4-5");
        assert!(!body.to_string().contains("c2ln"), "it is nobody else's");
    }
}

#[test]
fn a_signed_thought_survives_a_stream_through_the_other_door() {
    let stream = [
        json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "Hm, "}}),
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "tools."}}),
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "signature_delta", "signature": "c2ln"}}),
        json!({"type": "content_block_start", "index": 1,
            "content_block": {"type": "tool_use", "id": "t", "name": "n", "input": {}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
        json!({"type": "message_stop"}),
    ];
    let stream: String = stream
        .iter()
        .map(|data| format!("data: {data}\n\n"))
        .collect();
    let request = CompletionRequest {
        stream: true,
        ..asked_by_openai(&chat())
    };
    let (events, ended) = answered(&request, "anthropic", stream.as_bytes(), &[]);
    ended.expect("whole");
    let mut writer = openai::StreamWriter::new(envelope(), false);
    let mut written = Vec::new();
    events
        .iter()
        .for_each(|event| writer.event(event, &mut written));
    let message = put_together(&written);
    let again = asked_by_openai(&json!({"model": "m", "reasoning_effort": "low",
        "tools": [{"type": "function", "function": {"name": "n"}}],
        "messages": [{"role": "user", "content": "x"}, message,
            {"role": "tool", "tool_call_id": "t", "content": "y"}]}));
    let (body, _) = sent("anthropic", &again, "claude-opus-4-6");
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "Hm, tools.", "signature": "c2ln"},
            {"type": "tool_use", "id": "t", "name": "n", "input": {}},
        ]),
        "{message}"
    );
}
