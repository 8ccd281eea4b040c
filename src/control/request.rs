//! Request: what can be asked of a hub through its control socket, one JSON object on one line; and the
//! same done on the files when no hub runs.

use std::sync::Arc;

use hub_actors::principal::Principal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::identity::{Act, Done, NewKey, NewUser, Shown, now};

/// Longest line.
pub const LONGEST: usize = 64 * 1024;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Make a key.
    KeyAdd {
        /// Which.
        key: NewKey,
    },
    /// Show all keys.
    KeyList,
    /// Revoke one.
    KeyRevoke {
        /// Its id or name.
        which: String,
    },
    /// Make users.
    UserAdd {
        /// Which.
        users: Vec<NewUser>,
    },
    /// Show all users.
    UserList,
    /// Give one another password.
    UserPassword {
        /// Who.
        name: String,
        /// Its hash: the password itself stays where it was typed.
        hash: String,
    },
    /// Lock one, or unlock.
    UserLock {
        /// Who.
        name: String,
        /// Lock.
        locked: bool,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done.
    Done(Value),
    /// It was not; one sentence says why.
    Failed(String),
}

// === impl Request ===

impl Request {
    /// What it is for Identity.
    pub fn act(self) -> Act {
        match self {
            Self::KeyAdd { key } => Act::Add(key),
            Self::KeyList => Act::List,
            Self::KeyRevoke { which } => Act::Revoke(which),
            Self::UserAdd { users } => Act::AddUsers(users),
            Self::UserList => Act::ListUsers,
            Self::UserPassword { name, hash } => Act::SetPassword(name, hash),
            Self::UserLock { name, locked } => Act::SetLocked(name, locked),
        }
    }

    /// What the audit calls it; `None` for what changes nothing.
    pub fn audited(&self) -> Option<String> {
        let word =
            |act: &str, name: &str| Some(format!("{act} {}", hub_actors::params::clip(name)));
        match self {
            Self::KeyAdd { key } => word("key add", &key.name),
            Self::KeyRevoke { which } => word("key revoke", which),
            Self::UserAdd { users } => {
                let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
                word("user add", &names.join(", "))
            }
            Self::UserPassword { name, .. } => word("user passwd", name),
            Self::UserLock { name, locked: true } => word("user lock", name),
            Self::UserLock { name, .. } => word("user unlock", name),
            Self::KeyList | Self::UserList => None,
        }
    }

    /// In whose name it is done: whoever has access to the socket or the files is their owner.
    pub fn principal() -> Arc<Principal> {
        Principal::local()
    }
}

// === impl Answer ===

impl Answer {
    /// What was done, as whoever asked reads it.
    pub fn new<E: std::fmt::Display>(done: Result<Done, E>) -> Self {
        let now = now();
        match done {
            Ok(Done::Added(key, token)) => Self::Done(json!({
                "key": token.show(),
                "about": Shown::new(&key, now),
            })),
            Ok(Done::Listed(keys)) => {
                let keys = keys.iter().map(|key| Shown::new(key, now));
                Self::Done(json!(keys.collect::<Vec<_>>()))
            }
            Ok(Done::Revoked(key)) => Self::Done(json!(Shown::new(&key, now))),
            Ok(Done::AddedUsers(users)) => {
                let users = users.into_iter().map(|(name, added)| match added {
                    Ok(_) => json!({"name": name}),
                    Err(error) => json!({"name": name, "refused": error.to_string()}),
                });
                Self::Done(users.collect())
            }
            Ok(Done::ListedUsers(users)) => Self::Done(json!(users)),
            Ok(Done::Changed(user)) => Self::Done(json!(user)),
            Err(error) => Self::Failed(error.to_string()),
        }
    }

    /// Its line.
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}
