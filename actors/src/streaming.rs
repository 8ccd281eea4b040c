//! Streaming: an answer as it is made, from the provider that reads it to the door that writes it.
//!
//! A stream is handed over when its first content is in, so that a provider which fails before it is
//! a failed attempt like any other. It ends with [`Event::End`] or with a [`Failure`], never with
//! silence: who reads it cannot take half an answer for a whole one.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    conversation::{Media, Signature},
    memory::Share,
    protocol::{Class, Completion, Failure, FailureKind, FinishReason, Usage},
    withheld::Watch,
};

/// Longest pause between two events of a vendor, its signs of life included.
pub const IDLE: Duration = Duration::from_secs(60);
/// Longest wait for a reader that takes nothing: its stream holds one of the provider's permits.
pub const STALL: Duration = Duration::from_secs(60);
/// How much longer a reader waits than the provider does: for one that is stuck.
const GRACE: Duration = Duration::from_secs(5);
/// Most bytes of a stream that wait here for a slow reader: 32 KiB. As many are in the server's write
/// buffer, 64 KiB together. One event may be larger, and then waits alone.
pub const MOST_WAITING: usize = 32 * 1024;
/// Most events that wait for a slow reader.
const MOST_EVENTS: usize = 256;
/// What an event costs besides its text, in bytes.
const EVENT: usize = 64;

/// A step of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Bytes for a client that speaks the vendor's own format: whole events, unchanged. The events
    /// that follow tell what is in them. Only if the request was
    /// [`Raw`](crate::conversation::Raw); such a client's door writes these and nothing else.
    Raw(Bytes),
    /// The answer begins. At most once, and first.
    Started {
        /// The model that the vendor says answers, if it says so.
        model: Option<String>,
    },
    /// More of the text.
    Text(String),
    /// More of what is said instead of an answer.
    Refusal(String),
    /// More of the thinking.
    Thinking(String),
    /// A whole piece of encrypted thinking.
    RedactedThinking(String),
    /// A picture that the model made, whole.
    Image(Media),
    /// The signature of what is before it.
    Signature(Signature),
    /// A tool is called.
    ToolCall {
        /// Which of the answer's calls: 0, 1, ..
        index: usize,
        /// What its result will refer to.
        id: String,
        /// Which tool, by the caller's own name for it.
        name: String,
        /// What must come back with it.
        signature: Option<Signature>,
    },
    /// More of a call's arguments: a fragment of JSON.
    Arguments {
        /// Which of the answer's calls.
        index: usize,
        /// As it came.
        fragment: String,
    },
    /// What was used up to now; the last one counts. One is sent before the end if the vendor counts
    /// at all.
    Usage(Usage),
    /// The answer is complete. Nothing follows.
    End {
        /// Why it ends.
        finish: FinishReason,
        /// Which of the caller's texts ended it, if the vendor says.
        stop_sequence: Option<String>,
    },
}

/// The reader's end of a stream. Dropped, it hangs up on the vendor.
#[derive(Debug)]
pub struct Streaming {
    opening: VecDeque<Event>,
    rest: mpsc::Receiver<Waiting>,
    /// Memory of events that were read, until the next one is asked for.
    share: Option<Share>,
    /// The reader keeps what it reads: its memory, too, is given back at the end.
    keeps: bool,
    /// When a provider that says nothing is given up, as far as is known.
    patience: Instant,
    heard: Heard,
    /// Its reader wants a text, and is told if there is none.
    watch: Option<Watch>,
    ended: bool,
}

/// The provider's end of a stream.
#[derive(Debug)]
pub struct Sink {
    to: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    heard: Heard,
}

/// When the vendor was heard last: its signs of life are no events, and yet keep the reader waiting.
#[derive(Debug, Clone)]
pub struct Heard {
    begun: Instant,
    /// Milliseconds after the beginning.
    last: Arc<AtomicU64>,
}

/// The reader is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the stream any more")]
pub struct Gone;

/// An event on its way, with the room it takes.
#[derive(Debug)]
struct Waiting {
    step: Result<Event, Failure>,
    /// Memory of this event and those before it, if they are large.
    share: Option<Share>,
    _room: Option<OwnedSemaphorePermit>,
}

// === impl Event ===

