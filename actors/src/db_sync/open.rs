//! Open: from a file, whatever is in it, to two connections: one writes, one answers queries.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags};

use super::{answers, query::Reader, records};

/// Longest wait for another program's lock in one go; the actor tries again.
const BUSY: Duration = Duration::from_millis(200);
/// The database of a hub without a file. The leading slash makes all connections of the process see
/// the same one (<https://sqlite.org/src/file/src/memdb.c>).
const MEMORY: &str = "/hub_state";
/// Largest database without a file, in pages of 4 KiB: 32 MiB.
const MOST_PAGES: u32 = 8 * 1024;
/// Most memory that SQLite takes in this process. A query that asks for more is refused; whoever else
/// is refused at that moment tries again.
const MOST_HEAP: u32 = 64 * 1024 * 1024;
/// Largest write-ahead log that is kept after a checkpoint.
const MOST_LOG: u32 = 16 * 1024 * 1024;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS hub_state (
        key TEXT PRIMARY KEY,
        value TEXT,
        updated_at TEXT
    );
    CREATE TABLE IF NOT EXISTS tool_cache (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        tool_name TEXT NOT NULL,
        prompt TEXT NOT NULL,
        response TEXT NOT NULL,
        provider TEXT,
        model TEXT,
        created_at TEXT
    );
";

/// Where the state is kept.
#[derive(Clone)]
pub enum Place {
    /// In memory: gone with the process, or with a crash of the actor.
    Memory,
    /// In the one file that the Guardian names.
    File(Arc<dyn StateFile>),
}

/// The right to one file. Actors know no other.
pub trait StateFile: Send + Sync {
    /// Makes the file, with its folder, for its owner alone, if it is not there yet; says where it is.
    ///
    /// # Errors
    /// The system's.
    fn prepare(&self) -> io::Result<PathBuf>;

    /// Moves the file out of the way; says where to.
    ///
    /// # Errors
    /// The system's.
    fn set_aside(&self) -> io::Result<PathBuf>;
}

/// What an open database is made of.
pub struct Opened {
    /// Writes.
    pub writer: Connection,
    /// Answers queries.
    pub reader: Reader,
    /// Finds answers of the cache, if any are kept.
    pub finder: Option<Connection>,
}

/// Why the database is not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another program holds it.
    #[error("another program holds the state file")]
    Locked,
    /// The file or its folder cannot be made, or moved aside.
    #[error("the state file cannot be made")]
    File(#[source] io::Error),
    /// SQLite's word.
    #[error("the state file cannot be opened")]
    Sqlite(#[source] Error),
}

/// Opens the database. A file that is none, or that is damaged, is moved aside, and a new one begun.
///
/// # Errors
/// [`OpenError`]
pub fn open(
    place: &Place,
    max_records: usize,
    most_answers: Option<u64>,
    keeps_last_results: bool,
) -> Result<Opened, OpenError> {
    let Place::File(file) = place else {
        return open_memory(max_records).map_err(OpenError::Sqlite);
    };
    let writer = sound(&**file, |writer| {
        writer.pragma_update(None, "synchronous", "NORMAL")?;
        prepare(writer, max_records, most_answers, keeps_last_results)
    })?;
    let path = file.prepare().map_err(OpenError::File)?;
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&path, flags)
    };
    let reader = open().and_then(Reader::new).map_err(trouble)?;
    let finder = most_answers.map(|_| {
        let finder = open()?;
        finder.busy_timeout(BUSY).map(|()| finder)
    });
    let finder = finder.transpose().map_err(trouble)?;
    Ok(Opened {
        writer,
        reader,
        finder,
    })
}

/// Opens a file to write it, if it is sound, and prepares it. One that is no database, or that is
/// damaged, is moved aside, and a new one begun.
///
/// # Errors
/// [`OpenError`]
pub fn sound(
    file: &dyn StateFile,
    prepare: impl Fn(Connection) -> Result<Connection, Error>,
) -> Result<Connection, OpenError> {
    let open = || {
        let path = file.prepare().map_err(OpenError::File)?;
        writer(&path).and_then(&prepare).map_err(trouble)
    };
    match open() {
        Err(OpenError::Sqlite(error)) if is_corrupt(&error) => {
            let aside = file.set_aside().map_err(OpenError::File)?;
            tracing::error!(
                %error,
                kept = %aside.display(),
                "a file of the hub's is damaged: it was moved aside, and an empty one takes its place"
            );
            open()
        }
        opened => opened,
    }
}

fn writer(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let writer = Connection::open_with_flags(path, flags)?;
    writer.busy_timeout(BUSY)?;
    let sound: String = writer.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(corrupt(sound));
    }
    writer.pragma_update(None, "journal_mode", "WAL")?;
    writer.pragma_update(None, "journal_size_limit", MOST_LOG)?;
    Ok(writer)
}

fn trouble(error: Error) -> OpenError {
    match is_busy(&error) {
        true => OpenError::Locked,
        false => OpenError::Sqlite(error),
    }
}

fn open_memory(max_records: usize) -> Result<Opened, Error> {
    let open = |flags| Connection::open_with_flags_and_vfs(MEMORY, flags, "memdb");
    let writer = open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    writer.busy_timeout(BUSY)?;
    writer.pragma_update(None, "max_page_count", MOST_PAGES)?;
    let writer = prepare(writer, max_records, None, true)?;
    let reader = Reader::new(open(OpenFlags::SQLITE_OPEN_READ_ONLY)?)?;
    Ok(Opened {
        writer,
        reader,
        finder: None,
    })
}

fn prepare(
    writer: Connection,
    max_records: usize,
    most_answers: Option<u64>,
    keeps_last_results: bool,
) -> Result<Connection, Error> {
    writer.pragma_update(None, "hard_heap_limit", MOST_HEAP)?;
    // What people asked is overwritten when it goes.
    writer.pragma_update(None, "secure_delete", true)?;
    writer.execute_batch(SCHEMA)?;
    writer.execute_batch(answers::SCHEMA)?;
    records::trim(&writer, max_records)?;
    answers::trim(&writer, most_answers)?;
    if !keeps_last_results {
        writer.execute("DELETE FROM hub_state WHERE key GLOB '*.last_result'", [])?;
    }
    Ok(writer)
}

fn corrupt(words: String) -> Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Error::SqliteFailure(code, Some(words))
}

/// Whether the file is damaged, or no database at all.
pub fn is_corrupt(error: &Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Whether another connection is in the way.
pub fn is_busy(error: &Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}
