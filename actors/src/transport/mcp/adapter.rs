//! Adapter: actix-web's requests and answers as rmcp's, and back. They use different versions of the
//! `http` crate, and rmcp's bodies must be able to move between threads.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body::{Body, Frame};

use crate::transport::credential::is_credential;

/// A body that has been read already.
pub struct Whole(Option<Bytes>);

/// rmcp's request: `head` as it came, with these headers and this body.
pub fn request(head: &HttpRequest, headers: http::HeaderMap, body: Bytes) -> http::Request<Whole> {
    let mut request = http::Request::new(Whole(Some(body)));
    if let Ok(method) = http::Method::from_bytes(head.method().as_str().as_bytes()) {
        *request.method_mut() = method;
    }
    if let Ok(uri) = head.uri().to_string().parse() {
        *request.uri_mut() = uri;
    }
    *request.headers_mut() = headers;
    request
}

/// The headers of a request, but for credentials.
pub fn headers(head: &HttpRequest) -> http::HeaderMap {
    let mut headers = http::HeaderMap::with_capacity(head.headers().len());
    // Who it was is known by now; nobody further in needs what they showed.
    let headers_of = head.headers().iter();
    for (name, value) in headers_of.filter(|(name, _)| !is_credential(name.as_str())) {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        let value = http::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// actix-web's answer. A body of known length goes out at once, another one event by event; dropping
/// it, when the client hangs up, drops rmcp's body and so cancels the call.
pub async fn response<B>(answer: http::Response<B>) -> HttpResponse
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin + 'static,
{
    let (head, body) = answer.into_parts();
    let mut response = HttpResponse::build(status(head.status));
    for (name, value) in &head.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    if body.size_hint().exact().is_some() {
        response.body(whole(body).await)
    } else {
        response.streaming(pieces(body))
    }
}

/// The same status.
pub fn status(status: http::StatusCode) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A body's data, piece by piece.
pub fn pieces<B>(mut body: B) -> impl Stream<Item = Result<Bytes, Infallible>>
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin,
{
    stream::poll_fn(move |context| {
        loop {
            let frame = std::task::ready!(Pin::new(&mut body).poll_frame(context));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                None => return Poll::Ready(None),
                Some(Ok(Ok(data))) => return Poll::Ready(Some(Ok(data))),
                // Trailers.
                Some(Ok(Err(_))) => {}
            }
        }
    })
}

/// A body's data, all of it.
pub async fn whole<B>(body: B) -> Bytes
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin,
{
    use futures_util::StreamExt;
    let mut pieces = std::pin::pin!(pieces(body));
    let mut all = Vec::new();
    while let Some(Ok(piece)) = pieces.next().await {
        all.extend_from_slice(&piece);
    }
    all.into()
}

// === impl Whole ===

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
    }
}
