//! Query: one SELECT from outside, on a connection that can do nothing else.
//!
//! What SQLite itself offers against hostile SQL is all used (<https://sqlite.org/security.html>): a
//! read-only connection, `query_only`, the defensive flag, an untrusted schema, run-time limits, an
//! authorizer that knows what is allowed, and a progress handler with a deadline. Memory is bounded by
//! SQLite's hard heap limit.
//!
//! SQLite asks the progress handler at jumps only, never within an opcode or a straight run of them. So
//! functions whose single opcode can take long are not allowed, values are kept small, LIKE is one that
//! looks at the clock itself, and the caller is answered in time even if SQLite is not done.

use std::{sync::mpsc, time::Duration};

use rusqlite::{
    Connection, Error, ErrorCode,
    config::DbConfig,
    hooks::{AuthContext, Authorization},
    limits::Limit,
};
use serde_json::Value;

use super::{
    authorizer::{self, Refusal},
    like::{self, Deadline},
    rows,
};
use crate::protocol::{QueryError, Rows};

/// Longest time of one query.
pub const LONGEST: Duration = Duration::from_millis(250);
/// Instructions between two looks at the clock. With long values a single one can take a millisecond; a
/// look takes thirty nanoseconds.
const PROGRESS: i32 = 10;
/// Longest SQL text.
const MOST_SQL: usize = 16 * 1024;
/// Longest value, and longest row. What the hub itself writes is at most 64 KiB for each column.
const MOST_VALUE: i32 = 256 * 1024;
/// Longest wait for another connection's lock.
const BUSY: Duration = Duration::from_millis(50);
/// Longest sentence of SQLite's that is passed on.
const MOST_WORDS: usize = 200;
/// Run-time limits (<https://sqlite.org/limits.html>).
const LIMITS: [(Limit, i32); 9] = [
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LENGTH, MOST_VALUE),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, MOST_SQL as i32),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 64),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 8),
    (Limit::SQLITE_LIMIT_COLUMN, 64),
    (Limit::SQLITE_LIMIT_VDBE_OP, 5_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 16),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// The connection that queries run on.
pub struct Reader {
    connection: Connection,
    deadline: Deadline,
}

// === impl Reader ===

impl Reader {
    /// Takes every right but reading from a connection that was opened read-only.
    ///
    /// # Errors
    /// SQLite's, if a restriction does not take hold.
    pub fn new(mut connection: Connection) -> Result<Self, Error> {
        for (flag, on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        ] {
            connection.set_db_config(flag, on)?;
        }
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "query_only", true)?;
        // A sort that does not fit is spilled in pieces of the cache's size: a piece is sorted in one
        // opcode, so it must be small.
        connection.pragma_update(None, "temp_store", "FILE")?;
        connection.pragma_update(None, "cache_size", -1024)?;
        for (limit, most) in LIMITS {
            connection.set_limit(limit, most)?;
        }
        let deadline = Deadline::new();
        like::install(&connection, &deadline)?;
        let end = deadline.clone();
        connection.progress_handler(PROGRESS, Some(move || end.is_over()))?;
        Ok(Self {
            connection,
            deadline,
        })
    }

    /// Runs one SELECT.
    ///
    /// # Errors
    /// Every [`QueryError`] but that nobody is there.
    pub fn query(&mut self, sql: &str) -> Result<Rows, QueryError> {
        if !is_select(sql) {
            return Err(QueryError::NotSelect);
        }
        if sql.len() > MOST_SQL {
            let most = MOST_SQL / 1024;
            return Err(QueryError::Invalid(format!(
                "The SQL is longer than {most} KiB."
            )));
        }
        if sql.contains('\0') {
            return Err(QueryError::Invalid(
                "The SQL has a NUL character.".to_owned(),
            ));
        }
        let (refusals, refused) = mpsc::channel();
        let result = self.guarded(sql, refusals);
        // What belongs to this query ends with it.
        let lifted = self
            .connection
            .authorizer(None::<fn(AuthContext<'_>) -> Authorization>);
        match (result, lifted) {
            (Ok(rows), Ok(())) => rows,
            (Ok(_), Err(error)) => Err(QueryError::Invalid(sentence(&error))),
            (Err(error), _) => Err(explain(&error, refused.try_iter().next())),
        }
    }

    fn guarded(
        &mut self,
        sql: &str,
        refusals: mpsc::Sender<Refusal>,
    ) -> Result<Result<Rows, QueryError>, Error> {
        self.deadline.set(LONGEST);
        let others = authorizer::other_tables(&self.connection)?;
        self.connection
            .authorizer(Some(authorizer::authorizer(others, refusals)))?;
        let mut statement = self.connection.prepare(sql)?;
        if !statement.readonly() || statement.is_explain() != 0 || statement.column_count() == 0 {
            return Ok(Err(QueryError::NotSelect));
        }
        rows::read(&mut statement).map(Ok)
    }

    /// The value under a key of `hub_state`. Older files hold texts that are no JSON: they are strings.
    ///
    /// # Errors
    /// [`QueryError`] if the file cannot be read.
    pub fn state(&mut self, key: &str) -> Result<Option<Value>, QueryError> {
        let sql = "SELECT value FROM hub_state WHERE key = ?1";
        self.deadline.set(LONGEST);
        let text: Result<Option<String>, _> =
            self.connection.query_row(sql, [key], |row| row.get(0));
        match text {
            Ok(text) => Ok(text
                .map(|text| serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text)))),
            Err(Error::QueryReturnedNoRows) => Ok(None),
            Err(error) => Err(explain(&error, None)),
        }
    }
}

