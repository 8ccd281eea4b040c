//! Pump: a streamed answer on its way from the vendor's connection to its reader.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;

use super::{
    sieve::Sieve,
    wire::{ReadStream, sse},
};
use crate::{
    protocol::{Class, Failure, FailureKind},
    streaming::{Event, Heard, IDLE, Sink, Streaming},
    upstream::{Arriving, FindSecret},
};

/// Most bytes of one stream: 64 MiB. A vendor that sends more sends without end.
const MOST: usize = 64 * 1024 * 1024;
/// How many bytes are taken apart at a time, so that a large piece is not there twice while its reader
/// is slow.
const SLICE: usize = 4 * 1024;
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
    reader: Box<dyn ReadStream>,
    sieve: Sieve,
    /// Tells the reader that the vendor lives, once there is one.
    heard: Option<Heard>,
    received: usize,
    /// Received and not taken apart yet.
    unread: Bytes,
    /// Read and clean.
    ready: VecDeque<Event>,
    /// What ends the stream once `ready` is empty.
    ending: Option<Result<(), Failure>>,
    /// For the next event, so that its room is used again.
    scratch: Vec<Event>,
}

// === impl Pump ===

impl Pump {
    pub(super) fn new(
        provider: Arc<str>,
        arriving: Arriving,
        reader: Box<dyn ReadStream>,
        find: FindSecret,
    ) -> Self {
        Self {
            provider,
            arriving,
            lines: sse::Reader::new(reader.is_raw()),
            reader,
            sieve: Sieve::new(find),
            heard: None,
            received: 0,
            unread: Bytes::new(),
            ready: VecDeque::new(),
            ending: None,
            scratch: Vec::new(),
        }
    }

    /// Reads until the first content is in, or the answer is complete without one.
    ///
    /// # Errors
    /// What went wrong before it.
    pub(super) async fn open(mut self) -> Result<(Self, Sink, Streaming), Failure> {
        let mut opening = VecDeque::new();
        while let Some(step) = self.next().await {
            let event = step?;
            let is_content = event.is_content();
            opening.push_back(event);
            if is_content {
                break;
            }
            if opening.len() > MOST_OPENING {
                return Err(Failure::new(FailureKind::Malformed, Class::NextNow));
            }
        }
        let (sink, stream) = Streaming::new(opening);
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
                Some(Ok(event)) => {
                    if sink.send(event).await.is_err() {
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

    async fn next(&mut self) -> Option<Result<Event, Failure>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
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
            return self.feed(&slice);
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
                let mut events = std::mem::take(&mut self.scratch);
                let ended = self.reader.end(&mut events);
                self.pass(events)?;
                ended?;
                // A reader that has no complaint has said how the answer ends.
                self.ending.get_or_insert(Ok(()));
                Ok(())
            }
        }
    }

    fn feed(&mut self, bytes: &Bytes) -> Result<(), Failure> {
        self.received += bytes.len();
        let fed = self.lines.feed(bytes);
        while let (None, Some(sent)) = (&self.ending, self.lines.take()) {
            let mut events = std::mem::take(&mut self.scratch);
            let read = self.reader.read(&sent, &mut events);
            self.pass(events)?;
            read?;
        }
        if self.ending.is_none() && (fed.is_err() || self.received > MOST) {
            return Err(Failure::new(FailureKind::TooLarge, Class::NextNow));
        }
        Ok(())
    }

    fn pass(&mut self, mut events: Vec<Event>) -> Result<(), Failure> {
        let ends = matches!(events.last(), Some(Event::End { .. }));
        if self.sieve.pass(&mut events, &mut self.ready).is_err() {
            tracing::error!(
                provider = &*self.provider,
                "the answer repeats the key and is cut"
            );
            return Err(Failure::new(FailureKind::Malformed, Class::NextNow));
        }
        if ends {
            self.sieve.release(&mut self.ready);
            self.ending = Some(Ok(()));
        }
        self.scratch = events;
        Ok(())
    }
}