impl Event {
    /// Whether a client sees something of the answer in it: from the first of these on, there is no
    /// going back.
    pub fn is_content(&self) -> bool {
        match self {
            Self::Text(text) | Self::Refusal(text) | Self::Thinking(text) => !text.is_empty(),
            Self::RedactedThinking(_)
            | Self::Image(_)
            | Self::ToolCall { .. }
            | Self::Arguments { .. } => true,
            _ => false,
        }
    }

    /// Bytes that it takes, roughly.
    pub fn size(&self) -> usize {
        EVENT
            + match self {
                Self::Raw(bytes) => bytes.len(),
                Self::Text(text)
                | Self::Refusal(text)
                | Self::Thinking(text)
                | Self::RedactedThinking(text) => text.len(),
                Self::Image(media) => media.source.text().len(),
                Self::Arguments { fragment, .. } => fragment.len(),
                Self::Signature(signature) => signature.text.len(),
                Self::ToolCall { id, name, .. } => id.len() + name.len(),
                Self::Started { .. } | Self::Usage(_) | Self::End { .. } => 0,
            }
    }
}

// === impl Streaming ===

impl Streaming {
    /// A stream that begins with `opening`, which takes this share of the memory for large events, and where
    /// its rest goes.
    pub fn new(opening: VecDeque<Event>, share: Option<Share>) -> (Sink, Self) {
        let (to, rest) = mpsc::channel(MOST_EVENTS);
        let heard = Heard {
            begun: Instant::now(),
            last: Arc::default(),
        };
        let sink = Sink {
            to,
            room: Arc::new(Semaphore::new(MOST_WAITING)),
            heard: heard.clone(),
        };
        let stream = Self {
            opening,
            rest,
            share,
            keeps: false,
            patience: heard.patience(),
            heard,
            watch: None,
            ended: false,
        };
        (sink, stream)
    }

    /// A stream that is complete already.
    pub fn whole(completion: Completion) -> Self {
        Self::new(completion.into_events(), None).1
    }

    /// For a reader that keeps what it reads: the memory of large events stays theirs until the stream is
    /// dropped.
    pub fn kept(mut self) -> Self {
        self.keeps = true;
        self
    }

    /// The same for a reader who wants a text.
    ///
    /// # Errors
    /// [`FailureKind::Rejected`] if the beginning shows already that there is none.
    pub fn answering(mut self) -> Result<Self, Failure> {
        let mut watch = Watch::default();
        if let Some(failure) = self.opening.iter().find_map(|event| watch.see(event)) {
            return Err(failure);
        }
        self.watch = Some(Watch::default());
        Ok(self)
    }

    /// The next step; `None` after the last. Who stops waiting for it loses nothing.
    ///
    /// # Errors
    /// Why the stream broke off. Nothing follows. A provider that vanished without a word is
    /// [`FailureKind::Interrupted`], one that says nothing for [`IDLE`] is [`FailureKind::Timeout`].
    pub async fn next(&mut self) -> Option<Result<Event, Failure>> {
        if self.ended {
            return None;
        }
        if self.opening.is_empty() && !self.keeps {
            self.share = None;
        }
        let step = match self.opening.pop_front() {
            Some(event) => Ok(event),
            None => self.wait().await,
        };
        let step = step.and_then(|event| match self.withheld(&event) {
            Some(failure) => Err(failure),
            None => Ok(event),
        });
        self.patience = Instant::now() + IDLE + GRACE;
        self.ended = matches!(step, Err(_) | Ok(Event::End { .. }));
        Some(step)
    }

    fn withheld(&mut self, event: &Event) -> Option<Failure> {
        self.watch.as_mut()?.see(event)
    }

    async fn wait(&mut self) -> Result<Event, Failure> {
        loop {
            return match timeout_at(self.patience, self.rest.recv()).await {
                Ok(Some(Waiting { step, share, .. })) => {
                    self.hold(share);
                    step
                }
                Ok(None) => Err(Failure::new(FailureKind::Interrupted, Class::NextNow)),
                Err(_elapsed) if Instant::now() < self.heard.patience() => {
                    self.patience = self.heard.patience();
                    continue;
                }
                Err(_elapsed) => Err(Failure::new(FailureKind::Timeout, Class::NextNow)),
            };
        }
    }

