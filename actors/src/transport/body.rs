//! Body: a request's body, read whole, within limits.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::{StatusCode, header, header::HeaderMap},
    web,
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use crate::memory::Memory;

/// Largest request body: 10 MiB.
pub const MAX: usize = 10 * 1024 * 1024;
/// Longest time for a client to send the next piece of its body.
const PIECE: Duration = Duration::from_secs(8);
/// Longest time for a client to send all of it.
const WHOLE: Duration = Duration::from_secs(60);

/// What all bodies together may hold, in KiB: 256 MiB.
const BUDGET: usize = 256 * 1024;
/// A body up to this size, in bytes, is free: the number of connections bounds those.
const FREE: usize = 16 * 1024;

/// Why there is no body.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub enum BodyError {
    /// It is over [`MAX`].
    #[error("The request is larger than 10 MiB.")]
    TooLarge,
    /// The connection ended in the middle of it.
    #[error("The request's body broke off.")]
    Broken,
    /// The bodies of others hold all the memory there is for them.
    #[error("The hub has too many large requests at once. Try again in a second.")]
    Crowded,
    /// It did not arrive in time.
    #[error("The request's body did not arrive in time.")]
    Late,
}

/// Memory for bodies, shared by all callers of a door: what one reserves, others cannot have. Without
/// it a few hundred callers with unfinished bodies could have gigabytes.
pub struct Budget(Memory);

/// A body, and the memory that it holds until it is dropped.
pub struct Body {
    /// What was sent.
    pub bytes: Bytes,
    /// Kept as long as what was sent is in use.
    pub held: Option<OwnedSemaphorePermit>,
}

/// How large a body says that it is; 0 if it does not say.
pub fn announced(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}

/// Reads it. One that says it is too large is refused unread.
///
/// # Errors
/// [`BodyError`]
pub async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    budget: &Budget,
) -> Result<Body, BodyError> {
    let announced = announced(request.headers());
    if announced > MAX {
        return Err(BodyError::TooLarge);
    }
    let mut held = None;
    budget.reserve(announced, &mut held)?;
    let bytes = timeout(WHOLE, pieces(payload, budget, &mut held));
    let bytes = bytes.await.map_err(|_| BodyError::Late)??;
    Ok(Body { bytes, held })
}

async fn pieces(
    mut payload: web::Payload,
    budget: &Budget,
    held: &mut Option<OwnedSemaphorePermit>,
) -> Result<Bytes, BodyError> {
    let mut next = async || match timeout(PIECE, payload.next()).await {
        Ok(piece) => piece.transpose().map_err(|_| BodyError::Broken),
        Err(_elapsed) => Err(BodyError::Late),
    };
    let Some(first) = next().await? else {
        return Ok(Bytes::new());
    };
    // Most bodies come in one piece, and need no copy.
    let Some(second) = next().await? else {
        return Ok(first);
    };
    let mut body = BytesMut::from(first);
    let mut piece = Some(second);
    while let Some(more) = piece {
        if body.len() + more.len() > MAX {
            return Err(BodyError::TooLarge);
        }
        budget.reserve(body.len() + more.len(), held)?;
        body.extend_from_slice(&more);
        piece = next().await?;
    }
    Ok(body.freeze())
}

/// Whether a request says that its body is JSON. A browser sends this type across sites only after
/// asking, so no page can call by surprise.
pub fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else {
        return false;
    };
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 5 && essence.to_ascii_lowercase().ends_with("+json"))
}

// === impl Budget ===

impl Default for Budget {
    fn default() -> Self {
        Self(Memory::of_kib(BUDGET))
    }
}

impl Budget {
    /// Makes `held` stand for `bytes`.
    ///
    /// # Errors
    /// [`BodyError::Crowded`]
    pub(super) fn reserve(
        &self,
        bytes: usize,
        held: &mut Option<OwnedSemaphorePermit>,
    ) -> Result<(), BodyError> {
        if bytes <= FREE {
            return Ok(());
        }
        let reserved = self.0.reserve(bytes, FREE, held);
        reserved.map_err(|_| BodyError::Crowded)
    }
}

// === impl BodyError ===

impl BodyError {
    /// The status that fits.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The machine word.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "payload_too_large",
            Self::Broken => "bad_request",
            Self::Late => "request_timeout",
            Self::Crowded => "overloaded",
        }
    }
}
