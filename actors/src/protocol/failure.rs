//! Why a provider did not answer, and what to do about it.

use std::{borrow::Cow, time::Duration};

/// Why a provider did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// What to do about it.
    pub class: Class,
    /// The vendor's HTTP status, if one came.
    pub status: Option<u16>,
    /// How long the vendor asks to wait.
    pub retry_after: Option<Duration>,
    /// The vendor's own machine word for it (`overloaded_error`). One that we know: nothing that a
    /// hostile upstream echoes can travel in it.
    pub word: Option<&'static str>,
    /// What the caller can do about it: a sentence of our own.
    pub advice: Option<Cow<'static, str>>,
}

/// What happened, as the word that `attempts[].outcome` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FailureKind {
    /// No connection: refused, unknown host, TLS.
    #[error("could not be reached")]
    Unreachable,
    /// The connection broke off before the answer was complete.
    #[error("broke off in the middle of its answer")]
    Interrupted,
    /// No complete answer within the hop's share of the deadline.
    #[error("did not answer in time")]
    Timeout,
    /// Too many requests; later is better.
    #[error("asks for fewer requests")]
    RateLimited,
    /// The account's quota, credit or spend limit is used up.
    #[error("has no quota left on this key")]
    QuotaExhausted,
    /// The key is wrong or may not do this.
    #[error("does not accept the key")]
    Unauthorized,
    /// The vendor does not know the model.
    #[error("does not know the model, or not the address")]
    ModelNotFound,
    /// The vendor is failing or overloaded (5xx, 408, 409, 529).
    #[error("is failing")]
    ServerError,
    /// The request itself is at fault; another provider would say the same.
    #[error("rejected the request")]
    Rejected,
    /// The answer is not in the format it should be.
    #[error("sent an answer that could not be read")]
    Malformed,
    /// An image of the request could not be fetched for a provider that reads no addresses.
    #[error("was not asked, for an image could not be fetched")]
    ImageNotFetched,
    /// The answer is larger than the hub accepts.
    #[error("sent an answer over the size limit")]
    TooLarge,
    /// All of the provider's permits stayed taken.
    #[error("is at its limit of parallel requests")]
    Busy,
    /// The provider's actor ended during the call, or is being restarted.
    #[error("crashed and is being restarted")]
    Crashed,
    /// The provider is in the configuration, and switched off or without its key.
    #[error("is not set up")]
    NotConfigured,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Ask the same provider again, after a pause.
    RetrySame,
    /// Go to the next provider at once.
    NextNow,
    /// Tell the caller: no provider would answer this.
    Stop,
}
