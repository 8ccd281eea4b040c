//! Batch: everything that waits, written in one transaction.

use rusqlite::{Connection, Error, ErrorCode, Transaction, TransactionBehavior};

use super::{open, records, state};
use crate::protocol::Record;

/// What goes into the file together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Changes of `hub_state`.
    pub changes: state::Taken,
    /// Records of calls.
    pub records: Vec<Record>,
}

/// What became of a batch.
#[derive(Debug)]
pub enum Written {
    /// The file has it.
    Done,
    /// Another program holds the file: again, soon.
    Locked,
    /// The file cannot take it now (disk full, out of memory, ..): again, later.
    Later(Error),
    /// The file will never take it: it is not a table of ours.
    Never(Error),
    /// The file is damaged.
    Corrupt(Error),
}

// === impl Batch ===

impl Batch {
    /// Writes it.
    pub fn write(&self, connection: &mut Connection, max_records: usize) -> Written {
        match self.try_write(connection, max_records) {
            Ok(()) => Written::Done,
            Err(error) if open::is_busy(&error) => Written::Locked,
            Err(error) if open::is_corrupt(&error) => Written::Corrupt(error),
            Err(error) => match error.sqlite_error_code() {
                // An SQL error, a violated constraint: the same tomorrow.
                None
                | Some(
                    ErrorCode::Unknown | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch,
                ) => Written::Never(error),
                Some(_) => Written::Later(error),
            },
        }
    }

    fn try_write(&self, connection: &mut Connection, max_records: usize) -> Result<(), Error> {
        // At once the right to write, so that a wait for it is at the beginning and loses nothing.
        let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
        state::write(&transaction, &self.changes)?;
        records::write(&transaction, &self.records, max_records)?;
        transaction.commit()
    }
}
