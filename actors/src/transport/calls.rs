//! The calls log: one line for each call of any door, without what was asked or answered.

use tokio::time::Instant;

use crate::{cache::Status, error::CallError, params::clip, tools::Outcome};

/// A call that is logged when it ends. Dropped before, it was cancelled, or its client hung up.
pub struct Logged {
    /// Empty once the line is written.
    tool: Option<String>,
    request_id: String,
    received: Instant,
}

// === impl Logged ===

impl Logged {
    /// Remembers the tool's name, which may be anything and of any length, if calls are logged at
    /// all.
    pub fn new(tool: &str, request_id: &str, received: Instant) -> Option<Self> {
        tracing::enabled!(target: "calls", tracing::Level::INFO).then(|| Self {
            tool: Some(clip(tool)),
            request_id: request_id.to_owned(),
            received,
        })
    }

    /// Writes the line.
    pub fn end(mut self, ms: u64, outcome: &Result<Outcome, CallError>) {
        let Some(tool) = self.tool.take() else {
            return;
        };
        let request_id = self.request_id.as_str();
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
                cache = p.cache.map(Status::word),
                "answered"
            ),
            Ok(_) => tracing::info!(target: "calls", request_id, tool, ms, "answered"),
            Err(error) => {
                tracing::info!(target: "calls", request_id, tool, ms, code = error.code(), "failed");
            }
        }
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        if let Some(tool) = self.tool.take() {
            let request_id = self.request_id.as_str();
            let ms = milliseconds(self.received);
            tracing::info!(target: "calls", request_id, tool, ms, "cancelled");
        }
    }
}

/// How long ago a call came in.
pub fn milliseconds(received: Instant) -> u64 {
    u64::try_from(received.elapsed().as_millis()).unwrap_or(u64::MAX)
}
