//! Memory: what many callers hold at the same time, out of one bounded store.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A store of memory. Its copies share it: what one reserves, others cannot have.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Semaphore>);

/// A part of a [`Memory`], given back when it is dropped.
pub type Share = OwnedSemaphorePermit;

/// Others hold what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("others hold the memory that there is")]
pub struct Crowded;

// === impl Memory ===

impl Memory {
    /// A store of so many KiB.
    pub fn of_kib(kib: usize) -> Self {
        Self(Arc::new(Semaphore::new(kib)))
    }

    /// Makes `held` stand for at least `bytes`, growing by `step` bytes or more: what comes in many pieces
    /// does not ask for each.
    ///
    /// # Errors
    /// [`Crowded`]; `held` is as it was.
    pub fn reserve(
        &self,
        bytes: usize,
        step: usize,
        held: &mut Option<Share>,
    ) -> Result<(), Crowded> {
        let has = held.as_ref().map_or(0, Share::num_permits);
        let needs = bytes.div_ceil(1024).saturating_sub(has);
        if needs == 0 {
            return Ok(());
        }
        let needs = u32::try_from(needs.max(step / 1024)).unwrap_or(u32::MAX);
        let more = self
            .0
            .clone()
            .try_acquire_many_owned(needs)
            .map_err(|_| Crowded)?;
        match held {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_holds_others_cannot_have_until_it_is_given_back() {
        let memory = Memory::of_kib(64);
        let (mut first, mut second) = (None, None);
        assert_eq!(memory.reserve(1, 16 * 1024, &mut first), Ok(()));
        assert_eq!(memory.reserve(16 * 1024, 16 * 1024, &mut first), Ok(()));
        assert_eq!(first.as_ref().map(Share::num_permits), Some(16));
        assert_eq!(memory.reserve(48 * 1024 + 1, 0, &mut second), Err(Crowded));
        assert!(second.is_none());
        drop(first);
        assert_eq!(memory.reserve(48 * 1024 + 1, 0, &mut second), Ok(()));
    }
}
