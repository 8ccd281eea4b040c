//! Body: a request's body, read whole, within limits.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web,
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::timeout;

/// Largest request body: 10 MiB.
pub const MAX: usize = 10 * 1024 * 1024;
/// Longest time for a client to send the next piece of its body.
const PIECE: Duration = Duration::from_secs(8);
/// Longest time for a client to send all of it.
const WHOLE: Duration = Duration::from_secs(60);

/// Why there is no body.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub enum BodyError {
    /// It is over [`MAX`].
    #[error("The request is larger than 10 MiB.")]
    TooLarge,
    /// The connection ended in the middle of it.
    #[error("The request's body broke off.")]
    Broken,
    /// It did not arrive in time.
    #[error("The request's body did not arrive in time.")]
    Late,
}

/// Reads it. One that says it is too large is refused unread.
///
/// # Errors
/// [`BodyError`]
pub async fn read(request: &HttpRequest, payload: web::Payload) -> Result<Bytes, BodyError> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX as u64) {
        return Err(BodyError::TooLarge);
    }
    timeout(WHOLE, pieces(payload))
        .await
        .map_err(|_| BodyError::Late)?
}

async fn pieces(mut payload: web::Payload) -> Result<Bytes, BodyError> {
    let mut next = async || {
        timeout(PIECE, payload.next())
            .await
            .map_err(|_| BodyError::Late)
    };
    let Some(first) = next().await? else {
        return Ok(Bytes::new());
    };
    // Most bodies come in one piece, and need no copy.
    let first = first.map_err(|_| BodyError::Broken)?;
    let Some(second) = next().await? else {
        return Ok(first);
    };
    let mut body = BytesMut::from(first);
    let mut piece = Some(second);
    while let Some(more) = piece {
        let more = more.map_err(|_| BodyError::Broken)?;
        if body.len() + more.len() > MAX {
            return Err(BodyError::TooLarge);
        }
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

// === impl BodyError ===

impl BodyError {
    /// The status that fits.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// The machine word.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "payload_too_large",
            Self::Broken => "bad_request",
            Self::Late => "request_timeout",
        }
    }
}
