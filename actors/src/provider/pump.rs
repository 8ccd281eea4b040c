//! Pump: a streamed answer on its way from the vendor's connection to its reader.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;

use super::{
    reading::Reading,
    wire::{ReadStream, sse},
};
use crate::{
    memory::{Memory, Share},
    protocol::{Class, Failure, FailureKind},
    streaming::{Event, Heard, IDLE, MOST_WAITING, Sink, Streaming},
    upstream::{Arriving, FindSecret},
};

/// Most bytes of one stream: 64 MiB. A vendor that sends more sends without end.
const MOST: usize = 64 * 1024 * 1024;
/// How many bytes are taken apart at a time, so that a large piece is not there twice while its reader
/// is slow.
const SLICE: usize = 4 * 1024;
/// An event from this length on, in bytes, takes a share of the memory that there is for all of them. What
/// most events are costs no more than a stream may anyway.
const LARGE: usize = MOST_WAITING;
/// How often a large event is there at most: as bytes, as text, and as what is in it.
const TIMES: usize = 3;
/// What such a share grows by, in bytes.
const STEP: usize = 64 * 1024;
/// What a caller can do if there is none left.
const CROWDED: &str = "The hub has too many large answers at once. Try again in a second.";
/// Most events before the first content: a vendor that sends more says nothing at length.
const MOST_OPENING: usize = 1024;
/// How long the vendor's connection gets to end by itself after the last event, so that it can be
/// used again.
const AFTERGLOW: Duration = Duration::from_secs(1);

/// A stream that is read.
pub(super) struct Pump {
    provider: Arc<str>,
    arriving: Arriving,
    lines: sse::Reader,
    /// Elsewhere while a large event is read.
    reading: Option<Box<Reading>>,
    memory: Memory,
    /// Of the memory, for what is here.
    share: Option<Share>,
    /// Tells the reader that the vendor lives, once there is one.
    heard: Option<Heard>,
    received: usize,
    /// Received and not taken apart yet.
    unread: Bytes,
    /// What ends the stream once everything that was read has gone on.
    ending: Option<Result<(), Failure>>,
}

// === impl Pump ===

impl Pump {
    pub(super) fn new(
        provider: Arc<str>,
        arriving: Arriving,
        reader: Box<dyn ReadStream>,
        find: FindSecret,
        memory: Memory,
    ) -> Self {
        let reading = Reading::new(provider.clone(), reader, find);
        Self {
            provider,
            arriving,
            lines: sse::Reader::new(reading.is_raw()),
            reading: Some(Box::new(reading)),
            memory,
            share: None,
            heard: None,
            received: 0,
            unread: Bytes::new(),
            ending: None,
        }
    }

    /// Reads until the first content is in, or the answer is complete without one.
    ///
    /// # Errors
    /// What went wrong before it.
    pub(super) async fn open(mut self) -> Result<(Self, Sink, Streaming), Failure> {
        let mut opening = VecDeque::new();
        let mut opened = None;
        while let Some(step) = self.next().await {
            let (event, share) = step?;
            match (&mut opened, share) {
                (Some(held), Some(more)) => Share::merge(held, more),
                (held, Some(share)) => *held = Some(share),
                (_, None) => {}
            }
            let is_content = event.is_content();
            opening.push_back(event);
            if is_content {
                break;
            }
            if opening.len() > MOST_OPENING {
                return Err(Failure::new(FailureKind::Malformed, Class::NextNow));
            }
        }
        let (sink, stream) = Streaming::new(opening, opened);
        self.heard = Some(sink.heard());
        Ok((self, sink, stream))
    }

