//! Answers that a filter or the model itself kept back: what is read, wherever it is cut, and what clients
//! of the other formats get of it.

use serde_json::{Value, json};

use super::{
    gemini_client::gathered,
    gist,
    put_together::put_together,
    streaming,
    streams::{answered, split},
};
use crate::{
    conversation::{Content, Part},
    protocol::{
        Class::NextNow,
        Completion,
        FailureKind::Malformed,
        FinishReason::{ContentFilter, Length},
    },
    provider::wire::{Envelope, anthropic, openai},
    streaming::Event,
};

const EXPLAINED: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":9,"output_tokens":1}}}"#,
    "\n\nevent: message_delta\n",
    r#"data: {"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":"bio","explanation":"Nein, 🦀."}},"usage":{"output_tokens":1}}"#,
    "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

const REFUSED: &str = concat!(
    r#"data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":null,"refusal":""},"finish_reason":null}]}"#,
    "\r\n\r\n",
    r#"data: {"id":"c1","choices":[{"index":0,"delta":{"refusal":"Nein, "},"finish_reason":null}]}"#,
    "\r\n\r\n",
    r#"data: {"id":"c1","choices":[{"index":0,"delta":{"refusal":"🦀."},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    "\n\n",
    r#"data: {"id":"c1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}"#,
    "\n\ndata: [DONE]\n\n",
);

const BLOCKED: &str = concat!(
    r#"data: {"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1},"modelVersion":"m"}"#,
    "\r\n\r\n",
);

const FILTERED: &str = concat!(
    r#"data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#,
    "\n\ndata: [DONE]\n\n",
);

/// Each with what is said instead of an answer.
const WITHHELD: [(&str, &str, Option<&str>); 4] = [
    ("anthropic", EXPLAINED, Some("Nein, 🦀.")),
    ("openai", REFUSED, Some("Nein, 🦀.")),
    ("openai", FILTERED, None),
    ("gemini", BLOCKED, None),
];

fn envelope() -> Envelope {
    Envelope {
        id: "i".to_owned(),
        model: "m".to_owned(),
        created: 1,
    }
}

fn parts(refusal: Option<&str>) -> Vec<Part> {
    let refusal = refusal.map(|text| Content::Refusal(text.to_owned()).into());
    refusal.into_iter().collect()
}

#[test]
fn every_cut_gives_the_same_refusal() {
    for (format, stream, refusal) in WITHHELD {
        let stream = stream.as_bytes();
        for cut in 0..=stream.len() {
            let completion = gathered(split(format, stream, &[cut]).expect("whole"));
            assert_eq!(completion.finish, ContentFilter, "{format} {cut}");
            assert_eq!(completion.parts, parts(refusal), "{format} {cut}");
            let usage = completion.usage;
            assert_eq!(
                (usage.input_tokens, usage.output_tokens),
                (9, 1),
                "{format}"
            );
        }
        let everywhere: Vec<_> = (0..stream.len()).collect();
        let completion = gathered(split(format, stream, &everywhere).expect("whole"));
        assert_eq!(completion.parts, parts(refusal), "{format}");
        // A refusal is content: the stream begins with it.
        let events = split(format, stream, &[]).expect("whole");
        let begins = events.iter().any(Event::is_content);
        assert_eq!(begins, refusal.is_some(), "{format}");
    }
}

