//! Sessions: the table of those who are logged in.

use std::net::IpAddr;

use hub_actors::protocol::Digest;
use rusqlite::{Row, Transaction, params};

use super::{
    password::Hash,
    session::Session,
    store::{Store, StoreError},
    users::stored,
};

/// Every session, of users who are not locked.
///
/// # Errors
/// [`StoreError`]
pub fn all(store: &Store) -> Result<Vec<Session>, StoreError> {
    store.with(|connection| {
        let mut all = connection.prepare(
            "SELECT hash, user, address, agent, created, seen FROM sessions
             WHERE user IN (SELECT id FROM users WHERE is_locked = 0)",
        )?;
        let rows = all.query_map([], session)?;
        // One that cannot be read is none.
        rows.filter_map(Result::transpose).collect()
    })
}

/// Begins a session of a user whose password still has this hash, in place of `before`; and keeps the
/// hash's `renewal`, if there is one. `false`: the user was locked meanwhile, or got another password.
///
/// # Errors
/// [`StoreError`]
pub fn begin(
    store: &Store,
    session: &Session,
    before: Option<&Digest>,
    (hash, renewal): (&Hash, Option<&Hash>),
) -> Result<bool, StoreError> {
    store.with(|connection| {
        let all = connection.transaction()?;
        let same = all.execute(
            "UPDATE users SET password = ? WHERE id = ? AND password = ? AND is_locked = 0",
            params![renewal.unwrap_or(hash).to_string(), session.user, hash.to_string()],
        )?;
        if same == 0 {
            return Ok(false);
        }
        if let Some(before) = before {
            forget(&all, before)?;
        }
        all.execute(
            "INSERT INTO sessions (hash, user, address, agent, created, seen) VALUES (?, ?, ?, ?, ?, ?)",
            params![
                session.hash.as_slice(),
                session.user,
                session.address.to_string(),
                session.agent.as_slice(),
                stored(session.created),
                stored(session.seen)
            ],
        )?;
        all.commit()?;
        Ok(true)
    })
}

/// Ends a session.
///
/// # Errors
/// [`StoreError`]
pub fn end(store: &Store, hash: &Digest) -> Result<(), StoreError> {
    store.with(|connection| {
        let one = connection.transaction()?;
        forget(&one, hash)?;
        one.commit()
    })
}

/// Keeps when sessions were last used, and forgets those that are over.
///
/// # Errors
/// [`StoreError`]
pub fn touch(store: &Store, seen: &[(Digest, u64)], ended: &[Digest]) -> Result<(), StoreError> {
    store.with(|connection| {
        let all = connection.transaction()?;
        for (hash, seen) in seen {
            let values = params![stored(*seen), hash.as_slice()];
            all.execute("UPDATE sessions SET seen = ? WHERE hash = ?", values)?;
        }
        for hash in ended {
            forget(&all, hash)?;
        }
        all.commit()
    })
}

fn forget(transaction: &Transaction<'_>, hash: &Digest) -> rusqlite::Result<usize> {
    transaction.execute("DELETE FROM sessions WHERE hash = ?", [hash.as_slice()])
}

fn session(row: &Row<'_>) -> rusqlite::Result<Option<Session>> {
    let digest = |bytes: Vec<u8>| Digest::try_from(bytes).ok();
    let seconds = |name: &str| row.get::<_, i64>(name).map(i64::unsigned_abs);
    let (hash, agent) = (digest(row.get("hash")?), digest(row.get("agent")?));
    let address: String = row.get("address")?;
    let (Some(hash), Some(agent), Ok(address)) = (hash, agent, address.parse::<IpAddr>()) else {
        return Ok(None);
    };
    Ok(Some(Session {
        hash,
        user: row.get("user")?,
        address,
        agent,
        created: seconds("created")?,
        seen: seconds("seen")?,
    }))
}
