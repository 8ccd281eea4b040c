//! The outbox's file: one transaction for everything that waits for it.

use std::{sync::Arc, time::SystemTime};

use rusqlite::{Connection, Error, Row as Found, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use crate::{
    db_sync::{
        Place,
        open::{self, OpenError},
    },
    protocol::{Rejected, Row},
    table::Table,
};

/// Most rows of one delivery.
const MOST_ROWS: u32 = 1_000;
/// Most bytes of one delivery, unless one row alone has more.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Largest database without a file, in pages of 4 KiB: 16 MiB.
const MOST_PAGES: u32 = 4 * 1024;

/// What was given up is tried again: the table may be there by now.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS outbox (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        target TEXT NOT NULL,
        payload TEXT NOT NULL,
        created_at TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS dead_letters (
        id TEXT PRIMARY KEY,
        target TEXT NOT NULL,
        payload TEXT NOT NULL,
        created_at TEXT NOT NULL,
        reason TEXT NOT NULL,
        died_at TEXT NOT NULL
    );
    BEGIN IMMEDIATE;
    INSERT OR IGNORE INTO outbox (id, target, payload, created_at)
        SELECT id, target, payload, created_at FROM dead_letters ORDER BY created_at, id;
    DELETE FROM dead_letters;
    COMMIT;
";

/// An open outbox.
pub struct OutboxFile {
    connection: Connection,
    tally: Tally,
}

/// What is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that wait.
    pub pending: u64,
    /// Rows that were given up.
    pub dead: u64,
    /// Bytes of all of their payloads.
    pub bytes: u64,
    /// Why the last one was given up.
    pub last_reason: Option<Arc<str>>,
}

/// A row that has just been accepted.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Its id.
    pub id: Uuid,
    /// Where it goes.
    pub table: Arc<Table>,
    /// JSON.
    pub payload: Arc<str>,
    /// When it was accepted.
    pub at: SystemTime,
}

/// Everything that is to be done in one go.
#[derive(Debug, Default)]
pub struct Visit {
    /// Rows to keep.
    pub accepted: Vec<Accepted>,
    /// Rows that the database has.
    pub arrived: Vec<Uuid>,
    /// Rows that it will never take.
    pub rejected: Vec<Rejected>,
    /// Whether to come back with rows to deliver.
    pub load: bool,
}

/// Rows to deliver, all for one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The table's name, as the file has it.
    pub table: String,
    /// Oldest first; at least one.
    pub rows: Vec<Row>,
}

// === impl OutboxFile ===

impl OutboxFile {
    /// Opens it. A file that is none, or that is damaged, is moved aside, and a new one begun.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(place: &Place) -> Result<Self, OpenError> {
        let connection = match place {
            Place::Memory => memory().map_err(OpenError::Sqlite)?,
            Place::File(file) => open::sound(&**file, |writer| {
                // The row is on the disk before its caller hears of it.
                writer.pragma_update(None, "synchronous", "FULL")?;
                prepare(writer)
            })?,
        };
        let tally = count(&connection).map_err(OpenError::Sqlite)?;
        Ok(Self { connection, tally })
    }

    /// What is in it.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Does all of it, or nothing.
    ///
    /// # Errors
    /// SQLite's.
    pub fn visit(&mut self, visit: &Visit) -> Result<Option<Load>, Error> {
        let mut tally = self.tally.clone();
        // At once the right to write, so that a wait for it is at the beginning and loses nothing.
        let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        keep(&transaction, &visit.accepted, &mut tally)?;
        forget(&transaction, &visit.arrived, &mut tally)?;
        bury(&transaction, &visit.rejected, &mut tally)?;
        let load = match visit.load {
            true => load(&transaction)?,
            false => None,
        };
        if visit.load && load.is_none() {
            // Another hub with the same file may have delivered our rows.
            tally = Tally {
                last_reason: tally.last_reason,
                ..count(&transaction)?
            };
        }
        transaction.commit()?;
        self.tally = tally;
        Ok(load)
    }
}

fn memory() -> Result<Connection, Error> {
    let connection = Connection::open_in_memory()?;
    connection.pragma_update(None, "max_page_count", MOST_PAGES)?;
    prepare(connection)
}