#[test]
fn clients_of_openais_format_get_it_as_a_refusal() {
    for (format, stream, refusal) in WITHHELD {
        let events = split(format, stream.as_bytes(), &[]).expect("whole");
        let mut writer = openai::StreamWriter::new(envelope(), false);
        let mut written = Vec::new();
        events
            .iter()
            .for_each(|event| writer.event(event, &mut written));
        let message = put_together(&written);
        assert_eq!(message["refusal"], json!(refusal), "{format}");
        assert_eq!(message["content"], "", "{format}");
        let text = String::from_utf8(written).expect("UTF-8");
        assert!(
            text.contains(r#""finish_reason":"content_filter""#),
            "{text}"
        );
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");

        let whole = openai::write_answer(&gathered(events), &envelope());
        let whole: Value = serde_json::from_slice(&whole).expect("JSON");
        let choice = &whole["choices"][0];
        assert_eq!(choice["finish_reason"], "content_filter", "{format}");
        assert_eq!(choice["message"]["refusal"], json!(refusal), "{format}");
        let content = refusal.is_none().then_some("");
        assert_eq!(choice["message"]["content"], json!(content), "{format}");
    }
}

#[test]
fn clients_of_anthropics_format_get_it_as_a_text_and_its_reason() {
    for (format, stream, refusal) in WITHHELD {
        let events = split(format, stream.as_bytes(), &[]).expect("whole");
        let mut writer = anthropic::StreamWriter::new(envelope());
        let mut written = Vec::new();
        events
            .iter()
            .for_each(|event| writer.event(event, &mut written));
        // What is read of it is what was written: a text here.
        let again = gathered(split("anthropic", &written, &[]).expect("whole"));
        let texts: Vec<_> = refusal.map(Part::text).into_iter().collect();
        assert_eq!(
            (again.finish, &again.parts),
            (ContentFilter, &texts),
            "{format}"
        );

        let whole = anthropic::write_answer(&gathered(events), &envelope());
        let whole: Value = serde_json::from_slice(&whole).expect("JSON");
        assert_eq!(whole["stop_reason"], "refusal", "{format}");
        let blocks = refusal.map(|text| json!({"type": "text", "text": text}));
        assert_eq!(whole["content"], json!(Vec::from_iter(blocks)), "{format}");
    }
}

#[test]
fn a_text_and_what_is_said_of_its_end_are_two_things() {
    let said = Completion {
        parts: vec![
            Part::text("Well. "),
            Content::Refusal("No.".to_owned()).into(),
        ],
        finish: ContentFilter,
        ..Completion::default()
    };
    let mut writer = anthropic::StreamWriter::new(envelope());
    let mut written = Vec::new();
    let events = said.clone().into_events();
    events
        .iter()
        .for_each(|event| writer.event(event, &mut written));
    let starts = String::from_utf8(written).expect("UTF-8");
    assert_eq!(
        starts.matches("event: content_block_start").count(),
        2,
        "{starts}"
    );
    let whole = openai::write_answer(&said, &envelope());
    let whole: Value = serde_json::from_slice(&whole).expect("JSON");
    let message = &whole["choices"][0]["message"];
    assert_eq!(
        (&message["content"], &message["refusal"]),
        (&json!("Well. "), &json!("No."))
    );
}

#[test]
fn what_went_wrong_in_the_model_does_not_take_its_text_back() {
    let stream = |part: &str| {
        format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"x\"}}{part}]}},\
             \"finishReason\":\"MALFORMED_FUNCTION_CALL\"}}]}}\n\n"
        )
    };
    let completion = gathered(split("gemini", stream("").as_bytes(), &[]).expect("whole"));
    assert_eq!(completion.finish, Length);
    assert_eq!(completion.parts, [Part::text("x")]);
    // A call that was told already is not one that the vendor stands by.
    let called = stream(r#",{"functionCall":{"name":"f","args":{}}}"#);
    let (events, ended) = answered(&streaming(), "gemini", called.as_bytes(), &[]);
    assert!(events.contains(&Event::Text("x".to_owned())), "{events:?}");
    let failure = ended.expect_err("a failure");
    assert_eq!(
        gist(&failure),
        (Malformed, NextNow, Some("malformed_function_call"))
    );
}

#[test]
fn a_call_in_pieces_as_it_was_written_in_the_beginning_is_one() {
    let chunk = |delta: &str, reason: &str| {
        format!(
            "data: {{\"id\":\"i\",\"choices\":[{{\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n"
        )
    };
    let stream = [
        chunk(r#"{"function_call":{"name":"f","arguments":""}}"#, "null"),
        chunk(r#"{"function_call":{"arguments":"{\"a\""}}"#, "null"),
        chunk(r#"{"function_call":{"arguments":":1}"}}"#, "null"),
        chunk("{}", "\"function_call\""),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat();
    let completion = gathered(split("openai", stream.as_bytes(), &[]).expect("whole"));
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
}
