//! Answers: what the cache keeps for after a restart, in a table that queries do not see.
//!
//! Keys are digests, so a row says what was answered and not what was asked. Rows whose time is over go,
//! and the oldest go first when there are too many bytes of them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, Error, OptionalExtension, params};
use tokio::time::Instant;

use crate::{
    cache::Key,
    protocol::{KeepAnswer, KeptAnswer},
};

/// Most answers that wait.
const MOST: usize = 256;
/// Most bytes that wait.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Most rows: what is removed is found by going through all of them.
const MOST_ROWS: i64 = 20_000;
/// How often rows whose time is over are removed.
const TIDY: Duration = Duration::from_secs(60);

/// The table. Its rowid grows, so that it is the age of a row.
pub const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS kept_answers (
        digest BLOB NOT NULL PRIMARY KEY,
        tool TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        size INTEGER NOT NULL,
        answer TEXT NOT NULL
    );
    -- What goes is found without reading an answer.
    CREATE INDEX IF NOT EXISTS kept_answers_by_expiry ON kept_answers (expires_at, size);
";

/// Answers that wait for the file.
#[derive(Debug)]
pub struct Queue {
    /// Most bytes of the table; `None` keeps no answers.
    most: Option<u64>,
    waiting: Vec<KeepAnswer>,
    bytes: usize,
    /// When the table was looked through last.
    tidied: Instant,
}

/// Answers on their way into the file.
#[derive(Debug, Default)]
pub struct Taken {
    most: Option<u64>,
    answers: Vec<KeepAnswer>,
}

// === impl Queue ===

impl Queue {
    /// A queue in front of a table of so many bytes; `None` keeps no answers.
    pub fn new(most: Option<u64>) -> Self {
        Self {
            most,
            waiting: Vec::new(),
            bytes: 0,
            tidied: Instant::now(),
        }
    }

    /// Adds an answer, unless too many wait: it is in memory, and that must do.
    pub fn push(&mut self, keep: KeepAnswer) {
        let size = keep.answer.size();
        if self.most.is_none() || self.waiting.len() >= MOST || self.bytes + size > MOST_BYTES {
            return;
        }
        self.bytes += size;
        self.waiting.push(keep);
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether it is time to look for rows whose time is over.
    pub fn is_due(&self) -> bool {
        self.most.is_some() && self.tidied.elapsed() >= TIDY
    }

    /// Takes everything.
    pub fn take(&mut self) -> Taken {
        self.bytes = 0;
        self.tidied = Instant::now();
        Taken {
            most: self.most,
            answers: std::mem::take(&mut self.waiting),
        }
    }

    /// Puts back what could not be written.
    pub fn put_back(&mut self, taken: Taken) {
        let newer = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        for keep in taken.answers.into_iter().chain(newer) {
            self.push(keep);
        }
    }
}

/// Writes answers, inside a transaction, and removes those whose time is over or that are too many.
///
/// # Errors
/// SQLite's.
pub fn write(connection: &Connection, taken: &Taken) -> Result<(), Error> {
    let Some(most) = taken.most else {
        return Ok(());
    };
    let mut insert = connection.prepare(
        "INSERT OR REPLACE INTO kept_answers
             (digest, tool, provider, model, expires_at, size, answer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for keep in &taken.answers {
        // Texts and numbers always are JSON.
        let Ok(json) = serde_json::to_string(&*keep.answer) else {
            continue;
        };
        insert.execute(params![
            keep.key.bytes(),
            keep.tool,
            keep.answer.provider,
            keep.answer.model,
            milliseconds(keep.until),
            i64::try_from(json.len()).unwrap_or(i64::MAX),
            json,
        ])?;
    }
    trim(connection, Some(most))
}

/// Removes what is too old or too much; everything if no answers are kept.
///
/// # Errors
/// SQLite's.
pub fn trim(connection: &Connection, most: Option<u64>) -> Result<(), Error> {
    let Some(most) = most else {
        connection.execute("DELETE FROM kept_answers", [])?;
        return Ok(());
    };
    connection.execute(
        "DELETE FROM kept_answers WHERE expires_at <= ?1",
        [milliseconds(SystemTime::now())],
    )?;
    connection.execute(
        "DELETE FROM kept_answers WHERE rowid <= (
             SELECT max(id) FROM (
                 SELECT rowid AS id,
                        sum(size) OVER newer AS bytes,
                        count(*) OVER newer AS rows
                 FROM kept_answers
                 WINDOW newer AS (ORDER BY rowid DESC)
             ) WHERE bytes > ?1 OR rows > ?2
         )",
        params![i64::try_from(most).unwrap_or(i64::MAX), MOST_ROWS],
    )?;
    Ok(())
}

/// The answer under a key, if its time is not over. What cannot be read is not there.
///
/// # Errors
/// SQLite's.
pub fn find(connection: &Connection, key: &Key) -> Result<Option<KeptAnswer>, Error> {
    let mut select = connection.prepare(
        "SELECT answer, expires_at FROM kept_answers WHERE digest = ?1 AND expires_at > ?2",
    )?;
    let now = milliseconds(SystemTime::now());
    let row = select.query_row(params![key.bytes(), now], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    });
    let Some((json, expires_at)) = row.optional()? else {
        return Ok(None);
    };
    let Ok(answer) = serde_json::from_str(&json) else {
        return Ok(None);
    };
    let expires_at = Duration::from_millis(u64::try_from(expires_at).unwrap_or_default());
    Ok(Some(KeptAnswer {
        answer: Arc::new(answer),
        until: SystemTime::UNIX_EPOCH + expires_at,
    }))
}

/// Since 1970.
fn milliseconds(at: SystemTime) -> i64 {
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
