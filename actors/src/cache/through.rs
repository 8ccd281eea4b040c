//! Through: one call on its way through the cache.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Cache,
    answer::{Answer, Status},
    flight::Shared,
    key::{Cacheable, Key},
};
use crate::{
    attempt::Attempt,
    call::{Answered, walk},
    catalogue::{Catalogue, Tool},
    error::CallError,
    plan::{Hop, Plan},
    principal::Principal,
    progress::Observer,
    protocol::{AnswersUp, FailureKind, FindAnswer, KeepAnswer, KeptAnswer},
    tools::Outcome,
};

/// Longest wait for the file: little beside what asking a provider takes, much beside what it takes to
/// find a row.
const FILE_PATIENCE: Duration = Duration::from_millis(50);
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

/// Answers a call, from the cache if the tool has one, else by asking the plan's providers. `tell` says
/// what a provider's answer is to the caller.
///
/// # Errors
/// As [`walk`]; [`CallError::Internal`] if the work that it shared with others crashed.
pub async fn answer<R: Cacheable>(
    asked: Asked<'_>,
    plan: Plan<R>,
    tell: impl Fn(&Catalogue, &Tool, Answered<R::Answer>) -> Result<Outcome, CallError>
    + Send
    + Sync
    + 'static,
) -> Result<Outcome, CallError> {
    let Asked {
        catalogue,
        tool,
        principal,
        cache: wanted,
        observer,
    } = asked;
    let (Some(cache), Some(time)) = (&catalogue.cache, tool.cache_ttl) else {
        let walked = walk(&plan, catalogue, observer.as_ref()).await?;
        return tell(catalogue, tool, walked);
    };
    if !wanted {
        let walked = walk(&plan, catalogue, observer.as_ref()).await?;
        let mut outcome = tell(catalogue, tool, walked)?;
        if let Some(provenance) = &mut outcome.provenance {
            provenance.cache = Some(Status::Bypass);
        }
        return Ok(outcome);
    }
    let tagged = catalogue.hub.tag_replies;
    let key = Key::new(principal, &tool.name, tagged, &plan.hops, &plan.request);
    let passed_over: Vec<_> = plan.hops.iter().map_while(passed_over).collect();
    if let Some(answer) = cache.get(&key) {
        return Ok(answer.outcome(Status::Hit, passed_over));
    }
    let (end, limit) = (plan.deadline, plan.timeout);
    let work = Work {
        cache: cache.clone(),
        catalogue: catalogue.clone(),
        tool: tool.clone(),
        key,
        time,
        plan,
        observer,
        tell,
    };
    let Shared { value, first } = share(cache, work, end, limit).await?;
    let status = match (&value.attempts, first) {
        (Some(_), true) => Status::Miss,
        _ => Status::Hit,
    };
    // Who shared the question may have come to it past others.
    let asked = value.attempts.iter().flat_map(|asked| asked.iter());
    let asked = asked.skip_while(|attempt| attempt.outcome == Err(FailureKind::NotConfigured));
    let attempts = passed_over.into_iter().chain(asked.cloned()).collect();
    Ok(value.answer.outcome(status, attempts))
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
    F: Fn(&Catalogue, &Tool, Answered<R::Answer>) -> Result<Outcome, CallError>
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
        let flight = cache.flights.share(work.key, begin);
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
    cache: Arc<Cache>,
    catalogue: Arc<Catalogue>,
    tool: Arc<Tool>,
    key: Key,
    time: Duration,
    plan: Plan<R>,
    observer: Option<Observer>,
    tell: F,
}

// === impl Work ===

impl<R, F> Work<R, F>
where
    R: Cacheable,
    F: Fn(&Catalogue, &Tool, Answered<R::Answer>) -> Result<Outcome, CallError>
        + Send
        + Sync
        + 'static,
{
    async fn run(&self) -> Landed {
        // Another flight may have landed since this call looked.
        if let Some(answer) = self.cache.get(&self.key) {
            return Ok(Served::kept(answer));
        }
        let db = self.catalogue.db.as_ref();
        let file = db.and_then(|db| db.answers.as_ref());
        if let Some(KeptAnswer { answer, until }) = self.look_up(file).await {
            // The configuration may have become stricter since.
            let left = until.duration_since(SystemTime::now()).unwrap_or_default();
            self.cache
                .put(self.key, answer.clone(), left.min(self.time));
            return Ok(Served::kept(answer));
        }
        let walked = walk(&self.plan, &self.catalogue, self.observer.as_ref()).await?;
        let stays = R::is_complete(&walked.answer) && is_first_choice(&walked.attempts);
        let outcome = (self.tell)(&self.catalogue, &self.tool, walked)?;
        let (answer, attempts) = Answer::of(outcome).ok_or(CallError::Internal)?;
        let answer = Arc::new(answer);
        if stays
            && self.cache.put(self.key, answer.clone(), self.time)
            && let Some(file) = file
        {
            file.keep.do_send(KeepAnswer {
                key: self.key,
                tool: self.tool.name.clone(),
                answer: answer.clone(),
                until: SystemTime::now() + self.time,
            });
        }
        Ok(Served {
            answer,
            attempts: Some(attempts.into()),
        })
    }

    async fn look_up(&self, file: Option<&AnswersUp>) -> Option<KeptAnswer> {
        let (reply, found) = oneshot::channel();
        let key = self.key;
        file?.find.do_send(FindAnswer { key, reply });
        timeout(FILE_PATIENCE, found).await.ok()?.ok()?
    }
}

// === impl Served ===

impl Served {
    fn kept(answer: Arc<Answer>) -> Self {
        Self {
            answer,
            attempts: None,
        }
    }
}

/// A provider without a key, which stays visible though nobody is asked.
fn passed_over<R: Cacheable>(hop: &Hop<R>) -> Option<Attempt> {
    hop.provider.inactive.is_some().then(|| Attempt {
        provider: hop.provider.name.clone(),
        model: hop.model.clone(),
        outcome: Err(FailureKind::NotConfigured),
        status: None,
        ms: 0,
        tries: Some(0),
    })
}

/// Whether nobody failed before the one who answered. A second choice is not kept: its answer would stay
/// when the first one is back.
fn is_first_choice(attempts: &[Attempt]) -> bool {
    let failed =
        |attempt: &Attempt| !matches!(attempt.outcome, Ok(()) | Err(FailureKind::NotConfigured));
    !attempts.iter().any(failed)
}
