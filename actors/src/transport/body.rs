//! Body: a request's body, read whole, within limits.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web,
};
use bytes::Bytes;
use tokio::time::timeout;

/// Largest request body: 10 MiB.
pub const MAX: usize = 10 * 1024 * 1024;
/// Longest time for a client to send its body.
const PATIENCE: Duration = Duration::from_secs(30);

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
    #[error("The request's body did not arrive within 30 s.")]
    Late,
}

/// Reads it.
///
/// # Errors
/// [`BodyError`]
pub async fn read(payload: web::Payload) -> Result<Bytes, BodyError> {
    match timeout(PATIENCE, payload.to_bytes_limited(MAX)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Err(_limit_exceeded)) => Err(BodyError::TooLarge),
        Ok(Ok(Err(_broken))) => Err(BodyError::Broken),
        Err(_elapsed) => Err(BodyError::Late),
    }
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
