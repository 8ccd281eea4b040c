//! Answers that fake vendors give bit by bit, and the ways in which they break off.
//!
//! The tokens are those of the whole answers (see `vendor`).

use std::time::Duration;

use serde_json::{Value, json};

use super::vendor::Vendor;

/// An answer that comes bit by bit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stream {
    /// Each is an event of its own.
    pub(crate) texts: Vec<String>,
    /// Calls of tools behind the texts: id, name, and the arguments in fragments.
    pub(crate) calls: Vec<(&'static str, &'static str, Vec<&'static str>)>,
    /// Before each event.
    pub(crate) pace: Duration,
    /// Where it breaks off: after so many texts and fragments.
    pub(crate) cut: Option<(usize, Cut)>,
}

/// How a stream breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The vendor says that it failed.
    Error,
    /// The connection ends properly, the answer does not.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing more comes.
    Stall,
}

// === impl Stream ===

impl Stream {
    /// These texts, one after the other.
    pub(crate) fn of(texts: &[&str]) -> Self {
        Self {
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// A text cut in halves.
    pub(crate) fn halves(text: &str) -> Self {
        let middle = (0..=text.len() / 2)
            .rev()
            .find(|&at| text.is_char_boundary(at));
        let (first, second) = text.split_at(middle.unwrap_or_default());
        Self::of(&[first, second])
    }

    /// Also calls a tool.
    pub(crate) fn calling(
        mut self,
        id: &'static str,
        name: &'static str,
        arguments: &[&'static str],
    ) -> Self {
        self.calls.push((id, name, arguments.to_vec()));
        self
    }

    /// Waits before each event.
    pub(crate) fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// Breaks off after so many texts and fragments.
    pub(crate) fn cut(mut self, after: usize, cut: Cut) -> Self {
        self.cut = Some((after, cut));
        self
    }

    /// The events up to where it breaks off, each with its blank line.
    pub(crate) fn events(&self, vendor: Vendor, model: &str) -> Vec<String> {
        let mut events = match vendor {
            Vendor::Anthropic => anthropic(self, model),
            Vendor::Gemini => gemini(self, model),
            _ => openai(self, model),
        };
        let Some((after, cut)) = self.cut else {
            return events.into_iter().map(|(event, _)| event).collect();
        };
        let mut contents = 0;
        let end = events.iter().position(|(_, is_content)| {
            contents += usize::from(*is_content);
            contents > after
        });
        events.truncate(end.unwrap_or(events.len()));
        let mut events: Vec<_> = events.into_iter().map(|(event, _)| event).collect();
        if cut == Cut::Error {
            events.push(error(vendor));
        }
        events
    }
}

/// An event, and whether a text or a fragment is in it.
type Events = Vec<(String, bool)>;

fn data(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn named(data: &Value) -> String {
    let name = data["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}

fn error(vendor: Vendor) -> String {
    let body = vendor.error(529, "the model went away");
    match vendor {
        Vendor::Anthropic => named(&body),
        _ => data(&body),
    }
}

fn anthropic(stream: &Stream, model: &str) -> Events {
    let mut events = vec![
        (
            named(&json!({"type": "message_start", "message": {
                "id": "msg_01", "type": "message", "role": "assistant", "model": model,
                "content": [], "stop_reason": null, "stop_sequence": null,
                "usage": {"input_tokens": 10, "cache_creation_input_tokens": 2,
                          "cache_read_input_tokens": 3, "output_tokens": 1},
            }})),
            false,
        ),
        (named(&json!({"type": "ping"})), false),
    ];
    let mut index = 0;
    let mut block = |start: Value, deltas: Vec<Value>| {
        let mut events = vec![(
            named(&json!({"type": "content_block_start", "index": index, "content_block": start})),
            false,
        )];
        for delta in deltas {
            let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
            events.push((named(&delta), true));
        }
        events.push((
            named(&json!({"type": "content_block_stop", "index": index})),
            false,
        ));
        index += 1;
        events
    };
    let texts = stream.texts.iter();
    let texts = texts.map(|text| json!({"type": "text_delta", "text": text}));
    if !stream.texts.is_empty() {
        events.extend(block(json!({"type": "text", "text": ""}), texts.collect()));
    }
    for (id, name, fragments) in &stream.calls {
        let start = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
        let fragments = fragments.iter();
        let deltas =
            fragments.map(|part| json!({"type": "input_json_delta", "partial_json": part}));
        events.extend(block(start, deltas.collect()));
    }
    let reason = if stream.calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    };
    events.push((
        named(&json!({
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": null},
            "usage": {"output_tokens": 7},
        })),
        false,
    ));
    events.push((named(&json!({"type": "message_stop"})), false));
    events
}

fn openai(stream: &Stream, model: &str) -> Events {
    let chunk = |delta: Value, finish: Value| {
        data(&json!({
            "id": "chatcmpl-B9M", "object": "chat.completion.chunk", "created": 1_741_569_952,
            "model": model, "usage": null,
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
        }))
    };
    let mut events = vec![
        (": PROCESSING\n\n".to_owned(), false),
        (
            chunk(json!({"role": "assistant", "content": ""}), Value::Null),
            false,
        ),
    ];
    for text in &stream.texts {
        events.push((chunk(json!({"content": text}), Value::Null), true));
    }
    for (index, (id, name, fragments)) in stream.calls.iter().enumerate() {
        let call = json!({
            "index": index, "id": id, "type": "function",
            "function": {"name": name, "arguments": ""},
        });
        events.push((chunk(json!({"tool_calls": [call]}), Value::Null), false));
        for fragment in fragments {
            let call = json!({"index": index, "function": {"arguments": fragment}});
            events.push((chunk(json!({"tool_calls": [call]}), Value::Null), true));
        }
    }
    let reason = if stream.calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    events.push((chunk(json!({}), json!(reason)), false));
    events.push((
        data(&json!({
            "id": "chatcmpl-B9M", "object": "chat.completion.chunk", "created": 1_741_569_952,
            "model": model, "choices": [],
            "usage": {
                "prompt_tokens": 15, "completion_tokens": 7, "total_tokens": 22,
                "prompt_tokens_details": {"cached_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
        })),
        false,
    ));
    events.push(("data: [DONE]\n\n".to_owned(), false));
    events
}

fn gemini(stream: &Stream, model: &str) -> Events {
    let chunk = |parts: Value, finish: Option<&str>| {
        let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
        if let Some(finish) = finish {
            candidate["finishReason"] = json!(finish);
        }
        format!(
            "data: {}\r\n\r\n",
            json!({
                "candidates": [candidate],
                "usageMetadata": {
                    "promptTokenCount": 15, "cachedContentTokenCount": 3,
                    "candidatesTokenCount": 5, "thoughtsTokenCount": 2, "totalTokenCount": 22,
                },
                "modelVersion": model, "responseId": "mAitaLmkHPPlz7IPvtfUqQ4",
            })
        )
    };
    let mut events: Events = stream
        .texts
        .iter()
        .map(|text| (chunk(json!([{"text": text}]), None), true))
        .collect();
    for (_, name, fragments) in &stream.calls {
        let args: Value = serde_json::from_str(&fragments.concat()).unwrap();
        let part = json!({
            "functionCall": {"name": name, "args": args}, "thoughtSignature": "c2lnbmF0dXJl",
        });
        events.push((chunk(json!([part]), None), true));
    }
    events.push((chunk(json!([]), Some("STOP")), false));
    events
}
