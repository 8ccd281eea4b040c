//! Users: the table of people who log in.

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{
    lockout::Attempts,
    password::Hash,
    store::{Store, StoreError},
};

/// Longest name, in characters.
const LONGEST_NAME: usize = 64;

/// A user, but for the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Never used again.
    pub id: i64,
    /// Unique.
    pub name: String,
    /// May administer everything.
    pub is_admin: bool,
    /// Somebody has locked it; nobody logs in.
    pub is_locked: bool,
    /// Wrong passwords in a row.
    pub failures: u32,
    /// Locked by those until then, in seconds since 1970.
    pub until: u64,
}

/// A user that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Unique.
    pub name: String,
    /// `$pbkdf2-sha256$..`
    pub hash: String,
    /// May administer everything.
    #[serde(default)]
    pub is_admin: bool,
    /// Nobody logs in yet.
    #[serde(default)]
    pub is_locked: bool,
}

/// Why something could not be done with a user.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// A name that nobody could type or read.
    #[error(
        "a user's name has 1 to {LONGEST_NAME} characters, no control characters, and no space at its ends"
    )]
    Name,
    /// What was sent as a hash is none.
    #[error("the password's hash is none that could be checked")]
    Hash,
    /// The name is taken.
    #[error("there is a user `{0}` already; `hub user passwd` changes the password")]
    Taken(String),
    /// Nobody has that name.
    #[error("there is no user `{0}`; `hub user list` shows them")]
    Unknown(String),
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a login needs to know.
pub struct Found {
    /// The user of that name and their hash, and what was counted of them.
    pub user: Option<(User, Hash, Attempts)>,
    /// The most rounds of any user's hash.
    pub rounds: u32,
}

const COLUMNS: &str = "id, name, is_admin, is_locked, failures, locked_until, password, lockouts";

/// Everybody, by name.
///
/// # Errors
/// [`StoreError`]
pub fn all(store: &Store) -> Result<Vec<User>, StoreError> {
    store.with(|connection| {
        let mut all = connection.prepare(&format!("SELECT {COLUMNS} FROM users ORDER BY name"))?;
        all.query_map([], user)?.collect()
    })
}

/// Looks for a user. Reads everybody, so that it takes the same time whether there is one or not.
///
/// # Errors
/// [`StoreError`]
pub fn find(store: &Store, name: &str) -> Result<Found, StoreError> {
    store.with(|connection| {
        let mut found = Found {
            user: None,
            rounds: 0,
        };
        let mut all = connection.prepare(&format!("SELECT {COLUMNS} FROM users"))?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let hash: String = row.get("password")?;
            let Ok(hash) = Hash::parse(&hash) else {
                continue;
            };
            found.rounds = found.rounds.max(hash.rounds());
            let user = user(row)?;
            if user.name == name {
                let attempts = Attempts {
                    failures: user.failures,
                    lockouts: row.get("lockouts")?,
                    until: user.until,
                };
                found.user = Some((user, hash, attempts));
            }
        }
        Ok(found)
    })
}

/// Makes a user.
///
/// # Errors
/// [`UsersError`]
pub fn add(store: &Store, new: &NewUser, now: u64) -> Result<User, UsersError> {
    let NewUser { name, hash, .. } = new;
    let plain = name.chars().all(|c| !c.is_control()) && name.trim() == name;
    if !plain || !(1..=LONGEST_NAME).contains(&name.chars().count()) {
        return Err(UsersError::Name);
    }
    let hash = Hash::parse(hash).map_err(|_| UsersError::Hash)?.to_string();
    let added = store.with(|connection| {
        let insert = format!(
            "INSERT INTO users (name, password, is_admin, is_locked, created) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (name) DO NOTHING RETURNING {COLUMNS}"
        );
        let values = params![name, hash, new.is_admin, new.is_locked, stored(now)];
        connection.query_row(&insert, values, user).optional()
    })?;
    added.ok_or_else(|| UsersError::Taken(shown(name)))
}

/// Sets a new password, and ends the user's sessions.
///
/// # Errors
/// [`UsersError`]
pub fn set_password(store: &Store, name: &str, hash: &str) -> Result<User, UsersError> {
    let hash = Hash::parse(hash).map_err(|_| UsersError::Hash)?.to_string();
    change(
        store,
        name,
        "password = ?2, failures = 0, lockouts = 0, locked_until = 0",
        &hash,
    )
}

/// Locks or unlocks a user, and ends their sessions.
///
/// # Errors
/// [`UsersError`]
pub fn set_locked(store: &Store, name: &str, locked: bool) -> Result<User, UsersError> {
    let set = "is_locked = CAST(?2 AS INTEGER), failures = 0, lockouts = 0, locked_until = 0";
    change(store, name, set, if locked { "1" } else { "0" })
}

fn change(store: &Store, name: &str, set: &str, value: &str) -> Result<User, UsersError> {
    let changed = store.with(|connection| {
        let both = connection.transaction()?;
        let update = format!("UPDATE users SET {set} WHERE name = ?1 RETURNING {COLUMNS}");
        let changed = both.query_row(&update, [name, value], user).optional()?;
        if let Some(user) = &changed {
            both.execute("DELETE FROM sessions WHERE user = ?", [user.id])?;
        }
        both.commit()?;
        Ok(changed)
    })?;
    changed.ok_or_else(|| UsersError::Unknown(shown(name)))
}

/// Keeps what was counted of a user.
///
/// # Errors
/// [`StoreError`]
pub fn keep(store: &Store, user: i64, attempts: Attempts) -> Result<(), StoreError> {
    store.with(|connection| {
        let Attempts {
            failures,
            lockouts,
            until,
        } = attempts;
        connection.execute(
            "UPDATE users SET failures = ?, lockouts = ?, locked_until = ? WHERE id = ?",
            params![failures, lockouts, stored(until), user],
        )
    })?;
    Ok(())
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let until: i64 = row.get("locked_until")?;
    Ok(User {
        id: row.get("id")?,
        name: row.get("name")?,
        is_admin: row.get("is_admin")?,
        is_locked: row.get("is_locked")?,
        failures: row.get("failures")?,
        until: until.unsigned_abs(),
    })
}

/// A name in a sentence.
fn shown(name: &str) -> String {
    hub_actors::params::clip(name)
}

/// As SQLite counts.
pub(super) fn stored(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
