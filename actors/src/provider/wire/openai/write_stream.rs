//! What a client that speaks OpenAI's format is answered, bit by bit.

use serde_json::{Value, json};

use super::{
    extra_content,
    order::Place,
    write::{image, signed_thought, usage},
};
use crate::{conversation::Format, protocol::Usage, provider::wire::Envelope, streaming::Event};

/// Writes one stream.
#[derive(Debug)]
pub struct StreamWriter {
    envelope: Envelope,
    include_usage: bool,
    begun: bool,
    usage: Usage,
    /// The text of the thought that goes on: what signs it comes at its end.
    thought: String,
    /// How many blocks of thinking there were.
    thoughts: usize,
    /// What of the message there was.
    place: Place,
    /// How many pictures there were.
    images: usize,
}

// === impl StreamWriter ===

impl StreamWriter {
    /// `include_usage` as the client wants it.
    pub fn new(envelope: Envelope, include_usage: bool) -> Self {
        Self {
            envelope,
            include_usage,
            begun: false,
            usage: Usage::default(),
            thought: String::new(),
            thoughts: 0,
            place: Place::default(),
            images: 0,
        }
    }

    /// Appends what an event is in this format: nothing, or whole server-sent events to be flushed. With
    /// [`Event::End`] the stream is complete.
    pub fn event(&mut self, event: &Event, into: &mut Vec<u8>) {
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
                self.thought.clear();
                self.place.pass_text(text.len());
                self.delta(json!({"content": text}), into);
            }
            Event::Refusal(text) => {
                self.thought.clear();
                self.delta(json!({"refusal": text}), into);
            }
            Event::Thinking(text) => {
                self.thought.push_str(text);
                self.delta(json!({"reasoning_content": text}), into);
            }
            Event::RedactedThinking(data) => {
                self.thought.clear();
                self.thought_block(json!({"type": "redacted_thinking", "data": data}), into);
            }
            Event::Image(drawn) => {
                self.thought.clear();
                if let Some(image) = image(drawn) {
                    let image = numbered(image, &mut self.images);
                    self.delta(json!({"images": [image]}), into);
                }
            }
            Event::Signature(signature) => {
                let thought = std::mem::take(&mut self.thought);
                if signature.format == Format::Anthropic {
                    self.thought_block(signed_thought(&thought, &signature.text), into);
                }
            }
            Event::ToolCall {
                index,
                id,
                name,
                signature,
            } => {
                self.thought.clear();
                self.place.pass_call();
                let mut call = json!({
                    "index": index,
                    "id": id,
                    "type": "function",
                    "function": {"name": name, "arguments": ""},
                });
                if let Some(signature) = signature
                    && signature.format == Format::Gemini
                    && let Some(fields) = call.as_object_mut()
                {
                    let extra = extra_content(&signature.text);
                    fields.insert("extra_content".to_owned(), extra);
                }
                self.delta(json!({"tool_calls": [call]}), into);
            }
            Event::Arguments { index, fragment } => {
                let call = json!({"index": index, "function": {"arguments": fragment}});
                self.delta(json!({"tool_calls": [call]}), into);
            }
            Event::Usage(usage) => self.usage = *usage,
            Event::End { finish, .. } => {
                self.begin(into);
                self.chunk(json!({}), Some(finish.openai()), into);
                if self.include_usage {
                    let mut last = self.envelope_json();
                    if let Some(fields) = last.as_object_mut() {
                        fields.insert("choices".to_owned(), json!([]));
                        fields.insert("usage".to_owned(), usage(&self.usage));
                    }
                    push(&last, into);
                }
                into.extend_from_slice(b"data: [DONE]\n\n");
            }
        }
    }

    fn begin(&mut self, into: &mut Vec<u8>) {
        if !self.begun {
            self.begun = true;
            self.chunk(json!({"role": "assistant", "content": ""}), None, into);
        }
    }

    fn delta(&mut self, delta: Value, into: &mut Vec<u8>) {
        self.begin(into);
        self.chunk(delta, None, into);
    }

    fn thought_block(&mut self, block: Value, into: &mut Vec<u8>) {
        let block = self.place.mark(numbered(block, &mut self.thoughts));
        self.delta(json!({"thinking_blocks": [block]}), into);
    }

    fn chunk(&self, delta: Value, finish_reason: Option<&str>, into: &mut Vec<u8>) {
        let mut chunk = self.envelope_json();
        if let Some(fields) = chunk.as_object_mut() {
            let choice = json!({
                "index": 0,
                "delta": delta,
                "logprobs": null,
                "finish_reason": finish_reason,
            });
            fields.insert("choices".to_owned(), json!([choice]));
            if self.include_usage {
                fields.insert("usage".to_owned(), Value::Null);
            }
        }
        push(&chunk, into);
    }

    fn envelope_json(&self) -> Value {
        json!({
            "id": self.envelope.id,
            "object": "chat.completion.chunk",
            "created": self.envelope.created,
            "model": self.envelope.model,
        })
    }
}

/// An entry of a list with its place in the whole message's: SDKs put lists together by it.
fn numbered(mut entry: Value, count: &mut usize) -> Value {
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("index".to_owned(), json!(*count));
    }
    *count += 1;
    entry
}

fn push(data: &Value, into: &mut Vec<u8>) {
    into.extend_from_slice(b"data: ");
    into.extend_from_slice(data.to_string().as_bytes());
    into.extend_from_slice(b"\n\n");
}
