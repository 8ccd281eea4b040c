//! Call: walks one planned chain until a provider answers or the deadline is over.
//!
//! The walk owns the clock. When a hop's time is over, or the caller goes away, the hop's reply
//! channel is dropped; the provider sees that and hangs up on the vendor.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use tokio::{
    sync::{OwnedSemaphorePermit, TryAcquireError, oneshot},
    time::{Instant, timeout_at},
};

use crate::{
    catalogue::HubInfo,
    error::CallError,
    plan::{Hop, Plan},
    progress::{Observer, Progress},
    protocol::{
        Class, Complete, Completion, CompletionRequest, Failure, FailureKind, ProviderUp, Reply,
    },
};

/// A completion and how it came about.
#[derive(Debug)]
pub struct Answered {
    /// What the provider said.
    pub completion: Completion,
    /// Which model was asked.
    pub model: Arc<str>,
    /// Who was asked, in order; the last one answered.
    pub attempts: Vec<Attempt>,
}

/// One provider's part in a call, as `meta.attempts` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// Who was asked.
    pub provider: Arc<str>,
    /// For which model.
    pub model: Arc<str>,
    /// How it ended.
    #[serde(serialize_with = "outcome")]
    pub outcome: Result<(), FailureKind>,
    /// The vendor's last HTTP status, if one came.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Requests sent to the vendor, if the provider lived to count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries: Option<u32>,
}

/// How one hop ended.
struct Hopped {
    outcome: Result<Completion, Failure>,
    tries: Option<u32>,
}

/// Asks one provider after the other.
///
/// While another provider that could answer follows, a hop gets at most half of the time that is
/// left: a vendor that hangs must not take its successors' time too. `observer` hears of each failure.
///
/// # Errors
/// [`CallError::Rejected`], [`CallError::DeadlineExceeded`], [`CallError::Overloaded`] (everyone
/// busy) or [`CallError::ProvidersFailed`].
pub async fn walk(
    plan: Plan,
    hub: &HubInfo,
    observer: Option<&Observer>,
) -> Result<Answered, CallError> {
    let mut attempts = Vec::with_capacity(plan.hops.len());
    let mut failures = Vec::new();
    for (index, hop) in plan.hops.iter().enumerate() {
        let started = Instant::now();
        let others = plan
            .hops
            .iter()
            .skip(index + 1)
            .any(|later| later.up.is_some());
        let left = plan.deadline.saturating_duration_since(started);
        let share = if others { left / 2 } else { left };
        let deadline = started + share.min(hub.request_timeout);
        let hopped = ask(hop, &plan.request, deadline, hub).await;
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
            Ok(completion) => {
                return Ok(Answered {
                    completion,
                    model: hop.model.clone(),
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
            drop(observer.send(Progress::new(&plan, &hop.provider.name, index, &failure)));
        }
        if failure.class == Class::Stop {
            return Err(rejected(&hop.provider.name, &failure, attempts));
        }
        failures.push(failure);
        if Instant::now() >= plan.deadline {
            let timeout = plan.timeout;
            return Err(CallError::DeadlineExceeded { timeout, attempts });
        }
    }
    Err(all_failed(&failures, attempts))
}

async fn ask(
    hop: &Hop,
    request: &Arc<CompletionRequest>,
    deadline: Instant,
    hub: &HubInfo,
) -> Hopped {
    if hop.provider.inactive.is_some() {
        return Hopped::unasked(FailureKind::NotConfigured);
    }
    let Some(up) = &hop.up else {
        return Hopped::unasked(FailureKind::Crashed);
    };
    let mut life = up.life.clone();
    tokio::select! {
        biased;
        hopped = ask_provider(hop, up, request, deadline, hub) => hopped,
        // A life that is stuck holds its callers' channels open; they need not wait with it.
        _ = life.changed() => Hopped::failed(FailureKind::Crashed),
    }
}

async fn ask_provider(
    hop: &Hop,
    up: &ProviderUp,
    request: &Arc<CompletionRequest>,
    deadline: Instant,
    hub: &HubInfo,
) -> Hopped {
    let permit = match admit(up, deadline.min(Instant::now() + hub.max_wait)).await {
        Ok(permit) => permit,
        Err(kind) => return Hopped::unasked(kind),
    };
    let (reply, answer) = oneshot::channel();
    up.calls.do_send(Complete {
        request: capped(request, hop.max_tokens),
        model: hop.model.clone(),
        deadline,
        permit,
        reply,
    });
    match timeout_at(deadline, answer).await {
        Ok(Ok(Reply { outcome, tries })) => Hopped {
            outcome,
            tries: Some(tries),
        },
        Ok(Err(_closed)) => Hopped::failed(FailureKind::Crashed),
        Err(_elapsed) => Hopped::failed(FailureKind::Timeout),
    }
}

/// Takes a permit, waiting until `patience` at most.
async fn admit(up: &ProviderUp, patience: Instant) -> Result<OwnedSemaphorePermit, FailureKind> {
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

/// The request with the model's own limit, copied only if that is lower.
fn capped(request: &Arc<CompletionRequest>, max_tokens: u32) -> Arc<CompletionRequest> {
    if request.max_tokens <= max_tokens {
        return request.clone();
    }
    Arc::new(CompletionRequest {
        max_tokens,
        ..CompletionRequest::clone(request)
    })
}

fn rejected(provider: &str, failure: &Failure, attempts: Vec<Attempt>) -> CallError {
    let word = match &failure.word {
        Some(word) => format!(" ({word})"),
        None => String::new(),
    };
    CallError::Rejected {
        sentence: format!(
            "{provider} rejected the request{word}. Check the prompt, the model and the limits."
        ),
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
    CallError::ProvidersFailed {
        sentence: format!("No provider could answer: {}.", each.join("; ")),
        retry_after: failures
            .iter()
            .filter_map(|failure| failure.retry_after)
            .min(),
        attempts,
    }
}

fn outcome<S: Serializer>(
    outcome: &Result<(), FailureKind>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match outcome {
        Ok(()) => "ok",
        Err(kind) => kind.word(),
    })
}

// === impl Attempt ===

impl Attempt {
    /// `anthropic:500`; the outcome's word where the status does not tell it.
    pub fn brief(&self) -> String {
        match (self.status, self.outcome) {
            (Some(status @ 300..), _) | (Some(status), Ok(())) => {
                format!("{}:{status}", self.provider)
            }
            (None, Ok(())) => format!("{}:ok", self.provider),
            (_, Err(kind)) => format!("{}:{}", self.provider, kind.word()),
        }
    }
}

// === impl Hopped ===

impl Hopped {
    fn failed(kind: FailureKind) -> Self {
        Self {
            outcome: Err(Failure::new(kind, Class::NextNow)),
            tries: None,
        }
    }

    fn unasked(kind: FailureKind) -> Self {
        Self {
            tries: Some(0),
            ..Self::failed(kind)
        }
    }
}
