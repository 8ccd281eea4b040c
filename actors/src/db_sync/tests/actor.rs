//! What becomes of what the actor accepts.

use std::time::{Duration, Instant, SystemTime};

use actix::prelude::*;
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::sync::{mpsc, oneshot};

use super::{
    attacks::{Fate, attacks},
    place,
    query::filled,
};
use crate::{
    db_sync::{
        DbSpec,
        actor::{DbSync, MANY},
    },
    protocol::{
        DeleteState, Drain, Heartbeat, Query, QueryError, ReadState, Record, Rows, WriteState,
    },
};

/// An actor that writes when it is told to, or has to.
fn actor(file: &NamedTempFile) -> Addr<DbSync> {
    actor_with(file, mpsc::channel(1).1)
}

fn actor_with(file: &NamedTempFile, last_results: mpsc::Receiver<WriteState>) -> Addr<DbSync> {
    let spec = DbSpec {
        place: place(file),
        interval: Duration::from_secs(3_600),
        max_records: 10_000,
        last_results: true,
        answers: None,
    };
    DbSync::new(spec, last_results).start()
}

fn write(key: &str, value: Value) -> WriteState {
    let key = key.into();
    WriteState { key, value }
}

fn record(number: usize) -> Record {
    Record {
        tool: "llm_complete".into(),
        prompt: number.to_string(),
        response: "x".to_owned(),
        provider: "p".into(),
        model: "m".into(),
        at: SystemTime::now(),
    }
}

async fn read(db: &Addr<DbSync>, key: &str) -> Result<Option<Value>, QueryError> {
    let (reply, value) = oneshot::channel();
    let key = key.into();
    db.do_send(ReadState { key, reply });
    value.await.unwrap()
}

async fn query(db: &Addr<DbSync>, sql: &str) -> Result<Rows, QueryError> {
    let (reply, rows) = oneshot::channel();
    let sql = sql.to_owned();
    db.do_send(Query { sql, reply });
    rows.await.unwrap()
}

/// The answer, and how long it took from the moment that nobody else was asked.
async fn timed(db: &Addr<DbSync>, sql: &str) -> (Result<Rows, QueryError>, Duration) {
    query(db, "SELECT 1").await.unwrap();
    let start = Instant::now();
    let found = query(db, sql).await;
    (found, start.elapsed())
}

async fn count(db: &Addr<DbSync>, table: &str) -> u64 {
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let rows = query(db, &sql).await.unwrap();
    rows.rows.first().unwrap()["n"].as_u64().unwrap()
}

