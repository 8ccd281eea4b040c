//! What a client that speaks OpenAI's format is answered, in one piece.

use serde_json::{Map, Value, json};

use super::{extra_content, order::Place};
use crate::{
    conversation::{Content, Format, Media, Part},
    protocol::{Completion, FinishReason, Usage},
    provider::wire::{Envelope, media},
};

/// The body of an answer.
pub fn write_answer(completion: &Completion, envelope: &Envelope) -> Vec<u8> {
    let parts = &completion.parts;
    let text = completion.text();
    let calls: Vec<_> = parts.iter().filter_map(call).collect();
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    let refusal = refusal(parts);
    let empty = calls.is_empty() && refusal.is_none();
    let content = (!text.is_empty() || empty).then_some(text);
    message.insert("content".to_owned(), json!(content));
    message.insert("refusal".to_owned(), json!(refusal));
    let images: Vec<_> = completion.images().filter_map(image).collect();
    if !images.is_empty() {
        message.insert("images".to_owned(), json!(images));
    }
    let thinking = thinking(parts);
    if !thinking.is_empty() {
        message.insert("reasoning_content".to_owned(), json!(thinking));
    }
    let blocks = thinking_blocks(parts);
    if !blocks.is_empty() {
        message.insert("thinking_blocks".to_owned(), json!(blocks));
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), json!(calls));
    }
    let body = json!({
        "id": envelope.id,
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": completion.finish,
        }],
        "usage": usage(&completion.usage),
    });
    body.to_string().into_bytes()
}

/// A picture as OpenRouter writes it: the format has no place for one in an answer.
pub(super) fn image(image: &Media) -> Option<Value> {
    let url = media::url(&image.source)?;
    Some(json!({"type": "image_url", "image_url": {"url": url}}))
}

fn call(part: &Part) -> Option<Value> {
    let Content::ToolCall(call) = &part.content else {
        return None;
    };
    let mut written = json!({
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments(&call.arguments)},
    });
    if let Some(signature) = &part.signature
        && signature.format == Format::Gemini
        && let Some(fields) = written.as_object_mut()
    {
        let extra = extra_content(&signature.text);
        fields.insert("extra_content".to_owned(), extra);
    }
    Some(written)
}

/// Clients read them as JSON, and nothing is none.
fn arguments(text: &str) -> &str {
    if text.is_empty() { "{}" } else { text }
}

/// What is said instead of an answer, unless it came as one of the parts and shall go as one.
pub(super) fn refusal(parts: &[Part]) -> Option<String> {
    let refusals = parts.iter().filter_map(|part| match &part.content {
        Content::Refusal(text) if part.kept.is_none() => Some(text.as_str()),
        _ => None,
    });
    let refusal: String = refusals.collect();
    (!refusal.is_empty()).then_some(refusal)
}

fn thinking(parts: &[Part]) -> String {
    let thoughts = parts.iter().filter_map(|part| match &part.content {
        Content::Thinking(text) => Some(text.as_str()),
        _ => None,
    });
    thoughts.collect()
}

fn thinking_blocks(parts: &[Part]) -> Vec<Value> {
    let mut place = Place::default();
    let block = |part: &Part| {
        place.pass(&part.content);
        Some(place.mark(thinking_block(part)?))
    };
    parts.iter().filter_map(block).collect()
}

/// A thought that its vendor wants back. The format has no place for it; this one is known from other
/// gateways.
fn thinking_block(part: &Part) -> Option<Value> {
    match (&part.content, &part.signature) {
        (Content::RedactedThinking(data), _) => {
            Some(json!({"type": "redacted_thinking", "data": data}))
        }
        (Content::Thinking(text), Some(signature)) if signature.format == Format::Anthropic => {
            Some(signed_thought(text, &signature.text))
        }
        _ => None,
    }
}

/// A thought with the signature that has to come back with it.
pub(super) fn signed_thought(text: &str, signature: &str) -> Value {
    json!({"type": "thinking", "thinking": text, "signature": signature})
}

/// Tokens in the format's words.
pub(super) fn usage(usage: &Usage) -> Value {
    let mut counts = json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    });
    if let (Some(cached), Some(fields)) = (usage.cached_input_tokens, counts.as_object_mut()) {
        let details = json!({"cached_tokens": cached});
        fields.insert("prompt_tokens_details".to_owned(), details);
    }
    if let (Some(thinking), Some(fields)) = (usage.reasoning_tokens, counts.as_object_mut()) {
        let details = json!({"reasoning_tokens": thinking});
        fields.insert("completion_tokens_details".to_owned(), details);
    }
    counts
}

// === impl FinishReason ===

impl FinishReason {
    /// OpenAI's word, which is the hub's own.
    pub(super) fn openai(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
        }
    }
}
