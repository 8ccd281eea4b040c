//! Account: how much of the hub one principal has used, and whether it may still use any.
//!
//! Shared by everyone who holds the principal, and kept by the Guardian for as long as the hub runs:
//! no door counts for itself, and none that restarts forgets. Counting takes no lock.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::error::CallError;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// When a call that found too many others may look again.
const SOON: Duration = Duration::from_secs(1);

/// How much a principal may use. What is not set has no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests per minute. So many may come at once; from then on one each 60/n seconds (the generic
    /// cell rate algorithm, ITU-T I.371).
    pub rpm: Option<NonZeroU32>,
    /// Requests per day, in the same manner.
    pub rpd: Option<NonZeroU32>,
    /// Calls at the same time.
    pub parallel: Option<NonZeroU32>,
}

/// A rate without a key, counted with atomic operations.
type Rate =
    RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

/// What one principal has used.
pub struct Account {
    limits: Limits,
    minute: Option<Rate>,
    day: Option<Rate>,
    parallel: Option<Arc<Semaphore>>,
    /// `None` for an account that nobody can end.
    ended: Option<watch::Sender<bool>>,
}

/// Why a request or a call has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// Too many requests in a short time.
    #[error("This key may send {0} requests per minute. Try again later.")]
    Minute(NonZeroU32, Duration),
    /// Too many requests in a day.
    #[error("This key may send {0} requests per day. Try again later.")]
    Day(NonZeroU32, Duration),
    /// Too many calls at the same time.
    #[error("This key may have {0} calls at the same time. Try again when one has ended.")]
    Parallel(NonZeroU32),
}

// === impl Account ===

impl Account {
    /// An account without limits that nobody ends: no call need watch for that.
    pub fn endless() -> Arc<Self> {
        Arc::new(Self {
            limits: Limits::default(),
            minute: None,
            day: None,
            parallel: None,
            ended: None,
        })
    }

    /// An account of which nothing is used.
    pub fn new(limits: Limits) -> Arc<Self> {
        let parallel = limits.parallel.map(|most| {
            let most = usize::try_from(most.get()).unwrap_or(Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)))
        });
        Arc::new(Self {
            limits,
            minute: limits.rpm.and_then(|most| rate(most, MINUTE)),
            day: limits.rpd.and_then(|most| rate(most, DAY)),
            parallel,
            ended: Some(watch::Sender::new(false)),
        })
    }

    /// How much may be used.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Counts `requests`, all of them or none.
    ///
    /// # Errors
    /// [`Exhausted`], with how long to wait. What a minute refuses costs nothing of the day.
    pub fn charge(&self, requests: NonZeroU32) -> Result<(), Exhausted> {
        if let (Some(rate), Some(most)) = (&self.minute, self.limits.rpm) {
            take(rate, requests, MINUTE).map_err(|wait| Exhausted::Minute(most, wait))?;
        }
        if let (Some(rate), Some(most)) = (&self.day, self.limits.rpd) {
            take(rate, requests, DAY).map_err(|wait| Exhausted::Day(most, wait))?;
        }
        Ok(())
    }

    /// Begins a call, which ends when what is returned is dropped.
    ///
    /// # Errors
    /// [`Exhausted::Parallel`]
    pub fn begin(&self) -> Result<Option<OwnedSemaphorePermit>, Exhausted> {
        let (Some(places), Some(most)) = (&self.parallel, self.limits.parallel) else {
            return Ok(None);
        };
        match places.clone().try_acquire_owned() {
            Ok(place) => Ok(Some(place)),
            Err(_) => Err(Exhausted::Parallel(most)),
        }
    }

    /// Ends it, unless it is endless: whoever holds a principal with this account has lost all of its rights.
    pub fn end(&self) {
        if let Some(ended) = &self.ended {
            ended.send_replace(true);
        }
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| *ended.borrow())
    }

    /// Returns when it has ended.
    pub fn over(&self) -> impl Future<Output = ()> + Send + 'static {
        let ended = self.ended.as_ref().map(watch::Sender::subscribe);
        async move {
            if let Some(mut ended) = ended
                && ended.wait_for(|ended| *ended).await.is_ok()
            {
                return;
            }
            // Nobody holds it any more, so there is nobody who could lose anything.
            std::future::pending::<()>().await;
        }
    }
}

