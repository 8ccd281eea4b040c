//! Log: audit.db, the last calls and administrative acts. Bounded: the oldest go first.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hub_actors::audit::Audited;
use rusqlite::{Connection, OpenFlags, Row, params};
use serde::Serialize;

use crate::data_folder::DataFolder;

/// The file's name.
pub const NAME: &str = "audit.db";
/// Most lines: about 20 MiB.
const MOST: i64 = 100_000;
/// How long another program may hold the file.
const PATIENCE: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS audit (
        id         INTEGER PRIMARY KEY,
        at         INTEGER NOT NULL,     -- milliseconds since 1970
        principal  TEXT NOT NULL,
        name       TEXT NOT NULL,
        door       TEXT NOT NULL,
        what       TEXT NOT NULL,
        provider   TEXT NOT NULL,
        model      TEXT NOT NULL,
        outcome    TEXT NOT NULL,
        cost_usd   REAL,
        ms         INTEGER NOT NULL,
        request_id TEXT NOT NULL
    ) STRICT;";

/// The file, open. Not for an actor's loop.
pub struct Log(Connection);

/// A line as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// RFC 3339, with milliseconds.
    pub at: String,
    /// The key's id.
    pub principal: String,
    /// The key's name.
    pub name: String,
    /// Which door.
    pub door: String,
    /// The tool or the act.
    pub what: String,
    /// Who answered; empty if nobody did.
    pub provider: String,
    /// Which model answered.
    pub model: String,
    /// `ok`, `cancelled`, or a failure's code.
    pub outcome: String,
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// Milliseconds.
    pub ms: i64,
    /// The call's name.
    pub request_id: String,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It cannot be made or opened.
    #[error("audit.db cannot be opened ({})", .0.kind())]
    File(#[from] std::io::Error),
    /// SQLite's own reason.
    #[error("audit.db cannot be read or written")]
    Sqlite(#[from] rusqlite::Error),
}

// === impl Log ===

impl Log {
    /// Opens the file of that folder, or makes it.
    ///
    /// # Errors
    /// [`LogError`]
    pub fn open(folder: &DataFolder) -> Result<Self, LogError> {
        let file = folder.private_file(NAME)?;
        let log = Self::connect(&file)?;
        log.0.execute_batch(SCHEMA)?;
        Ok(log)
    }

    /// The same, if it is there.
    ///
    /// # Errors
    /// [`LogError`]
    pub fn existing(folder: &DataFolder) -> Result<Option<Self>, LogError> {
        let file = folder.path().join(NAME);
        match file.exists() {
            true => Self::open(folder).map(Some),
            false => Ok(None),
        }
    }

    fn connect(file: &Path) -> Result<Self, LogError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(Self(connection))
    }

    /// Adds lines, and takes away the oldest if there are too many.
    ///
    /// # Errors
    /// [`LogError::Sqlite`]
    pub fn add(&mut self, lines: &[Audited]) -> Result<(), LogError> {
        self.add_at_most(lines, MOST)
    }

    fn add_at_most(&mut self, lines: &[Audited], most: i64) -> Result<(), LogError> {
        let all = self.0.transaction()?;
        {
            let mut insert = all.prepare(
                "INSERT INTO audit (at, principal, name, door, what, provider, model, outcome,
                                    cost_usd, ms, request_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?;
            for line in lines {
                insert.execute(params![
                    milliseconds(line.at),
                    &*line.principal,
                    &*line.name,
                    line.door,
                    line.what,
                    &*line.provider,
                    &*line.model,
                    line.outcome,
                    line.cost_usd,
                    i64::try_from(line.ms).unwrap_or(i64::MAX),
                    line.request_id,
                ])?;
            }
        }
        all.execute(
            "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1",
            [most],
        )?;
        all.commit()?;
        Ok(())
    }

    /// What has happened since then, the oldest first.
    ///
    /// # Errors
    /// [`LogError::Sqlite`]
    pub fn since(&self, then: SystemTime) -> Result<Vec<Line>, LogError> {
        let mut lines = self.0.prepare(
            "SELECT at, principal, name, door, what, provider, model, outcome, cost_usd, ms,
                    request_id
             FROM audit WHERE at >= ?1 ORDER BY id",
        )?;
        let lines = lines.query_map([milliseconds(then)], line)?;
        Ok(lines.collect::<Result<_, _>>()?)
    }
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    let at: i64 = row.get(0)?;
    let at = Duration::from_millis(u64::try_from(at).unwrap_or(0));
    Ok(Line {
        at: humantime::format_rfc3339_millis(UNIX_EPOCH + at).to_string(),
        principal: row.get(1)?,
        name: row.get(2)?,
        door: row.get(3)?,
        what: row.get(4)?,
        provider: row.get(5)?,
        model: row.get(6)?,
        outcome: row.get(7)?,
        cost_usd: row.get(8)?,
        ms: row.get(9)?,
        request_id: row.get(10)?,
    })
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Until the year 9999, which is as far as it can be shown.
    i64::try_from(since.as_millis())
        .unwrap_or(i64::MAX)
        .min(253_402_300_799_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audited(what: &str, at: u64) -> Audited {
        Audited {
            at: UNIX_EPOCH + Duration::from_secs(at),
            principal: "a1".into(),
            name: "one".into(),
            door: "api",
            what: what.to_owned(),
            provider: "anthropic".into(),
            model: "claude".into(),
            outcome: "ok",
            cost_usd: Some(0.5),
            ms: 7,
            request_id: "r".to_owned(),
        }
    }

    #[test]
    fn what_is_put_down_is_found_by_its_time_and_the_oldest_go_first() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::new(temporary.path().to_owned());
        assert!(Log::existing(&folder).expect("is looked for").is_none());
        let mut log = Log::open(&folder).expect("opens");
        for at in 0..10 {
            let lines = [audited("first", at), audited("second", at)];
            log.add_at_most(&lines, 5).expect("is written");
        }
        let log = Log::existing(&folder).expect("opens").expect("is there");
        let all = log.since(UNIX_EPOCH).expect("is read");
        assert_eq!(all.len(), 5);
        let since = log
            .since(UNIX_EPOCH + Duration::from_secs(9))
            .expect("is read");
        assert_eq!(since.len(), 2);
        let line = since.first().expect("is there");
        assert_eq!(
            (line.at.as_str(), line.what.as_str()),
            ("1970-01-01T00:00:09.000Z", "first")
        );
        assert_eq!((line.cost_usd, line.ms), (Some(0.5), 7));
    }
}
