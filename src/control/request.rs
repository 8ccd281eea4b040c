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
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Something about keys.
    Key(KeyRequest),
}

/// What is asked about keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRequest {
    /// Make one.
    Add(NewKey),
    /// Show all of them.
    List,
    /// Revoke the one of this id or name.
    Revoke(String),
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
        let Self::Key(request) = self;
        match request {
            KeyRequest::Add(key) => Act::Add(key),
            KeyRequest::List => Act::List,
            KeyRequest::Revoke(which) => Act::Revoke(which),
        }
    }

    /// What the audit calls it; `None` for what changes nothing.
    pub fn audited(&self) -> Option<String> {
        let Self::Key(request) = self;
        let (act, name) = match request {
            KeyRequest::Add(key) => ("key add", &key.name),
            KeyRequest::Revoke(which) => ("key revoke", which),
            KeyRequest::List => return None,
        };
        Some(format!("{act} {}", hub_actors::params::clip(name)))
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
