//! Failure: what a provider's failure is called.

use crate::protocol::{Class, Failure, FailureKind};

// === impl Failure ===

impl Failure {
    /// A failure without a vendor's word, status or delay.
    pub fn new(kind: FailureKind, class: Class) -> Self {
        Self {
            kind,
            class,
            status: None,
            retry_after: None,
            word: None,
            advice: None,
        }
    }
}

// === impl FailureKind ===

impl FailureKind {
    /// The word in `attempts[].outcome`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Interrupted => "interrupted",
            Self::Timeout => "timeout",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Unauthorized => "unauthorized",
            Self::ModelNotFound => "model_not_found",
            Self::ServerError => "server_error",
            Self::Rejected => "rejected",
            Self::Malformed => "malformed",
            Self::ImageNotFetched => "image_not_fetched",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::Crashed => "crashed",
            Self::NotConfigured => "not_configured",
        }
    }
}
