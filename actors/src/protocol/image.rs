//! An image at an address, and what is there.

use actix::prelude::*;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Asks for the image at an address that a caller has named: nothing of it is trusted.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct FetchImage {
    /// Where it is, as the caller wrote it.
    pub url: String,
    /// Where the answer goes. Dropped without one if the actor dies; who drops it before ends the
    /// fetching.
    pub reply: oneshot::Sender<Result<FetchedImage, FetchError>>,
}

/// An image, as formats have it inside a request.
#[derive(Debug)]
pub struct FetchedImage {
    /// What its first bytes say that it is: `image/png`.
    pub media_type: &'static str,
    /// In base64 (RFC 4648, section 4).
    pub data: String,
    /// Its part of the memory that all images have together, in KiB of `data`. Held as long as the
    /// image is.
    pub room: OwnedSemaphorePermit,
}

/// Why there is no image. None of them tells what is or is not at an address that is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It is no address that is read at all: another scheme, a port, a name and password in it.
    #[error("the address is not of the form that is read")]
    Address,
    /// Nothing that may be asked answers there: an unknown name, an address that is not public, no
    /// connection, no certificate. No difference is made between them.
    #[error("nothing public answers at the address")]
    Unreachable,
    /// The server did not send it, or not all of it.
    #[error("the server does not answer with it")]
    Refused,
    /// The address leads to another, that one to the next, and so on.
    #[error("too many redirects")]
    Redirects,
    /// It is too large, alone or with the call's others.
    #[error("too large")]
    TooLarge,
    /// The call has too many.
    #[error("too many images")]
    TooMany,
    /// The bytes are no image of a known kind.
    #[error("no image")]
    NotAnImage,
    /// It did not come in time.
    #[error("too slow")]
    TooSlow,
    /// Images of others take all the memory there is for them, or all places to wait.
    #[error("too many images of others")]
    Busy,
    /// The fetcher ended, or is being restarted.
    #[error("the fetcher does not run")]
    Unavailable,
}
