//! The calls log: one line for each call of any door, without what was asked or answered.

use crate::{error::CallError, params::clip, tools::Outcome};

/// A call that is logged when it ends.
pub struct Logged(String);

// === impl Logged ===

impl Logged {
    /// Remembers the tool's name, which may be anything and of any length, if calls are logged at
    /// all.
    pub fn new(tool: &str) -> Option<Self> {
        tracing::enabled!(target: "calls", tracing::Level::INFO).then(|| Self(clip(tool)))
    }

    /// Writes the line.
    pub fn end(self, request_id: &str, ms: u64, outcome: &Result<Outcome, CallError>) {
        let tool = self.0.as_str();
        match outcome {
            Ok(Outcome {
                provenance: Some(p),
                ..
            }) => tracing::info!(
                target: "calls",
                request_id, tool, ms,
                provider = &*p.provider,
                model = &*p.model,
                attempts = p.attempts.len(),
                "answered"
            ),
            Ok(_) => tracing::info!(target: "calls", request_id, tool, ms, "answered"),
            Err(error) => {
                tracing::info!(target: "calls", request_id, tool, ms, code = error.code(), "failed");
            }
        }
    }
}
