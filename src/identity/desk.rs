//! Desk: what those who administer ask for, and how it is done.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use actix::Message;
use hub_actors::principal::Principal;
use tokio::sync::oneshot;

use super::{
    key::{Key, NewKey, Token},
    keys::{self, KeysError},
    store::{Store, StoreError},
};

/// Asks for something to be done with keys. Dropped without an answer if the actor dies.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Administer {
    /// Who asks.
    pub who: Arc<Principal>,
    /// What for.
    pub act: Act,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Done, KeysError>>,
}

/// What can be done with keys.
pub enum Act {
    /// Make one.
    Add(NewKey),
    /// Show them.
    List,
    /// Revoke the one of this id or name.
    Revoke(String),
}

/// What was done.
pub enum Done {
    /// This key was made.
    Added(Key, Token),
    /// These are all.
    Listed(Vec<Key>),
    /// This key was revoked.
    Revoked(Key),
}

/// Does it, for `who`. May wait for the disk.
///
/// # Errors
/// [`KeysError`]
pub fn administer(store: &Store, who: &Principal, act: Act) -> Result<Done, KeysError> {
    Ok(match act {
        Act::Add(new) => {
            let (key, token) = keys::add(store, who, new, now())?;
            Done::Added(key, token)
        }
        Act::List => Done::Listed(keys::all(store)?),
        Act::Revoke(which) => Done::Revoked(keys::revoke(store, who, &which, now())?),
    })
}

/// The id of the key of that id or name, if it can be used.
///
/// # Errors
/// [`StoreError`]
pub fn find(store: &Store, which: &str) -> Result<Option<Arc<str>>, StoreError> {
    let (all, now) = (keys::all(store)?, now());
    let valid = || all.iter().filter(|key| key.is_valid(now));
    let named = valid()
        .find(|key| *key.id == *which)
        .or_else(|| valid().find(|key| *key.name == *which));
    Ok(named.map(|key| key.id.clone()))
}

/// How many keys there ever were, and how many can be used.
///
/// # Errors
/// [`StoreError`]
pub fn count(store: &Store) -> Result<(usize, usize), StoreError> {
    let (all, now) = (keys::all(store)?, now());
    let valid = all.iter().filter(|key| key.is_valid(now)).count();
    Ok((all.len(), valid))
}

/// Seconds since 1970.
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