    fn hold(&mut self, share: Option<Share>) {
        match (&mut self.share, share) {
            (Some(held), Some(more)) => held.merge(more),
            (held, Some(share)) => *held = Some(share),
            (_, None) => {}
        }
    }
}

// === impl Sink ===

impl Sink {
    /// Sends an event as soon as there is room for it. `share` is of the memory for large events, if this one
    /// or those before it are: it is given back when the reader asks for the next.
    ///
    /// # Errors
    /// [`Gone`], also while it waits, and after [`STALL`].
    pub async fn send(&self, event: Event, share: Option<Share>) -> Result<(), Gone> {
        let size = u32::try_from(event.size().min(MOST_WAITING)).unwrap_or(u32::MAX);
        let sent = async {
            // The semaphore is never closed.
            let room = self.room.clone().acquire_many_owned(size).await.ok();
            let waiting = Waiting {
                step: Ok(event),
                share,
                _room: room,
            };
            self.to.send(waiting).await.map_err(|_| Gone)
        };
        tokio::select! {
            biased;
            sent = sent => sent,
            () = self.to.closed() => Err(Gone),
            () = sleep(STALL) => Err(Gone),
        }
    }

    /// Where signs of life of the vendor are noted.
    pub fn heard(&self) -> Heard {
        self.heard.clone()
    }

    /// Ends the stream with the reason why it breaks off.
    pub async fn fail(self, failure: Failure) {
        let waiting = Waiting {
            step: Err(failure),
            share: None,
            _room: None,
        };
        // A reader that left in this instant needs no reason.
        // One that takes nothing has had its time.
        drop(timeout(STALL, self.to.send(waiting)).await);
    }

    /// Returns when nobody reads any more.
    pub async fn gone(&self) {
        self.to.closed().await;
    }
}

// === impl Heard ===

impl Heard {
    /// The vendor has just said something.
    pub fn now(&self) {
        let after = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(after, Ordering::Relaxed);
    }

    /// Until when its provider is waited for, which gives it up a little earlier.
    fn patience(&self) -> Instant {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.begun + last + IDLE + GRACE
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;
    use tokio::task::unconstrained;

    use super::*;

    /// How many events of that many bytes are taken before the sender has to wait.
    async fn taken(size: usize) -> usize {
        let (sink, _stream) = Streaming::new(VecDeque::new(), None);
        let event = Event::Text("a".repeat(size));
        for count in 0.. {
            // Tokio lets a task do only so much at a time.
            let sent = unconstrained(sink.send(event.clone(), None));
            if poll!(pin!(sent)).is_pending() {
                return count;
            }
            assert!(count < 100_000, "there is no limit");
        }
        unreachable!()
    }

    #[actix::test]
    async fn a_reader_that_does_not_read_holds_64_kib_at_most() {
        for size in [0, 1, 1_000, 20_000] {
            let bytes = taken(size).await * size;
            assert!(bytes <= MOST_WAITING, "{bytes} of {size}");
        }
        // One that is larger waits alone.
        assert_eq!(taken(2 * MOST_WAITING).await, 1);
    }

    #[actix::test]
    async fn what_is_read_makes_room() {
        let (sink, mut stream) = Streaming::new(VecDeque::new(), None);
        let event = Event::Text("a".repeat(MOST_WAITING));
        assert_eq!(sink.send(event.clone(), None).await, Ok(()));
        {
            let mut waits = pin!(sink.send(event.clone(), None));
            assert!(poll!(&mut waits).is_pending());
            assert_eq!(stream.next().await, Some(Ok(event.clone())));
            assert_eq!(waits.await, Ok(()));
        }
        let mut waits = pin!(sink.send(event, None));
        assert!(poll!(&mut waits).is_pending());
        drop(stream);
        assert_eq!(waits.await, Err(Gone));
    }

    #[actix::test]
    async fn a_sender_that_vanishes_is_an_error_and_never_an_end() {
        let (sink, mut stream) = Streaming::new([Event::Text("a".to_owned())].into(), None);
        drop(sink);
        assert_eq!(stream.next().await, Some(Ok(Event::Text("a".to_owned()))));
        let failed = Failure::new(FailureKind::Interrupted, Class::NextNow);
        assert_eq!(stream.next().await, Some(Err(failed)));
        assert_eq!(stream.next().await, None);
    }
}
