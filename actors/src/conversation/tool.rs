//! Tools: what a model may call, what it calls, and what comes of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kept, Part};

/// One call of a tool by the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// What its result refers to. Made up by the hub where the vendor gives none (Gemini).
    pub id: String,
    /// Which tool, by the caller's own name for it.
    pub name: String,
    /// A JSON object, as the model wrote it: it may be broken.
    pub arguments: String,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The [`ToolCall::id`] that it answers.
    pub id: String,
    /// Texts, images and files.
    pub parts: Vec<Part>,
    /// The tool failed, and the parts say how.
    pub is_error: bool,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tool {
    /// The caller's own name for it. A vendor that takes no such name gets another, and the caller
    /// never sees that one.
    pub name: String,
    /// What it is good for.
    pub description: Option<String>,
    /// What it takes: JSON Schema; `None` for nothing.
    pub schema: Option<Value>,
    /// Whether calls must keep to the schema.
    pub strict: Option<bool>,
    /// What its format says beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Box<Kept>>,
}

/// Whether the model has to call a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// None at all.
    None,
    /// At least one, no matter which (`required`, `any`).
    Any,
    /// This one.
    Named(String),
}