fn rate(most: NonZeroU32, period: Duration) -> Option<Rate> {
    let quota = Quota::with_period(period / most.get())?.allow_burst(most);
    Some(RateLimiter::direct_with_clock(quota, MonotonicClock))
}

fn take(rate: &Rate, requests: NonZeroU32, period: Duration) -> Result<(), Duration> {
    match rate.check_n(requests) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(not_until)) => Err(not_until.wait_time_from(MonotonicClock.now())),
        // More at once than there ever are.
        Err(_insufficient) => Err(period),
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("limits", &self.limits)
            .field("over", &self.is_over())
            .finish_non_exhaustive()
    }
}

// === impl Exhausted ===

impl Exhausted {
    /// How long to wait.
    pub fn wait(self) -> Duration {
        match self {
            Self::Minute(_, wait) | Self::Day(_, wait) => wait,
            Self::Parallel(_) => SOON,
        }
    }
}

impl From<Exhausted> for CallError {
    fn from(exhausted: Exhausted) -> Self {
        Self::RateLimited {
            sentence: exhausted.to_string(),
            retry_after: exhausted.wait(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NonZeroU32 = NonZeroU32::MIN;

    fn limits(rpm: u32, rpd: u32, parallel: u32) -> Limits {
        Limits {
            rpm: NonZeroU32::new(rpm),
            rpd: NonZeroU32::new(rpd),
            parallel: NonZeroU32::new(parallel),
        }
    }

    #[test]
    fn a_limit_holds_exactly_with_two_hundred_threads_at_once() {
        for (limits, expected) in [(limits(20, 0, 0), 20), (limits(0, 30, 0), 30)] {
            let account = Account::new(limits);
            let start = std::sync::Barrier::new(200);
            let admitted = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..200)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            account.charge(ONE).is_ok()
                        })
                    })
                    .collect();
                let admitted = threads.into_iter().map(|thread| thread.join());
                admitted
                    .filter(|admitted| *admitted.as_ref().expect("ends"))
                    .count()
            });
            assert_eq!(admitted, expected, "{limits:?}");
        }
    }

    #[test]
    fn who_has_to_wait_is_told_how_long() {
        let account = Account::new(limits(6, 0, 0));
        for _ in 0..6 {
            account.charge(ONE).expect("is within the limit");
        }
        let wait = account.charge(ONE).expect_err("is over it").wait();
        assert!(
            wait <= Duration::from_secs(10) && wait > Duration::from_secs(8),
            "{wait:?}"
        );
    }

    #[test]
    fn what_the_minute_refuses_costs_nothing_of_the_day() {
        let account = Account::new(limits(2, 3, 0));
        let charge = || account.charge(ONE);
        assert!(charge().is_ok() && charge().is_ok());
        for _ in 0..10 {
            assert!(matches!(charge(), Err(Exhausted::Minute(..))));
        }
        let day = account.day.as_ref().expect("is limited");
        assert!(take(day, ONE, DAY).is_ok(), "one of three is left");
        assert!(take(day, ONE, DAY).is_err());
    }

    #[test]
    fn many_at_once_are_counted_together_or_not_at_all() {
        let account = Account::new(limits(10, 0, 0));
        let many = |count| account.charge(NonZeroU32::new(count).expect("is not 0"));
        assert!(many(8).is_ok() && many(3).is_err() && many(2).is_ok() && many(50).is_err());
    }

    #[tokio::test]
    async fn calls_at_the_same_time_have_places_and_give_them_back() {
        let account = Account::new(limits(0, 0, 2));
        let one = account.begin().expect("is free");
        let two = account.begin().expect("is free");
        assert!(matches!(account.begin(), Err(Exhausted::Parallel(_))));
        drop(one);
        let three = account.begin().expect("is free again");
        drop((two, three));
        let over = account.over();
        account.end();
        over.await;
        assert!(account.is_over());
    }
}