/// Another program that holds the file for itself.
fn lock(file: &NamedTempFile) -> Connection {
    let other = Connection::open(file.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[actix::test]
async fn a_change_is_seen_before_the_file_has_it() {
    let file = NamedTempFile::new().unwrap();
    let db = actor(&file);
    assert_eq!(read(&db, "a").await, Ok(None));
    let other = lock(&file);
    db.do_send(write("a", json!({"n": 1})));
    assert_eq!(read(&db, "a").await, Ok(Some(json!({"n": 1}))));
    // The query waits a moment for the file, not for long.
    assert_eq!(count(&db, "hub_state").await, 0);
    other.execute_batch("ROLLBACK").unwrap();
    db.do_send(write("b", json!("text")));
    db.do_send(DeleteState { key: "a".into() });
    assert_eq!(read(&db, "a").await, Ok(None));
    db.send(Drain).await.unwrap();

    let db = actor(&file);
    assert_eq!(read(&db, "a").await, Ok(None));
    assert_eq!(read(&db, "b").await, Ok(Some(json!("text"))));
}

#[actix::test]
async fn a_query_sees_what_was_accepted_before_it() {
    let file = NamedTempFile::new().unwrap();
    let db = actor(&file);
    // The file is open once somebody was answered.
    assert_eq!(count(&db, "tool_cache").await, 0);
    for number in 1..=20 {
        db.do_send(record(number));
        assert_eq!(count(&db, "tool_cache").await, number as u64);
    }
}

#[actix::test]
async fn a_file_of_the_python_hub_is_used_as_it_is() {
    let file = NamedTempFile::new().unwrap();
    Connection::open(file.path())
        .unwrap()
        .execute_batch(
            "CREATE TABLE hub_state (key TEXT PRIMARY KEY, value TEXT, updated_at TEXT);
             INSERT INTO hub_state VALUES ('old', 'still here', '2025-01-01');
             CREATE TABLE tool_cache (id INTEGER PRIMARY KEY, tool_name TEXT, secret TEXT NOT NULL);
             CREATE TABLE users (id INTEGER PRIMARY KEY);",
        )
        .unwrap();
    let db = actor(&file);
    assert_eq!(read(&db, "old").await, Ok(Some(json!("still here"))));
    let users = query(&db, "SELECT count(*) FROM users").await;
    assert_eq!(users, Err(QueryError::NoSuchTable("users".to_owned())));
    // This one's table takes no records of ours. The state is written all the same.
    db.do_send(record(1));
    db.do_send(write("new", json!(1)));
    assert_eq!(count(&db, "hub_state").await, 2);
    assert_eq!(count(&db, "tool_cache").await, 0);
}

#[actix::test]
async fn a_locked_file_stops_no_heartbeat_and_loses_no_state() {
    let file = NamedTempFile::new().unwrap();
    let db = actor(&file);
    assert_eq!(count(&db, "tool_cache").await, 0);
    let other = lock(&file);
    for number in 0..2_000 {
        db.do_send(record(number));
        db.do_send(write(&format!("key {}", number % 150), json!(number)));
    }
    for _ in 0..50 {
        let sign = tokio::time::timeout(Duration::from_millis(400), db.send(Heartbeat));
        sign.await.expect("the loop turns").unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    other.execute_batch("ROLLBACK").unwrap();
    db.send(Drain).await.unwrap();
    let other = Connection::open(file.path()).unwrap();
    let number = |sql: &str| -> i64 { other.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(number("SELECT count(*) FROM hub_state"), 150);
    assert_eq!(
        number("SELECT CAST(value AS INTEGER) FROM hub_state WHERE key = 'key 49'"),
        1_999
    );
    // Of the records the newest are kept.
    assert_eq!(
        number("SELECT max(CAST(prompt AS INTEGER)) FROM tool_cache"),
        1_999
    );
    let kept = number("SELECT count(*) FROM tool_cache");
    assert!((1_000..=1_000 + 2 * MANY as i64).contains(&kept), "{kept}");
}

#[actix::test]
async fn every_attack_is_refused_or_bounded() {
    const LONGEST: Duration = Duration::from_millis(300);
    let (file, _opened) = filled();
    let db = actor(&file);
    count(&db, "hub_state").await;
    let mut unmet = Vec::new();
    for (sql, fate) in attacks() {
        let (mut found, mut took) = timed(&db, &sql).await;
        // A busy machine makes some of them late; one that is not bounded is late each time.
        for _ in 0..2 {
            if took > LONGEST {
                (found, took) = timed(&db, &sql).await;
            }
        }
        let met = match (fate, &found) {
            (Fate::NotSelect, Err(QueryError::NotSelect)) | (Fate::Bounded, _) => true,
            (Fate::NoTable(name), Err(QueryError::NoSuchTable(found))) => {
                name.eq_ignore_ascii_case(found)
            }
            (Fate::Invalid(words), Err(QueryError::Invalid(sentence))) => {
                sentence.contains(words) && !sentence.contains(['\n', '\0'])
            }
            _ => false,
        };
        let found = format!("{found:?}");
        if !met || took > LONGEST || found.contains("swordfish") {
            unmet.push(format!("{sql:.160} -> {found:.300} after {took:?}"));
        }
    }
    assert!(unmet.is_empty(), "{unmet:#?}");
    // And it still works.
    assert_eq!(count(&db, "hub_state").await, 2);
}

#[actix::test]
async fn a_last_result_is_there_for_the_next_question_though_nobody_was_woken() {
    let file = NamedTempFile::new().unwrap();
    let (last_results, waiting) = mpsc::channel(8);
    let db = actor_with(&file, waiting);
    assert_eq!(count(&db, "hub_state").await, 0);
    for n in 1..=3 {
        let write = write("a.last_result", json!(n));
        last_results.try_send(write).unwrap();
    }
    assert_eq!(count(&db, "hub_state").await, 1, "the newest of each tool");
    assert_eq!(read(&db, "a.last_result").await, Ok(Some(json!(3))));
    last_results
        .try_send(write("b", json!("at the end")))
        .unwrap();
    db.send(Drain).await.unwrap();
    assert_eq!(
        read(&actor(&file), "b").await,
        Ok(Some(json!("at the end")))
    );
}
