//! The calls' record: one line in the log and one in the audit for each call of any door, without what
//! was asked or answered.

use std::{sync::Arc, time::SystemTime};

use tokio::time::Instant;

use super::lobby::Lobby;
use crate::{
    audit::{Audited, Trail},
    cache::Status,
    catalogue::ModelInfo,
    chat::Chatted,
    error::CallError,
    outcome::{About, Outcome},
    params::clip,
    principal::Principal,
    protocol::Usage,
};

/// A call that is put down when it ends. Dropped before, it was cancelled, or its client hung up.
pub struct Recorded {
    /// Empty once it is put down.
    tool: Option<String>,
    door: &'static str,
    principal: Arc<Principal>,
    request_id: String,
    received: Instant,
    trail: Trail,
    /// Who answers, of a conversation that does not end with its first part.
    answering: Option<Answering>,
}

/// Who answers a conversation, and what it came to.
struct Answering {
    provider: Arc<str>,
    model: Arc<str>,
    /// What the configuration says of the model.
    info: Option<Arc<ModelInfo>>,
    attempts: usize,
    first_ms: u64,
    usage: Usage,
    cache: Option<Status>,
}

/// How a call ended.
#[derive(Default)]
struct End<'a> {
    ms: u64,
    outcome: &'static str,
    provider: Option<&'a Arc<str>>,
    model: Option<&'a Arc<str>>,
    attempts: Option<usize>,
    cost_usd: Option<f64>,
    cache: Option<Status>,
    first_ms: Option<u64>,
    usage: Option<Usage>,
}

// === impl Recorded ===

impl Recorded {
    /// Remembers a call to `tool`, whose name may be anything and of any length, if calls are put
    /// down at all.
    pub fn new(
        lobby: &Lobby,
        door: &'static str,
        principal: &Arc<Principal>,
        tool: &str,
        request_id: &str,
        received: Instant,
    ) -> Option<Self> {
        let kept =
            lobby.trail.is_kept() || tracing::enabled!(target: "calls", tracing::Level::INFO);
        kept.then(|| Self {
            tool: Some(clip(tool)),
            door,
            principal: principal.clone(),
            request_id: request_id.to_owned(),
            received,
            trail: lobby.trail.clone(),
            answering: None,
        })
    }

    /// The first part of a conversation's answer is in, or all of it.
    pub fn answering<A>(&mut self, chatted: &Chatted<A>) {
        self.answering = Some(Answering {
            provider: chatted.provider.clone(),
            model: chatted.model.clone(),
            info: chatted.info.clone(),
            attempts: chatted.attempts.len(),
            first_ms: milliseconds(self.received),
            usage: Usage::default(),
            cache: chatted.cache,
        });
    }

    /// What the vendor has counted up to now.
    pub fn used(&mut self, usage: &Usage) {
        if let Some(answering) = &mut self.answering {
            answering.usage = *usage;
        }
    }

    /// Puts a conversation down: its answer is complete, or broke off for this reason.
    pub fn said(mut self, broke_off: Option<&'static str>) {
        self.put_down_conversation(broke_off.unwrap_or("ok"));
    }

    /// Puts down a call that failed.
    pub fn failed(mut self, code: &'static str) {
        self.put_down_conversation(code);
    }

    /// Puts it down.
    pub fn end(mut self, ms: u64, outcome: &Result<Outcome, CallError>) {
        let (word, provenance) = match outcome {
            Ok(outcome) => ("ok", outcome.provenance.as_ref()),
            Err(error) => (error.code(), None),
        };
        let (cost_usd, usage) = match provenance.map(|p| &p.about) {
            Some(About::Completion {
                cost_usd, usage, ..
            }) => (*cost_usd, Some(*usage)),
            Some(About::Search(_)) | None => (None, None),
        };
        self.put_down(&End {
            ms,
            outcome: word,
            provider: provenance.map(|p| &p.provider),
            model: provenance.map(|p| &p.model),
            attempts: provenance.map(|p| p.attempts.len()),
            cost_usd,
            cache: provenance.and_then(|p| p.cache),
            first_ms: None,
            usage,
        });
    }

    fn put_down_conversation(&mut self, outcome: &'static str) {
        let ms = milliseconds(self.received);
        let Some(about) = self.answering.take() else {
            return self.put_down(&End {
                ms,
                outcome,
                ..End::default()
            });
        };
        let listed = || about.info.and_then(|info| info.cost(&about.usage));
        let cost_usd = match about.cache {
            // It was paid for before.
            Some(Status::Hit) => Some(0.0),
            _ => about.usage.cost_usd.or_else(listed),
        };
        self.put_down(&End {
            ms,
            outcome,
            provider: Some(&about.provider),
            model: Some(&about.model),
            attempts: Some(about.attempts),
            cost_usd,
            cache: about.cache,
            first_ms: Some(about.first_ms),
            usage: Some(about.usage),
        });
    }

    fn put_down(&mut self, end: &End<'_>) {
        let Some(tool) = self.tool.take() else {
            return;
        };
        let End { ms, outcome, .. } = *end;
        let (word, code) = match outcome {
            "ok" => ("answered", None),
            "cancelled" => ("cancelled", None),
            code => ("failed", Some(code)),
        };
        tracing::info!(
            target: "calls",
            request_id = self.request_id,
            principal = &*self.principal.name,
            door = self.door,
            tool,
            ms,
            first_ms = end.first_ms,
            provider = end.provider.map(|name| &**name),
            model = end.model.map(|name| &**name),
            attempts = end.attempts,
            input_tokens = end.usage.map(|usage| usage.input_tokens),
            output_tokens = end.usage.map(|usage| usage.output_tokens),
            cost_usd = end.cost_usd,
            cache = end.cache.map(Status::word),
            code,
            "{word}"
        );
        self.trail.leave(Audited {
            at: SystemTime::now(),
            principal: self.principal.id.clone(),
            name: self.principal.name.clone(),
            door: self.door,
            what: tool,
            provider: end.provider.cloned().unwrap_or_default(),
            model: end.model.cloned().unwrap_or_default(),
            outcome,
            cost_usd: end.cost_usd,
            ms,
            request_id: std::mem::take(&mut self.request_id),
        });
    }
}

impl Drop for Recorded {
    /// Nobody waited for the end.
    fn drop(&mut self) {
        if self.tool.is_some() {
            self.put_down_conversation("cancelled");
        }
    }
}

/// How long ago a call came in.
pub fn milliseconds(received: Instant) -> u64 {
    u64::try_from(received.elapsed().as_millis()).unwrap_or(u64::MAX)
}
