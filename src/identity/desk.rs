//! Desk: what those who administer ask for, and how it is done.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use actix::Message;
use hub_actors::principal::Principal;
use tokio::sync::oneshot;

use crate::roles::{Role, RoleAct, RolesError};

use super::{
    key::{Key, NewKey, Token},
    keys::{self, KeysError},
    store::{Store, StoreError},
    users::{self, NewUser, User, UsersError},
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
    pub reply: oneshot::Sender<Result<Done, AdministerError>>,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdministerError {
    /// With keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// With users.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// With roles.
    #[error(transparent)]
    Roles(#[from] RolesError),
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What can be done with keys, users and roles.
pub enum Act {
    /// Make one.
    Add(NewKey),
    /// Show them.
    List,
    /// Revoke the one of this id or name.
    Revoke(String),
    /// Make these users, but for those whose name is taken.
    AddUsers(Vec<NewUser>),
    /// Show all users.
    ListUsers,
    /// Give this user the password of this hash.
    SetPassword(String, String),
    /// Lock this user, or unlock.
    SetLocked(String, bool),
    /// Something with roles.
    Role(RoleAct),
}

/// What was done.
pub enum Done {
    /// This key was made.
    Added(Key, Token),
    /// These are all.
    Listed(Vec<Key>),
    /// This key was revoked.
    Revoked(Key),
    /// Of these users each was made, or why not.
    AddedUsers(Vec<(String, Result<User, UsersError>)>),
    /// These are all.
    ListedUsers(Vec<User>),
    /// This user was changed, and has no sessions any more.
    Changed(User),
    /// What was asked about roles was done; if it was to show them, these are all.
    Roles(Vec<Role>),
}

/// Does it, for `who`. May wait for the disk.
///
/// # Errors
/// [`AdministerError`]
pub fn administer(store: &Store, who: &Principal, act: Act) -> Result<Done, AdministerError> {
    Ok(match act {
        Act::Add(new) => {
            let (key, token) = keys::add(store, who, new, now())?;
            Done::Added(key, token)
        }
        Act::List => Done::Listed(keys::all(store)?),
        Act::Revoke(which) => Done::Revoked(keys::revoke(store, who, &which, now())?),
        Act::AddUsers(new) => {
            let add = |new: NewUser| {
                let added = users::add(store, &new, now());
                (new.name, added)
            };
            Done::AddedUsers(new.into_iter().map(add).collect())
        }
        Act::ListUsers => Done::ListedUsers(users::all(store)?),
        Act::SetPassword(name, hash) => Done::Changed(users::set_password(store, &name, &hash)?),
        Act::SetLocked(name, locked) => Done::Changed(users::set_locked(store, &name, locked)?),
        // They are not in the file.
        Act::Role(_) => return Err(RolesError::NoDatabase.into()),
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
