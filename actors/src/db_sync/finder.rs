//! Finder: looks for answers, on a connection of its own: no query holds it up.

use rusqlite::Connection;

use super::answers;
use crate::protocol::FindAnswer;

/// Most that are looked for at a time. Who is refused asks a provider.
const MOST: usize = 256;

/// The connection, and who waits for it.
#[derive(Debug, Default)]
pub struct Finder {
    connection: Option<Connection>,
    /// Lent out.
    working: bool,
    sought: Vec<FindAnswer>,
}

/// Everything that is looked for at a time.
#[derive(Debug)]
pub struct Look {
    connection: Connection,
    sought: Vec<FindAnswer>,
}

// === impl Finder ===

impl Finder {
    /// The file is open.
    pub fn open(&mut self, connection: Option<Connection>) {
        self.connection = connection;
    }

    /// Adds a question, if there is a file to look into.
    pub fn ask(&mut self, find: FindAnswer) {
        if (self.working || self.connection.is_some()) && self.sought.len() < MOST {
            self.sought.push(find);
        }
    }

    /// What is to be looked for now, on another thread.
    pub fn next(&mut self) -> Option<Look> {
        if self.sought.is_empty() {
            return None;
        }
        let connection = self.connection.take()?;
        self.working = true;
        Some(Look {
            connection,
            sought: std::mem::take(&mut self.sought),
        })
    }

    /// It was looked for.
    pub fn done(&mut self, connection: Connection) {
        self.working = false;
        self.connection = Some(connection);
    }

    /// Gives the connection up.
    pub fn close(&mut self) -> Option<Connection> {
        self.sought.clear();
        self.connection.take()
    }
}

// === impl Look ===

impl Look {
    /// Answers everyone who still waits, and returns the connection.
    pub fn answer(self) -> Connection {
        for find in self.sought {
            if find.reply.is_closed() {
                continue;
            }
            match answers::find(&self.connection, &find.key) {
                // Who no longer waits misses nothing.
                Ok(found) => drop(find.reply.send(found)),
                Err(error) => tracing::debug!(%error, "an answer could not be looked for"),
            }
        }
        self.connection
    }
}
