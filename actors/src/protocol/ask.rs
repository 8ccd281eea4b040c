//! What a provider is asked, whatever it is, and what it says at last.

use std::{borrow::Cow, sync::Arc};

use actix::prelude::*;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};

use super::{Completed, CompletionRequest, EmbeddingRequest, Failure, SearchRequest};
use crate::request::Request;

/// Asks a provider for one answer.
///
/// The answer goes through `reply`, not through the mailbox: a provider that dies drops the sender,
/// so its caller learns of the crash at once; a caller that goes away drops the receiver, so the
/// provider hangs up on the vendor at once.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ask<R: Request> {
    /// What is asked.
    pub request: Arc<R>,
    /// The model, already resolved for this provider; empty for a search.
    pub model: Arc<str>,
    /// When the hop's share of the call's time ends.
    pub deadline: Instant,
    /// Taken from the provider's [`permits`](super::ProviderUp::permits); released when the work ends.
    pub permit: OwnedSemaphorePermit,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Reply<R::Answer>>,
}

/// Asks a provider for one completion.
pub type Complete = Ask<CompletionRequest>;

/// Asks a provider for one search of the web.
pub type Search = Ask<SearchRequest>;

/// Asks a provider for vectors.
pub type Embed = Ask<EmbeddingRequest>;

/// A provider's last word on one [`Ask`].
#[derive(Debug)]
pub struct Reply<A = Completed> {
    /// The answer, or why there is none.
    pub outcome: Result<A, Failure>,
    /// Requests made to the vendor, 1 without a retry; 0 if none was sent.
    pub tries: u32,
    /// Parameters that the caller set and the vendor does not have.
    pub dropped: Vec<Cow<'static, str>>,
}
