//! Attempt: one provider's part in a call, as callers see it.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::protocol::FailureKind;

/// One provider's part in a call, as `meta.attempts` shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attempt {
    /// Who was asked.
    #[schema(value_type = String)]
    pub provider: Arc<str>,
    /// For which model; not there for a search.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(value_type = String)]
    pub model: Arc<str>,
    /// How it ended: `ok`, or a word for what went wrong.
    #[serde(serialize_with = "outcome")]
    #[schema(value_type = String)]
    pub outcome: Result<(), FailureKind>,
    /// The vendor's last HTTP status, if one came.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Requests sent to the vendor, if the provider lived to count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries: Option<u32>,
}

fn outcome<S: Serializer>(
    outcome: &Result<(), FailureKind>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match outcome {
        Ok(()) => "ok",
        Err(kind) => kind.word(),
    })
}

// === impl Attempt ===

impl Attempt {
    /// `anthropic:500`; the outcome's word where the status does not tell it.
    pub fn brief(&self) -> String {
        match (self.status, self.outcome) {
            (Some(status @ 300..), _) | (Some(status), Ok(())) => {
                format!("{}:{status}", self.provider)
            }
            (None, Ok(())) => format!("{}:ok", self.provider),
            (_, Err(kind)) => format!("{}:{}", self.provider, kind.word()),
        }
    }
}
