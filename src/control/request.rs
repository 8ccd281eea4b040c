//! Request: what can be asked of a hub through its control socket, one JSON object on one line; and the
//! same done on the files when no hub runs.

use std::sync::Arc;

use hub_actors::principal::Principal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    identity::{Act, Done, NewKey, NewUser, Shown, now},
    roles::RoleAct,
};

/// Longest line.
pub const LONGEST: usize = 64 * 1024;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Something about keys.
    Key(KeyRequest),
    /// Something about users.
    User(UserRequest),
    /// Something about roles.
    Role(RoleAct),
}

/// What is asked about users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserRequest {
    /// Make these.
    Add(Vec<NewUser>),
    /// Show all of them.
    List,
    /// Give one another password.
    Password {
        /// Who.
        name: String,
        /// Its hash: the password itself stays where it was typed.
        hash: String,
    },
    /// Lock one, or unlock.
    Lock {
        /// Who.
        name: String,
        /// Lock.
        locked: bool,
    },
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
        match self {
            Self::Key(KeyRequest::Add(key)) => Act::Add(key),
            Self::Key(KeyRequest::List) => Act::List,
            Self::Key(KeyRequest::Revoke(which)) => Act::Revoke(which),
            Self::User(UserRequest::Add(users)) => Act::AddUsers(users),
            Self::User(UserRequest::List) => Act::ListUsers,
            Self::User(UserRequest::Password { name, hash }) => Act::SetPassword(name, hash),
            Self::User(UserRequest::Lock { name, locked }) => Act::SetLocked(name, locked),
            Self::Role(act) => Act::Role(act),
        }
    }

    /// What the audit calls it; `None` for what changes nothing.
    pub fn audited(&self) -> Option<String> {
        let (act, name) = match self {
            Self::Key(KeyRequest::Add(key)) => ("key add", key.name.clone()),
            Self::Key(KeyRequest::Revoke(which)) => ("key revoke", which.clone()),
            Self::User(UserRequest::Add(users)) => {
                let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
                ("user add", names.join(", "))
            }
            Self::User(UserRequest::Password { name, .. }) => ("user passwd", name.clone()),
            Self::User(UserRequest::Lock { name, locked }) => match locked {
                true => ("user lock", name.clone()),
                false => ("user unlock", name.clone()),
            },
            Self::Role(RoleAct::Add { name, .. }) => ("role add", name.clone()),
            Self::Role(RoleAct::Remove(name)) => ("role remove", name.clone()),
            Self::Role(RoleAct::Grant { user, role }) => ("role grant", format!("{user} {role}")),
            Self::Role(RoleAct::Revoke { user, role }) => ("role revoke", format!("{user} {role}")),
            Self::Role(RoleAct::Set { user, roles }) => {
                ("role set", format!("{user} {}", roles.join(",")))
            }
            Self::Key(KeyRequest::List)
            | Self::User(UserRequest::List)
            | Self::Role(RoleAct::List) => return None,
        };
        Some(format!("{act} {}", hub_actors::params::clip(&name)))
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
            Ok(Done::Roles(roles)) => Self::Done(json!(roles)),
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