    /// Sends the rest to its reader, until one of them ends.
    pub(super) async fn run(mut self, sink: Sink) {
        loop {
            let step = tokio::select! {
                step = self.next() => step,
                () = sink.gone() => return self.tell_gone(),
            };
            match step {
                Some(Ok((event, share))) => {
                    if sink.send(event, share).await.is_err() {
                        return self.tell_gone();
                    }
                }
                Some(Err(failure)) => {
                    tracing::info!(
                        provider = &*self.provider,
                        outcome = %failure.kind,
                        word = failure.word,
                        "provider failed in the middle of a stream"
                    );
                    return sink.fail(failure).await;
                }
                None => break,
            }
        }
        drop(sink);
        let rest = async { while let Ok(Some(_)) = self.arriving.chunk().await {} };
        // Whatever comes now is nobody's.
        drop(timeout(AFTERGLOW, rest).await);
    }

    fn tell_gone(&self) {
        tracing::debug!(
            provider = &*self.provider,
            "nobody reads any more, stream cancelled"
        );
    }

    /// The next event; with the last of those that are here, what they hold of the memory.
    async fn next(&mut self) -> Option<Result<(Event, Option<Share>), Failure>> {
        loop {
            if let Some(reading) = &mut self.reading
                && let Some(event) = reading.ready.pop_front()
            {
                let share = match reading.is_empty() {
                    true => self.share.take(),
                    false => None,
                };
                return Some(Ok((event, share)));
            }
            match &mut self.ending {
                Some(Ok(())) => return None,
                Some(Err(_)) => {
                    let ending = self.ending.replace(Ok(()));
                    return ending.and_then(Result::err).map(Err);
                }
                None => {}
            }
            if let Err(failure) = self.more().await {
                self.ending = Some(Err(failure));
            }
        }
    }

    /// Waits for bytes and reads what they complete.
    async fn more(&mut self) -> Result<(), Failure> {
        if !self.unread.is_empty() {
            let slice = self.unread.split_to(self.unread.len().min(SLICE));
            return self.feed(&slice).await;
        }
        let chunk = timeout(IDLE, self.arriving.chunk()).await;
        let chunk = chunk.map_err(|_| Failure::new(FailureKind::Timeout, Class::NextNow))?;
        match chunk? {
            Some(bytes) => {
                if let Some(heard) = &self.heard {
                    heard.now();
                }
                self.unread = bytes;
                Ok(())
            }
            None => {
                // A reader that has no complaint has said how the answer ends.
                self.ending = Some(Ok(()));
                self.reading
                    .as_mut()
                    .map_or(Ok(()), |reading| reading.end())
            }
        }
    }

    async fn feed(&mut self, bytes: &Bytes) -> Result<(), Failure> {
        self.received += bytes.len();
        self.make_room(self.lines.waiting() + bytes.len())?;
        let fed = self.lines.feed(bytes);
        while let (None, Some(sent)) = (&self.ending, self.lines.take()) {
            self.read(sent).await?;
        }
        if self.ending.is_none() && (fed.is_err() || self.received > MOST) {
            return Err(Failure::new(FailureKind::TooLarge, Class::NextNow));
        }
        Ok(())
    }

    /// Takes a share of the memory for large events, if one is there.
    fn make_room(&mut self, waiting: usize) -> Result<(), Failure> {
        if waiting < LARGE {
            return Ok(());
        }
        let reserved = self.memory.reserve(TIMES * waiting, STEP, &mut self.share);
        reserved.map_err(|_| Failure {
            advice: Some(CROWDED.into()),
            ..Failure::new(FailureKind::TooLarge, Class::NextNow)
        })
    }

    async fn read(&mut self, sent: sse::ServerSent) -> Result<(), Failure> {
        let read = match self.reading.take() {
            Some(reading) if Reading::takes_long(&sent) => {
                let (reading, read) = reading.take_elsewhere(sent).await;
                self.reading = Some(reading);
                read
            }
            Some(mut reading) => {
                let read = reading.take(&sent);
                self.reading = Some(reading);
                read
            }
            // Whoever waited for it went away, and nobody comes back for more.
            None => Err(Failure::new(FailureKind::Interrupted, Class::NextNow)),
        };
        if let Some(reading) = &self.reading {
            if reading.ended {
                self.ending = Some(Ok(()));
            }
            if reading.is_empty() && self.lines.waiting() < LARGE {
                self.share = None;
            }
        }
        read
    }
}
