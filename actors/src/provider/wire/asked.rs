//! Asked: what a client of one format asked for, or why it is not in that format.

use std::sync::Arc;

use crate::{
    conversation::{Conversation, Raw},
    protocol::CompletionRequest,
};

/// A request as a client of one format sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Whatever the client calls a model.
    pub model: String,
    /// The rest. Its `ceiling` is nobody's yet.
    pub request: CompletionRequest,
}

/// A request that is not in its format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct BadRequest {
    /// Which part: `messages[2].content`; empty for the whole.
    pub param: String,
    /// What is wrong with it.
    pub sentence: String,
    /// The machine word for it.
    pub code: &'static str,
}

/// The word for a request that is wrong in no particular way.
const CODE: &str = "bad_request";

// === impl BadRequest ===

impl BadRequest {
    /// `param` must be `what`.
    pub(super) fn new(param: &str, what: &str) -> Self {
        let param = crate::params::clip(param);
        Self {
            sentence: format!("`{param}` must be {what}."),
            param,
            code: CODE,
        }
    }

    /// The whole is something else.
    pub(super) fn no_object() -> Self {
        Self {
            param: String::new(),
            sentence: "The request must be a JSON object.".to_owned(),
            code: CODE,
        }
    }

    /// The whole cannot be read.
    pub(super) fn no_json(error: &serde_json::Error) -> Self {
        Self {
            param: String::new(),
            sentence: format!(
                "The request is not JSON (line {}, column {}).",
                error.line(),
                error.column()
            ),
            code: CODE,
        }
    }
}

// === impl Asked ===

impl Asked {
    /// An answer is asked for, of as many tokens as the caller says, in `raw`'s words.
    pub(super) fn new(
        model: String,
        conversation: Conversation,
        max_tokens: Option<u32>,
        stream: bool,
        raw: Raw,
    ) -> Self {
        Self {
            model,
            request: CompletionRequest {
                conversation: Arc::new(conversation),
                max_tokens,
                ceiling: u32::MAX,
                stream,
                count: false,
                raw: Some(Arc::new(raw)),
            },
        }
    }
}
