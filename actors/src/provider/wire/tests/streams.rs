//! Streams, as the vendors' documentation shows them: what is read, wherever they are cut.

use std::sync::Arc;

use bytes::Bytes;

use super::{gemini_client::gathered, gist, plain_request, streaming, wire};
use crate::{
    conversation::{Content, Format, Part, Raw, Signature, ToolCall},
    protocol::{
        Class::{NextNow, RetrySame},
        Completion, CompletionRequest, Failure,
        FailureKind::{Interrupted, Malformed, ServerError},
        FinishReason, Usage,
    },
    provider::wire::sse,
    streaming::Event,
};

/// Most cuts of a stream in one case of a property.
pub(super) const SPLITS: usize = 12;

const ANTHROPIC: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-6","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":1}}}"#,
    "\n\nevent: content_block_start\n",
    r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
    "\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm, "}}"#,
    "\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"weather."}}"#,
    "\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
    "\n\nevent: content_block_stop\n",
    r#"data: {"type":"content_block_stop","index":0}"#,
    "\n\nevent: content_block_start\n",
    r#"data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
    "\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Let me look 🦀"}}"#,
    "\n\nevent: content_block_stop\n",
    r#"data: {"type":"content_block_stop","index":1}"#,
    "\n\nevent: content_block_start\n",
    r#"data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}"#,
    "\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}"#,
    "\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}"#,
    "\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":" \"Ulm\"}"}}"#,
    "\n\nevent: content_block_stop\n",
    r#"data: {"type":"content_block_stop","index":2}"#,
    "\n\nevent: content_block_start\n",
    r#"data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_2","name":"time","input":{}}}"#,
    "\n\nevent: content_block_stop\n",
    r#"data: {"type":"content_block_stop","index":3}"#,
    "\n\nevent: message_delta\n",
    r#"data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":47}}"#,
    "\n\nevent: from_the_future\ndata: {\"type\":\"from_the_future\"}\n\nevent: message_stop\n",
    "data: {\"type\":\"message_stop\"}\n\n",
);

const OPENAI: &str = concat!(
    ": OPENROUTER PROCESSING\n\n",
    r#"data: {"id":"c1","object":"chat.completion.chunk","model":"gpt-5","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null}"#,
    "\n\n",
    r#"data: {"id":"c1","choices":[{"index":0,"delta":{"reasoning_content":"Hm, weather."},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Let me look 🦀"},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""},"extra_content":{"google":{"thought_signature":"c2ln"}}}]},"finish_reason":null}]}"#,
    "\r\n\r\n",
    r#"data: {"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]},"finish_reason":null}]}"#,
    "\r\n\r\n",
    r#"data: {"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":" \"Ulm\"}"}}]},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"time","arguments":"{}"}}]},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
    "\n\n",
    r#"data: {"id":"c1","choices":[],"usage":{"prompt_tokens":3210,"completion_tokens":47,"total_tokens":3257,"prompt_tokens_details":{"cached_tokens":3000}}}"#,
    "\n\ndata: [DONE]\n\n",
);

const GEMINI: &str = concat!(
    r#"data: {"candidates":[{"content":{"parts":[{"text":"Hm, weather.","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":3210},"modelVersion":"gemini-3-pro","responseId":"r1"}"#,
    "\r\n\r\n",
    r#"data: {"candidates":[{"content":{"parts":[{"text":"Let me "},{"text":"look 🦀"}],"role":"model"},"index":0}]}"#,
    "\r\n\r\n",
    r#"data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"weather","args":{"city": "Ulm"}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"f2","name":"time","args":{}}}],"role":"model"},"index":0}]}"#,
    "\r\n\r\n",
    r#"data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3210,"cachedContentTokenCount":3000,"candidatesTokenCount":40,"thoughtsTokenCount":7}}"#,
    "\r\n\r\n",
);

/// Each vendor's stream, and the signatures of its thought and of its first call.
const STREAMS: [(&str, &str); 3] = [
    ("anthropic", ANTHROPIC),
    ("gemini", GEMINI),
    ("openai", OPENAI),
];

/// The events of a stream that is cut at these bytes, as far as it goes.
fn events(format: &str, stream: &[u8], cuts: &[usize]) -> (Vec<Event>, Result<(), Failure>) {
    answered(&streaming(), format, stream, cuts)
}

