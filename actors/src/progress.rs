//! Progress: what a call is doing, told while it runs to a door that can pass it on.

use std::sync::Arc;

use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use crate::{
    plan::Plan,
    protocol::{Class, Failure, FailureKind},
    request::Request,
};

/// Where a door hears of a call's progress. Unbounded, so that a slow listener never holds up a call;
/// a call says at most one thing for each provider of its chain.
pub type Observer = UnboundedSender<Progress>;

/// A provider of the chain failed.
#[derive(Debug, Clone)]
pub struct Progress {
    /// Who failed.
    pub provider: Arc<str>,
    /// How.
    pub kind: FailureKind,
    /// The vendor's HTTP status, if one came.
    pub status: Option<u16>,
    /// Who is asked now; `None` if nobody is left.
    pub next: Option<Arc<str>>,
    /// How many providers are done with, this one included.
    pub done: usize,
    /// How many the chain has.
    pub of: usize,
}

// === impl Progress ===

impl Progress {
    /// What to say of the failure of a plan's hop number `index`.
    pub fn new<R: Request>(
        plan: &Plan<R>,
        provider: &Arc<str>,
        index: usize,
        failure: &Failure,
    ) -> Self {
        let next = plan.hops.get(index + 1);
        let goes_on = failure.class != Class::Stop && Instant::now() < plan.deadline;
        Self {
            provider: provider.clone(),
            kind: failure.kind,
            status: failure.status,
            next: next
                .filter(|_| goes_on)
                .map(|hop| hop.provider.name.clone()),
            done: index + 1,
            of: plan.hops.len(),
        }
    }

    /// `anthropic failed with 529, asking gemini`
    pub fn sentence(&self) -> String {
        let failed = match self.status {
            Some(status) => format!("{} failed with {status}", self.provider),
            None => format!("{} {}", self.provider, self.kind),
        };
        match &self.next {
            Some(next) => format!("{failed}, asking {next}"),
            None => failed,
        }
    }
}
