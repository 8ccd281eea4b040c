//! Upstream: one vendor's address with the right to use it. A capability, not a key.
//!
//! The Guardian makes it; an actor can ask below its base URL and can read nothing out of it. The
//! key is a *sensitive* default header inside the client, so that neither `Debug` nor an error shows
//! it. A request cannot name another host: there is no method that takes a URL.

use std::{fmt, io::ErrorKind, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

/// Makes an authorised client. Called once for each life of an actor, inside its Arbiter: a client's
/// pooled connections die with the runtime that opened them.
pub type MakeClient = Arc<dyn Fn() -> Result<reqwest::Client, reqwest::Error> + Send + Sync>;

/// Says whether a text holds what the client authorises itself with. It tells nothing else: who asks
/// must know the whole secret already.
pub type HoldsSecret = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The right to call one vendor.
#[derive(Clone)]
pub struct Upstream {
    base: Arc<str>,
    make: MakeClient,
    holds_secret: HoldsSecret,
}

/// An [`Upstream`] in use by one actor.
pub struct Connection {
    base: Arc<str>,
    client: reqwest::Client,
    holds_secret: HoldsSecret,
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    /// Any status, 3xx too: redirects are never followed.
    pub status: StatusCode,
    /// As the vendor sent them.
    pub headers: HeaderMap,
    /// Decompressed, at most the limit that was asked for.
    pub body: BytesMut,
}

/// Why there is no complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No connection was made.
    #[error("no connection")]
    Connect,
    /// The connection broke before any part of the answer was in.
    #[error("the connection was reset")]
    Reset,
    /// The connection broke inside the answer.
    #[error("the answer broke off")]
    Truncated,
    /// The answer's body cannot be decompressed.
    #[error("the answer cannot be decompressed")]
    Undecodable,
    /// The answer is larger than the limit.
    #[error("the answer is over {0} bytes")]
    TooLarge(usize),
}

// === impl Upstream ===

impl Upstream {
    /// The right to call below `base` (`https://host/v1`, without a trailing slash) with what `make` makes.
    pub fn new(base: &str, make: MakeClient, holds_secret: HoldsSecret) -> Self {
        Self {
            base: base.into(),
            make,
            holds_secret,
        }
    }

    /// Opens it for one actor, on that actor's Arbiter.
    ///
    /// # Errors
    /// If the client cannot be built: no TLS roots on this machine.
    pub fn open(&self) -> Result<Connection, reqwest::Error> {
        Ok(Connection {
            base: self.base.clone(),
            client: (self.make)()?,
            holds_secret: self.holds_secret.clone(),
        })
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

// === impl Connection ===

impl Connection {
    /// Whether a vendor's text repeats the key it was sent.
    pub fn holds_secret(&self, text: &str) -> bool {
        (self.holds_secret)(text)
    }

    /// Posts JSON below the base URL and reads the whole answer, at most `limit` bytes of it.
    ///
    /// `path` starts with `/`, or is empty for the base URL itself. Dropping the future hangs up.
    pub async fn post(
        &self,
        path: &str,
        json: Bytes,
        limit: usize,
    ) -> Result<Answer, UpstreamError> {
        let request = self
            .client
            .post(self.url(path))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(json);
        read(request, limit).await
    }

    /// Gets what is below the base URL, and reads the whole answer like [`post`](Self::post).
    ///
    /// `path` may have a query, percent-encoded: `?q=a%20b`.
    pub async fn get(&self, path: &str, limit: usize) -> Result<Answer, UpstreamError> {
        let request = self
            .client
            .get(self.url(path))
            .header(http::header::ACCEPT, "application/json");
        read(request, limit).await
    }

    fn url(&self, path: &str) -> String {
        let mut url = String::with_capacity(self.base.len() + path.len());
        url.push_str(&self.base);
        url.push_str(path);
        url
    }
}

async fn read(request: reqwest::RequestBuilder, limit: usize) -> Result<Answer, UpstreamError> {
    let mut response = request.send().await.map_err(|error| unsent(&error))?;
    let mut body = BytesMut::new();
    let announced = response.content_length().unwrap_or(0);
    if announced > limit as u64 {
        return Err(UpstreamError::TooLarge(limit));
    }
    while let Some(chunk) = response.chunk().await.map_err(|error| unread(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(UpstreamError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        body,
    })
}

/// Only the kind of an error goes on. Its text may hold a URL, and is dropped here.
fn unsent(error: &reqwest::Error) -> UpstreamError {
    if error.is_connect() {
        UpstreamError::Connect
    } else {
        UpstreamError::Reset
    }
}

/// Tells bytes that are missing from bytes that are wrong: of a compressed body, reqwest calls both
/// a decode error.
fn unread(error: &reqwest::Error) -> UpstreamError {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        match cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind)
        {
            Some(ErrorKind::InvalidData | ErrorKind::InvalidInput) => {
                return UpstreamError::Undecodable;
            }
            _ => source = cause.source(),
        }
    }
    UpstreamError::Truncated
}
