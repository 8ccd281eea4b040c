//! Keys: the table of API keys.

use std::num::NonZeroU32;

use hub_actors::{account::Limits, principal::Principal, protocol::Digest, scope::Scope};
use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};

use super::{
    key::{Key, KeyError, NewKey, Token},
    rights::{ADMIN_KEYS, Rights},
    store::{Store, StoreError},
};

/// Why a key could not be made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There may be no such key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The name is taken.
    #[error("there is a key named `{0}` already; revoke it first, or choose another name")]
    Taken(String),
    /// Nothing to revoke.
    #[error("there is no key `{0}` that could be revoked; `hub key list` shows them")]
    Unknown(String),
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Every key there ever was, the oldest first.
///
/// # Errors
/// [`StoreError`]
pub fn all(store: &Store) -> Result<Vec<Key>, StoreError> {
    store.with(|connection| {
        let mut all = connection.prepare(
            "SELECT id, name, hash, tools, models, admin, rpm, rpd, parallel, expires, created,
                    created_by, revoked
             FROM api_keys ORDER BY created, rowid",
        )?;
        all.query_map([], key)?.collect()
    })
}

/// Makes a key for `creator`.
///
/// # Errors
/// [`KeysError`]
pub fn add(
    store: &Store,
    creator: &Principal,
    new: NewKey,
    now: u64,
) -> Result<(Key, Token), KeysError> {
    let (key, token) = Key::issue(creator, new, now)?;
    let added = store.with(|connection| insert(connection, &key))?;
    match added {
        true => Ok((key, token)),
        false => Err(KeysError::Taken(key.name.to_string())),
    }
}

/// Revokes the key of that id, or else of that name.
///
/// # Errors
/// [`KeysError`]
pub fn revoke(store: &Store, revoker: &Principal, which: &str, now: u64) -> Result<Key, KeysError> {
    if !revoker.admin.allows(ADMIN_KEYS) {
        return Err(KeyError::Forbidden.into());
    }
    let revoked = store.with(|connection| {
        connection
            .query_row(
                "UPDATE api_keys SET revoked = ?2 WHERE id = (
                     SELECT id FROM api_keys WHERE revoked IS NULL AND (id = ?1 OR name = ?1)
                     ORDER BY id = ?1 DESC LIMIT 1)
                 RETURNING id, name, hash, tools, models, admin, rpm, rpd, parallel, expires,
                           created, created_by, revoked",
                params![which, stored(now)],
                key,
            )
            .optional()
    })?;
    revoked.ok_or_else(|| KeysError::Unknown(hub_actors::params::clip(which)))
}

/// Whether it was added: not if a valid key has its name.
fn insert(connection: &Connection, key: &Key) -> rusqlite::Result<bool> {
    let Rights {
        tools,
        models,
        admin,
        limits,
        expires,
    } = &key.rights;
    let count = |limit: Option<NonZeroU32>| limit.map(NonZeroU32::get);
    let added = connection.execute(
        "INSERT INTO api_keys (id, name, hash, tools, models, admin, rpm, rpd, parallel, expires,
                               created, created_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (name) WHERE revoked IS NULL DO NOTHING",
        params![
            &*key.id,
            &*key.name,
            key.hash.as_slice(),
            tools.to_string(),
            models.to_string(),
            admin.to_string(),
            count(limits.rpm),
            count(limits.rpd),
            count(limits.parallel),
            expires.map(stored),
            stored(key.created),
            key.created_by,
        ],
    )?;
    Ok(added == 1)
}

/// A row. One that cannot be understood is an error, not a key with other rights.
fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    let text = |index| row.get::<_, String>(index);
    let scope = |index| -> rusqlite::Result<Scope> {
        let unreadable =
            |error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error));
        text(index)?.parse().map_err(unreadable)
    };
    let limit = |index| -> rusqlite::Result<Option<NonZeroU32>> {
        let limit: Option<u32> = row.get(index)?;
        // 0 is no limit that can be set, so it must not come to mean none.
        Ok(limit.map(|limit| NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN)))
    };
    Ok(Key {
        id: text(0)?.into(),
        name: text(1)?.into(),
        hash: row.get::<_, Digest>(2)?,
        rights: Rights {
            tools: scope(3)?,
            models: scope(4)?,
            admin: scope(5)?,
            limits: Limits {
                rpm: limit(6)?,
                rpd: limit(7)?,
                parallel: limit(8)?,
            },
            expires: row.get::<_, Option<i64>>(9)?.map(seconds),
        },
        created: seconds(row.get(10)?),
        created_by: text(11)?,
        revoked: row.get::<_, Option<i64>>(12)?.map(seconds),
    })
}

/// A time as SQLite keeps it.
fn stored(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// A time as it was kept; one before 1970 was tampered with, and is long over.
fn seconds(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str) -> NewKey {
        NewKey {
            name: name.to_owned(),
            rights: Rights {
                tools: "llm_*".parse().expect("is a scope"),
                limits: Limits {
                    rpm: NonZeroU32::new(5),
                    ..Limits::default()
                },
                expires: Some(2_000_000_000),
                ..Rights::all()
            },
        }
    }

    #[test]
    fn what_is_added_is_found_and_what_is_revoked_stays_as_such() {
        let (store, local) = (Store::in_memory().expect("opens"), Principal::local());
        let (one, _) = add(&store, &local, new("one"), 10).expect("is added");
        assert_eq!(all(&store).expect("is read"), std::slice::from_ref(&one));
        assert!(matches!(
            add(&store, &local, new("one"), 11),
            Err(KeysError::Taken(_))
        ));
        let revoked = revoke(&store, &local, "one", 12).expect("is revoked");
        assert_eq!((revoked.revoked, &revoked.id), (Some(12), &one.id));
        assert!(matches!(
            revoke(&store, &local, &one.id, 13),
            Err(KeysError::Unknown(_))
        ));
        // The name is free again; whose id it is goes before whose name it is.
        let (two, _) = add(&store, &local, new("one"), 14).expect("is added");
        let (three, _) = add(&store, &local, new(&two.id), 15).expect("is added");
        assert_eq!(revoke(&store, &local, &two.id, 16).expect("is").id, two.id);
        assert_eq!(
            revoke(&store, &local, &two.id, 17).expect("is").id,
            three.id
        );
        assert_eq!(all(&store).expect("is read").len(), 3);
        let nobody = revoke(&store, &Principal::anyone(), "one", 18);
        assert!(matches!(nobody, Err(KeysError::Key(KeyError::Forbidden))));
    }

    #[test]
    fn a_row_that_was_tampered_with_is_no_key() {
        let store = Store::in_memory().expect("opens");
        add(&store, &Principal::local(), new("one"), 10).expect("is added");
        let tamper = "UPDATE api_keys SET tools = 'a*b'";
        store.with(|c| c.execute_batch(tamper)).expect("is written");
        assert!(all(&store).is_err());
    }
}
