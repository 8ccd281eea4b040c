//! Answer: what a provider answered, ready for any number of callers, and what one of them sees of it.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::said::Said;
use crate::{
    attempt::Attempt,
    call::{Answered, withheld},
    catalogue::Catalogue,
    error::CallError,
    outcome::{About, Outcome, Provenance, ToolResult},
    protocol::{Completed, Completion, FinishReason, Found, Usage},
    search::Findings,
    streaming::{Event, Streaming},
};

/// What an entry costs besides its texts: keys, pointers, counters.
const OVERHEAD: usize = 512;

/// A provider's answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// What it says.
    pub said: Said,
    /// Who gave it.
    pub provider: Arc<str>,
    /// With which model; empty for a search.
    pub model: Arc<str>,
    /// What else there is to say about it.
    pub about: About,
}

/// An answer, as one caller gets it.
#[derive(Debug)]
pub struct Given {
    /// The answer.
    pub answer: Arc<Answer>,
    /// What the cache did; `None` for a tool that has none.
    pub status: Option<Status>,
    /// Who was asked for it, in order.
    pub attempts: Vec<Attempt>,
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
    /// An LLM's answer, and who was asked for it.
    ///
    /// # Errors
    /// [`CallError::Internal`] if it comes bit by bit.
    pub fn told(
        catalogue: &Catalogue,
        answered: Answered,
    ) -> Result<(Self, Vec<Attempt>), CallError> {
        let provider = answered.provider();
        let whole = answered.whole().ok_or(CallError::Internal)?;
        let answer = Self::complete(
            catalogue,
            provider,
            whole.model,
            whole.answer,
            whole.dropped,
        );
        Ok((answer, whole.attempts))
    }

    /// What `provider` answered with `model`, without these parameters.
    pub fn complete(
        catalogue: &Catalogue,
        provider: Arc<str>,
        model: Arc<str>,
        mut completion: Completion,
        dropped: Vec<Cow<'static, str>>,
    ) -> Self {
        let usage = completion.usage;
        let listed = catalogue
            .model_of(&provider, &model)
            .and_then(|info| info.cost(&usage));
        Self {
            said: Said::of(&mut completion),
            about: About::Completion {
                answered_by: completion.model.filter(|answered| **answered != *model),
                finish_reason: completion.finish,
                usage,
                cost_usd: usage.cost_usd.or(listed),
                // They are in what it says.
                images: Vec::new(),
                dropped_params: dropped,
            },
            provider,
            model,
        }
    }

    /// What a search found, and who was asked for it.
    pub fn found(answered: Answered<Found>) -> (Self, Vec<Attempt>) {
        let provider = answered.provider();
        let findings = Findings::new(answered.answer, answered.limit, answered.dropped);
        let answer = Self {
            said: Said::Text(findings.text().into()),
            provider,
            model: answered.model,
            about: About::Search(Arc::new(findings)),
        };
        (answer, answered.attempts)
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
        OVERHEAD + self.said.size() + about
    }

    /// Parameters that an LLM's provider did not take.
    pub fn dropped(&self) -> Vec<Cow<'static, str>> {
        match &self.about {
            About::Completion { dropped_params, .. } => dropped_params.clone(),
            About::Search(_) => Vec::new(),
        }
    }

    /// What an LLM said, with what it cost when it did; `None` for a search.
    pub fn completion(&self) -> Option<Completion> {
        let About::Completion {
            answered_by,
            finish_reason,
            usage,
            cost_usd,
            ..
        } = &self.about
        else {
            return None;
        };
        let mut completion = Completion {
            model: answered_by.clone(),
            usage: Usage {
                cost_usd: *cost_usd,
                ..*usage
            },
            finish: *finish_reason,
            ..Completion::default()
        };
        self.said.give(&mut completion);
        Some(completion)
    }
}

// === impl Given ===

impl Given {
    /// The outcome of a call. A hit costs nothing, and says what it would have cost. `tagged` says that
    /// the text begins with who answered.
    pub fn outcome(self, tagged: bool) -> Outcome {
        let Self {
            answer,
            status,
            attempts,
        } = self;
        let mut about = answer.about.clone();
        let mut saved = None;
        if let About::Completion {
            cost_usd, images, ..
        } = &mut about
        {
            if status == Some(Status::Hit) {
                saved = cost_usd.replace(0.0);
            }
            *images = answer.said.images();
        }
        let text = answer.said.text();
        let text = match tagged {
            true => format!("[{}] {text}", answer.provider).into(),
            false => text,
        };
        Outcome {
            result: ToolResult::Text(text),
            provenance: Some(Provenance {
                provider: answer.provider.clone(),
                model: answer.model.clone(),
                cached: status == Some(Status::Hit),
                cache: status,
                saved_usd: saved,
                about,
                attempts,
            }),
        }
    }

    /// The same for who wants a text.
    ///
    /// # Errors
    /// [`CallError::Rejected`] if there is none because the vendor or the model refused.
    pub fn answering(self) -> Result<Self, CallError> {
        let is_cut = matches!(
            self.answer.about,
            About::Completion {
                finish_reason: FinishReason::ContentFilter,
                ..
            }
        );
        let completion = is_cut.then(|| self.answer.completion()).flatten();
        match completion.and_then(|completion| completion.withheld()) {
            Some(failure) => Err(withheld(&self.answer.provider, &failure, self.attempts)),
            None => Ok(self),
        }
    }

    /// An LLM's answer as it comes through a door for SDKs, which may have asked for a stream.
    pub fn completed(&self, streams: bool) -> Option<Completed> {
        let mut completion = self.answer.completion()?;
        if !streams {
            return Some(Completed::Whole(completion));
        }
        // What was kept of a stream are events of the vendor's.
        let raw = completion.raw.take().map(Event::Raw);
        let events = raw.into_iter().chain(completion.into_events());
        Some(Completed::Streaming(
            Streaming::new(events.collect(), None).1,
        ))
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
