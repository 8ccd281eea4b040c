//! Events: an answer as it is made, on its way to a client.
//!
//! A stream that breaks off never looks complete: the last thing in it is an error event, and the
//! connection ends without the mark that ends a body (RFC 9112, section 7.1).

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, Stream, future::BoxFuture, stream::unfold};
use tokio::time::{Instant, sleep, timeout};

use super::{Spoken, refusal::Refusal};
use crate::{
    cache::Collector,
    chat::Keeping,
    error::CallError,
    protocol::{Failure, FinishReason},
    streaming::{Event, Streaming},
    transport::{calls::Recorded, lobby::InFlight},
};

/// Longest silence: proxies and clients take a longer one for the end.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How much is handed to the server at a time, in bytes: its write buffer takes a piece whole, however long.
const PIECE: usize = 32 * 1024;
/// How long an error event has to leave before the connection ends.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// A stream that is being written.
pub struct Writing {
    /// What is written.
    pub stream: Streaming,
    /// In whose format.
    pub spoken: Box<dyn Spoken>,
    /// Who answers.
    pub provider: Arc<str>,
    /// Where the answer is kept when it is complete.
    pub keeping: Keeping,
    /// For the cache, likewise.
    pub collector: Option<Collector>,
    /// Where it is put down.
    pub recorded: Option<Recorded>,
    /// Keeps a draining hub waiting.
    pub in_flight: InFlight,
}

struct Body {
    writing: Writing,
    /// As much of the answer's text as is kept.
    text: String,
    most: usize,
    /// The vendor's own bytes go to the client.
    raw: bool,
    /// Written, and not handed to the server yet.
    pending: Bytes,
    state: State,
    /// Returns when the key of whoever reads has ended.
    over: BoxFuture<'static, ()>,
}

enum State {
    Running,
    /// The last word was said; the connection ends unclean.
    Failed,
    Over,
}

/// The body of a response that streams.
pub fn body(writing: Writing) -> impl Stream<Item = Result<Bytes, io::Error>> + 'static {
    let body = Body {
        most: writing.keeping.most(),
        over: writing.in_flight.over().boxed(),
        writing,
        text: String::new(),
        raw: false,
        pending: Bytes::new(),
        state: State::Running,
    };
    // The future of one step is large; it is made once for each piece, in place.
    unfold(body, |mut body| async move {
        let piece = body.next().await?;
        Some((piece, body))
    })
}

// === impl Body ===

impl Body {
    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        match self.state {
            State::Running => {}
            State::Failed => {
                sleep(LAST_WORDS).await;
                self.state = State::Over;
                return Some(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            State::Over => return None,
        }
        if !self.pending.is_empty() {
            return Some(self.go_on());
        }
        let quiet = Instant::now() + KEEP_ALIVE;
        loop {
            let left = quiet.saturating_duration_since(Instant::now());
            let step = tokio::select! {
                biased;
                // A vendor that always has more does not keep a revoked key's stream alive.
                () = &mut self.over => {
                    return Some(Ok(self.end(&CallError::Unauthorized.into())));
                }
                step = timeout(left, self.writing.stream.next()) => step,
            };
            let Ok(step) = step else {
                let alive = self.writing.spoken.keep_alive();
                return Some(Ok(Bytes::from_static(alive.as_bytes())));
            };
            let piece = match step {
                Some(Ok(event)) => self.write(event),
                Some(Err(failure)) => Some(self.fail(&failure)),
                None => {
                    self.state = State::Over;
                    return None;
                }
            };
            // Some events say nothing to this client.
            if let Some(piece) = piece.filter(|piece| !piece.is_empty()) {
                self.pending = piece;
                return Some(Ok(self.piece()));
            }
        }
    }

    /// More of an event that has begun to go. In the middle of it nothing can be said any more to who may not
    /// read on.
    fn go_on(&mut self) -> Result<Bytes, io::Error> {
        if (&mut self.over).now_or_never().is_some() {
            drop(self.end(&CallError::Unauthorized.into()));
            self.state = State::Over;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(self.piece())
    }

    fn piece(&mut self) -> Bytes {
        self.pending.split_to(self.pending.len().min(PIECE))
    }

    fn write(&mut self, event: Event) -> Option<Bytes> {
        if let Event::Text(text) = &event {
            self.remember(text);
        }
        let usage = match &event {
            Event::Usage(usage) => Some(*usage),
            _ => None,
        };
        if let (Some(usage), Some(recorded)) = (usage, &mut self.writing.recorded) {
            recorded.used(&usage);
        }
        let collector = self.writing.collector.take();
        self.writing.collector = collector.and_then(|collector| collector.see(&event));
        let ended = match &event {
            Event::End { finish, .. } => Some(*finish),
            _ => None,
        };
        let piece = match event {
            Event::Raw(bytes) => {
                self.raw = true;
                Some(bytes)
            }
            _ if self.raw => None,
            event => {
                let mut bytes = Vec::new();
                self.writing.spoken.write(&event, &mut bytes);
                Some(bytes.into())
            }
        };
        if let Some(finish) = ended {
            self.complete(finish);
        }
        piece
    }

    /// Keeps as much of a text as is worth it. Its room is doubled as usual, but never beyond that: many
    /// streams wait for a slow reader.
    fn remember(&mut self, text: &str) {
        let left = self.most.saturating_sub(self.text.len());
        let end = text.floor_char_boundary(left);
        let length = self.text.len() + end;
        if length > self.text.capacity() {
            let room = (2 * self.text.capacity()).clamp(length, self.most);
            self.text.reserve_exact(room - self.text.len());
        }
        self.text.push_str(text.get(..end).unwrap_or_default());
    }

    fn complete(&mut self, finish: FinishReason) {
        if let Some(recorded) = self.writing.recorded.take() {
            recorded.said(None);
        }
        // Of a refusal there is nothing to keep.
        if finish != FinishReason::ContentFilter || !self.text.is_empty() {
            self.writing.keeping.keep(&self.text);
        }
    }

    fn fail(&mut self, failure: &Failure) -> Bytes {
        self.end(&Refusal::broken(&self.writing.provider, failure))
    }

    fn end(&mut self, refusal: &Refusal) -> Bytes {
        self.state = State::Failed;
        if let Some(recorded) = self.writing.recorded.take() {
            recorded.said(Some(refusal.code));
        }
        self.writing.spoken.last_words(refusal)
    }
}
