//! What a client that speaks Anthropic's Messages format is answered, in one piece.

use serde_json::{Value, json};

use crate::{
    conversation::{Content, Format, Part, Signature},
    protocol::{Completion, FinishReason, Usage},
    provider::wire::{Envelope, arguments::Arguments},
};

/// The body of an answer.
pub fn write_answer(completion: &Completion, envelope: &Envelope) -> Vec<u8> {
    let content: Vec<_> = completion.parts.iter().filter_map(block).collect();
    let stopped_by = completion.stop_sequence.as_deref();
    let body = json!({
        "id": envelope.id,
        "type": "message",
        "role": "assistant",
        "model": envelope.model,
        "content": content,
        "stop_reason": completion.finish.anthropic(stopped_by.is_some()),
        "stop_sequence": stopped_by,
        "usage": usage(&completion.usage),
    });
    body.to_string().into_bytes()
}

fn block(part: &Part) -> Option<Value> {
    let signature = part.signature.as_ref();
    Some(match &part.content {
        Content::Text(text) | Content::Refusal(text) if text.is_empty() => return None,
        Content::Text(text) | Content::Refusal(text) => json!({"type": "text", "text": text}),
        Content::Thinking(text) => {
            let own = signature.filter(|signature| signature.format == Format::Anthropic);
            let signature = own.map_or("", |signature| &*signature.text);
            json!({"type": "thinking", "thinking": text, "signature": signature})
        }
        Content::RedactedThinking(data) => json!({"type": "redacted_thinking", "data": data}),
        Content::ToolCall(call) => {
            let mut block = tool_use(&call.id, &call.name, signature);
            let input = serde_json::to_value(Arguments(&call.arguments));
            if let Some(fields) = block.as_object_mut() {
                fields.insert("input".to_owned(), input.unwrap_or_else(|_| json!({})));
            }
            block
        }
        // The format has no place for a picture: the door says so.
        Content::Image(_) => return None,
        // A model answers with none of these.
        Content::Audio(_) | Content::File(_) | Content::ToolResult(_) | Content::Foreign(_) => {
            return None;
        }
    })
}

/// A call without its arguments. Gemini's signature stands where OpenAI's format has it, too.
pub(super) fn tool_use(id: &str, name: &str, signature: Option<&Signature>) -> Value {
    let mut block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
    if let Some(signature) = signature
        && signature.format == Format::Gemini
        && let Some(fields) = block.as_object_mut()
    {
        let extra = json!({"google": {"thought_signature": &*signature.text}});
        fields.insert("extra_content".to_owned(), extra);
    }
    block
}

/// Tokens in the format's words: what came from the cache is no input here.
pub(super) fn usage(usage: &Usage) -> Value {
    let cached = usage.cached_input_tokens.unwrap_or(0);
    json!({
        "input_tokens": usage.input_tokens.saturating_sub(cached),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens,
    })
}

// === impl FinishReason ===

impl FinishReason {
    /// Anthropic's word.
    pub(super) fn anthropic(self, by_sequence: bool) -> &'static str {
        match self {
            Self::Stop if by_sequence => "stop_sequence",
            Self::Stop => "end_turn",
            Self::Length => "max_tokens",
            Self::ToolCalls => "tool_use",
            Self::ContentFilter => "refusal",
        }
    }
}
