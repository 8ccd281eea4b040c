//! Held: a whole answer that has its caller's place, and the memory that it is counted in, until it is
//! written: a client that does not read would have as many as it asks for.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    http::header::CONTENT_TYPE,
};
use bytes::Bytes;

/// How much is handed to the server at a time, in bytes. Its write buffer takes a piece whole, however
/// long, and the rest only when the client has read.
const PIECE: usize = 32 * 1024;

/// An answer's body, and what is kept until the last of it is handed on or the connection ends.
struct Held<K> {
    rest: Bytes,
    kept: Option<K>,
    /// Clients of events look for the mark that ends a stream, also of one that is complete.
    is_stream: bool,
}

/// Keeps `kept` until the body of `response` is written. One that comes bit by bit is left as it is.
pub(super) fn hold<K: Unpin + 'static>(response: HttpResponse, kept: K) -> HttpResponse {
    response.map_body(|head, body| match body.try_into_bytes() {
        Ok(rest) => BoxBody::new(Held {
            rest,
            kept: Some(kept),
            is_stream: head
                .headers()
                .get(CONTENT_TYPE)
                .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")),
        }),
        Err(body) => body,
    })
}

// === impl Held ===

impl<K: Unpin> MessageBody for Held<K> {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        match self.is_stream {
            true => BodySize::Stream,
            false => BodySize::Sized(self.rest.len() as u64),
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        if self.rest.is_empty() {
            // Not later: whoever has read all of it may come again at once.
            self.kept = None;
        }
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }
}

#[cfg(test)]
mod tests {
    use std::{rc::Rc, task::Waker};

    use super::*;

    #[test]
    fn an_answer_is_handed_on_in_pieces_and_kept_until_the_last() {
        let text = vec![b'a'; 2 * PIECE + 1];
        let kept = Rc::new(());
        let response = HttpResponse::Ok().body(text.clone());
        let mut body = hold(response, kept.clone()).into_body();
        assert_eq!(body.size(), BodySize::Sized(text.len() as u64));
        let mut written = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        for (length, holders) in [(PIECE, 2), (PIECE, 2), (1, 1)] {
            let Poll::Ready(Some(Ok(piece))) = Pin::new(&mut body).poll_next(&mut context) else {
                panic!("there is more");
            };
            assert_eq!((piece.len(), Rc::strong_count(&kept)), (length, holders));
            written.extend_from_slice(&piece);
        }
        assert_eq!(written, text);
        let end = Pin::new(&mut body).poll_next(&mut context);
        assert!(matches!(end, Poll::Ready(None)));
    }

    #[test]
    fn a_connection_that_ends_gives_back_what_was_kept() {
        let kept = Rc::new(());
        let response = hold(HttpResponse::Ok().body(vec![b'a'; 2 * PIECE]), kept.clone());
        assert_eq!(Rc::strong_count(&kept), 2);
        drop(response);
        assert_eq!(Rc::strong_count(&kept), 1);
    }
}
