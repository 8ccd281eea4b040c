//! Kept: what of a request has no words of ours, for a provider of the format it came in.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Format;

/// What is at the top of a request and [`Conversation`](super::Conversation) does not name. A provider of the same format
/// gets it, and for another it is named as dropped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rest {
    /// Whose fields.
    pub format: Format,
    /// As they came.
    pub fields: Map<String, Value>,
    /// Tools that the vendor itself runs, such as its own search; as they came.
    pub tools: Vec<Value>,
    /// What the vendor is to try out, in its own words and in a header (`anthropic-beta`).
    pub betas: Option<Box<str>>,
}

/// A request as it came. A provider of the same format gets this, with nothing changed but what has
/// to be (`model`); what it answers goes back as it is.
///
/// Only for a request that the hub adds nothing to: a tool's system prompt is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Whose.
    pub format: Format,
    /// A JSON object.
    pub body: Bytes,
    /// The caller wants to be told the usage at the end of a stream (OpenAI's
    /// `stream_options.include_usage`). The hub wants to know in any case.
    pub wants_usage: bool,
    /// The body holds another vendor's opaque extras (`extra_content`, `thinking_blocks`), which its
    /// own vendor might not take.
    pub holds_extras: bool,
}

// === impl Rest ===

impl Rest {
    /// Of Anthropic's format, with nothing in it yet.
    pub fn nothing() -> Self {
        Self {
            format: Format::Anthropic,
            fields: Map::new(),
            tools: Vec::new(),
            betas: None,
        }
    }

    /// `None` if nothing is left over.
    pub fn new(format: Format, fields: Map<String, Value>, tools: Vec<Value>) -> Option<Self> {
        let any = !fields.is_empty() || !tools.is_empty();
        any.then_some(Self {
            format,
            fields,
            tools,
            betas: None,
        })
    }
}
