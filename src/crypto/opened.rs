//! Opened: which envelopes have been opened, so that none is opened twice, also after a restart.
//!
//! An SQLite file of its own, `crypto.db`. A row is written before its envelope's call begins: what a
//! kill interrupts stays opened. It is not waited for the disk; a power failure may lose the last rows,
//! but then the envelopes are older than the hub that starts after it, and refused for that.

use hub_actors::db_sync::Place;
use rusqlite::{Connection, params};

use super::{cipher::CryptoError, keeper::WINDOW};

/// Most rows: some megabytes.
const MOST: u64 = 100_000;
/// Rows are kept for twice the time that they are needed, for clocks that are set back.
const KEPT: u64 = 2 * WINDOW;
/// How often rows that are too old are looked for, in seconds.
const CLEAN: u64 = 10;

const TABLE: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 100;
    CREATE TABLE IF NOT EXISTS opened (kid TEXT, id TEXT, ts INTEGER, PRIMARY KEY (kid, id)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS opened_ts ON opened (ts);";

/// The record.
pub struct Opened {
    connection: Connection,
    count: u64,
    most: u64,
    cleaned: u64,
}

/// Whether an envelope may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is new, and from now on known.
    New,
    /// It is known.
    Known,
    /// There is no room to remember it.
    Full,
}

// === impl Opened ===

impl Opened {
    /// Opens the record; a damaged file is moved aside.
    ///
    /// # Errors
    /// If there is none to be had.
    pub fn at(place: &Place) -> Result<Self, CryptoError> {
        let Place::File(file) = place else {
            let memory = Connection::open_in_memory();
            return memory.and_then(Self::new).map_err(|error| failed(&error));
        };
        let open = || -> Result<Self, Box<dyn std::error::Error>> {
            Ok(Self::new(Connection::open(file.prepare()?)?)?)
        };
        open().or_else(|error| {
            tracing::warn!(%error, "the record of envelopes is damaged and moved aside");
            file.set_aside().map_err(|error| failed(&error))?;
            open().map_err(|error| failed(&*error))
        })
    }

    fn new(connection: Connection) -> rusqlite::Result<Self> {
        connection.execute_batch(TABLE)?;
        let count: i64 =
            connection.query_row("SELECT count(*) FROM opened", [], |row| row.get(0))?;
        Ok(Self {
            connection,
            count: count.unsigned_abs(),
            most: MOST,
            cleaned: 0,
        })
    }

    /// Whether an envelope is known.
    pub fn knows(&self, kid: &str, id: &str) -> bool {
        let known = self
            .connection
            .prepare("SELECT 1 FROM opened WHERE kid = ? AND id = ?");
        known
            .and_then(|mut known| known.exists(params![kid, id]))
            .unwrap_or(false)
    }

    /// Remembers an envelope that is opened now.
    pub fn remember(&mut self, kid: &str, id: &str, ts: u64, now: u64) -> Verdict {
        self.insert(kid, id, ts, now).unwrap_or_else(|error| {
            tracing::warn!(%error, "the record of envelopes cannot be written");
            Verdict::Full
        })
    }

    fn insert(&mut self, kid: &str, id: &str, ts: u64, now: u64) -> rusqlite::Result<Verdict> {
        if now.abs_diff(self.cleaned) >= CLEAN {
            self.cleaned = now;
            let gone = self.connection.execute(
                "DELETE FROM opened WHERE ts < ?",
                [seconds(now.saturating_sub(KEPT))],
            )?;
            self.count = self.count.saturating_sub(gone as u64);
        }
        if self.knows(kid, id) {
            return Ok(Verdict::Known);
        }
        if self.count >= self.most {
            return Ok(Verdict::Full);
        }
        let insert = "INSERT OR IGNORE INTO opened VALUES (?, ?, ?)";
        Ok(
            match self
                .connection
                .execute(insert, params![kid, id, seconds(ts)])?
            {
                0 => Verdict::Known,
                _ => {
                    self.count += 1;
                    Verdict::New
                }
            },
        )
    }
}

/// As SQLite counts.
fn seconds(ts: u64) -> i64 {
    i64::try_from(ts).unwrap_or(i64::MAX)
}

fn failed(error: &(impl std::fmt::Display + ?Sized)) -> CryptoError {
    tracing::error!(%error, "the record of envelopes cannot be opened; /crypto opens none");
    CryptoError
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_new_once_and_forgotten_when_its_time_is_over() {
        let mut opened = Opened::at(&Place::Memory).expect("is there");
        opened.most = 2;
        assert_eq!(opened.remember("a", "1", 1_000, 1_000), Verdict::New);
        assert_eq!(opened.remember("a", "1", 1_000, 1_001), Verdict::Known);
        // Another's id is another envelope.
        assert_eq!(opened.remember("b", "1", 1_030, 1_001), Verdict::New);
        assert_eq!(opened.remember("b", "2", 1_001, 1_001), Verdict::Full);
        assert_eq!(opened.remember("a", "1", 1_000, 1_060), Verdict::Known);
        assert_eq!(opened.remember("b", "2", 1_121, 1_121), Verdict::New);
        assert!(!opened.knows("a", "1") && opened.knows("b", "1"));
    }
}
