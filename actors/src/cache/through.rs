//! Through: one call on its way through the cache.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{
    Cache,
    answer::{Answer, Given, Status},
    flight::Shared,
    key::{Cacheable, Key},
    place::Place,
};
use crate::{
    attempt::Attempt,
    call::{Answered, walk},
    catalogue::{Catalogue, Tool},
    error::CallError,
    plan::{Hop, Plan},
    principal::Principal,
    progress::Observer,
    protocol::FailureKind,
};

/// How much later than its own end a call looks at the clock: what it waits for ends then, too, and
/// knows more about it.
const GRACE: Duration = Duration::from_millis(100);
/// A call whose own end is so much later than that of the call it waited for asks once more.
const WORTH_ASKING: Duration = Duration::from_secs(1);

/// What a flight comes to.
pub type Landed = Result<Served, CallError>;

/// An answer, and where it comes from.
#[derive(Debug, Clone)]
pub struct Served {
    answer: Arc<Answer>,
    /// Who was asked for it; `None` if it had been kept.
    attempts: Option<Arc<[Attempt]>>,
}

/// Who asks, and how.
#[derive(Debug)]
pub struct Asked<'a> {
    /// What there is.
    pub catalogue: &'a Arc<Catalogue>,
    /// Which tool.
    pub tool: &'a Arc<Tool>,
    /// For whom.
    pub principal: &'a Principal,
    /// Whether the caller lets the cache be used.
    pub cache: bool,
    /// Who wants to hear how it goes.
    pub observer: Option<Observer>,
}

/// What the cache has to do with a question.
pub(super) enum Way {
    /// Nothing, for this reason; `None` for a tool that keeps nothing.
    Past(Option<Status>),
    /// Its answer is kept there.
    Through(Place),
}

/// Answers a call, from the cache if the tool has one, else by asking the plan's providers. `tell` says
/// what a provider's answer is, and who was asked.
///
/// # Errors
/// As [`walk`]; [`CallError::Internal`] if the work that it shared with others crashed.
pub async fn answer<R: Cacheable>(
    asked: Asked<'_>,
    plan: Plan<R>,
    tell: impl Fn(&Catalogue, Answered<R::Answer>) -> Result<(Answer, Vec<Attempt>), CallError>
    + Send
    + Sync
    + 'static,
) -> Result<Given, CallError> {
    let place = match asked.way(&plan) {
        Way::Through(place) => place,
        Way::Past(status) => {
            let walked = walk(&plan, asked.catalogue, asked.observer.as_ref()).await?;
            let (answer, attempts) = tell(asked.catalogue, walked)?;
            return Ok(Given {
                answer: Arc::new(answer),
                status,
                attempts,
            });
        }
    };
    let passed_over = passed_over(&plan);
    let cache = place.cache.clone();
    if let Some(answer) = cache.get(&place.key) {
        return Ok(Given {
            answer,
            status: Some(Status::Hit),
            attempts: passed_over,
        });
    }
    let (end, limit) = (plan.deadline, plan.timeout);
    let work = Work {
        place,
        catalogue: asked.catalogue.clone(),
        plan,
        observer: asked.observer,
        tell,
    };
    let Shared { value, first } = share(&cache, work, end, limit).await?;
    let status = match (&value.attempts, first) {
        (Some(_), true) => Status::Miss,
        _ => Status::Hit,
    };
    // Who shared the question may have come to it past others.
    let asked = value.attempts.iter().flat_map(|asked| asked.iter());
    let asked = asked.skip_while(|attempt| attempt.outcome == Err(FailureKind::NotConfigured));
    Ok(Given {
        answer: value.answer,
        status: Some(status),
        attempts: passed_over.into_iter().chain(asked.cloned()).collect(),
    })
}

