//! What is sealed and unsealed.

use actix::prelude::*;
use tokio::sync::oneshot;

use crate::envelope::Envelope;

/// Asks for what is in a request's envelope. It is opened once; whoever sends it again is refused.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Unseal {
    /// The request's method: the envelope is for it alone.
    pub method: &'static str,
    /// The request's path, likewise.
    pub path: &'static str,
    /// What was sent, of the key that its sender may use.
    pub envelope: Envelope,
    /// Where the answer goes. Dropped without one if the actor dies.
    pub reply: oneshot::Sender<Result<Vec<u8>, UnsealError>>,
}

/// Why an envelope stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// It is wrong in some way; nobody is told in which.
    #[error("the envelope cannot be opened")]
    Refused,
    /// It has been opened before.
    #[error("the envelope has been opened before")]
    Replayed,
    /// What was opened cannot be remembered, so nothing is opened.
    #[error("no more envelopes can be remembered now")]
    Full,
}

/// Asks for the envelope of an answer.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Seal {
    /// Method of the request that is answered.
    pub method: &'static str,
    /// Its path.
    pub path: &'static str,
    /// Whose key seals it.
    pub kid: String,
    /// The answer's own id.
    pub id: String,
    /// The id of the request's envelope: the answer is to that one alone.
    pub answers: String,
    /// What to seal.
    pub text: Vec<u8>,
    /// Where the envelope goes. Dropped without one if it cannot be sealed.
    pub reply: oneshot::Sender<Envelope>,
}

/// Who opens and seals envelopes, as doors see it.
#[derive(Debug, Clone)]
pub struct CryptoUp {
    /// Where requests are opened.
    pub unseals: Recipient<Unseal>,
    /// Where answers are sealed.
    pub seals: Recipient<Seal>,
}
