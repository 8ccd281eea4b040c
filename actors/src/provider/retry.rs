//! Retry: how long to wait before the same vendor is asked again, and when not to.

use std::{cell::Cell, time::Duration};

/// Longest delay a vendor may ask for before the next provider is the better answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest pause of our own.
const MAX_PAUSE: Duration = Duration::from_secs(8);
/// Retries that are always in the budget, in tenths.
const RESERVE: u32 = 30;
/// What each call adds to the budget, in tenths: retries stay under 20 % of the calls.
const DEPOSIT: u32 = 2;
/// What a retry costs, in tenths.
const PRICE: u32 = 10;

/// RETRY_COUNT and RETRY_DELAY_SEC.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Retries after the first try.
    pub count: u32,
    /// Longest pause before the first retry; doubles with each.
    pub delay: Duration,
}

/// Keeps retries from multiplying the load on a vendor that is down: at most 3 and a fifth of the
/// calls (the retry budget of Finagle and linkerd).
#[derive(Debug)]
pub struct Budget(Cell<u32>);

// === impl Retry ===

impl Retry {
    /// The pause before retry number `retry` (from 1), or `None` if the vendor asks for too long.
    ///
    /// Without a wish of the vendor's: full jitter, a random time up to the doubled delay, which
    /// spreads callers best (Brooker, "Exponential Backoff And Jitter", AWS 2015).
    pub fn pause(&self, retry: u32, wish: Option<Duration>) -> Option<Duration> {
        match wish {
            Some(wish) if wish > PATIENCE => None,
            Some(wish) => Some(wish),
            None => {
                let doublings = retry.saturating_sub(1).min(16);
                let most = self
                    .delay
                    .saturating_mul(2u32.pow(doublings))
                    .min(MAX_PAUSE);
                Some(most.mul_f64(fastrand::f64()))
            }
        }
    }
}

// === impl Budget ===

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(RESERVE))
    }
}

impl Budget {
    /// A call came in.
    pub fn deposit(&self) {
        self.0
            .set((self.0.get() + DEPOSIT).min(RESERVE + 100 * DEPOSIT));
    }

    /// Takes a retry out, if there is one.
    pub fn withdraw(&self) -> bool {
        let left = self.0.get().checked_sub(PRICE);
        if let Some(left) = left {
            self.0.set(left);
        }
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        count: 3,
        delay: Duration::from_secs(2),
    };

    #[test]
    fn the_vendors_wish_is_honoured_up_to_the_patience() {
        assert_eq!(
            RETRY.pause(1, Some(Duration::from_secs(3))),
            Some(Duration::from_secs(3))
        );
        assert_eq!(RETRY.pause(1, Some(Duration::from_secs(46))), None);
    }

    #[test]
    fn pauses_are_jittered_and_bounded() {
        let longest = |retry| {
            (0..1000)
                .filter_map(|_| RETRY.pause(retry, None))
                .max()
                .expect("there are pauses")
        };
        assert!(longest(1) <= Duration::from_secs(2) && longest(1) > Duration::from_secs(1));
        assert!(longest(9) <= MAX_PAUSE);
    }

    #[test]
    fn retries_stay_within_a_fifth_and_three() {
        let budget = Budget::default();
        let calls = 500;
        let retries = (0..calls)
            .map(|_| {
                budget.deposit();
                (0..3).filter(|_| budget.withdraw()).count()
            })
            .sum::<usize>();
        assert!(retries <= calls / 5 + 3, "{retries} retries");
        assert!(retries >= calls / 5);
    }
}