/// Waits for the flight on its way, or begins one, until the call's own end. If another call's end was
/// the flight's, and this one's is well after it, it is tried once more.
async fn share<R, F>(
    cache: &Cache,
    work: Work<R, F>,
    end: Instant,
    limit: Duration,
) -> Result<Shared<Served>, CallError>
where
    R: Cacheable,
    F: Fn(&Catalogue, Answered<R::Answer>) -> Result<(Answer, Vec<Attempt>), CallError>
        + Send
        + Sync
        + 'static,
{
    let work = Arc::new(work);
    loop {
        let begin = || {
            let work = work.clone();
            async move { work.run().await }
        };
        let flight = cache.flights.share(work.place.key, begin);
        let shared = match timeout_at(end + GRACE, flight).await {
            Ok(Ok(shared)) => shared,
            Ok(Err(_crashed)) => return Err(CallError::Internal),
            Err(_elapsed) => {
                return Err(CallError::DeadlineExceeded {
                    timeout: limit,
                    attempts: Vec::new(),
                });
            }
        };
        let Shared { value, first } = shared;
        match value {
            Ok(value) => return Ok(Shared { value, first }),
            Err(CallError::DeadlineExceeded { .. }) if Instant::now() + WORTH_ASKING < end => {}
            Err(error) => return Err(error),
        }
    }
}

/// One question, from the file or a provider.
struct Work<R: Cacheable, F> {
    place: Place,
    catalogue: Arc<Catalogue>,
    plan: Plan<R>,
    observer: Option<Observer>,
    tell: F,
}

// === impl Asked ===

impl Asked<'_> {
    /// What the cache has to do with the question.
    pub(super) fn way<R: Cacheable>(&self, plan: &Plan<R>) -> Way {
        let catalogue = self.catalogue;
        let (Some(cache), Some(time)) = (&catalogue.cache, self.tool.cache_ttl) else {
            return Way::Past(None);
        };
        if !self.cache {
            return Way::Past(Some(Status::Bypass));
        }
        let (name, tagged) = (&self.tool.name, catalogue.hub.tag_replies);
        Way::Through(Place {
            cache: cache.clone(),
            file: catalogue.db.as_ref().and_then(|db| db.answers.clone()),
            key: Key::new(self.principal, name, tagged, &plan.hops, &plan.request),
            tool: name.clone(),
            time,
        })
    }
}

// === impl Work ===

impl<R, F> Work<R, F>
where
    R: Cacheable,
    F: Fn(&Catalogue, Answered<R::Answer>) -> Result<(Answer, Vec<Attempt>), CallError>
        + Send
        + Sync
        + 'static,
{
    async fn run(&self) -> Landed {
        // Another flight may have landed since this call looked.
        if let Some(answer) = self.place.find().await {
            return Ok(Served {
                answer,
                attempts: None,
            });
        }
        let walked = walk(&self.plan, &self.catalogue, self.observer.as_ref()).await?;
        let stays = R::is_complete(&walked.answer) && is_first_choice(&walked.attempts);
        let (answer, attempts) = (self.tell)(&self.catalogue, walked)?;
        let answer = Arc::new(answer);
        if stays {
            self.place.keep(answer.clone());
        }
        Ok(Served {
            answer,
            attempts: Some(attempts.into()),
        })
    }
}

/// The providers without a key at the chain's beginning, which stay visible though nobody is asked.
pub(super) fn passed_over<R: Cacheable>(plan: &Plan<R>) -> Vec<Attempt> {
    let without_key = |hop: &Hop<R>| {
        hop.provider.inactive.is_some().then(|| Attempt {
            provider: hop.provider.name.clone(),
            model: hop.model.clone(),
            outcome: Err(FailureKind::NotConfigured),
            status: None,
            ms: 0,
            tries: Some(0),
        })
    };
    plan.hops.iter().map_while(without_key).collect()
}

/// Whether nobody failed before the one who answered. A second choice is not kept: its answer would stay
/// when the first one is back.
pub(super) fn is_first_choice(attempts: &[Attempt]) -> bool {
    let failed =
        |attempt: &Attempt| !matches!(attempt.outcome, Ok(()) | Err(FailureKind::NotConfigured));
    !attempts.iter().any(failed)
}
