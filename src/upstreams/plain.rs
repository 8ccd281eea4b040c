//! Plain HTTP: what a vendor without TLS answers bit by bit, read into a buffer that has a limit.
//!
//! hyper's read buffer grows as long as the vendor is faster than the reader, to half a mebibyte for each
//! answer, and reqwest has no word for its limit. So these answers, and no others, come through the
//! client that is below reqwest, in reqwest's own types. Over TLS a read is a record or two, and
//! HTTP/2 has its window: there the buffer stays small by itself.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use hub_actors::upstream::{SendPlain, UpstreamError, unanswered};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use reqwest::{
    Body, Request, Response,
    header::{self, HeaderMap, HeaderValue},
};

use super::client::{CONNECT_TIMEOUT, IDLE_TIMEOUT, USER_AGENT};

/// Largest read buffer of a connection, in bytes. Events are far smaller, and an answer's head has to
/// fit.
const MOST: usize = 16 * 1024;
/// How often a silent connection is looked after, so that one whose far end vanished is noticed.
const LIFE_SIGN: Duration = Duration::from_secs(15);

/// Sends with these headers, to wherever the request goes.
pub fn sender(mut headers: HeaderMap) -> SendPlain {
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_keepalive(Some(LIFE_SIGN));
    connector.set_keepalive_interval(Some(LIFE_SIGN));
    let client: Client<_, Body> = Client::builder(TokioExecutor::new())
        .http1_max_buf_size(MOST)
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .build(connector);
    Arc::new(move |request| {
        let sent = authorised(request, &headers).map(|request| client.request(request));
        async move {
            let answer = sent?.await.map_err(|error| unsent(&error))?;
            Ok(Response::from(answer.map(Body::wrap)))
        }
        .boxed()
    })
}

/// The request as it goes out: what it says itself counts before what all have.
fn authorised(request: Request, headers: &HeaderMap) -> Result<http::Request<Body>, UpstreamError> {
    let mut request: http::Request<Body> =
        request.try_into().map_err(|_| UpstreamError::Connect)?;
    for (name, value) in headers {
        let entry = request.headers_mut().entry(name);
        entry.or_insert_with(|| value.clone());
    }
    Ok(request)
}

/// Only the kind of an error goes on.
fn unsent(error: &Error) -> UpstreamError {
    if error.is_connect() {
        UpstreamError::Connect
    } else {
        unanswered(error)
    }
}
