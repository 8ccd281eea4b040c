//! Answer: what is kept of a call that a provider answered, and what a caller sees of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    attempt::Attempt,
    tools::{About, Outcome, Provenance, ToolResult},
};

/// What an entry costs besides its texts: keys, pointers, counters.
const OVERHEAD: usize = 512;

/// A provider's answer, ready for any number of callers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The text.
    pub text: Arc<str>,
    /// Who gave it.
    pub provider: Arc<str>,
    /// With which model; empty for a search.
    pub model: Arc<str>,
    /// What else there is to say about it.
    pub about: About,
}

/// What the cache did for a call, as `meta.cache` and `X-Hub-Cache` say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CacheStatus)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The answer was there, or another call was about to get it: this one cost nothing.
    Hit,
    /// A provider was asked.
    Miss,
    /// The caller did not want the cache to be used.
    Bypass,
}

// === impl Answer ===

impl Answer {
    /// Takes an answer out of the outcome of a call, with who was asked for it; `None` if no provider
    /// gave it.
    pub fn of(outcome: Outcome) -> Option<(Self, Vec<Attempt>)> {
        let (ToolResult::Text(text), Some(provenance)) = (outcome.result, outcome.provenance)
        else {
            return None;
        };
        let Provenance {
            provider,
            model,
            about,
            attempts,
            ..
        } = provenance;
        let answer = Self {
            text: text.into(),
            provider,
            model,
            about,
        };
        Some((answer, attempts))
    }

    /// The answer for a caller who was served with `status`. A hit costs nothing, and says what it
    /// would have cost.
    pub fn outcome(&self, status: Status, attempts: Vec<Attempt>) -> Outcome {
        let mut about = self.about.clone();
        let mut saved = None;
        if let (Status::Hit, About::Completion { cost_usd, .. }) = (status, &mut about) {
            saved = cost_usd.replace(0.0);
        }
        Outcome {
            result: ToolResult::Kept(self.text.clone()),
            provenance: Some(Provenance {
                provider: self.provider.clone(),
                model: self.model.clone(),
                cached: status == Status::Hit,
                cache: Some(status),
                saved_usd: saved,
                about,
                attempts,
            }),
        }
    }

    /// Bytes that it takes, roughly.
    pub fn size(&self) -> usize {
        let about = match &self.about {
            About::Completion { .. } => 0,
            About::Search(findings) => {
                let hit = |hit: &crate::protocol::Hit| {
                    size_of_val(hit) + hit.title.len() + hit.url.len() + hit.snippet.len()
                };
                let answer = findings.answer.as_ref().map_or(0, String::len);
                answer + findings.results.iter().map(hit).sum::<usize>()
            }
        };
        OVERHEAD + self.text.len() + about
    }
}

// === impl Status ===

impl Status {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }
}
