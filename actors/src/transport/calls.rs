//! The calls log: one line for each call of any door, without what was asked or answered.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{chat::Chatted, error::CallError, params::clip, protocol::Usage, tools::Outcome};

/// A call that is logged when it ends. Dropped before, it was cancelled, or its client hung up.
pub struct Logged {
    /// Empty once the line is written.
    tool: Option<String>,
    request_id: String,
    received: Instant,
    /// Who answers, of a conversation that does not end with its first part.
    answering: Option<Answering>,
}

/// Who answers a conversation, and what it came to.
struct Answering {
    provider: Arc<str>,
    model: Arc<str>,
    attempts: usize,
    first_ms: u64,
    usage: Usage,
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
            answering: None,
        })
    }

    /// The first part of a conversation's answer is in, or all of it.
    pub fn answering(&mut self, chatted: &Chatted) {
        self.answering = Some(Answering {
            provider: chatted.provider.clone(),
            model: chatted.model.clone(),
            attempts: chatted.attempts.len(),
            first_ms: milliseconds(self.received),
            usage: Usage::default(),
        });
    }

    /// What the vendor has counted up to now.
    pub fn used(&mut self, usage: &Usage) {
        if let Some(answering) = &mut self.answering {
            answering.usage = *usage;
        }
    }

    /// Writes the line of a conversation: its answer is complete, or broke off for this reason.
    pub fn said(mut self, broke_off: Option<&'static str>) {
        let (Some(tool), Some(about)) = (self.tool.take(), self.answering.take()) else {
            return;
        };
        tracing::info!(
            target: "calls",
            request_id = self.request_id.as_str(), tool, ms = milliseconds(self.received),
            first_ms = about.first_ms,
            provider = &*about.provider,
            model = &*about.model,
            attempts = about.attempts,
            input_tokens = about.usage.input_tokens,
            output_tokens = about.usage.output_tokens,
            code = broke_off,
            "{}", if broke_off.is_some() { "broke off" } else { "answered" }
        );
    }

    /// Writes the line of a call that failed.
    pub fn failed(mut self, code: &'static str) {
        let (request_id, ms) = (self.request_id.as_str(), milliseconds(self.received));
        if let Some(tool) = self.tool.take() {
            tracing::info!(target: "calls", request_id, tool, ms, code, "failed");
        }
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
