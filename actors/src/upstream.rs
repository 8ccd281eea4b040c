//! Upstream: one vendor's address with the right to use it. A capability, not a key.
//!
//! The Guardian makes it; an actor can ask below its base URL and can read nothing out of it. The
//! key is a *sensitive* default header inside the client, so that neither `Debug` nor an error shows
//! it. A request cannot name another host: there is no method that takes a URL.

use std::{fmt, io::ErrorKind, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};

/// Makes an authorised client. Called once for each life of an actor, inside its Arbiter: a client's
/// pooled connections die with the runtime that opened them.
pub type MakeClient = Arc<dyn Fn() -> Result<Authorised, reqwest::Error> + Send + Sync>;

/// Sends a request without TLS, and returns when the answer begins.
pub type SendPlain = Arc<
    dyn Fn(reqwest::Request) -> BoxFuture<'static, Result<reqwest::Response, UpstreamError>>
        + Send
        + Sync,
>;

/// A header of one request, beside those that the client has.
pub type Header = (http::HeaderName, http::HeaderValue);

/// An authorised client.
pub struct Authorised {
    /// Sends anything.
    pub client: reqwest::Client,
    /// Sends what is answered bit by bit, if that comes without TLS: however fast the vendor and
    /// slow the reader is, it buffers a few KiB.
    pub plain: Option<SendPlain>,
}

/// Says whether a text holds what the client authorises itself with.
pub type FindSecret = Arc<dyn Fn(&str) -> Sight + Send + Sync>;

/// What is seen of a secret in a text. It tells as little as it can: who asks must know the whole
/// secret already, or eight characters of its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Nothing.
    Clear,
    /// The text ends with at least eight characters that the secret begins with: what follows could
    /// complete it.
    Begins,
    /// All of it.
    Holds,
}

/// The right to call one vendor.
#[derive(Clone)]
pub struct Upstream {
    base: Arc<str>,
    make: MakeClient,
    find_secret: FindSecret,
}

/// An [`Upstream`] in use by one actor.
pub struct Connection {
    base: Arc<str>,
    authorised: Authorised,
    find_secret: FindSecret,
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

/// An answer whose body is still to come. Dropping it hangs up.
#[derive(Debug)]
pub struct Arriving(reqwest::Response);

/// Why there is no complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No connection was made.
    #[error("no connection")]
    Connect,
    /// The connection broke before any part of the answer was in.
    #[error("the connection was reset")]
    Reset,
    /// What came is no head of an answer.
    #[error("the head of the answer cannot be read")]
    Unreadable,
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
    pub fn new(base: &str, make: MakeClient, find_secret: FindSecret) -> Self {
        Self {
            base: base.into(),
            make,
            find_secret,
        }
    }

    /// Opens it for one actor, on that actor's Arbiter.
    ///
    /// # Errors
    /// If the client cannot be built: no TLS roots on this machine.
    pub fn open(&self) -> Result<Connection, reqwest::Error> {
        Ok(Connection {
            base: self.base.clone(),
            authorised: (self.make)()?,
            find_secret: self.find_secret.clone(),
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
    /// Says what is seen in a vendor's text of the key it was sent.
    pub fn secret_finder(&self) -> FindSecret {
        self.find_secret.clone()
    }

    /// Posts JSON below the base URL and reads the whole answer, at most `limit` bytes of it.
    ///
    /// `path` starts with `/`, or is empty for the base URL itself. Dropping the future hangs up.
    pub async fn post(
        &self,
        path: &str,
        json: Bytes,
        header: Option<Header>,
        limit: usize,
    ) -> Result<Answer, UpstreamError> {
        send(self.posting(path, json, header))
            .await?
            .whole(limit)
            .await
    }

    /// Posts JSON like [`post`](Self::post), and returns as soon as the answer begins.
    pub async fn stream(
        &self,
        path: &str,
        json: Bytes,
        header: Option<Header>,
    ) -> Result<Arriving, UpstreamError> {
        let request = self.posting(path, json, header);
        let request = request.header(http::header::ACCEPT, "text/event-stream");
        let Some(plain) = &self.authorised.plain else {
            return send(request).await;
        };
        let request = request.build().map_err(|error| unsent(&error))?;
        plain(request).await.map(Arriving)
    }

    /// Gets what is below the base URL, and reads the whole answer like [`post`](Self::post).
    ///
    /// `path` may have a query, percent-encoded: `?q=a%20b`.
    pub async fn get(&self, path: &str, limit: usize) -> Result<Answer, UpstreamError> {
        let request = self
            .authorised
            .client
            .get(self.url(path))
            .header(http::header::ACCEPT, "application/json");
        send(request).await?.whole(limit).await
    }

    fn posting(&self, path: &str, json: Bytes, header: Option<Header>) -> reqwest::RequestBuilder {
        self.authorised
            .client
            .post(self.url(path))
            .header(http::header::CONTENT_TYPE, "application/json")
            .headers(header.into_iter().collect())
            .body(json)
    }

    fn url(&self, path: &str) -> String {
        let mut url = String::with_capacity(self.base.len() + path.len());
        url.push_str(&self.base);
        url.push_str(path);
        url
    }
}

async fn send(request: reqwest::RequestBuilder) -> Result<Arriving, UpstreamError> {
    let response = request.send().await.map_err(|error| unsent(&error))?;
    Ok(Arriving(response))
}

/// Only the kind of an error goes on. Its text may hold a URL, and is dropped here.
fn unsent(error: &reqwest::Error) -> UpstreamError {
    if error.is_connect() {
        UpstreamError::Connect
    } else {
        unanswered(error)
    }
}

/// Why there is no head of an answer on a connection that was made. Who sends one that cannot be read has
/// been asked, and may bill it; who sends nothing, as far as anybody knows, has not.
pub fn unanswered(error: &(dyn std::error::Error + 'static)) -> UpstreamError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let http = error.downcast_ref::<hyper::Error>();
        if http.is_some_and(hyper::Error::is_parse) {
            return UpstreamError::Unreadable;
        }
        cause = error.source();
    }
    UpstreamError::Reset
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

// === impl Arriving ===

impl Arriving {
    /// An answer that comes as `body` does.
    #[cfg(test)]
    pub(crate) fn of<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error: std::error::Error + Send + Sync>
            + Send
            + Sync
            + 'static,
    {
        Self(http::Response::new(reqwest::Body::wrap(body)).into())
    }

    /// Any status, 3xx too: redirects are never followed.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// As the vendor sent them.
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The next bytes of the body, decompressed; `None` after the last.
    ///
    /// # Errors
    /// [`UpstreamError::Truncated`], [`UpstreamError::Undecodable`]
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        self.0.chunk().await.map_err(|error| unread(&error))
    }

    /// Reads the rest, at most `limit` bytes of it.
    ///
    /// # Errors
    /// [`UpstreamError`]
    pub async fn whole(mut self, limit: usize) -> Result<Answer, UpstreamError> {
        let mut body = BytesMut::new();
        let announced = self.0.content_length().unwrap_or(0);
        if announced > limit as u64 {
            return Err(UpstreamError::TooLarge(limit));
        }
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Err(UpstreamError::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: self.0.status(),
            headers: std::mem::take(self.0.headers_mut()),
            body,
        })
    }
}
