//! What queries can do, and what they cannot.

use std::{
    hash::{DefaultHasher, Hasher},
    io::{Read, Seek},
};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::place;
use crate::{
    db_sync::{
        open::{Opened, open},
        query::Reader,
    },
    protocol::{QueryError, Rows},
};

/// An open file with something in every table, and one that is nobody's business.
pub fn filled() -> (NamedTempFile, Opened) {
    let file = NamedTempFile::new().unwrap();
    let opened = open(&place(&file), 100, Some(1_000_000), true).unwrap();
    opened
        .writer
        .execute_batch(
            r#"
            CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, password TEXT);
            INSERT INTO users (name, password) VALUES ('root', 'swordfish');
            CREATE VIEW shown AS SELECT password FROM users;
            INSERT INTO kept_answers VALUES (x'00', 't', 'p', 'm', 9e15, 1, '"swordfish"');
            INSERT INTO hub_state VALUES ('greeting', '{"word": "hello"}', '2026-01-01');
            INSERT INTO hub_state VALUES ('number', '42', '2026-01-02');
            INSERT INTO tool_cache (tool_name, prompt, response, provider, model, created_at)
                VALUES ('llm_complete', 'why', 'because', 'gemini', 'g-1', '2026-01-01'),
                       ('llm_complete', 'when', 'now', 'gemini', 'g-1', '2026-01-02'),
                       ('summarize', 'text', 'less', 'anthropic', 'c-1', '2026-01-03');
            "#,
        )
        .unwrap();
    (file, opened)
}

fn reader() -> (NamedTempFile, Connection, Reader) {
    let (file, Opened { writer, reader, .. }) = filled();
    (file, writer, reader)
}

#[test]
fn honest_queries_are_answered() {
    let (_file, _writer, mut reader) = reader();
    let cases = [
        (
            "SELECT * FROM hub_state ORDER BY key",
            json!([
                {"key": "greeting", "value": "{\"word\": \"hello\"}", "updated_at": "2026-01-01"},
                {"key": "number", "value": "42", "updated_at": "2026-01-02"},
            ]),
        ),
        (
            "SELECT tool_name, count(*) AS calls FROM tool_cache GROUP BY tool_name",
            json!([
                {"tool_name": "llm_complete", "calls": 2},
                {"tool_name": "summarize", "calls": 1},
            ]),
        ),
        (
            "WITH g AS (SELECT * FROM tool_cache WHERE provider = 'gemini') \
             SELECT count(*) AS n FROM g",
            json!([{"n": 2}]),
        ),
        (
            "-- the greeting\nSELECT json_extract(value, '$.word') AS word FROM \"HUB_STATE\" \
             WHERE key LIKE 'greet%';",
            json!([{"word": "hello"}]),
        ),
        (
            "SELECT value ->> 'word' AS w, length(key) AS l FROM hub_state LIMIT 1",
            json!([{"w": "hello", "l": 8}]),
        ),
        ("SELECT count(*) FROM hub_state", json!([{"count(*)": 2}])),
        (
            "SELECT 1 AS a, 2 AS a, null AS b, 1.5 AS c, x'00ff' AS d",
            json!([{"a": 1, "a_2": 2, "b": null, "c": 1.5, "d": "00ff"}]),
        ),
        (
            "SELECT prompt, row_number() OVER (ORDER BY id DESC) AS n FROM tool_cache LIMIT 1",
            json!([{"prompt": "text", "n": 1}]),
        ),
        (
            "SELECT max(created_at) AS last FROM tool_cache WHERE created_at < datetime('now')",
            json!([{"last": "2026-01-03"}]),
        ),
        ("SELECT * FROM hub_state WHERE key = 'none'", json!([])),
    ];
    for (sql, expected) in cases {
        let found = reader.query(sql).map(|rows| Value::Array(rows.rows));
        assert_eq!(found, Ok(expected), "{sql}");
    }
}

#[test]
fn a_table_that_came_later_is_nobodys_business_either() {
    let (_file, writer, mut reader) = reader();
    let sql = "SELECT count(*) FROM sessions";
    assert_eq!(
        reader.query(sql),
        Err(QueryError::NoSuchTable("sessions".to_owned()))
    );
    writer.execute_batch("CREATE TABLE sessions (a)").unwrap();
    assert_eq!(
        reader.query(sql),
        Err(QueryError::NoSuchTable("sessions".to_owned()))
    );
}

