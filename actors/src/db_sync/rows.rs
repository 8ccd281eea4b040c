//! Rows: a query's result as JSON, up to a limit that memory and clients bear.

use std::fmt::Write;

use rusqlite::{Error, Statement, types::ValueRef};
use serde_json::{Map, Number, Value};

use crate::protocol::Rows;

/// Most rows of a result.
const MOST_ROWS: usize = 1_000;
/// Most bytes of a result, as JSON, escapes not counted.
const MOST_BYTES: usize = 1024 * 1024;
/// What a value costs beside its own bytes: quotes, colon, comma.
const PUNCTUATION: usize = 6;

/// Runs a statement and reads its rows.
///
/// # Errors
/// SQLite's.
pub fn read(statement: &mut Statement<'_>) -> Result<Rows, Error> {
    let names = names(statement);
    let mut result = Rows::default();
    let mut bytes = 0;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let mut object = Map::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let value = row.get_ref(index)?;
            bytes += name.len() + size(value) + PUNCTUATION;
            // Before it is copied: each of a row's values may be as large as the whole result.
            if bytes > MOST_BYTES {
                break;
            }
            object.insert(name.clone(), json(value));
        }
        if bytes > MOST_BYTES || result.rows.len() == MOST_ROWS {
            result.truncated = true;
            break;
        }
        result.rows.push(Value::Object(object));
    }
    Ok(result)
}

/// The columns' names. An object has each name once, so a repeated one gets a number.
fn names(statement: &Statement<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in statement.column_names() {
        let mut unique = name.to_owned();
        let mut number = 2;
        while names.contains(&unique) {
            unique = format!("{name}_{number}");
            number += 1;
        }
        names.push(unique);
    }
    names
}

fn size(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Null => 4,
        ValueRef::Integer(_) | ValueRef::Real(_) => 20,
        ValueRef::Text(text) => text.len(),
        ValueRef::Blob(bytes) => 2 * bytes.len(),
    }
}

/// Bytes become hexadecimal digits; numbers that JSON does not have become null.
fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::from(number),
        ValueRef::Real(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        ValueRef::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => {
            let mut digits = String::with_capacity(2 * bytes.len());
            for byte in bytes {
                // Writing to a String cannot fail.
                let _ = write!(digits, "{byte:02x}");
            }
            Value::String(digits)
        }
    }
}
