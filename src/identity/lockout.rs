//! Lockout: how often somebody may try. Counted before a password is looked at, not after: so fifty who
//! try at once are counted like one after the other.

use std::{collections::HashMap, net::IpAddr};

/// Wrong passwords in a row that lock a name.
const FAILURES: u32 = 5;
/// How long the first time, in seconds; doubles each time.
const FIRST: u64 = 15 * 60;
/// And at most.
const LONGEST: u64 = 24 * 60 * 60;
/// Tries of one address in a minute.
const TRIES: u32 = 10;
const MINUTE: u64 = 60;
/// Most names, and most addresses, that are remembered.
const MOST: usize = 10_000;

/// What is known of a name, whether there is such a user or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Wrong ones since the last right one.
    pub failures: u32,
    /// How often it was locked since then.
    pub lockouts: u32,
    /// Until when, in seconds since 1970.
    pub until: u64,
}

/// What is known of all.
#[derive(Debug, Default)]
pub struct Lockout {
    names: HashMap<String, Name>,
    addresses: HashMap<IpAddr, (u64, u32)>,
}

#[derive(Debug, Default)]
struct Name {
    attempts: Attempts,
    /// Passwords of this name that are being looked at.
    pending: u32,
    last: u64,
}

// === impl Lockout ===

impl Lockout {
    /// Counts a try of this address.
    ///
    /// # Errors
    /// The seconds until it may try again.
    pub fn admit(&mut self, address: IpAddr, now: u64) -> Result<(), u64> {
        if self.addresses.len() >= MOST && !self.addresses.contains_key(&address) {
            self.addresses
                .retain(|_, (since, _)| since.saturating_add(MINUTE) > now);
            if self.addresses.len() >= MOST {
                return Err(MINUTE);
            }
        }
        let (since, tries) = self.addresses.entry(address).or_insert((now, 0));
        if now >= since.saturating_add(MINUTE) {
            (*since, *tries) = (now, 0);
        }
        if *tries >= TRIES {
            return Err(since.saturating_add(MINUTE).saturating_sub(now).max(1));
        }
        *tries += 1;
        Ok(())
    }

    /// Begins a try of this name, of which `kept` is known if it was not seen before. `false`: it is
    /// locked, or will be if those who try now are wrong.
    pub fn begin(&mut self, name: &str, kept: Attempts, now: u64) -> bool {
        if self.names.len() >= MOST && !self.names.contains_key(name) {
            self.forget(now);
        }
        let state = self.names.entry(name.to_owned()).or_insert_with(|| Name {
            attempts: kept,
            ..Name::default()
        });
        state.last = now;
        if state.attempts.until > now {
            return false;
        }
        // After a lockout there are five more.
        if state.attempts.failures >= FAILURES {
            state.attempts.failures = 0;
        }
        if state.attempts.failures + state.pending >= FAILURES {
            return false;
        }
        state.pending += 1;
        true
    }

    /// Ends a try that was begun; what is to be kept of it.
    pub fn end(&mut self, name: &str, right: bool, now: u64) -> Attempts {
        let Some(state) = self.names.get_mut(name) else {
            return Attempts::default();
        };
        state.pending = state.pending.saturating_sub(1);
        let attempts = &mut state.attempts;
        if right {
            // Others who try now are still counted.
            *attempts = Attempts::default();
        } else {
            attempts.failures += 1;
            if attempts.failures == FAILURES {
                let time = FIRST.saturating_mul(1 << attempts.lockouts.min(16));
                attempts.until = now.saturating_add(time.min(LONGEST));
                attempts.lockouts += 1;
            }
        }
        *attempts
    }

    /// Forgets what was counted: somebody unlocked the name.
    pub fn clear(&mut self, name: &str) {
        if let Some(state) = self.names.get_mut(name) {
            state.attempts = Attempts::default();
        }
    }

    /// Makes room: what is neither locked nor tried now goes, and if that is not enough the oldest.
    fn forget(&mut self, now: u64) {
        self.names
            .retain(|_, name| name.pending > 0 || name.attempts.until > now);
        while self.names.len() >= MOST {
            let oldest = self.names.iter().min_by_key(|(_, name)| name.last);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else {
                return;
            };
            self.names.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(lockout: &mut Lockout, now: u64) -> Option<Attempts> {
        let begun = lockout.begin("ada", Attempts::default(), now);
        begun.then(|| lockout.end("ada", false, now))
    }

    #[test]
    fn the_fifth_failure_locks_and_each_time_for_twice_as_long() {
        let mut lockout = Lockout::default();
        let mut now = 1_000;
        for minutes in [15, 30, 60, 120, 240, 480, 960, 1440, 1440] {
            for _ in 0..4 {
                assert_eq!(
                    fail(&mut lockout, now).map(|kept| kept.until > now),
                    Some(false)
                );
            }
            let locked = fail(&mut lockout, now).expect("is the fifth");
            assert_eq!(locked.until, now + minutes * 60);
            assert_eq!(fail(&mut lockout, now), None);
            assert_eq!(fail(&mut lockout, locked.until - 1), None);
            now = locked.until;
        }
    }

    #[test]
    fn fifty_at_once_are_five() {
        let mut lockout = Lockout::default();
        let begun = (0..50).filter(|_| lockout.begin("ada", Attempts::default(), 1));
        assert_eq!(begun.count(), 5);
        let kept: Vec<_> = (0..5).map(|_| lockout.end("ada", false, 1)).collect();
        assert_eq!(kept.iter().filter(|kept| kept.until > 1).count(), 1);
        assert!(!lockout.begin("ada", Attempts::default(), 1));
        // Nobody else is meant.
        assert!(lockout.begin("bob", Attempts::default(), 1));
    }

    #[test]
    fn a_right_one_begins_anew_and_what_was_kept_counts() {
        let mut lockout = Lockout::default();
        for _ in 0..4 {
            fail(&mut lockout, 1);
        }
        assert!(lockout.begin("ada", Attempts::default(), 1));
        assert_eq!(lockout.end("ada", true, 1), Attempts::default());
        for _ in 0..4 {
            assert!(fail(&mut lockout, 1).is_some());
        }
        let kept = Attempts {
            failures: 5,
            lockouts: 1,
            until: 100,
        };
        assert!(!lockout.begin("eve", kept, 99) && lockout.begin("eve", kept, 100));
        lockout.clear("ada");
        assert!(fail(&mut lockout, 1).is_some());
    }

    #[test]
    fn an_address_has_ten_tries_a_minute() {
        let mut lockout = Lockout::default();
        let [one, other]: [IpAddr; 2] = [[127, 0, 0, 1].into(), [127, 0, 0, 2].into()];
        assert!((0..10).all(|_| lockout.admit(one, 100).is_ok()));
        assert_eq!(lockout.admit(one, 130), Err(30));
        assert_eq!(lockout.admit(other, 130), Ok(()));
        assert_eq!(lockout.admit(one, 160), Ok(()));
    }

    #[test]
    fn a_flood_of_names_is_forgotten() {
        let mut lockout = Lockout::default();
        for _ in 0..5 {
            fail(&mut lockout, 1);
        }
        for number in 0..2 * MOST {
            lockout.begin(&format!("name {number}"), Attempts::default(), 2);
            lockout.end(&format!("name {number}"), false, 2);
        }
        assert!(lockout.names.len() <= MOST);
        assert_eq!(fail(&mut lockout, 3), None, "who is locked stays locked");
    }
}
