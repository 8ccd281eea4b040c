//! Request: what a call needs to know of a kind of question, so that one chain serves them all.

use std::{fmt, sync::Arc};

use crate::{
    catalogue::{Models, Results},
    protocol::{Completed, CompletionRequest, Found, Freshness, ProviderUp, SearchRequest},
    streaming::Streaming,
};
#[cfg(feature = "fixtures")]
use crate::{conversation::Part, protocol::Completion};

/// A kind of question that providers answer.
pub trait Request: fmt::Debug + Send + Sync + 'static {
    /// What answers it.
    type Answer: fmt::Debug + Send + 'static;
    /// What the configuration says that a provider has to offer for it.
    type Offer: fmt::Debug + Clone + Send + Sync + 'static;

    /// What a caller should look at when a vendor rejects it.
    const CHECK: &'static str;

    /// The same question within a limit: tokens or hits. Copied only if it must change.
    fn within(self: &Arc<Self>, limit: u32) -> Arc<Self>;

    /// The same question as a vendor got it: as it came, or in other words.
    fn sent(self: &Arc<Self>, _raw: bool) -> Arc<Self> {
        self.clone()
    }

    /// Whether one of an answer's texts is what `sought` looks for.
    fn says(answer: &Self::Answer, sought: &dyn Fn(&str) -> bool) -> bool;

    /// An answer that comes bit by bit, if the question can have one.
    fn streaming(_stream: Streaming) -> Option<Self::Answer> {
        None
    }

    /// A whole answer in the way that was asked for.
    fn as_asked(&self, answer: Self::Answer) -> Self::Answer {
        answer
    }

    /// Its text, which tells a provider that fails on demand how to fail.
    #[cfg(feature = "fixtures")]
    fn text(&self) -> &str;

    /// What such a provider answers if it is not to fail.
    #[cfg(feature = "fixtures")]
    fn echo(&self) -> Self::Answer;
}

// === impl CompletionRequest ===

impl Request for CompletionRequest {
    type Answer = Completed;
    type Offer = Models;

    const CHECK: &'static str = "Check the prompt, the model and the limits.";

    fn within(self: &Arc<Self>, limit: u32) -> Arc<Self> {
        let fits = match self.max_tokens {
            Some(asked) => asked <= limit,
            None => self.ceiling == limit,
        };
        if fits {
            return self.clone();
        }
        Arc::new(Self {
            max_tokens: self.max_tokens.map(|asked| asked.min(limit)),
            ceiling: limit,
            ..Self::clone(self)
        })
    }

    fn sent(self: &Arc<Self>, raw: bool) -> Arc<Self> {
        if raw || self.raw.is_none() {
            return self.clone();
        }
        Arc::new(Self {
            raw: None,
            ..Self::clone(self)
        })
    }

    fn says(answer: &Completed, sought: &dyn Fn(&str) -> bool) -> bool {
        match answer {
            Completed::Whole(completion) => completion.says(sought),
            // Its events are looked at one by one as they come.
            Completed::Streaming(_) => false,
        }
    }

    fn streaming(stream: Streaming) -> Option<Completed> {
        Some(Completed::Streaming(stream))
    }

    fn as_asked(&self, answer: Completed) -> Completed {
        if self.stream {
            Completed::Streaming(answer.streaming())
        } else {
            answer
        }
    }

    #[cfg(feature = "fixtures")]
    fn text(&self) -> &str {
        self.conversation.last_text()
    }

    #[cfg(feature = "fixtures")]
    fn echo(&self) -> Completed {
        self.as_asked(Completed::Whole(Completion {
            parts: vec![Part::text(format!("echo: {}", self.text()))],
            ..Completion::default()
        }))
    }
}

// === impl SearchRequest ===

impl Request for SearchRequest {
    type Answer = Found;
    type Offer = Results;

    const CHECK: &'static str = "Check the query and what narrows it down.";

    fn within(self: &Arc<Self>, limit: u32) -> Arc<Self> {
        if self.max_results == limit {
            return self.clone();
        }
        Arc::new(Self {
            max_results: limit,
            ..Self::clone(self)
        })
    }

    fn says(answer: &Found, sought: &dyn Fn(&str) -> bool) -> bool {
        let hits = answer.hits.iter().flat_map(|hit| {
            let age = hit.age.as_deref();
            [
                Some(hit.title.as_str()),
                Some(&hit.url),
                Some(&hit.snippet),
                age,
            ]
        });
        let mut texts = hits.chain([answer.answer.as_deref()]).flatten();
        texts.any(sought)
    }

    #[cfg(feature = "fixtures")]
    fn text(&self) -> &str {
        &self.query
    }

    #[cfg(feature = "fixtures")]
    fn echo(&self) -> Found {
        Found {
            answer: Some(format!("echo: {}", self.query)),
            hits: Vec::new(),
        }
    }
}

// === impl Freshness ===

impl Freshness {
    /// The words that callers and most vendors use.
    pub const WORDS: [&'static str; 4] = ["day", "week", "month", "year"];

    /// Reads one of the words, in any case.
    pub fn read(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            "year" => Some(Self::Year),
            _ => None,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

// === impl ProviderUp ===

// Derived, it would ask for a question that can be copied.
impl<R: Request> Clone for ProviderUp<R> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            calls: self.calls.clone(),
            permits: self.permits.clone(),
            life: self.life.clone(),
        }
    }
}
