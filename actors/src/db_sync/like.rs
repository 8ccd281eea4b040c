//! LIKE, in place of SQLite's own: it looks at the clock.
//!
//! SQLite asks whether it shall stop at jumps only. A statement without a loop, with hundreds of LIKEs
//! on a long text, would run for many seconds; with this one it ends at the deadline.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, Error,
    functions::{Context, FunctionFlags},
    types::{Null, ToSqlOutput, Value, ValueRef},
};

/// Characters compared between two looks at the clock.
const STRIDE: u32 = 4_096;

/// When the query under way has to end.
#[derive(Debug, Clone)]
pub struct Deadline {
    /// Milliseconds count from here.
    epoch: Instant,
    end: Arc<AtomicU64>,
}

/// The time is over.
#[derive(Debug, PartialEq, Eq)]
struct Late;

// === impl Deadline ===

impl Deadline {
    /// A deadline that is not set.
    pub fn new() -> Self {
        Self {
            epoch: Instant::now(),
            end: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    /// Sets it, from now on.
    pub fn set(&self, longest: Duration) {
        let end = self.epoch.elapsed() + longest;
        let end = u64::try_from(end.as_millis()).unwrap_or(u64::MAX);
        self.end.store(end, Ordering::Relaxed);
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        self.epoch.elapsed().as_millis() >= u128::from(self.end.load(Ordering::Relaxed))
    }
}

/// Makes `text LIKE pattern [ESCAPE character]` one that keeps the deadline.
///
/// # Errors
/// SQLite's.
pub fn install(connection: &Connection, deadline: &Deadline) -> Result<(), Error> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    for arguments in [2, 3] {
        let deadline = deadline.clone();
        connection.create_scalar_function("like", arguments, flags, move |context| {
            like(context, &deadline)
        })?;
    }
    Ok(())
}

fn like(context: &Context<'_>, deadline: &Deadline) -> Result<ToSqlOutput<'static>, Error> {
    let (Some(pattern), Some(text)) = (text(context.get_raw(0)), text(context.get_raw(1))) else {
        return Ok(ToSqlOutput::from(Null));
    };
    let escape = match context.len() {
        3 => match text_of_one(context.get_raw(2)) {
            Some(escape) => Some(escape),
            None => return Err(failed("ESCAPE expression must be a single character")),
        },
        _ => None,
    };
    match matches(&pattern, &text, escape, deadline) {
        Ok(matched) => Ok(ToSqlOutput::Owned(Value::Integer(matched.into()))),
        Err(Late) => Err(Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT),
            None,
        )),
    }
}

fn failed(words: &'static str) -> Error {
    Error::UserFunctionError(words.into())
}

/// A value as LIKE sees it; `None` for NULL.
fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            Some(String::from_utf8_lossy(text).into_owned())
        }
    }
}

fn text_of_one(value: ValueRef<'_>) -> Option<char> {
    let text = text(value)?;
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// What a pattern is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// `%`
    Any,
    /// `_`
    One,
    /// Itself; of ASCII letters, either case.
    Same(char),
}

/// Whether all of `text` matches. The last `%` decides alone how far to go back, so it takes the
/// product of the lengths at most.
fn matches(
    pattern: &str,
    text: &str,
    escape: Option<char>,
    deadline: &Deadline,
) -> Result<bool, Late> {
    let Some(pieces) = pieces(pattern, escape) else {
        return Ok(false);
    };
    let text: Vec<char> = text.chars().collect();
    let (mut piece, mut at) = (0, 0);
    // Behind the last `%`: where to go on if what follows does not match.
    let mut back: Option<(usize, usize)> = None;
    let mut compared = 0;
    // The clock is looked at for each call, too: a short one may be the last of many.
    if deadline.is_over() {
        return Err(Late);
    }
    loop {
        compared += 1;
        if compared % STRIDE == 0 && deadline.is_over() {
            return Err(Late);
        }
        let here = text.get(at);
        match (pieces.get(piece), here) {
            (Some(Piece::Any), _) => {
                piece += 1;
                back = Some((piece, at));
                continue;
            }
            (Some(Piece::One), Some(_)) => {
                (piece, at) = (piece + 1, at + 1);
                continue;
            }
            (Some(Piece::Same(same)), Some(here)) if same.eq_ignore_ascii_case(here) => {
                (piece, at) = (piece + 1, at + 1);
                continue;
            }
            (None, None) => return Ok(true),
            _ => {}
        }
        match back {
            Some((after, start)) if start < text.len() => {
                back = Some((after, start + 1));
                (piece, at) = (after, start + 1);
            }
            _ => return Ok(false),
        }
    }
}

/// A pattern's pieces; `None` if it ends in the middle of an escape, which matches nothing.
fn pieces(pattern: &str, escape: Option<char>) -> Option<Vec<Piece>> {
    let mut pieces = Vec::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            _ if Some(character) == escape => Piece::Same(characters.next()?),
            '%' => Piece::Any,
            '_' => Piece::One,
            same => Piece::Same(same),
        });
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same question to SQLite's own LIKE and to ours.
    #[test]
    fn it_says_what_sqlites_own_says() {
        let own = Connection::open_in_memory().unwrap();
        let ours = Connection::open_in_memory().unwrap();
        install(&ours, &Deadline::new()).unwrap();
        let ask = |connection: &Connection, sql: &str| -> Option<bool> {
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        let mut random = fastrand::Rng::with_seed(7);
        let mut word = |alphabet: &str, longest: usize| -> String {
            let letters: Vec<char> = alphabet.chars().collect();
            let length = random.usize(..longest);
            (0..length)
                .map(|_| letters[random.usize(..letters.len())])
                .collect()
        };
        let mut matched = 0;
        for _ in 0..5_000 {
            let (text, pattern) = (word("abABäÄ%_", 8), word("abAä%%__!", 7));
            for escape in ["", " ESCAPE '!'"] {
                let sql = format!("SELECT '{text}' LIKE '{pattern}'{escape}");
                let expected = ask(&own, &sql);
                assert_eq!(ask(&ours, &sql), expected, "{sql}");
                matched += usize::from(expected == Some(true));
            }
        }
        assert!(matched > 500, "only {matched} matched");
        for sql in [
            "SELECT 12 LIKE '1%'",
            "SELECT NULL LIKE '%'",
            "SELECT 'a' LIKE NULL",
            "SELECT 'a' NOT LIKE 'A'",
        ] {
            assert_eq!(ask(&ours, sql), ask(&own, sql), "{sql}");
        }
    }

    #[test]
    fn it_ends_at_the_deadline() {
        let deadline = Deadline::new();
        let (pattern, text) = (format!("%{}b", "a_".repeat(400)), "a".repeat(1_000_000));
        deadline.set(Duration::from_millis(20));
        let start = Instant::now();
        assert_eq!(matches(&pattern, &text, None, &deadline), Err(Late));
        assert!(start.elapsed() < Duration::from_secs(2));
        assert_eq!(matches("a", "a", None, &deadline), Err(Late));
        deadline.set(Duration::from_secs(60));
        assert_eq!(matches("a", "A", None, &deadline), Ok(true));
    }
}
