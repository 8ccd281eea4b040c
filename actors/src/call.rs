//! Call: walks one planned chain until a provider answers or the deadline is over.
//!
//! The walk owns the clock. When a hop's time is over, or the caller goes away, the hop's reply
//! channel is dropped; the provider sees that and hangs up on the vendor.

use std::{borrow::Cow, sync::Arc};

use tokio::{
    sync::{OwnedSemaphorePermit, TryAcquireError, oneshot},
    time::{Instant, timeout_at},
};

use crate::{
    attempt::Attempt,
    catalogue::Catalogue,
    error::CallError,
    images::Gathering,
    plan::{Hop, Plan},
    progress::{Observer, Progress},
    protocol::{
        Ask, Class, Completed, Completion, CompletionRequest, Failure, FailureKind, ProviderUp,
        Reply,
    },
    request::Request,
};

/// An answer and how it came about.
#[derive(Debug)]
pub struct Answered<A = Completed> {
    /// What the provider said.
    pub answer: A,
    /// Which model was asked; empty for a search.
    pub model: Arc<str>,
    /// The limit that the provider was given: most tokens, or most hits.
    pub limit: u32,
    /// Parameters that the caller set and this provider does not have.
    pub dropped: Vec<Cow<'static, str>>,
    /// Who was asked, in order; the last one answered.
    pub attempts: Vec<Attempt>,
}

/// How one hop ended.
struct Hopped<A> {
    outcome: Result<A, Failure>,
    tries: Option<u32>,
    dropped: Vec<Cow<'static, str>>,
}

/// Asks one provider after the other.
///
/// While another provider that could answer follows, a hop gets at most half of the time that is
/// left: a vendor that hangs must not take its successors' time too. `observer` hears of each failure.
///
/// # Errors
/// [`CallError::Rejected`], [`CallError::DeadlineExceeded`], [`CallError::Overloaded`] (everyone
/// busy) or [`CallError::ProvidersFailed`].
pub async fn walk<R: Request>(
    plan: &Plan<R>,
    catalogue: &Catalogue,
    observer: Option<&Observer>,
) -> Result<Answered<R::Answer>, CallError> {
    let mut attempts = Vec::with_capacity(plan.hops.len());
    let mut failures = Vec::new();
    let mut gathering = Gathering::new(&plan.request);
    for (index, hop) in plan.hops.iter().enumerate() {
        let started = Instant::now();
        let others = plan
            .hops
            .iter()
            .skip(index + 1)
            .any(|later| later.up.is_some());
        let left = plan.deadline.saturating_duration_since(started);
        let share = if others { left / 2 } else { left };
        let deadline = started + share.min(plan.hop_timeout);
        let hopped = ask(hop, plan, &mut gathering, deadline, catalogue).await;
        attempts.push(Attempt {
            provider: hop.provider.name.clone(),
            model: hop.model.clone(),
            outcome: hopped
                .outcome
                .as_ref()
                .map(|_| ())
                .map_err(|failure| failure.kind),
            status: match &hopped.outcome {
                Ok(_) => Some(200),
                Err(failure) => failure.status,
            },
            ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            tries: hopped.tries,
        });
        let failure = match hopped.outcome {
            Ok(answer) => {
                return Ok(Answered {
                    answer,
                    model: hop.model.clone(),
                    limit: hop.limit,
                    dropped: hopped.dropped,
                    attempts,
                });
            }
            Err(failure) => failure,
        };
        tracing::info!(
            provider = &*hop.provider.name,
            outcome = %failure.kind,
            status = failure.status,
            word = failure.word,
            "provider failed"
        );
        if let Some(observer) = observer {
            // A listener that went away misses nothing it wants.
            drop(observer.send(Progress::new(plan, &hop.provider.name, index, &failure)));
        }
        if failure.class == Class::Stop {
            return Err(rejected::<R>(&hop.provider.name, &failure, attempts));
        }
        failures.push(failure);
        if Instant::now() >= plan.deadline {
            let timeout = plan.timeout;
            return Err(CallError::DeadlineExceeded { timeout, attempts });
        }
    }
    Err(all_failed(&failures, attempts))
}

async fn ask<R: Request>(
    hop: &Hop<R>,
    plan: &Plan<R>,
    gathering: &mut Gathering<R>,
    deadline: Instant,
    catalogue: &Catalogue,
) -> Hopped<R::Answer> {
    if hop.provider.inactive.is_some() {
        return Hopped::unasked(FailureKind::NotConfigured);
    }
    let Some(up) = &hop.up else {
        return Hopped::unasked(FailureKind::Crashed);
    };
    // Before a permit is taken: a slow image takes no place of others.
    let (offer, fetcher) = (&hop.provider.offer, &catalogue.fetcher);
    let fitting = gathering.fit(&plan.request, offer, fetcher, deadline);
    let request = match fitting.await {
        Ok(request) => request,
        Err(failure) => return Hopped::refused(failure),
    };
    let patience = deadline.min(Instant::now() + catalogue.hub.max_wait);
    let mut life = up.life.clone();
    tokio::select! {
        biased;
        hopped = ask_provider(hop, up, &request, deadline, patience) => hopped,
        // A life that is stuck holds its callers' channels open; they need not wait with it.
        _ = life.changed() => Hopped::failed(FailureKind::Crashed),
    }
}

