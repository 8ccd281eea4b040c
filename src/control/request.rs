//! Request: what can be asked of a hub through its control socket, one JSON object on one line; and the
//! same done on the files when no hub runs.

use std::sync::Arc;

use hub_actors::principal::Principal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::identity::{Act, Done, NewKey, Shown, now};

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
        }
    }

    /// What the audit calls it; `None` for what changes nothing.
    pub fn audited(&self) -> Option<String> {
        let word =
            |act: &str, name: &str| Some(format!("{act} {}", hub_actors::params::clip(name)));
        match self {
            Self::KeyAdd { key } => word("key add", &key.name),
            Self::KeyRevoke { which } => word("key revoke", which),
            Self::KeyList => None,
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
