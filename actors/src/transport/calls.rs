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
    params::clip,
    principal::Principal,
    protocol::Usage,
    tools::{About, Outcome, Provenance},
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
    price: Option<Arc<ModelInfo>>,
    attempts: usize,
    first_ms: u64,
    usage: Usage,
}

/// How a call ended.
struct End<'a> {
    ms: u64,
    outcome: &'static str,
    provenance: Option<&'a Provenance>,
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
    pub fn answering(&mut self, chatted: &Chatted) {
        self.answering = Some(Answering {
            provider: chatted.provider.clone(),
            model: chatted.model.clone(),
            price: chatted.price.clone(),
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

    /// Puts a conversation down: its answer is complete, or broke off for this reason.
    pub fn said(mut self, broke_off: Option<&'static str>) {
        self.put_down(&End {
            ms: milliseconds(self.received),
            outcome: broke_off.unwrap_or("ok"),
            provenance: None,
        });
    }

    /// Puts down a call that failed.
    pub fn failed(mut self, code: &'static str) {
        self.put_down(&End {
            ms: milliseconds(self.received),
            outcome: code,
            provenance: None,
        });
    }

    /// Puts it down.
    pub fn end(mut self, ms: u64, outcome: &Result<Outcome, CallError>) {
        let (word, provenance) = match outcome {
            Ok(outcome) => ("ok", outcome.provenance.as_ref()),
            Err(error) => (error.code(), None),
        };
        self.put_down(&End {
            ms,
            outcome: word,
            provenance,
        });
    }

    fn put_down(&mut self, end: &End<'_>) {
        let Some(tool) = self.tool.take() else {
            return;
        };
        let End { ms, outcome, .. } = *end;
        let told = self.answering.take();
        let told = told.as_ref();
        let provider = end.provenance.map(|p| &p.provider);
        let provider = provider.or(told.map(|told| &told.provider));
        let model = end.provenance.map(|p| &p.model);
        let model = model.or(told.map(|told| &told.model));
        let cost_usd = end.provenance.and_then(|p| match p.about {
            About::Completion { cost_usd, .. } => cost_usd,
            About::Search(_) => None,
        });
        let cost_usd = cost_usd.or_else(|| told?.cost());
        let attempts = end.provenance.map(|p| p.attempts.len());
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
            provider = provider.map(|name| &**name),
            model = model.map(|name| &**name),
            attempts = attempts.or(told.map(|told| told.attempts)),
            first_ms = told.map(|told| told.first_ms),
            input_tokens = told.map(|told| told.usage.input_tokens),
            output_tokens = told.map(|told| told.usage.output_tokens),
            cost_usd,
            cache = end.provenance.and_then(|p| p.cache).map(Status::word),
            code,
            "{word}"
        );
        self.trail.leave(Audited {
            at: SystemTime::now(),
            principal: self.principal.id.clone(),
            name: self.principal.name.clone(),
            door: self.door,
            what: tool,
            provider: provider.cloned().unwrap_or_default(),
            model: model.cloned().unwrap_or_default(),
            outcome,
            cost_usd,
            ms,
            request_id: std::mem::take(&mut self.request_id),
        });
    }
}

// === impl Answering ===

impl Answering {
    /// US dollars, where known.
    fn cost(&self) -> Option<f64> {
        let listed = || self.price.as_ref()?.cost(&self.usage);
        self.usage.cost_usd.or_else(listed)
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        if self.tool.is_some() {
            self.put_down(&End {
                ms: milliseconds(self.received),
                outcome: "cancelled",
                provenance: None,
            });
        }
    }
}

/// How long ago a call came in.
pub fn milliseconds(received: Instant) -> u64 {
    u64::try_from(received.elapsed().as_millis()).unwrap_or(u64::MAX)
}