fn prepare(connection: Connection) -> Result<Connection, Error> {
    // What people keep is overwritten when it goes.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

fn count(connection: &Connection) -> Result<Tally, Error> {
    let all = |table| {
        let sql = format!("SELECT count(*), coalesce(sum(octet_length(payload)), 0) FROM {table}");
        let number = |row: &Found<'_>, at| {
            let number: i64 = row.get(at)?;
            Ok::<u64, Error>(u64::try_from(number).unwrap_or_default())
        };
        connection.query_row(&sql, [], |row| Ok((number(row, 0)?, number(row, 1)?)))
    };
    let (pending, waiting) = all("outbox")?;
    let (dead, given_up) = all("dead_letters")?;
    Ok(Tally {
        pending,
        dead,
        bytes: waiting + given_up,
        last_reason: None,
    })
}

fn keep(connection: &Connection, rows: &[Accepted], tally: &mut Tally) -> Result<(), Error> {
    let mut insert = connection.prepare(
        "INSERT INTO outbox (id, target, payload, created_at)
         VALUES (?1, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%fZ', ?4, 'unixepoch'))",
    )?;
    for row in rows {
        let at = row.at.duration_since(SystemTime::UNIX_EPOCH);
        insert.execute(params![
            row.id.to_string(),
            row.table.as_str(),
            row.payload,
            at.unwrap_or_default().as_secs_f64(),
        ])?;
        tally.pending += 1;
        tally.bytes += row.payload.len() as u64;
    }
    Ok(())
}

fn forget(connection: &Connection, ids: &[Uuid], tally: &mut Tally) -> Result<(), Error> {
    let mut delete =
        connection.prepare("DELETE FROM outbox WHERE id = ?1 RETURNING octet_length(payload)")?;
    for id in ids {
        let mut gone = delete.query([id.to_string()])?;
        while let Some(row) = gone.next()? {
            tally.pending = tally.pending.saturating_sub(1);
            let bytes: u32 = row.get(0)?;
            tally.bytes = tally.bytes.saturating_sub(bytes.into());
        }
    }
    Ok(())
}

fn bury(connection: &Connection, rows: &[Rejected], tally: &mut Tally) -> Result<(), Error> {
    let mut copy = connection.prepare(
        "INSERT OR REPLACE INTO dead_letters
         SELECT id, target, payload, created_at, ?2, strftime('%Y-%m-%dT%H:%M:%fZ')
         FROM outbox WHERE id = ?1",
    )?;
    let mut delete = connection.prepare("DELETE FROM outbox WHERE id = ?1")?;
    for row in rows {
        let id = row.id.to_string();
        let copied = copy.execute(params![id, row.reason])? as u64;
        delete.execute([id])?;
        tally.pending = tally.pending.saturating_sub(copied);
        tally.dead += copied;
        tally.last_reason = Some(row.reason.clone());
    }
    Ok(())
}

/// The oldest rows of the oldest row's table.
fn load(connection: &Connection) -> Result<Option<Load>, Error> {
    let mut select = connection.prepare(
        "SELECT target, id, payload, created_at FROM outbox
         WHERE target = (SELECT target FROM outbox ORDER BY seq LIMIT 1)
         ORDER BY seq LIMIT ?1",
    )?;
    let mut found = select.query([MOST_ROWS])?;
    let mut load: Option<Load> = None;
    let mut bytes = 0;
    while let Some(next) = found.next()? {
        let row = read(next)?;
        bytes += row.payload.len();
        match &mut load {
            Some(_) if bytes > MOST_BYTES => break,
            Some(load) => load.rows.push(row),
            None => {
                load = Some(Load {
                    table: next.get(0)?,
                    rows: vec![row],
                });
            }
        }
    }
    Ok(load)
}

fn read(found: &Found<'_>) -> Result<Row, Error> {
    let id: String = found.get(1)?;
    let id = Uuid::parse_str(&id).map_err(|error| {
        Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Row {
        id,
        payload: found.get(2)?,
        created_at: found.get(3)?,
    })
}