async fn ask_provider<R: Request>(
    hop: &Hop<R>,
    up: &ProviderUp<R>,
    request: &Arc<R>,
    deadline: Instant,
    patience: Instant,
) -> Hopped<R::Answer> {
    let permit = match admit(up, patience).await {
        Ok(permit) => permit,
        Err(kind) => return Hopped::unasked(kind),
    };
    let (reply, answer) = oneshot::channel();
    up.calls.do_send(Ask {
        request: request.within(hop.limit),
        model: hop.model.clone(),
        deadline,
        permit,
        reply,
    });
    match timeout_at(deadline, answer).await {
        Ok(Ok(Reply {
            outcome,
            tries,
            dropped,
        })) => Hopped {
            outcome,
            tries: Some(tries),
            dropped,
        },
        Ok(Err(_closed)) => Hopped::failed(FailureKind::Crashed),
        Err(_elapsed) => Hopped::failed(FailureKind::Timeout),
    }
}

/// Takes a permit, waiting until `patience` at most.
async fn admit<R: Request>(
    up: &ProviderUp<R>,
    patience: Instant,
) -> Result<OwnedSemaphorePermit, FailureKind> {
    match up.permits.clone().try_acquire_owned() {
        Ok(permit) => return Ok(permit),
        Err(TryAcquireError::Closed) => return Err(FailureKind::Crashed),
        Err(TryAcquireError::NoPermits) => {}
    }
    match timeout_at(patience, up.permits.clone().acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_closed)) => Err(FailureKind::Crashed),
        Err(_elapsed) => Err(FailureKind::Busy),
    }
}

/// What an answer with nothing in it is to who wanted a text: the vendor or the model refused.
pub fn withheld(provider: &str, failure: &Failure, mut attempts: Vec<Attempt>) -> CallError {
    tracing::info!(
        provider,
        outcome = %failure.kind,
        word = failure.word,
        "the answer is withheld"
    );
    if let Some(last) = attempts.last_mut() {
        last.outcome = Err(failure.kind);
    }
    rejected::<CompletionRequest>(provider, failure, attempts)
}

fn rejected<R: Request>(provider: &str, failure: &Failure, attempts: Vec<Attempt>) -> CallError {
    let word = match &failure.word {
        Some(word) => format!(" ({word})"),
        None => String::new(),
    };
    let advice = failure.advice.as_deref().unwrap_or(R::CHECK);
    CallError::Rejected {
        word: failure.word,
        sentence: format!("{provider} rejected the request{word}. {advice}"),
        attempts,
    }
}

fn all_failed(failures: &[Failure], attempts: Vec<Attempt>) -> CallError {
    let asked = || {
        attempts
            .iter()
            .filter(|a| a.outcome != Err(FailureKind::NotConfigured))
    };
    if asked().next().is_some() && asked().all(|a| a.outcome == Err(FailureKind::Busy)) {
        return CallError::Overloaded(
            "Every provider is at its limit of parallel requests. Try again soon.".to_owned(),
        );
    }
    let each: Vec<_> = attempts
        .iter()
        .filter_map(|a| a.outcome.err().map(|kind| format!("{} {kind}", a.provider)))
        .collect();
    let mut sentence = format!("No provider could answer: {}.", each.join("; "));
    if let Some(advice) = failures
        .iter()
        .find_map(|failure| failure.advice.as_deref())
    {
        sentence.push(' ');
        sentence.push_str(advice);
    }
    let at_fault = |attempt: &Attempt| {
        matches!(
            attempt.outcome,
            Err(FailureKind::Rejected | FailureKind::ImageNotFetched)
        )
    };
    let passes = failures.iter().any(|failure| failure.retry_after.is_some());
    // Each for a reason of its own, and none of them at fault.
    if asked().next().is_some() && asked().all(at_fault) && !passes {
        return CallError::Rejected {
            sentence,
            word: failures.iter().find_map(|failure| failure.word),
            attempts,
        };
    }
    CallError::ProvidersFailed {
        sentence,
        retry_after: failures
            .iter()
            .filter_map(|failure| failure.retry_after)
            .min(),
        attempts,
    }
}

// === impl Answered ===

impl<A> Answered<A> {
    /// Who answered.
    pub fn provider(&self) -> Arc<str> {
        let last = self.attempts.last();
        last.map_or_else(|| Arc::from(""), |last| last.provider.clone())
    }
}

impl Answered {
    /// The whole answer; `None` if it comes bit by bit, as nobody asked for here.
    pub fn whole(self) -> Option<Answered<Completion>> {
        Some(Answered {
            answer: self.answer.whole()?,
            model: self.model,
            limit: self.limit,
            dropped: self.dropped,
            attempts: self.attempts,
        })
    }
}

// === impl Hopped ===

impl<A> Hopped<A> {
    fn failed(kind: FailureKind) -> Self {
        Self {
            outcome: Err(Failure::new(kind, Class::NextNow)),
            tries: None,
            dropped: Vec::new(),
        }
    }

    fn unasked(kind: FailureKind) -> Self {
        Self::refused(Failure::new(kind, Class::NextNow))
    }

    fn refused(failure: Failure) -> Self {
        Self {
            outcome: Err(failure),
            tries: Some(0),
            dropped: Vec::new(),
        }
    }
}
