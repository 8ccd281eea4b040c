//! Who somebody is, and who may enter.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix::prelude::*;
use tokio::{sync::oneshot, time::Instant};

use crate::principal::Principal;

/// Asks who somebody is. The answer goes through `reply`; dropped without one if the actor dies.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Authenticate {
    /// What they have shown.
    pub presented: Presented,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Verdict>,
}

/// SHA-256 of a secret. What a door sends and keeps in place of the secret.
pub type Digest = [u8; 32];

/// What somebody has shown at a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// An API key.
    Key {
        /// The id that it names (`hub_ID_..`), if it looks like one of ours. It is no secret.
        id: Option<Box<str>>,
        /// Of the whole key.
        digest: Digest,
    },
    /// A browser's session.
    Session {
        /// Of its id.
        digest: Digest,
        /// Who shows it: it is good for one.
        browser: Browser,
    },
    /// That they started the hub themselves, over standard input and output.
    Local {
        /// The id of the key whose rights they want to have instead of their own.
        key: Option<Arc<str>>,
    },
}

/// What is known of a browser without asking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Browser {
    /// Where it is.
    pub address: IpAddr,
    /// SHA-256 of its User-Agent.
    pub agent: Digest,
}

/// Asks for a session. What it holds is shown nowhere.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Login {
    /// The user's name.
    pub name: String,
    /// Their password.
    pub password: String,
    /// Who asks.
    pub browser: Browser,
    /// The session that they have now; it ends.
    pub before: Option<Digest>,
    /// Where the answer goes. Dropped without one if the actor dies.
    pub reply: oneshot::Sender<Result<LoggedIn, LoginError>>,
}

/// A session.
pub struct LoggedIn {
    /// Its id, for the cookie and for nobody else.
    pub session: String,
    /// How long it lasts at most.
    pub seconds: u64,
    /// Whose it is.
    pub principal: Arc<Principal>,
}

/// Why there is no session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginError {
    /// No such user, another password, or locked, which makes no difference to whoever tries. For the
    /// audit alone: the user's name, if there is such a user.
    Wrong(Option<Arc<str>>),
    /// This address has tried too often.
    Later(Duration),
    /// Too many log in at this moment.
    Busy,
}

/// Ends a session.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Logout {
    /// Which.
    pub session: Digest,
    /// Told when it has ended.
    pub reply: oneshot::Sender<()>,
}

/// Who somebody is.
#[derive(Debug)]
pub struct Verdict {
    /// `None` if nobody: unknown, wrong, revoked or expired, which makes no difference.
    pub principal: Option<Arc<Principal>>,
    /// Counts the changes of who may enter, at the time of this answer. One of an older
    /// [`AccessChanged::generation`] must not be used any more.
    pub generation: u64,
    /// When to ask again: after 10 seconds at most.
    pub until: Instant,
}

/// Who may enter has changed: whatever a door knows of it is out of date.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub struct AccessChanged {
    /// Counts the changes; never goes down while the hub runs.
    pub generation: u64,
    /// Nobody is asked who they are, as long as it is not [`closed`](Self::closed).
    pub open: bool,
    /// Everybody is asked from now on. Set before the next change is on its way, so that a door that
    /// hears of it late is not open meanwhile. Never unset.
    pub closed: Arc<AtomicBool>,
    /// Who knows everybody.
    pub identity: Recipient<Authenticate>,
    /// Where sessions begin.
    pub logins: Recipient<Login>,
    /// Where they end.
    pub logouts: Recipient<Logout>,
}
