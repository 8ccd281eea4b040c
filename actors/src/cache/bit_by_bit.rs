//! Bit by bit: a call that streams on its way through the cache.
//!
//! It reads like any other call; nobody shares its question, for it has its own pace. What it writes is
//! collected while it passes, and kept when the answer is complete.

use std::{borrow::Cow, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    LARGEST,
    answer::{Answer, Given, Status},
    key::is_whole,
    place::Place,
    through::{Asked, Way, is_first_choice, passed_over},
};
use crate::{
    call::{Answered, walk},
    catalogue::Catalogue,
    error::CallError,
    plan::Plan,
    protocol::Completion,
    streaming::Event,
};

/// Most bytes of all answers that are being collected: 16 MiB. What finds no room is not kept.
pub(super) const MOST_COLLECTED: usize = 16 * 1024 * 1024;

/// What a call that streams comes to.
pub enum Begun {
    /// An answer that was kept.
    Kept(Given),
    /// One that has begun.
    Told(Box<Told>),
}

/// An answer that has begun.
pub struct Told {
    /// As the provider tells it.
    pub answered: Answered,
    /// What the cache did; `None` for a tool that has none.
    pub status: Option<Status>,
    /// Wants to see it pass.
    pub collector: Option<Collector>,
}

/// An answer that is kept once it is complete.
#[derive(Debug)]
pub struct Collector {
    catalogue: Arc<Catalogue>,
    place: Place,
    provider: Arc<str>,
    model: Arc<str>,
    dropped: Vec<Cow<'static, str>>,
    said: Completion,
    raw: Vec<u8>,
    size: usize,
    room: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

/// Answers a call from the cache if the tool has one and it is there, else asks the plan's providers, up to
/// the first piece.
///
/// # Errors
/// As [`walk`].
pub async fn begin(asked: Asked<'_>, plan: Plan) -> Result<Begun, CallError> {
    let way = asked.way(&plan);
    if let Way::Through(place) = &way
        && let Some(answer) = place.find().await
    {
        return Ok(Begun::Kept(Given {
            answer,
            status: Some(Status::Hit),
            attempts: passed_over(&plan),
        }));
    }
    let catalogue = asked.catalogue;
    let answered = walk(&plan, catalogue, asked.observer.as_ref()).await?;
    let (status, place) = match way {
        Way::Past(status) => (status, None),
        Way::Through(place) => (Some(Status::Miss), Some(place)),
    };
    let place = place.filter(|_| is_first_choice(&answered.attempts));
    Ok(Begun::Told(Box::new(Told {
        status,
        collector: place.map(|place| Collector::new(catalogue, place, &answered)),
        answered,
    })))
}

// === impl Collector ===

impl Collector {
    fn new(catalogue: &Arc<Catalogue>, place: Place, answered: &Answered) -> Self {
        Self {
            catalogue: catalogue.clone(),
            room: place.cache.room.clone(),
            place,
            provider: answered.provider(),
            model: answered.model.clone(),
            dropped: answered.dropped.clone(),
            said: Completion::default(),
            raw: Vec::new(),
            size: 0,
            taken: None,
        }
    }

    /// Sees the next event. `None` if the answer has become too large to be kept, or there is no room for
    /// more of it; else, at the end, it is kept.
    pub fn see(mut self, event: &Event) -> Option<Self> {
        let size = event.size();
        self.size += size;
        if self.size > LARGEST {
            return None;
        }
        let size = u32::try_from(size).ok()?;
        let more = self.room.clone().try_acquire_many_owned(size).ok()?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        match event {
            Event::Raw(bytes) => self.raw.extend_from_slice(bytes),
            event => self.said.take(event.clone()),
        }
        if matches!(event, Event::End { .. }) {
            self.keep();
            return None;
        }
        Some(self)
    }

    fn keep(mut self) {
        if !self.raw.is_empty() {
            self.said.raw = Some(self.raw.into());
        }
        if is_whole(&self.said) {
            let answer = Answer::complete(
                &self.catalogue,
                self.provider,
                self.model,
                self.said,
                self.dropped,
            );
            self.place.keep(Arc::new(answer));
        }
    }
}