/// Whether the first word, comments left out, is SELECT or WITH.
fn is_select(sql: &str) -> bool {
    let mut rest = sql.trim_start();
    loop {
        let skipped = if let Some(line) = rest.strip_prefix("--") {
            line.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(block) = rest.strip_prefix("/*") {
            block.split_once("*/").map_or("", |(_, after)| after)
        } else {
            break;
        };
        rest = skipped.trim_start();
    }
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
    let (word, _) = rest.split_at(end.unwrap_or(rest.len()));
    ["select", "with"]
        .iter()
        .any(|allowed| word.eq_ignore_ascii_case(allowed))
}

/// What a failure means for the caller.
fn explain(error: &Error, refusal: Option<Refusal>) -> QueryError {
    match refusal {
        Some(Refusal::Table(name)) => return QueryError::NoSuchTable(short(&name)),
        Some(Refusal::Function(name)) => {
            return QueryError::Invalid(format!(
                "db_query does not have the function {}().",
                short(&name)
            ));
        }
        Some(Refusal::Action) => return QueryError::NotSelect,
        None => {}
    }
    if matches!(error, Error::MultipleStatement) {
        return QueryError::Invalid("Send one statement, not several.".to_owned());
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => too_long(),
        Some(ErrorCode::OutOfMemory) => QueryError::Invalid(
            "The query needs too much memory, or too many steps. Ask for less.".to_owned(),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => QueryError::Unavailable,
        Some(ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied) => {
            QueryError::NotSelect
        }
        _ => match words(error) {
            words if words.starts_with("no such table: ") => {
                let name = words.trim_start_matches("no such table: ");
                QueryError::NoSuchTable(short(name))
            }
            _ => QueryError::Invalid(sentence(error)),
        },
    }
}

/// What a query that takes too long is told.
pub fn too_long() -> QueryError {
    QueryError::Invalid(format!(
        "The query takes longer than {} ms. Ask for less.",
        LONGEST.as_millis()
    ))
}

/// SQLite's own words, without the SQL that rusqlite repeats after them.
fn words(error: &Error) -> String {
    match error {
        Error::SqlInputError { msg, .. } | Error::SqliteFailure(_, Some(msg)) => msg.clone(),
        other => other.to_string(),
    }
}

fn sentence(error: &Error) -> String {
    format!("The SQL cannot be run: {}.", short(&words(error)))
}

/// A text of the caller's, fit to be said back: short, without line breaks or other controls.
fn short(text: &str) -> String {
    text.chars()
        .take(MOST_WORDS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_decides() {
        for sql in [
            "SELECT 1",
            " select(1)",
            "-- a comment\nSELECT 1",
            "/* a */ /* b */\twith a as (select 1) select * from a",
            "SELECT\n1;",
        ] {
            assert!(is_select(sql), "{sql}");
        }
        for sql in [
            "",
            ";SELECT 1",
            "from hub_state",
            "EXPLAIN SELECT 1",
            "VALUES (1)",
            "selects",
            "--",
            "-- SELECT",
            "/* SELECT",
            "PRAGMA x",
            "(SELECT 1)",
            "ſelect 1",
        ] {
            assert!(!is_select(sql), "{sql}");
        }
    }
}
