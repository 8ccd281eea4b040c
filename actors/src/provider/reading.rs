//! Reading: what becomes of one server-sent event: read in the vendor's format, and looked through for the
//! key.

use std::{collections::VecDeque, sync::Arc};

use super::{
    sieve::{Caught, Sieve},
    wire::{ReadStream, sse::ServerSent},
};
use crate::{
    lent::lent,
    protocol::{Class, Failure, FailureKind},
    streaming::Event,
    upstream::FindSecret,
};

/// An event from this length on is read on a lent thread, as a whole answer is.
const LONG: usize = 256 * 1024;

/// A vendor's format and the sieve, from event to event.
pub(super) struct Reading {
    provider: Arc<str>,
    reader: Box<dyn ReadStream>,
    sieve: Sieve,
    /// Read and clean.
    pub(super) ready: VecDeque<Event>,
    /// The answer is complete.
    pub(super) ended: bool,
    /// For the next event, so that its room is used again.
    scratch: Vec<Event>,
}

// === impl Reading ===

impl Reading {
    pub(super) fn new(provider: Arc<str>, reader: Box<dyn ReadStream>, find: FindSecret) -> Self {
        Self {
            provider,
            reader,
            sieve: Sieve::new(find),
            ready: VecDeque::new(),
            ended: false,
            scratch: Vec::new(),
        }
    }

    /// Whether each event's own bytes go on.
    pub(super) fn is_raw(&self) -> bool {
        self.reader.is_raw()
    }

    /// Whether nothing that was read is still here.
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.sieve.is_empty()
    }

    /// Takes an event. What is in it before a failure is ready all the same.
    ///
    /// # Errors
    /// What an error in the stream means, or [`FailureKind::Malformed`], also if the key is in it.
    pub(super) fn take(&mut self, sent: &ServerSent) -> Result<(), Failure> {
        let mut events = std::mem::take(&mut self.scratch);
        let read = self.reader.read(sent, &mut events);
        self.pass(events)?;
        read
    }

    /// The same, where it is nobody's loop that stands still: of a large event.
    pub(super) async fn take_elsewhere(
        mut self: Box<Self>,
        sent: ServerSent,
    ) -> (Box<Self>, Result<(), Failure>) {
        lent(move || {
            let taken = self.take(&sent);
            (self, taken)
        })
        .await
    }

    /// Whether an event takes so long that it is to be read elsewhere.
    pub(super) fn takes_long(sent: &ServerSent) -> bool {
        sent.data.len() >= LONG
    }

    /// The vendor sends no more.
    ///
    /// # Errors
    /// [`FailureKind::Interrupted`] if the answer was not complete.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        let mut events = std::mem::take(&mut self.scratch);
        let ended = self.reader.end(&mut events);
        self.pass(events)?;
        ended
    }

    fn pass(&mut self, mut events: Vec<Event>) -> Result<(), Failure> {
        let ends = matches!(events.last(), Some(Event::End { .. }));
        if let Err(Caught) = self.sieve.pass(&mut events, &mut self.ready) {
            tracing::error!(
                provider = &*self.provider,
                "the answer repeats the key and is cut"
            );
            return Err(Failure::new(FailureKind::Malformed, Class::NextNow));
        }
        if ends {
            self.sieve.release(&mut self.ready);
            self.ended = true;
        }
        self.scratch = events;
        Ok(())
    }
}
