//! Where in a turn the model thought: it survives a client of OpenAI's format, whose messages have no order.

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Value, json};

use super::{
    put_together::put_together,
    signed,
    translations::{asked_by_openai, sent},
};
use crate::{
    conversation::{Content, Format, Part, ToolCall},
    protocol::{Completion, CompletionRequest},
    provider::wire::{Envelope, openai},
};

fn thought(text: &str) -> Part {
    signed(
        Content::Thinking(text.to_owned()),
        Format::Anthropic,
        "c2ln",
    )
}

fn call(id: usize) -> Part {
    let call = ToolCall {
        id: format!("t{id}"),
        name: "n".to_owned(),
        arguments: "{}".to_owned(),
    };
    Content::ToolCall(call).into()
}

/// The message that a client has of an answer: in one piece, and put together of a stream.
fn messages(parts: &[Part]) -> [Value; 2] {
    let envelope = || Envelope {
        id: "i".to_owned(),
        model: "m".to_owned(),
        created: 1,
    };
    let completion = Completion {
        parts: parts.to_vec(),
        ..Completion::default()
    };
    let whole = openai::write_answer(&completion, &envelope());
    let mut whole: Value = serde_json::from_slice(&whole).expect("JSON");
    let mut writer = openai::StreamWriter::new(envelope(), false);
    let mut stream = Vec::new();
    let events = completion.into_events();
    events
        .iter()
        .for_each(|event| writer.event(event, &mut stream));
    [whole["choices"][0]["message"].take(), put_together(&stream)]
}

fn asked(message: &Value) -> CompletionRequest {
    asked_by_openai(&json!({"model": "m", "reasoning_effort": "low",
        "tools": [{"type": "function", "function": {"name": "n"}}],
        "messages": [{"role": "user", "content": "x"}, message,
            {"role": "tool", "tool_call_id": "t0", "content": "y"}]}))
}

fn back(message: &Value) -> Vec<Part> {
    asked(message).conversation.messages[1].parts.clone()
}

#[test]
fn a_thought_comes_back_where_it_was() {
    let parts = [
        thought("One."),
        Part::text("Grüße. "),
        thought("Two."),
        call(0),
        Content::RedactedThinking("cmVk".to_owned()).into(),
        Part::text("And so."),
    ];
    for message in messages(&parts) {
        let blocks = &message["thinking_blocks"];
        assert_eq!(
            blocks[0]["after"],
            Value::Null,
            "the usual place is not said"
        );
        assert_eq!(blocks[1]["after"], json!({"content": 9, "tool_calls": 0}));
        assert_eq!(blocks[2]["after"], json!({"content": 9, "tool_calls": 1}));
        assert_eq!(message["content"], "Grüße. And so.");
        assert_eq!(back(&message), parts);
        let (body, _) = sent("anthropic", &asked(&message), "claude-opus-4-6");
        let blocks = body["messages"][1]["content"].as_array().expect("blocks");
        let kinds: Vec<_> = blocks.iter().map(|block| &block["type"]).collect();
        let expected = [
            "thinking",
            "text",
            "thinking",
            "tool_use",
            "redacted_thinking",
            "text",
        ];
        assert_eq!(kinds, expected);
        assert_eq!(body["messages"][1]["content"][2]["thinking"], "Two.");
        assert!(body["messages"][1]["content"][2].get("after").is_none());
    }
}

#[test]
fn a_place_that_is_none_loses_nothing() {
    let message = |after: Value| {
        json!({"role": "assistant", "content": "Grüße",
            "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln", "after": after}],
            "tool_calls": [{"id": "t0", "type": "function", "function": {"name": "n", "arguments": "{}"}}]})
    };
    let place = |content: Value, calls: Value| json!({"content": content, "tool_calls": calls});
    for (after, before) in [
        (json!("x"), ""),
        (json!({}), ""),
        (place(json!(-1), json!("many")), ""),
        (place(json!(2), json!(0)), "Gr"),
        // Within a character.
        (place(json!(3), json!(0)), "Gr"),
        (place(json!(u64::MAX), json!(0)), "Grüße"),
    ] {
        let parts = back(&message(after.clone()));
        let at = parts.iter().position(|part| *part == thought("Hm."));
        let at = at.expect("the thought");
        assert_eq!(crate::conversation::joined(&parts[..at]), before, "{after}");
        assert_eq!(crate::conversation::joined(&parts), "Grüße", "{after}");
        assert_eq!(parts.last(), Some(&call(0)), "{after}");
    }
    let parts = back(&message(place(json!(u64::MAX), json!(u64::MAX))));
    assert_eq!(parts, [Part::text("Grüße"), call(0), thought("Hm.")]);
}

fn segment() -> impl Strategy<Value = (Part, Option<String>, usize)> {
    let text = "[a-z\u{e4}\u{1f980}]{1,6}";
    let redacted = Just(Part::from(Content::RedactedThinking("cmVk".to_owned())));
    let thought = prop_oneof![text.prop_map(|text| thought(&text)), redacted];
    (thought, option::of(text), 0..3_usize)
}

proptest! {
    #[test]
    fn whatever_the_order_it_comes_back(
        thinks_first in any::<bool>(),
        segments in vec(segment(), 1..6),
    ) {
        let mut parts = Vec::new();
        let mut calls = 0;
        for (index, (thought, text, more)) in segments.into_iter().enumerate() {
            if index > 0 || thinks_first {
                parts.push(thought);
            }
            parts.extend(text.map(Part::text));
            parts.extend((calls..calls + more).map(call));
            calls += more;
        }
        let says = |part: &Part| matches!(part.content, Content::Text(_) | Content::ToolCall(_));
        prop_assume!(parts.iter().any(says));
        for message in messages(&parts) {
            let again = back(&message);
            // A message that says nothing has an empty text.
            let again: Vec<_> = again.into_iter().filter(|part| *part != Part::text("")).collect();
            prop_assert_eq!(&again, &parts);
        }
    }
}