/// The same, in answer to this request.
pub(super) fn answered(
    request: &CompletionRequest,
    format: &str,
    stream: &[u8],
    cuts: &[usize],
) -> (Vec<Event>, Result<(), Failure>) {
    let mut reader = wire(format).stream(request).expect("a stream");
    let mut lines = sse::Reader::new(reader.is_raw());
    let mut events = Vec::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([stream.len()]) {
        lines.feed(&stream[from..to]).expect("short events");
        from = to;
        while let Some(sent) = lines.take() {
            if let Err(failure) = reader.read(&sent, &mut events) {
                return (events, Err(failure));
            }
            if matches!(events.last(), Some(Event::End { .. })) {
                return (events, Ok(()));
            }
        }
    }
    let ended = reader.end(&mut events);
    (events, ended)
}

/// The events of a stream that is complete.
pub(super) fn split(format: &str, stream: &[u8], cuts: &[usize]) -> Result<Vec<Event>, Failure> {
    let (events, ended) = events(format, stream, cuts);
    ended.map(|()| events)
}

fn failure(format: &str, stream: &str) -> Failure {
    events(format, stream.as_bytes(), &[])
        .1
        .expect_err("a failure")
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    })
    .into()
}

#[test]
fn a_stream_is_what_it_would_be_in_one_piece() {
    for (format, stream) in STREAMS {
        let completion = gathered(split(format, stream.as_bytes(), &[]).expect("whole"));
        let signature = |format| Signature {
            format,
            text: "c2ln".into(),
        };
        let mut thought = Part::from(Content::Thinking("Hm, weather.".to_owned()));
        let mut first = call("", "weather", r#"{"city": "Ulm"}"#);
        let mut second = call("", "time", "{}");
        let (model, ids, thinking) = match format {
            "anthropic" => {
                thought.signature = Some(signature(Format::Anthropic));
                ("claude-opus-4-6", ["toolu_1", "toolu_2"], None)
            }
            "gemini" => {
                first.signature = Some(signature(Format::Gemini));
                ("gemini-3-pro", ["", "f2"], Some(7))
            }
            _ => {
                first.signature = Some(signature(Format::Gemini));
                ("gpt-5", ["call_1", "call_2"], None)
            }
        };
        for (part, id) in [&mut first, &mut second].into_iter().zip(ids) {
            if let Content::ToolCall(call) = &mut part.content {
                call.id = id.to_owned();
            }
        }
        let mut read = completion.clone();
        if format == "gemini"
            && let Some(Content::ToolCall(call)) =
                read.parts.get_mut(2).map(|part| &mut part.content)
        {
            assert!(
                call.id.starts_with("call_hub_0_"),
                "an id is made up: {}",
                call.id
            );
            call.id.clear();
        }
        let expected = Completion {
            parts: vec![thought, Part::text("Let me look 🦀"), first, second],
            model: Some(model.to_owned()),
            usage: Usage {
                input_tokens: 3210,
                output_tokens: 47,
                cached_input_tokens: Some(3000),
                reasoning_tokens: thinking,
                cost_usd: None,
            },
            finish: FinishReason::ToolCalls,
            ..Completion::default()
        };
        assert_eq!(read, expected, "{format}");
    }
}

#[test]
fn every_cut_gives_the_same_events() {
    for (format, recorded) in STREAMS {
        let expected = split(format, recorded.as_bytes(), &[]).expect("whole");
        // As it was recorded, and with each of the ends that a line may have.
        let lines = recorded.replace("\r\n", "\n");
        let ends = ["\n", "\r\n", "\r"].map(|end| lines.replace('\n', end));
        for stream in ends.iter().map(String::as_str).chain([recorded]) {
            let stream = stream.as_bytes();
            let same = |cuts: &[usize], place: &dyn std::fmt::Debug| {
                let events = split(format, stream, cuts).expect("whole");
                assert_eq!(events, expected, "{format} {place:?}");
            };
            (0..=stream.len()).for_each(|cut| same(&[cut], &cut));
            same(&(0..stream.len()).collect::<Vec<_>>(), &"everywhere");
        }
    }
}

#[test]
fn every_cut_lets_the_same_bytes_pass() {
    for (format, recorded) in [("anthropic", ANTHROPIC), ("openai", OPENAI)] {
        let request = CompletionRequest {
            raw: Some(Arc::new(Raw {
                format: if format == "openai" {
                    Format::OpenAi
                } else {
                    Format::Anthropic
                },
                body: Bytes::from_static(b"{}"),
                wants_usage: true,
            })),
            ..streaming()
        };
        let stream = recorded.as_bytes();
        let passed = |cuts: &[usize]| {
            let (events, ended) = answered(&request, format, stream, cuts);
            ended.expect("whole");
            let raw = events.into_iter().filter_map(|event| match event {
                Event::Raw(bytes) => Some(bytes),
                _ => None,
            });
            String::from_utf8(raw.collect::<Vec<_>>().concat()).expect("UTF-8")
        };
        // Signs of life are the door's own, all else is the vendor's.
        let ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
        let expected = recorded.replace(ping, "");
        let comment = ": OPENROUTER PROCESSING\n\n";
        let expected = expected.strip_prefix(comment).unwrap_or(&expected);
        for cut in 0..=stream.len() {
            assert_eq!(passed(&[cut]), expected, "{format} {cut}");
        }
        assert_eq!(passed(&(0..stream.len()).collect::<Vec<_>>()), expected);
    }
}

#[test]
fn half_a_stream_is_never_whole() {
    for (format, stream) in STREAMS {
        let stream = stream.trim_end().as_bytes();
        for end in 0..=stream.len() {
            let (events, ended) = events(format, &stream[..end], &[]);
            let complete = events
                .iter()
                .any(|event| matches!(event, Event::End { .. }));
            let failure = ended.expect_err("it broke off");
            assert!(!complete, "{format} {end}");
            assert_eq!(
                gist(&failure),
                (Interrupted, NextNow, None),
                "{format} {end}"
            );
        }
    }
}

#[test]
fn an_error_in_a_stream_is_what_it_says() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#;
    let stream = format!("event: error\ndata: {overloaded}\n\n");
    let expected = (ServerError, RetrySame, Some("overloaded_error"));
    assert_eq!(gist(&failure("anthropic", &stream)), expected);

    let stream =
        "data: {\"error\":{\"code\":503,\"message\":\"x\",\"status\":\"UNAVAILABLE\"}}\n\n";
    let expected = (ServerError, RetrySame, Some("unavailable"));
    assert_eq!(gist(&failure("gemini", stream)), expected);

    let stream = "data: {\"id\":\"c\",\"error\":{\"code\":502,\"message\":\"x\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n";
    assert_eq!(
        gist(&failure("openai", stream)),
        (ServerError, RetrySame, None)
    );
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}\n\n";
    assert_eq!(
        gist(&failure("openai", stream)),
        (ServerError, RetrySame, None)
    );
}

