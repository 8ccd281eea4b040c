//! The bodies that vendors send, as their documentation shows them.
//!
//! Every answer counts the same tokens: 15 in, 3 of them from the cache; 7 out, 2 of them thinking
//! (Anthropic does not say how many). So a test can compare vendors.

use serde_json::{Value, json};

use super::searches;

/// Who is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vendor {
    Anthropic,
    Gemini,
    OpenAi,
    Brave,
    Tavily,
    Searxng,
}

// === impl Vendor ===

impl Vendor {
    /// Whose endpoint a target is.
    pub(crate) fn of(target: &str) -> Option<Self> {
        let path = target.split('?').next().unwrap_or_default();
        if path.ends_with("/messages") || path.ends_with("/count_tokens") {
            Some(Self::Anthropic)
        } else if [
            ":generateContent",
            ":streamGenerateContent",
            ":countTokens",
            ":batchEmbedContents",
        ]
        .iter()
        .any(|end| path.ends_with(end))
        {
            Some(Self::Gemini)
        } else if path.ends_with("/chat/completions") || path.ends_with("/embeddings") {
            Some(Self::OpenAi)
        } else if path.ends_with("/web/search") {
            Some(Self::Brave)
        } else if path.ends_with("/tavily/search") {
            Some(Self::Tavily)
        } else if path.ends_with("/searxng/search") {
            Some(Self::Searxng)
        } else {
            None
        }
    }

    /// The provider of the usual chain that speaks this format.
    pub(crate) fn provider(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::OpenAi => "openrouter",
            Self::Brave => "brave",
            Self::Tavily => "tavily",
            Self::Searxng => "searxng",
        }
    }

    /// A good answer: `text` in two blocks where the format has blocks, thinking beside it.
    pub(crate) fn answer(self, model: &str, text: &str) -> Value {
        let half = (0..=text.len() / 2)
            .rev()
            .find(|&at| text.is_char_boundary(at));
        let (first, second) = text.split_at(half.unwrap_or_default());
        match self {
            Self::Anthropic => json!({
                "id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant",
                "model": model,
                "content": [
                    {"type": "thinking", "thinking": "a hidden thought", "signature": "c2ln"},
                    {"type": "text", "text": first},
                    {"type": "text", "text": second},
                ],
                "stop_reason": "end_turn", "stop_sequence": null,
                "usage": {
                    "input_tokens": 10, "cache_creation_input_tokens": 2,
                    "cache_read_input_tokens": 3, "output_tokens": 7, "service_tier": "standard",
                },
            }),
            Self::Gemini => json!({
                "candidates": [{
                    "content": {"role": "model", "parts": [
                        {"text": "a hidden thought", "thought": true},
                        {"text": first},
                        {"text": second},
                    ]},
                    "finishReason": "STOP", "index": 0,
                }],
                "usageMetadata": {
                    "promptTokenCount": 15, "cachedContentTokenCount": 3,
                    "candidatesTokenCount": 5, "thoughtsTokenCount": 2, "totalTokenCount": 22,
                },
                "modelVersion": model, "responseId": "mAitaLmkHPPlz7IPvtfUqQ4",
            }),
            Self::OpenAi => json!({
                "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "object": "chat.completion",
                "created": 1_741_569_952, "model": model,
                "choices": [{
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": null},
                    "logprobs": null, "finish_reason": "stop",
                }],
                "usage": {
                    "prompt_tokens": 15, "completion_tokens": 7, "total_tokens": 22,
                    "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
                    "completion_tokens_details": {"reasoning_tokens": 2},
                },
                "system_fingerprint": null,
            }),
            Self::Brave => searches::brave(text),
            Self::Tavily => searches::tavily(text),
            Self::Searxng => searches::searxng(text),
        }
    }

    /// The error that goes with a status, saying `message`.
    pub(crate) fn error(self, status: u16, message: &str) -> Value {
        match self {
            Self::Anthropic => json!({
                "type": "error",
                "error": {"type": anthropic_word(status), "message": message},
                "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
            }),
            Self::Gemini => json!({"error": {
                "code": status, "message": message, "status": gemini_word(status), "details": [],
            }}),
            Self::OpenAi => json!({"error": {
                "message": message, "type": openai_word(status), "param": null, "code": null,
            }}),
            Self::Brave => searches::brave_error(status, message),
            Self::Tavily => json!({"detail": {"error": message}}),
            Self::Searxng => json!({"error": message}),
        }
    }

    /// An error with the account's quota used up: no use in asking again.
    pub(crate) fn quota(self) -> Value {
        match self {
            Self::Anthropic => json!({
                "type": "error",
                "error": {
                    "type": "rate_limit_error", "message": "spend limit reached",
                    "details": {"error_code": "enforced_spend_limit_reached"},
                },
            }),
            Self::Gemini => json!({"error": {
                "code": 429, "message": "quota exceeded", "status": "RESOURCE_EXHAUSTED",
                "details": [{
                    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
                }],
            }}),
            Self::OpenAi => json!({"error": {
                "message": "You exceeded your current quota", "type": "insufficient_quota",
                "param": null, "code": "insufficient_quota",
            }}),
            Self::Brave => searches::brave_error(429, "QUOTA_LIMITED"),
            Self::Tavily | Self::Searxng => json!({"detail": {"error": "quota used up"}}),
        }
    }

    /// Text before the first character of the answer's text, so that a body can be cut or grow
    /// inside it.
    pub(crate) fn opening(self) -> &'static str {
        match self {
            Self::Anthropic => r#"{"type":"message","content":[{"type":"text","text":""#,
            Self::Gemini => r#"{"candidates":[{"content":{"parts":[{"text":""#,
            Self::OpenAi => r#"{"choices":[{"message":{"role":"assistant","content":""#,
            Self::Brave => r#"{"type":"search","web":{"results":[{"title":""#,
            Self::Tavily | Self::Searxng => r#"{"results":[{"title":""#,
        }
    }
}

fn anthropic_word(status: u16) -> &'static str {
    match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}

fn gemini_word(status: u16) -> &'static str {
    match status {
        400 => "INVALID_ARGUMENT",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}

fn openai_word(status: u16) -> &'static str {
    match status {
        400 | 404 | 422 => "invalid_request_error",
        401 => "invalid_api_key",
        429 => "rate_limit_exceeded",
        _ => "server_error",
    }
}