#[test]
fn a_large_result_is_cut_and_says_so() {
    let (_file, writer, mut reader) = reader();
    let many = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000) \
                SELECT x FROM c";
    let Rows { rows, truncated } = reader.query(many).unwrap();
    assert_eq!((rows.len(), truncated), (1_000, true));
    let fits = many.replace("5000", "1000");
    let Rows { rows, truncated } = reader.query(&fits).unwrap();
    assert_eq!((rows.len(), truncated), (1_000, false));

    let mut insert = writer
        .prepare("INSERT INTO tool_cache (tool_name, prompt, response) VALUES ('t', 'p', ?1)")
        .unwrap();
    for _ in 0..40 {
        insert.execute(["a".repeat(64 * 1024)]).unwrap();
    }
    let Rows { rows, truncated } = reader.query("SELECT response FROM tool_cache").unwrap();
    assert!(
        truncated && (10..20).contains(&rows.len()),
        "{}",
        rows.len()
    );
}

fn hash(file: &NamedTempFile) -> u64 {
    let mut bytes = Vec::new();
    let mut file = file.as_file();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    hasher.finish()
}

/// A statement out of words that make up the dangerous and the harmless ones.
fn statement(random: &mut fastrand::Rng) -> String {
    const WORDS: [&str; 96] = [
        "SELECT",
        "WITH",
        "INSERT INTO",
        "UPDATE",
        "DELETE FROM",
        "DROP TABLE",
        "CREATE TABLE",
        "ALTER TABLE",
        "REPLACE INTO",
        "ATTACH",
        "DETACH",
        "PRAGMA",
        "VACUUM",
        "VACUUM INTO",
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "EXPLAIN",
        "FROM",
        "WHERE",
        "SET",
        "VALUES",
        "RETURNING",
        "AS",
        "AS (",
        "(",
        ")",
        ",",
        ";",
        "*",
        "=",
        "||",
        "-",
        "+",
        "<",
        "IN",
        "LIKE",
        "GLOB",
        "NOT",
        "NULL",
        "IS",
        "EXISTS",
        "UNION",
        "UNION ALL",
        "EXCEPT",
        "INTERSECT",
        "ORDER BY",
        "GROUP BY",
        "HAVING",
        "LIMIT",
        "OFFSET",
        "JOIN",
        "LEFT JOIN",
        "NATURAL JOIN",
        "ON",
        "USING",
        "RECURSIVE",
        "OVER",
        "PARTITION BY",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "CAST",
        "COLLATE NOCASE",
        "hub_state",
        "tool_cache",
        "users",
        "shown",
        "sqlite_master",
        "key",
        "value",
        "id",
        "prompt",
        "'a'",
        "'/tmp/x'",
        "x''",
        "0",
        "1",
        "9223372036854775807",
        "1e308",
        "?1",
        ":a",
        "count(*)",
        "max(id)",
        "abs(",
        "json_extract(value, '$.a')",
        "writable_schema = 1",
        "journal_mode = DELETE",
        "-- \n",
        "/*",
    ];
    const STARTS: [&str; 6] = [
        "SELECT * FROM hub_state WHERE",
        "SELECT",
        "WITH a AS (SELECT * FROM tool_cache)",
        "WITH RECURSIVE a(x) AS (SELECT 1)",
        "SELECT 1;",
        "",
    ];
    let mut text = STARTS[random.usize(..STARTS.len())].to_owned();
    for _ in 0..random.usize(1..14) {
        text.push(' ');
        text.push_str(WORDS[random.usize(..WORDS.len())]);
    }
    text
}

#[test]
fn a_hundred_thousand_statements_leave_the_file_as_it_is() {
    const STATEMENTS: usize = 100_000;
    let (file, writer, mut reader) = reader();
    // Everything into the one file, so that its hash means something.
    writer
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let before = hash(&file);
    let state = "SELECT * FROM hub_state";
    let expected = reader.query(state).unwrap();
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut answered = 0;
    for _ in 0..STATEMENTS {
        let sql = statement(&mut random);
        let found = reader.query(&sql);
        answered += usize::from(found.is_ok());
        assert!(
            !format!("{found:?}").contains("swordfish"),
            "seed {seed}: {sql}"
        );
    }
    assert!(answered > 100, "seed {seed}: only {answered} were queries");
    assert_eq!(reader.query(state).unwrap(), expected, "seed {seed}");
    writer
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    assert_eq!(hash(&file), before, "seed {seed}");
}

#[test]
fn what_a_key_holds_is_json_or_a_text() {
    let (_file, writer, mut reader) = reader();
    let insert = "INSERT INTO hub_state VALUES ('old', 'no json', '')";
    writer.execute_batch(insert).unwrap();
    assert_eq!(reader.state("greeting"), Ok(Some(json!({"word": "hello"}))));
    assert_eq!(reader.state("old"), Ok(Some(json!("no json"))));
    assert_eq!(reader.state("none"), Ok(None));
}
