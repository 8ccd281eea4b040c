//! Embedding: what only questions for vectors need. `plan` says who is asked, `run` asks.
//!
//! Vectors of two models cannot be compared, so whoever fails, no other model is ever asked.

mod plan;
mod run;

use std::sync::Arc;

pub use self::{
    plan::{Embedder, find, lookup, wrong_door},
    run::{Embedding, run},
};
use crate::{
    catalogue::EmbeddingModels,
    protocol::{Embedded, EmbeddingInput, EmbeddingRequest, Usage, Vectors},
    request::Request,
};

/// Longest answer with vectors: 2,048 of 3,072 numbers in base64, the largest that OpenAI gives, are 32 MiB.
const MAX_VECTORS: usize = 40 * 1024 * 1024;
/// What one vector takes as a rule: 1,536 numbers of 16 characters.
const USUAL_VECTOR: usize = 1536 * 16;
/// What an answer may hold besides.
const ANYWAY: usize = 1024 * 1024;
/// What one vector takes at most: 4,096 numbers of 32 characters.
const MAX_VECTOR: usize = 4096 * 32;

// === impl EmbeddingRequest ===

impl Request for EmbeddingRequest {
    type Answer = Embedded;
    type Offer = EmbeddingModels;

    const CHECK: &'static str = "Check the input, its length, and the dimensions.";

    /// Vectors have no limit of the configuration's.
    fn within(self: &Arc<Self>, _: u32) -> Arc<Self> {
        self.clone()
    }

    fn most(&self) -> usize {
        (ANYWAY + self.input.count().saturating_mul(MAX_VECTOR)).min(MAX_VECTORS)
    }

    fn join(parts: Vec<Embedded>) -> Option<Embedded> {
        let mut parts = parts.into_iter();
        let first = parts.next()?;
        parts.try_fold(first, Embedded::and)
    }

    fn says(answer: &Embedded, sought: &dyn Fn(&str) -> bool) -> bool {
        let raw = match &answer.vectors {
            // Without a backslash in it, its texts stand in it as they are.
            Vectors::Raw(body) => str::from_utf8(body).map_or(true, sought),
            Vectors::Read(_) => false,
        };
        raw || answer.model.as_deref().is_some_and(sought)
    }

    #[cfg(feature = "fixtures")]
    fn text(&self) -> &str {
        self.input.first()
    }

    #[cfg(feature = "fixtures")]
    fn echo(&self) -> Embedded {
        Embedded {
            vectors: Vectors::Read(vec![vec![0.5, -1.0]; self.input.count()]),
            dimensions: 2,
            model: None,
            usage: Usage::default(),
        }
    }
}

impl EmbeddingRequest {
    /// How long an answer is, in bytes, as answers are: most vectors have no more than 1,536 numbers.
    pub fn weight(&self) -> usize {
        self.input
            .count()
            .saturating_mul(USUAL_VECTOR)
            .min(MAX_VECTORS)
    }
}

// === impl EmbeddingInput ===

impl EmbeddingInput {
    /// How many vectors are asked for.
    pub fn count(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Tokens(count) => *count,
        }
    }

    /// The first text; empty if there is none.
    pub fn first(&self) -> &str {
        match self {
            Self::Texts(texts) => texts.first().map_or("", String::as_str),
            Self::Tokens(_) => "",
        }
    }
}

// === impl Embedded ===

impl Embedded {
    /// Both, one behind the other; `None` if they do not fit together.
    fn and(mut self, more: Self) -> Option<Self> {
        let (Vectors::Read(vectors), Vectors::Read(others)) = (&mut self.vectors, more.vectors)
        else {
            return None;
        };
        if self.dimensions != more.dimensions {
            return None;
        }
        vectors.extend(others);
        self.usage = Usage {
            input_tokens: self.usage.input_tokens + more.usage.input_tokens,
            ..self.usage
        };
        Some(self)
    }
}
