//! Batch: everything that waits, written in one transaction.

use rusqlite::{Connection, Error, ErrorCode, Transaction, TransactionBehavior};

use super::{answers, open, records, state};
use crate::protocol::Record;

/// What goes into the file together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Changes of `hub_state`.
    pub changes: state::Taken,
    /// Records of calls.
    pub records: Vec<Record>,
    /// Answers of the cache.
    pub answers: answers::Taken,
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
    /// The file will never take something of it, because a table is not like ours; it has the rest.
    Never(Error),
    /// The file is damaged.
    Corrupt(Error),
}

// === impl Batch ===

impl Batch {
    /// Writes it. Records and answers that the file will never take do not keep the changes from it.
    pub fn write(&self, connection: &mut Connection, max_records: usize) -> Written {
        let written = self.try_write(connection, true, max_records);
        match judge(written) {
            Written::Never(error) => match judge(self.try_write(connection, false, max_records)) {
                Written::Done => Written::Never(error),
                other => other,
            },
            other => other,
        }
    }

    fn try_write(
        &self,
        connection: &mut Connection,
        whole: bool,
        max_records: usize,
    ) -> Result<(), Error> {
        // At once the right to write, so that a wait for it is at the beginning and loses nothing.
        let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
        state::write(&transaction, &self.changes)?;
        if whole {
            records::write(&transaction, &self.records, max_records)?;
            answers::write(&transaction, &self.answers)?;
        }
        transaction.commit()
    }
}

fn judge(written: Result<(), Error>) -> Written {
    let error = match written {
        Ok(()) => return Written::Done,
        Err(error) => error,
    };
    if open::is_busy(&error) {
        return Written::Locked;
    }
    if open::is_corrupt(&error) {
        return Written::Corrupt(error);
    }
    match error.sqlite_error_code() {
        // An SQL error, a violated constraint: the same tomorrow.
        None
        | Some(ErrorCode::Unknown | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => {
            Written::Never(error)
        }
        Some(_) => Written::Later(error),
    }
}
