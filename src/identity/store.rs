//! Store: guardian.db, which has the keys (later users and sessions, too) and nothing that anyone asks
//! with SQL. Nobody but the Guardian opens it.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use crate::data_folder::DataFolder;

/// The file's name.
pub const NAME: &str = "guardian.db";
/// How long another program may hold the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// What makes the file of one version one of the next. Only ever added to.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE api_keys (
        id         TEXT PRIMARY KEY,
        name       TEXT NOT NULL,
        hash       BLOB NOT NULL,        -- SHA-256 of the key
        tools      TEXT NOT NULL,
        models     TEXT NOT NULL,
        admin      TEXT NOT NULL,
        rpm        INTEGER,
        rpd        INTEGER,
        parallel   INTEGER,
        expires    INTEGER,              -- seconds since 1970, as all times here
        created    INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        revoked    INTEGER               -- rows stay: a hub that once had keys does not open again
    ) STRICT;
    CREATE UNIQUE INDEX api_keys_name ON api_keys (name) WHERE revoked IS NULL;
"];

/// The file, open. Everything that is done with it may wait for the disk: not on an actor's loop.
#[derive(Debug)]
pub struct Store(Mutex<Connection>);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be made or opened, or is not ours.
    #[error("guardian.db in {folder} cannot be used ({}); it must be a file of the hub's own user", .source.kind())]
    File {
        /// Where it is.
        folder: String,
        /// The system's word.
        #[source]
        source: io::Error,
    },
    /// SQLite's own reason.
    #[error("guardian.db cannot be read or written")]
    Sqlite(#[from] rusqlite::Error),
    /// A newer hub has made it.
    #[error(
        "guardian.db is of a newer version of the hub ({0}); this one would lose what it cannot read"
    )]
    Newer(i64),
}

// === impl Store ===

impl Store {
    /// Opens the file of that folder, or makes it.
    ///
    /// # Errors
    /// [`StoreError`]. A damaged file is not moved aside: a hub without its keys would be open.
    pub fn open(folder: &DataFolder) -> Result<Self, StoreError> {
        let file = folder
            .private_file(NAME)
            .map_err(|source| StoreError::File {
                folder: folder.path().display().to_string(),
                source,
            })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        Self::prepared(Connection::open_with_flags(canonical(&file), flags)?)
    }

    /// Whether there is one in that folder. One that cannot be seen counts as there: to go on without
    /// its keys would open the hub.
    pub fn is_in(folder: &DataFolder) -> bool {
        match folder.path().join(NAME).try_exists() {
            Ok(exists) => exists,
            Err(error) => error.kind() != io::ErrorKind::NotADirectory,
        }
    }

    /// One that is gone at the end, for a hub without a folder.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`]
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepared(Connection::open_in_memory()?)
    }

    fn prepared(mut connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(PATIENCE)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", true)?;
        let newest = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > newest {
            return Err(StoreError::Newer(found));
        }
        if found < newest {
            // Another hub may do the same at this moment.
            let migration = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let found: i64 =
                migration.pragma_query_value(None, "user_version", |row| row.get(0))?;
            for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
                migration.execute_batch(step)?;
            }
            migration.pragma_update(None, "user_version", newest)?;
            migration.commit()?;
        }
        Ok(Self(Mutex::new(connection)))
    }

    /// Does something with it, alone.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`]
    pub fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        // Whoever panicked in the middle left a transaction that was rolled back.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(work(&mut connection)?)
    }

    /// Changes whenever another program has changed the file.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`]
    pub fn version(&self) -> Result<i64, StoreError> {
        self.with(|connection| {
            connection.pragma_query_value(None, "data_version", |row| row.get(0))
        })
    }
}

/// Without links in its folders, which SQLite would refuse with the one that matters.
fn canonical(file: &std::path::Path) -> std::path::PathBuf {
    file.canonicalize().unwrap_or_else(|_| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_database_of_ours_is_refused_and_stays() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::new(temporary.path().to_owned());
        drop(Store::open(&folder).expect("is made"));
        drop(Store::open(&folder).expect("is opened again"));
        let file = temporary.path().join(NAME);
        let newer = Connection::open(&file).expect("opens");
        newer
            .pragma_update(None, "user_version", 99)
            .expect("is written");
        drop(newer);
        assert!(matches!(Store::open(&folder), Err(StoreError::Newer(99))));
        std::fs::write(
            &file,
            "not a database at all, but long enough to be looked at",
        )
        .expect("x");
        assert!(matches!(Store::open(&folder), Err(StoreError::Sqlite(_))));
        assert!(file.exists());
    }

    #[test]
    fn another_programs_change_is_noticed() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::new(temporary.path().to_owned());
        let (one, other) = (Store::open(&folder), Store::open(&folder));
        let (one, other) = (one.expect("opens"), other.expect("opens"));
        let before = one.version().expect("is read");
        assert_eq!(one.version().expect("is read"), before);
        let write = |connection: &mut Connection| connection.execute_batch("CREATE TABLE t (a)");
        other.with(write).expect("is written");
        assert_ne!(one.version().expect("is read"), before);
    }
}
