//! Known: who somebody was when they were last asked for, for a few seconds.
//!
//! Reading takes no lock, and the table never grows. Only right answers are in it, so that a flood of
//! wrong keys finds no place to fill; a wrong key costs one question, each time the same.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::time::Instant;

use crate::{principal::Principal, protocol::Digest};

/// Rows; the first bytes of a digest choose one.
const ROWS: usize = 256;
/// Places of a row.
const PLACES: usize = 4;

/// A table of answers.
pub struct Known(Vec<[ArcSwapOption<Entry>; PLACES]>);

struct Entry {
    /// All of it: a part could be somebody else's, too.
    digest: Digest,
    principal: Arc<Principal>,
    generation: u64,
    until: Instant,
}

// === impl Known ===

impl Default for Known {
    fn default() -> Self {
        Self((0..ROWS).map(|_| Default::default()).collect())
    }
}

impl Known {
    /// Who shows this, if that is known, and not older than `generation`.
    pub fn find(&self, digest: &Digest, generation: u64, now: Instant) -> Option<Arc<Principal>> {
        self.row(digest).iter().find_map(|place| {
            let entry = place.load();
            let entry = entry.as_ref()?;
            let valid =
                entry.digest == *digest && entry.generation >= generation && entry.until > now;
            valid.then(|| entry.principal.clone())
        })
    }

    /// Keeps an answer.
    pub fn keep(&self, digest: Digest, principal: Arc<Principal>, generation: u64, until: Instant) {
        let row = self.row(&digest);
        let [_, turn, ..] = digest;
        let (now, chosen) = (Instant::now(), usize::from(turn) % PLACES);
        let is_free = |place: &&ArcSwapOption<Entry>| match place.load().as_ref() {
            None => true,
            Some(entry) => {
                entry.digest == digest || entry.until <= now || entry.generation < generation
            }
        };
        let entry = Arc::new(Entry {
            digest,
            principal,
            generation,
            until,
        });
        if let Some(place) = row.iter().find(is_free).or_else(|| row.get(chosen)) {
            place.store(Some(entry));
        }
    }

    fn row(&self, digest: &Digest) -> &[ArcSwapOption<Entry>] {
        let [first, ..] = digest;
        self.0
            .get(usize::from(*first))
            .map_or(&[], |row| row.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn digest(first: u8, last: u8) -> Digest {
        let mut digest = [7; 32];
        (digest[0], digest[31]) = (first, last);
        digest
    }

    #[test]
    fn an_answer_ends_with_its_time_and_with_its_generation() {
        let (known, now) = (Known::default(), Instant::now());
        let later = now + Duration::from_secs(10);
        known.keep(digest(1, 1), Principal::anyone(), 5, later);
        let finds = |last, generation, now| known.find(&digest(1, last), generation, now).is_some();
        assert!(finds(1, 5, now) && finds(1, 4, now));
        assert!(!finds(1, 6, now), "of another generation");
        assert!(!finds(1, 5, later), "too old");
        assert!(!finds(2, 5, now), "all but one byte is the same");
    }

    #[test]
    fn the_table_does_not_grow_and_the_latest_is_in_it() {
        let (known, now) = (Known::default(), Instant::now());
        let later = now + Duration::from_secs(10);
        for last in 0..=255 {
            known.keep(digest(9, last), Principal::anyone(), 1, later);
            assert!(known.find(&digest(9, last), 1, now).is_some());
        }
        let left = (0..=255).filter(|last| known.find(&digest(9, *last), 1, now).is_some());
        assert_eq!(left.count(), PLACES);
    }
}
