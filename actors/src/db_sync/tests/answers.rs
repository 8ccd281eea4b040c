//! What the file keeps of the cache.

use std::{
    io::{Read, Seek, SeekFrom},
    sync::Arc,
    time::{Duration, SystemTime},
};

use actix::prelude::*;
use rusqlite::Connection;
use tempfile::NamedTempFile;
use tokio::sync::{mpsc, oneshot};

use super::place;
use crate::{
    cache::{Answer, Key, Said},
    conversation::{Content, Format, Part, Signature},
    db_sync::{DbSpec, actor::DbSync, answers::Queue},
    outcome::About,
    protocol::{
        Completion, Drain, FindAnswer, FinishReason, Found, Hit, KeepAnswer, KeptAnswer, Query,
        QueryError, Usage,
    },
    search::Findings,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn actor(file: &NamedTempFile, answers: Option<u64>) -> Addr<DbSync> {
    let spec = DbSpec {
        place: place(file),
        interval: HOUR,
        max_records: 0,
        last_results: false,
        answers,
    };
    DbSync::new(spec, mpsc::channel(1).1).start()
}

fn key(number: u8) -> Key {
    Key::from([number; 32])
}

fn completion(text: &str) -> Answer {
    Answer {
        said: Said::Text(text.into()),
        provider: "p".into(),
        model: "m".into(),
        about: About::Completion {
            answered_by: Some("m-1".to_owned()),
            finish_reason: FinishReason::Stop,
            usage: Usage {
                input_tokens: 3,
                output_tokens: 5,
                cached_input_tokens: Some(1),
                ..Usage::default()
            },
            cost_usd: Some(0.25),
            images: Vec::new(),
            dropped_params: vec!["temperature".into()],
        },
    }
}

fn keep(number: u8, answer: Answer, time: Duration) -> KeepAnswer {
    KeepAnswer {
        key: key(number),
        tool: "t".into(),
        answer: Arc::new(answer),
        until: SystemTime::now() + time,
    }
}

/// What the file has, once it is open.
async fn find(db: &Addr<DbSync>, number: u8) -> Option<KeptAnswer> {
    for _ in 0..1_000 {
        let (reply, found) = oneshot::channel();
        let key = key(number);
        db.do_send(FindAnswer { key, reply });
        match found.await {
            Ok(found) => return found,
            Err(_not_open) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    panic!("the file does not open");
}

fn text(kept: Option<KeptAnswer>) -> Option<String> {
    kept.map(|kept| kept.answer.said.text().to_string())
}

#[actix::test]
async fn an_answer_is_there_after_a_restart_as_it_was() {
    let file = NamedTempFile::new().unwrap();
    let db = actor(&file, Some(1_000_000));
    assert!(find(&db, 1).await.is_none());
    let hit = Hit {
        title: "First".to_owned(),
        url: "https://one.example/".to_owned(),
        snippet: "text".to_owned(),
        age: None,
        score: Some(0.5),
    };
    let found = Found {
        answer: Some("In short".to_owned()),
        hits: vec![hit],
    };
    let findings = Findings::new(found, 5, vec!["country".into()]);
    let search = Answer {
        said: Said::Text(findings.text().into()),
        provider: "brave".into(),
        model: "".into(),
        about: About::Search(Arc::new(findings)),
    };
    let thought = Part {
        signature: Some(Signature {
            format: Format::Anthropic,
            text: "c2ln".into(),
        }),
        ..Content::Thinking("hm".to_owned()).into()
    };
    let mut more = Completion {
        parts: vec![thought, Part::text("because")],
        stop_sequence: Some("END".to_owned()),
        raw: Some("{\"a\": 1}".into()),
        ..Completion::default()
    };
    let more = Answer {
        said: Said::of(&mut more),
        ..completion("")
    };
    let before = [completion("because"), search, more];
    let as_json: Vec<_> = before
        .iter()
        .map(|a| serde_json::to_value(a).unwrap())
        .collect();
    for (number, answer) in (1..).zip(before) {
        db.do_send(keep(number, answer, HOUR));
    }
    db.send(Drain).await.unwrap();
    let db = actor(&file, Some(1_000_000));
    for (number, expected) in (1..).zip(as_json) {
        let kept = find(&db, number).await.unwrap();
        assert_eq!(serde_json::to_value(&*kept.answer).unwrap(), expected);
        let left = kept.until.duration_since(SystemTime::now()).unwrap();
        assert!(
            left <= HOUR && left > HOUR - Duration::from_secs(60),
            "{left:?}"
        );
        match (&kept.answer.about, number) {
            (About::Completion { .. }, 1 | 3) | (About::Search(_), 2) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[actix::test]
async fn whose_time_is_over_is_not_found_and_goes() {
    let file = NamedTempFile::new().unwrap();
    let db = actor(&file, Some(1_000_000));
    assert!(find(&db, 9).await.is_none());
    db.do_send(keep(1, completion("old"), Duration::ZERO));
    db.do_send(keep(2, completion("good"), HOUR));
    db.send(Drain).await.unwrap();
    let rows = Connection::open(file.path()).unwrap();
    let expire = "UPDATE kept_answers SET expires_at = 1 WHERE tool = 't'";
    let count = || -> i64 {
        let count = "SELECT count(*) FROM kept_answers";
        rows.query_row(count, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(), 1, "what was over when it came is not there");
    let db = actor(&file, Some(1_000_000));
    assert_eq!(text(find(&db, 2).await).as_deref(), Some("good"));
    rows.execute(expire, []).unwrap();
    assert_eq!(text(find(&db, 2).await), None);
    // The next write removes it, and so does the next start.
    db.do_send(keep(3, completion("new"), HOUR));
    db.send(Drain).await.unwrap();
    assert_eq!(count(), 1);
    rows.execute(expire, []).unwrap();
    let db = actor(&file, Some(1_000_000));
    find(&db, 3).await;
    assert_eq!(count(), 0);
}

#[tokio::test]
async fn the_table_is_looked_through_once_a_minute_though_nothing_is_written() {
    tokio::time::pause();
    let (mut queue, mut off) = (Queue::new(Some(1_000)), Queue::new(None));
    assert!(!queue.is_due());
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(queue.is_due() && !off.is_due());
    drop((queue.take(), off.take()));
    assert!(!queue.is_due());
}

#[actix::test]
async fn the_oldest_go_when_there_is_too_much() {
    let file = NamedTempFile::new().unwrap();
    let db = actor(&file, Some(10_000));
    assert!(find(&db, 0).await.is_none());
    for number in 1..=20 {
        db.do_send(keep(number, completion(&"a".repeat(1_000)), HOUR));
    }
    // Written anew it is young again.
    db.do_send(keep(1, completion("again"), HOUR));
    db.send(Drain).await.unwrap();
    let rows = Connection::open(file.path()).unwrap();
    let sum = "SELECT sum(size) FROM kept_answers";
    let bytes: i64 = rows.query_row(sum, [], |row| row.get(0)).unwrap();
    assert!((7_000..=10_000).contains(&bytes), "{bytes}");
    let db = actor(&file, Some(10_000));
    assert_eq!(text(find(&db, 1).await).as_deref(), Some("again"));
    assert!(find(&db, 20).await.is_some());
    assert!(find(&db, 2).await.is_none());
}

#[actix::test]
async fn what_is_switched_off_is_emptied() {
    let file = NamedTempFile::new().unwrap();
    let db = actor(&file, Some(1_000_000));
    assert!(find(&db, 1).await.is_none());
    db.do_send(keep(1, completion("because"), HOUR));
    db.send(Drain).await.unwrap();
    let db = actor(&file, None);
    let (reply, rows) = oneshot::channel();
    let sql = "SELECT 1".to_owned();
    // The file is open once somebody was answered, and one file once it is closed.
    db.do_send(Query { sql, reply });
    rows.await.unwrap().unwrap();
    db.send(Drain).await.unwrap();
    let mut bytes = Vec::new();
    file.as_file().seek(SeekFrom::Start(0)).unwrap();
    file.as_file().read_to_end(&mut bytes).unwrap();
    assert!(!bytes.is_empty());
    let found = bytes.windows(7).any(|window| window == b"because");
    assert!(!found, "it is still in the file");
}

#[actix::test]
async fn an_answer_that_cannot_be_read_is_not_there() {
    let file = NamedTempFile::new().unwrap();
    let db = actor(&file, Some(1_000_000));
    assert!(find(&db, 1).await.is_none());
    db.do_send(keep(1, completion("because"), HOUR));
    db.send(Drain).await.unwrap();
    let rows = Connection::open(file.path()).unwrap();
    for damaged in ["'{'", "'{}'", "x'00ff'", "'{\"text\": 5}'"] {
        let sql = format!("UPDATE kept_answers SET answer = {damaged}");
        rows.execute(&sql, []).unwrap();
        let (reply, found) = oneshot::channel();
        let db = actor(&file, Some(1_000_000));
        let _ = text(find(&db, 9).await);
        db.do_send(FindAnswer { key: key(1), reply });
        assert!(!matches!(found.await, Ok(Some(_))), "{damaged}");
    }
}

#[actix::test]
async fn queries_see_nothing_of_it() {
    let file = NamedTempFile::new().unwrap();
    let db = actor(&file, Some(1_000_000));
    assert!(find(&db, 1).await.is_none());
    db.do_send(keep(1, completion("because"), HOUR));
    for sql in [
        "SELECT answer FROM kept_answers",
        "SELECT count(*) FROM KEPT_ANSWERS",
        "WITH k AS (SELECT * FROM kept_answers) SELECT * FROM k",
        "SELECT (SELECT answer FROM main.kept_answers LIMIT 1)",
        "SELECT * FROM hub_state LEFT JOIN kept_answers",
        "SELECT * FROM kept_answers_by_expiry",
    ] {
        let (reply, rows) = oneshot::channel();
        let query = Query {
            sql: sql.to_owned(),
            reply,
        };
        db.do_send(query);
        let refused = rows.await.unwrap();
        assert!(
            matches!(refused, Err(QueryError::NoSuchTable(_))),
            "{sql}: {refused:?}"
        );
    }
}
