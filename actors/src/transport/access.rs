//! Access: how a door learns who somebody is. It asks Identity with a message and remembers the answer
//! for at most 10 seconds, or until the guardian says that something has changed.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, timeout_at},
};

use super::{credential::sha256, known::Known};
use crate::{
    principal::Principal,
    protocol::{
        AccessChanged, Authenticate, Browser, Digest, LoggedIn, Login, LoginError, Logout,
        Presented, Verdict,
    },
};

/// How long a request waits for an Identity that is being restarted.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one life of a transport knows of who may enter.
pub struct Access {
    latest: ArcSwapOption<AccessChanged>,
    /// The latest generation, for those who wait for one.
    changes: watch::Sender<u64>,
    known: Known,
}

/// Why somebody does not enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Nobody knows them.
    Unknown,
    /// Nobody can be asked at this moment.
    Unavailable,
}

// === impl Access ===

impl Default for Access {
    fn default() -> Self {
        Self {
            latest: ArcSwapOption::empty(),
            changes: watch::Sender::new(0),
            known: Known::default(),
        }
    }
}

impl Access {
    /// Takes note of a change. Nothing that was known before is used any more.
    pub fn change(&self, changed: AccessChanged) {
        let generation = changed.generation;
        let before = self.latest.load();
        // Two lives of Identity may be heard in any order.
        if before
            .as_ref()
            .is_some_and(|before| before.generation > generation)
        {
            return;
        }
        self.latest.store(Some(Arc::new(changed)));
        self.changes.send_replace(generation);
    }

    /// Whether it is known at all who may enter.
    pub fn is_known(&self) -> bool {
        self.latest.load().is_some()
    }

    /// Whether nobody is asked who they are.
    pub fn is_open(&self) -> bool {
        self.latest
            .load()
            .as_ref()
            .is_some_and(|latest| latest.is_open())
    }

    /// Who shows this, if it can be told without asking anybody.
    pub fn at_once(&self, presented: Option<&Presented>) -> Option<Result<Arc<Principal>, Denied>> {
        let latest = self.latest.load();
        let latest = latest.as_ref()?;
        // Whoever started the hub is somebody, even where others need not be.
        if latest.is_open() && !matches!(presented, Some(Presented::Local { .. })) {
            return Some(Ok(Principal::anyone()));
        }
        let Some(presented) = presented else {
            return Some(Err(Denied::Unknown));
        };
        let digest = name(presented);
        let known = self.known.find(&digest, latest.generation, Instant::now());
        // What has ended is not waited for until the guardian says so.
        let known = known.filter(|principal| !principal.account.is_over());
        known.map(Ok)
    }

    /// Who shows this. Asks Identity if need be.
    ///
    /// # Errors
    /// [`Denied`]
    pub async fn who(&self, presented: Option<&Presented>) -> Result<Arc<Principal>, Denied> {
        let patience = Instant::now() + PATIENCE;
        let mut changes = self.changes.subscribe();
        loop {
            if let Some(answer) = self.at_once(presented) {
                return answer;
            }
            let asked = async {
                match presented {
                    Some(presented) => self.ask(presented).await,
                    None => None,
                }
            };
            tokio::select! {
                biased;
                Some(verdict) = asked => {
                    let Some(presented) = presented else { continue };
                    // Something has changed while the answer was on its way.
                    if verdict.generation < *self.changes.borrow() {
                        continue;
                    }
                    return self.keep(presented, verdict).ok_or(Denied::Unknown);
                }
                // It is being restarted, and says so when it is back.
                changed = timeout_at(patience, changes.changed()) => {
                    if !matches!(changed, Ok(Ok(()))) {
                        return Err(Denied::Unavailable);
                    }
                }
            }
        }
    }

    async fn ask(&self, presented: &Presented) -> Option<Verdict> {
        let identity = self.latest.load().as_ref()?.identity.clone();
        let (reply, answer) = oneshot::channel();
        identity.do_send(Authenticate {
            presented: presented.clone(),
            reply,
        });
        answer.await.ok()
    }

    /// Begins a session; `None` if nobody can be asked now.
    pub async fn login(
        &self,
        login: impl FnOnce(oneshot::Sender<Result<LoggedIn, LoginError>>) -> Login,
    ) -> Option<Result<LoggedIn, LoginError>> {
        let logins = self.latest.load().as_ref()?.logins.clone();
        let (reply, answer) = oneshot::channel();
        logins.do_send(login(reply));
        answer.await.ok()
    }

    /// Ends a session.
    pub async fn logout(&self, session: Digest) {
        let Some(latest) = self.latest.load_full() else {
            return;
        };
        let (reply, ended) = oneshot::channel();
        latest.logouts.do_send(Logout { session, reply });
        // One that dies meanwhile reads the sessions again.
        let _ = ended.await;
    }

    /// The principal of a verdict that is not out of date.
    fn keep(&self, presented: &Presented, verdict: Verdict) -> Option<Arc<Principal>> {
        let principal = verdict.principal?;
        // It was revoked while the answer was on its way.
        if principal.account.is_over() {
            return None;
        }
        let digest = name(presented);
        let Verdict {
            generation, until, ..
        } = verdict;
        self.known
            .keep(digest, principal.clone(), generation, until);
        Some(principal)
    }
}

// === impl AccessChanged ===

impl AccessChanged {
    /// Whether nobody is asked who they are, at this moment.
    pub fn is_open(&self) -> bool {
        self.open && !self.closed.load(Ordering::SeqCst)
    }
}

/// Under what an answer is remembered.
fn name(presented: &Presented) -> Digest {
    match presented {
        Presented::Key { digest, .. } => *digest,
        Presented::Session { digest, browser } => {
            let Browser { address, agent } = browser;
            let mut name = format!("\0session {address} ").into_bytes();
            name.extend_from_slice(agent);
            name.extend_from_slice(digest);
            sha256(&name)
        }
        // No header can hold a NUL, so no key has this digest.
        Presented::Local { key } => {
            sha256(format!("\0local {}", key.as_deref().unwrap_or_default()).as_bytes())
        }
    }
}