#[test]
fn what_is_no_event_of_the_format_is_malformed() {
    for format in ["anthropic", "gemini", "openai"] {
        for data in ["<html>", "[", "7", "null", "\"text\""] {
            let failure = failure(format, &format!("data: {data}\n\n"));
            assert_eq!(
                gist(&failure),
                (Malformed, NextNow, None),
                "{format} {data}"
            );
        }
    }
}

#[test]
fn calls_without_a_number_or_with_one_for_all_are_kept_apart() {
    for index in ["", "\"index\":0,"] {
        let chunk = |id: &str| {
            format!(
                "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{{index}\"id\":\"{id}\",\
                 \"function\":{{\"name\":\"n\",\"arguments\":\"{{}}\"}}}}]}}}}]}}\n\n"
            )
        };
        let stream = format!("{}{}data: [DONE]\n\n", chunk("a"), chunk("b"));
        let completion = gathered(split("openai", stream.as_bytes(), &[]).expect("whole"));
        assert_eq!(
            completion.parts,
            [call("a", "n", "{}"), call("b", "n", "{}")]
        );
        assert_eq!(completion.finish, FinishReason::ToolCalls);
    }
}

/// A request may have megabytes, and its answer minutes.
#[test]
fn a_stream_holds_nothing_of_its_request() {
    for name in ["anthropic", "gemini", "openai"] {
        let mut request = plain_request();
        request.stream = true;
        let reader = wire(name).stream(&request).expect("it streams");
        let held = std::sync::Arc::strong_count(&request.conversation);
        drop(reader);
        assert_eq!(held, 1, "{name}");
    }
}
