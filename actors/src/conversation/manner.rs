//! Manner: how to answer.

use serde::Serialize;
use serde_json::Value;

/// In which shape to answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum OutputShape {
    /// Any JSON object.
    JsonObject,
    /// JSON by a schema.
    JsonSchema {
        /// What the caller calls it.
        name: Option<String>,
        /// What it is good for.
        description: Option<String>,
        /// JSON Schema.
        schema: Value,
        /// Whether the answer must keep to it.
        strict: Option<bool>,
    },
}

/// How words are picked. Sent only if the caller set it: some models reject a parameter even at its
/// default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Sampling {
    /// 0 to 2; to 1 for Anthropic.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// At least 1.
    pub top_k: Option<u32>,
    /// For answers that come out the same again.
    pub seed: Option<i64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
}

/// How much to think first. Vendors and even models of one vendor take the one or the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reasoning {
    /// In words.
    pub effort: Option<Effort>,
    /// In tokens.
    pub budget: Option<ThinkingBudget>,
    /// Whether the caller wants to see the thoughts; `None` leaves it to the vendor.
    pub shown: Option<bool>,
}

/// How hard to think, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// A lot.
    High,
    /// More than a lot.
    XHigh,
    /// Whatever it takes.
    Max,
}

/// How many tokens to think for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ThinkingBudget {
    /// None.
    Off,
    /// As many as the model finds right.
    Adaptive,
    /// At most so many.
    Tokens(u32),
}
