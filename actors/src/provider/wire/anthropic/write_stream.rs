//! What a client that speaks Anthropic's Messages format is answered, bit by bit.

use serde_json::{Value, json};

use super::{
    calls::Calls,
    write::{tool_use, usage},
};
use crate::{conversation::Format, protocol::Usage, provider::wire::Envelope, streaming::Event};

/// Writes one stream.
#[derive(Debug)]
pub struct StreamWriter {
    envelope: Envelope,
    begun: bool,
    usage: Usage,
    /// What the last block is, as long as it is open.
    open: Option<Open>,
    /// How many blocks there were.
    blocks: usize,
    /// Which call is written, and what waits for its end.
    calls: Calls,
    /// There was a picture, which the format has no place for.
    left_out: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Refusal,
    Thinking,
    Call,
}

// === impl StreamWriter ===

impl StreamWriter {
    /// A stream that has not begun.
    pub fn new(envelope: Envelope) -> Self {
        Self {
            envelope,
            begun: false,
            usage: Usage::default(),
            open: None,
            blocks: 0,
            calls: Calls::default(),
            left_out: false,
        }
    }

    /// Appends what an event is in this format: nothing, or whole server-sent events to be flushed. With
    /// [`Event::End`] the stream is complete. What has to wait for a call's end comes with a later event.
    pub fn event(&mut self, event: &Event, into: &mut Vec<u8>) {
        if let Some(waited) = self.calls.pass(event) {
            waited.iter().for_each(|event| self.write(event, into));
            self.write(event, into);
        }
    }

    fn write(&mut self, event: &Event, into: &mut Vec<u8>) {
        match event {
            // Another door's bytes.
            Event::Raw(_) => {}
            Event::Text(text) | Event::Refusal(text) | Event::Thinking(text) if text.is_empty() => {
            }
            Event::Started { model } => {
                // As in a whole answer: who answers may be another than who was asked.
                if let Some(model) = model {
                    self.envelope.model.clone_from(model);
                }
                self.begin(into);
            }
            Event::Text(text) => {
                self.open(Open::Text, &json!({"type": "text", "text": ""}), into);
                self.delta(&json!({"type": "text_delta", "text": text}), into);
            }
            Event::Refusal(text) => {
                self.open(Open::Refusal, &json!({"type": "text", "text": ""}), into);
                self.delta(&json!({"type": "text_delta", "text": text}), into);
            }
            Event::Thinking(text) => {
                let block = json!({"type": "thinking", "thinking": "", "signature": ""});
                self.open(Open::Thinking, &block, into);
                self.delta(&json!({"type": "thinking_delta", "thinking": text}), into);
            }
            Event::RedactedThinking(data) => {
                self.close(into);
                let block = json!({"type": "redacted_thinking", "data": data});
                self.open(Open::Thinking, &block, into);
                self.close(into);
            }
            Event::Image(_) => {
                self.begin(into);
                self.close(into);
                self.left_out = true;
            }
            Event::Signature(signature) => {
                if signature.format == Format::Anthropic && self.open == Some(Open::Thinking) {
                    let text = &*signature.text;
                    self.delta(&json!({"type": "signature_delta", "signature": text}), into);
                }
                self.close(into);
            }
            Event::ToolCall {
                id,
                name,
                signature,
                ..
            } => {
                self.close(into);
                self.open(Open::Call, &tool_use(id, name, signature.as_ref()), into);
            }
            // Of the call that is open: the others' wait.
            Event::Arguments { fragment, .. } => {
                self.delta(
                    &json!({"type": "input_json_delta", "partial_json": fragment}),
                    into,
                );
            }
            Event::Usage(usage) => self.usage = *usage,
            Event::End {
                finish,
                stop_sequence,
            } => {
                self.begin(into);
                self.close(into);
                let mut data = json!({
                    "type": "message_delta",
                    "delta": {
                        "stop_reason": finish.anthropic(stop_sequence.is_some()),
                        "stop_sequence": stop_sequence,
                    },
                    "usage": usage(&self.usage),
                });
                if let Some(fields) = data.as_object_mut().filter(|_| self.left_out) {
                    // The headers, where this is said of a whole answer, are long gone.
                    fields.insert("dropped_params".to_owned(), json!(["images"]));
                }
                push("message_delta", &data, into);
                push("message_stop", &json!({"type": "message_stop"}), into);
            }
        }
    }

    /// The vendor says what it counted when it ends, so the beginning counts nothing.
    fn begin(&mut self, into: &mut Vec<u8>) {
        if self.begun {
            return;
        }
        self.begun = true;
        let data = json!({
            "type": "message_start",
            "message": {
                "id": self.envelope.id,
                "type": "message",
                "role": "assistant",
                "model": self.envelope.model,
                "content": [],
                "stop_reason": null,
                "stop_sequence": null,
                "usage": usage(&self.usage),
            },
        });
        push("message_start", &data, into);
    }

    fn open(&mut self, kind: Open, block: &Value, into: &mut Vec<u8>) {
        self.begin(into);
        if self.open == Some(kind) {
            return;
        }
        self.close(into);
        let data = json!({
            "type": "content_block_start",
            "index": self.blocks,
            "content_block": block,
        });
        push("content_block_start", &data, into);
        self.open = Some(kind);
        self.blocks += 1;
    }

    fn delta(&self, delta: &Value, into: &mut Vec<u8>) {
        let index = self.blocks.saturating_sub(1);
        let data = json!({"type": "content_block_delta", "index": index, "delta": delta});
        push("content_block_delta", &data, into);
    }

    fn close(&mut self, into: &mut Vec<u8>) {
        if self.open.take().is_some() {
            let index = self.blocks.saturating_sub(1);
            let data = json!({"type": "content_block_stop", "index": index});
            push("content_block_stop", &data, into);
        }
    }
}

fn push(kind: &str, data: &Value, into: &mut Vec<u8>) {
    into.extend_from_slice(b"event: ");
    into.extend_from_slice(kind.as_bytes());
    into.extend_from_slice(b"\ndata: ");
    into.extend_from_slice(data.to_string().as_bytes());
    into.extend_from_slice(b"\n\n");
}
