//! Signed thoughts and pictures in a stream for a client of OpenAI's format, and on their way back.

use serde_json::{Value, json};

use super::{
    put_together::{deltas, put_together},
    translations::{asked_by_openai, sent},
};
use crate::{
    conversation::{Format, Media, Signature, Source},
    protocol::FinishReason,
    provider::wire::{Envelope, openai::StreamWriter},
    streaming::Event,
};

fn thinking(text: &str) -> Event {
    Event::Thinking(text.to_owned())
}

fn signature(format: Format, text: &str) -> Event {
    let text = text.into();
    Event::Signature(Signature { format, text })
}

fn call() -> Event {
    Event::ToolCall {
        index: 0,
        id: "t".to_owned(),
        name: "n".to_owned(),
        signature: None,
    }
}

fn written(events: Vec<Event>) -> Vec<u8> {
    let envelope = Envelope {
        id: "i".to_owned(),
        model: "m".to_owned(),
        created: 1,
    };
    let mut writer = StreamWriter::new(envelope, false);
    let mut stream = Vec::new();
    let end = Event::End {
        finish: FinishReason::Stop,
        stop_sequence: None,
    };
    for event in events.iter().chain([&end]) {
        writer.event(event, &mut stream);
    }
    stream
}

/// Each delta of that name.
fn each(stream: &[u8], name: &str) -> Vec<Value> {
    let deltas = deltas(stream).into_iter();
    deltas.filter_map(|mut delta| delta.remove(name)).collect()
}

/// What Anthropic is sent of an assistant's turn.
fn back_at_anthropic(said: Value) -> Value {
    let request = asked_by_openai(&json!({"model": "m", "reasoning_effort": "low",
        "tools": [{"type": "function", "function": {"name": "n"}}],
        "messages": [{"role": "user", "content": "x"}, said,
            {"role": "tool", "tool_call_id": "t", "content": "y"}]}));
    let (mut body, _) = sent("anthropic", &request, "claude-opus-4-6");
    body["messages"][1]["content"].take()
}

#[test]
fn two_signed_thoughts_come_back_with_their_texts() {
    let stream = written(vec![
        thinking("Hm, "),
        thinking("one."),
        signature(Format::Anthropic, "c2ln"),
        thinking("And two."),
        signature(Format::Anthropic, "bW9yZQ=="),
        call(),
    ]);
    assert_eq!(
        each(&stream, "thinking_blocks"),
        [
            json!([{"type": "thinking", "thinking": "Hm, one.", "signature": "c2ln", "index": 0}]),
            json!([{"type": "thinking", "thinking": "And two.", "signature": "bW9yZQ==", "index": 1}]),
        ]
    );
    // As it came, for whoever shows it.
    let shown = each(&stream, "reasoning_content");
    assert_eq!(shown, ["Hm, ", "one.", "And two."]);
    assert_eq!(
        back_at_anthropic(put_together(&stream)),
        json!([
            {"type": "thinking", "thinking": "Hm, one.", "signature": "c2ln"},
            {"type": "thinking", "thinking": "And two.", "signature": "bW9yZQ=="},
            {"type": "tool_use", "id": "t", "name": "n", "input": {}},
        ])
    );
}

#[test]
fn a_thought_and_a_redacted_one_come_back_in_order() {
    let redacted = |data: &str| Event::RedactedThinking(data.to_owned());
    let stream = written(vec![
        redacted("cmVk"),
        thinking("Hm."),
        signature(Format::Anthropic, "c2ln"),
        redacted("YWN0"),
        call(),
    ]);
    assert_eq!(
        each(&stream, "thinking_blocks"),
        [
            json!([{"type": "redacted_thinking", "data": "cmVk", "index": 0}]),
            json!([{"type": "thinking", "thinking": "Hm.", "signature": "c2ln", "index": 1}]),
            json!([{"type": "redacted_thinking", "data": "YWN0", "index": 2}]),
        ]
    );
    assert_eq!(
        back_at_anthropic(put_together(&stream)),
        json!([
            {"type": "redacted_thinking", "data": "cmVk"},
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "YWN0"},
            {"type": "tool_use", "id": "t", "name": "n", "input": {}},
        ])
    );
}

#[test]
fn a_signature_signs_the_thought_right_before_it() {
    let ends = [
        Event::Text("So.".to_owned()),
        call(),
        Event::RedactedThinking("cmVk".to_owned()),
        signature(Format::Gemini, "Z2Vt"),
    ];
    for end in ends {
        let stream = written(vec![
            thinking("Unsigned."),
            end.clone(),
            thinking("Signed."),
            signature(Format::Anthropic, "c2ln"),
        ]);
        let blocks = each(&stream, "thinking_blocks");
        let last = blocks.last().expect("a block");
        assert_eq!(last[0]["thinking"], "Signed.", "{end:?}");
    }
    // The vendor may keep a thought's text to itself.
    let stream = written(vec![signature(Format::Anthropic, "c2ln"), call()]);
    assert_eq!(
        back_at_anthropic(put_together(&stream))[0],
        json!({"type": "thinking", "thinking": "", "signature": "c2ln"})
    );
}

#[test]
fn histories_of_earlier_streams_keep_their_text() {
    let said = |blocks: Value| {
        json!({"role": "assistant", "content": null, "reasoning_content": "Hm.",
            "thinking_blocks": blocks, "tool_calls": [
                {"id": "t", "type": "function", "function": {"name": "n", "arguments": ""}}]})
    };
    let signed = json!({"type": "thinking", "thinking": "", "signature": "c2ln"});
    let redacted = json!({"type": "redacted_thinking", "data": "cmVk"});
    let whole = json!({"type": "thinking", "thinking": "Hm.", "signature": "c2ln"});
    let back = back_at_anthropic(said(json!([signed])));
    assert_eq!(back[0], whole);
    let back = back_at_anthropic(said(json!([redacted, signed])));
    assert_eq!((&back[0], &back[1]), (&redacted, &whole));
    // What has its own text keeps that.
    let other = json!({"type": "thinking", "thinking": "Oh.", "signature": "c2ln"});
    let back = back_at_anthropic(said(json!([other])));
    assert_eq!(back[0], other);
}

#[test]
fn each_picture_has_its_place() {
    let picture = |data: &str| {
        let media_type = "image/png".to_owned();
        let data = data.to_owned();
        Event::Image(Media::new(Source::Inline { media_type, data }))
    };
    let stream = written(vec![picture("aGk="), picture("aG8=")]);
    let entry = |index: usize, data: &str| {
        json!({"type": "image_url", "index": index,
            "image_url": {"url": format!("data:image/png;base64,{data}")}})
    };
    let (first, second) = (entry(0, "aGk="), entry(1, "aG8="));
    assert_eq!(each(&stream, "images"), [json!([first]), json!([second])]);
    assert_eq!(put_together(&stream)["images"], json!([first, second]));
}
