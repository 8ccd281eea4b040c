//! Outcome: what a call of a tool came to, and what there is to say about it.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    attempt::Attempt,
    cache,
    protocol::{FinishReason, Rows, Usage},
    search::Findings,
};

/// A successful call.
#[derive(Debug)]
pub struct Outcome {
    /// What the caller asked for.
    pub result: ToolResult,
    /// How it came about; `None` for tools that ask no provider.
    pub provenance: Option<Provenance>,
}

/// A tool's result.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ToolResult {
    /// An answer, alone. The cache may have it, too.
    Text(Arc<str>),
    /// An object.
    Json(Value),
    /// A query's rows.
    #[serde(serialize_with = "rows")]
    Rows(Rows),
}

/// Who answered, and what there is to say about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Provenance {
    /// Who answered.
    #[schema(value_type = String)]
    pub provider: Arc<str>,
    /// The model that was asked; not there for a search.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(value_type = String)]
    pub model: Arc<str>,
    /// From the hub's own cache.
    pub cached: bool,
    /// What the cache did; `None` for a tool that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<cache::Status>,
    /// US dollars that the answer cost when a provider gave it, if it is from the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_usd: Option<f64>,
    /// What belongs to this kind of answer.
    #[serde(flatten)]
    pub about: About,
    /// Who was asked, in order.
    pub attempts: Vec<Attempt>,
}

/// What there is to say about an answer besides its text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum About {
    /// An LLM's.
    Completion {
        /// The model that the vendor says answered, if it has another name.
        #[serde(skip_serializing_if = "Option::is_none")]
        answered_by: Option<String>,
        /// Why the text ends where it ends.
        finish_reason: FinishReason,
        /// Tokens.
        usage: Usage,
        /// US dollars; null if the configuration does not know the model's prices.
        #[schema(required)]
        cost_usd: Option<f64>,
        /// Pictures that the model made: data URLs, or where they are.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<String>,
        /// Parameters that the provider does not take.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schema(value_type = Vec<String>)]
        dropped_params: Vec<Cow<'static, str>>,
    },
    /// A search's.
    Search(Arc<Findings>),
}

/// The rows alone: whether they are all is said beside them.
fn rows<S: Serializer>(rows: &Rows, serializer: S) -> Result<S::Ok, S::Error> {
    rows.rows.serialize(serializer)
}

// === impl Outcome ===

impl Outcome {
    /// The answer's text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.result {
            ToolResult::Text(text) => Some(text),
            ToolResult::Json(_) | ToolResult::Rows(_) => None,
        }
    }

    /// Whether rows were left out; `None` where there can be none.
    pub fn truncated(&self) -> Option<bool> {
        match &self.result {
            ToolResult::Rows(rows) => Some(rows.truncated),
            _ => None,
        }
    }

    /// An object that no provider has to do with.
    pub fn local(object: Value) -> Self {
        Self {
            result: ToolResult::Json(object),
            provenance: None,
        }
    }
}
