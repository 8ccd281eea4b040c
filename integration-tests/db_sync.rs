//! DbSync: what calls leave behind, and what a file that is locked, damaged or away does to them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::json;
use tokio::time::Instant;

use crate::support::{FakeUpstream, Hub, Pyfun, Reply, eventually, hub::HubBuilder};

/// Longest look at something that comes by itself.
const LOOK: Duration = Duration::from_secs(20);
/// How soon a call is answered that waits for nothing, on a busy machine.
const SOON: Duration = Duration::from_secs(1);
/// Where the state is in a test's folder.
const FILE: &str = "data/hub_state.db";

fn pyfun(upstream: &FakeUpstream, lines: &str) -> Pyfun {
    let section = format!("[DB_SYNC]\nSQLITE_PATH = \"{FILE}\"\n{lines}\n[DB_SYNC_END]\n");
    Pyfun::three(upstream).and(&section)
}

fn builder(upstream: &FakeUpstream) -> HubBuilder {
    let lines = "MAX_CACHE_ENTRIES = \"1000\"\nSYNC_INTERVAL_SEC = \"1\"";
    Hub::builder().pyfun(&pyfun(upstream, lines)).keys()
}

fn file(hub: &Hub) -> PathBuf {
    hub.process.folder.path().join(FILE)
}

/// How many calls the file tells of, seen from outside; `None` if it cannot be read.
fn kept(file: &Path) -> Option<i64> {
    let connection = Connection::open(file).ok()?;
    let count = "SELECT count(*) FROM tool_cache";
    connection.query_row(count, [], |row| row.get(0)).ok()
}

fn integrity(file: &Path) -> String {
    let connection = Connection::open(file).unwrap();
    let check = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    check.unwrap()
}

async fn query(hub: &Hub, sql: &str) -> Reply {
    hub.call("db_query", json!({"sql": sql})).await
}

#[tokio::test]
async fn a_call_leaves_a_record_and_its_result() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    hub.prompt("why is the sky blue").await.assert_ok();
    // At once, though the file has it later.
    let reply = query(&hub, "SELECT * FROM tool_cache").await;
    let row = &reply.assert_ok().result()[0];
    assert_eq!(row["id"], 1, "{reply}");
    assert_eq!(row["tool_name"], "llm_complete", "{reply}");
    assert_eq!(row["prompt"], "why is the sky blue", "{reply}");
    assert_eq!(row["response"], "hello from anthropic", "{reply}");
    assert_eq!(row["provider"], "anthropic", "{reply}");
    assert_eq!(row["model"], "claude-fast-1", "{reply}");
    let sql = "SELECT count(*) AS n FROM tool_cache \
               WHERE julianday(created_at) BETWEEN julianday('now') - 1 AND julianday('now') + 1";
    assert_eq!(query(&hub, sql).await.result()[0]["n"], 1);
    let sql = "SELECT value ->> 'result' AS result, value ->> 'provider' AS provider \
               FROM hub_state WHERE key = 'llm_complete.last_result'";
    let expected = json!([{"result": "hello from anthropic", "provider": "anthropic"}]);
    assert_eq!(*query(&hub, sql).await.result(), expected);

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for suffix in ["", "-wal"] {
        let path = format!("{}{suffix}", file(&hub).display());
        assert_eq!(mode(Path::new(&path)), 0o600, "{path}");
    }
    assert_eq!(mode(file(&hub).parent().unwrap()), 0o700);
}

#[tokio::test]
async fn failed_calls_leave_nothing() {
    let upstream = FakeUpstream::start().await;
    upstream.always(&crate::support::Fault::Status(500));
    let hub = builder(&upstream).start().await;
    hub.prompt("why")
        .await
        .assert_fails(502, "providers_failed");
    for table in ["tool_cache", "hub_state"] {
        let reply = query(&hub, &format!("SELECT * FROM {table}")).await;
        assert_eq!(*reply.assert_ok().result(), json!([]));
    }
}

#[tokio::test]
async fn the_oldest_records_go_first() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::with(&pyfun(&upstream, "MAX_CACHE_ENTRIES = \"3\"")).await;
    for number in 0..5 {
        hub.prompt(&format!("prompt {number}")).await.assert_ok();
    }
    let reply = query(&hub, "SELECT prompt FROM tool_cache ORDER BY id").await;
    let expected = json!([{"prompt": "prompt 2"}, {"prompt": "prompt 3"}, {"prompt": "prompt 4"}]);
    assert_eq!(*reply.assert_ok().result(), expected);
}

#[tokio::test]
async fn what_nobody_wants_kept_is_not_kept() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder()
        .pyfun(&pyfun(&upstream, ""))
        .keys()
        .env("HUB__HUB__HUB_STATE_LAST_RESULTS", "false")
        .start()
        .await;
    hub.prompt("rosebud").await.assert_ok();
    for table in ["tool_cache", "hub_state"] {
        let reply = query(&hub, &format!("SELECT * FROM {table}")).await;
        assert_eq!(*reply.assert_ok().result(), json!([]));
    }
    for (place, bytes) in hub.traces() {
        let found = bytes.windows(7).any(|window| window == b"rosebud");
        assert!(!found, "{place}");
    }
}

#[tokio::test]
async fn a_long_text_is_cut_in_the_state_and_not_in_the_answer() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    hub.prompt(&"ä".repeat(200_000)).await.assert_ok();
    let sql = "SELECT octet_length(prompt) AS bytes FROM tool_cache";
    assert_eq!(query(&hub, sql).await.result()[0]["bytes"], 64 * 1024);
    let seen = upstream.anthropic.only();
    assert_eq!(
        seen.body["messages"][0]["content"].as_str().unwrap().len(),
        400_000
    );
}

#[tokio::test]
async fn a_stop_writes_everything_and_leaves_one_file() {
    let upstream = FakeUpstream::start().await;
    let lines = "MAX_CACHE_ENTRIES = \"1000\"\nSYNC_INTERVAL_SEC = \"3600\"";
    let hub = Hub::with(&pyfun(&upstream, lines)).await;
    // What comes before the file is open is written as soon as it is.
    query(&hub, "SELECT 1").await.assert_ok();
    for _ in 0..5 {
        hub.prompt("why").await.assert_ok();
    }
    assert_eq!(kept(&file(&hub)), Some(0), "it is not time yet");
    // Its folder goes with the process, so the file is looked at through a link of the test's.
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("hub_state.db");
    fs::hard_link(file(&hub), &path).unwrap();
    hub.terminate();
    hub.finish(LOOK).await.assert_exit(0);
    assert_eq!(kept(&path), Some(5));
    assert_eq!(integrity(&path), "ok");
}

#[tokio::test]
async fn a_locked_file_holds_up_no_call_and_gets_its_records_later() {
    const LOCKED: Duration = Duration::from_secs(5);
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    hub.prompt("before").await.assert_ok();
    let before = async || kept(&file(&hub)).filter(|count| *count == 1);
    eventually(LOOK, "the first record", before).await;

    let other = Connection::open(file(&hub)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let (mut calls, mut slowest) = (1, Duration::ZERO);
    while start.elapsed() < LOCKED {
        slowest = slowest.max(hub.prompt("during").await.assert_ok().elapsed);
        calls += 1;
    }
    // Queries see the file as it was.
    query(&hub, "SELECT count(*) FROM tool_cache")
        .await
        .assert_ok();
    assert!(slowest <= SOON, "a call took {slowest:?}");
    assert_eq!(kept(&file(&hub)), Some(1));
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    let all = async || kept(&file(&hub)).filter(|count| *count == calls.min(1_000));
    eventually(LOOK, "the other records", all).await;
    let health = hub.health_of("db_sync").await;
    assert_eq!(health["restarts"], 0, "{health}");
}

#[tokio::test]
async fn a_file_that_is_held_at_the_start_is_waited_for() {
    let upstream = FakeUpstream::start().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("hub_state.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let hub = builder(&upstream)
        .env("HUB_DATA_DIR", elsewhere.path().display())
        .start()
        .await;
    let reply = hub.prompt("hello").await;
    assert!(reply.assert_ok().elapsed <= SOON, "{reply}");
    query(&hub, "SELECT 1")
        .await
        .assert_fails(503, "overloaded");
    let log = async || {
        hub.process
            .stderr
            .text()
            .contains("another program holds")
            .then_some(())
    };
    eventually(LOOK, "a line that says so", log).await;
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    let arrived = async || kept(&path).filter(|count| *count == 1);
    eventually(LOOK, "the record", arrived).await;
    query(&hub, "SELECT 1").await.assert_ok();
    let health = hub.health_of("db_sync").await;
    assert_eq!(health["restarts"], 0, "{health}");
}

#[tokio::test]
async fn a_damaged_file_is_moved_aside() {
    let upstream = FakeUpstream::start().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("hub_state.db");
    let garbage =
        b"this is no database, and never was one; it is long enough to be read".repeat(100);
    fs::write(&path, &garbage).unwrap();
    let hub = builder(&upstream)
        .env("HUB_DATA_DIR", elsewhere.path().display())
        .start()
        .await;
    hub.prompt("hello").await.assert_ok();
    let works =
        async || (query(&hub, "SELECT prompt FROM tool_cache").await.status == 200).then_some(());
    eventually(LOOK, "a new file", works).await;
    let names = fs::read_dir(elsewhere.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().path()).collect();
    let aside = names
        .iter()
        .find(|name| name.to_string_lossy().contains(".db.damaged-"));
    assert_eq!(fs::read(aside.unwrap()).unwrap(), garbage);
    let log = hub.process.stderr.text();
    assert!(log.contains("damaged") && log.contains("ERROR"), "{log}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_costs_the_memory_of_yesterday_only() {
    let upstream = FakeUpstream::start().await;
    let section = "[DB_SYNC]\nSQLITE_PATH = \"hub.pyfun/state.db\"\nMAX_CACHE_ENTRIES = \"5\"\n\
                   [DB_SYNC_END]\n";
    let hub = Hub::with(&Pyfun::three(&upstream).and(section)).await;
    let log = hub.process.stderr.text();
    assert!(
        log.contains("hub.pyfun/state.db cannot be written"),
        "{log}"
    );
    hub.prompt("hello").await.assert_ok();
    let reply = query(&hub, "SELECT count(*) AS n FROM tool_cache").await;
    assert_eq!(*reply.assert_ok().result(), json!([{"n": 1}]));
}

#[tokio::test]
async fn a_kill_leaves_a_sound_file() {
    const ROUNDS: usize = 5;
    let upstream = FakeUpstream::start().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("hub_state.db");
    let mut last = 0;
    for round in 0..ROUNDS {
        let hub = builder(&upstream)
            .env("HUB_DATA_DIR", elsewhere.path().display())
            .start()
            .await;
        // Many writes: each query has the calls before it written first.
        for _ in 0..20 {
            hub.prompt("hello").await.assert_ok();
            query(&hub, "SELECT 1").await.assert_ok();
        }
        hub.process.signal(Signal::KILL);
        hub.finish(LOOK).await;
        assert_eq!(integrity(&path), "ok", "round {round}");
        let count = kept(&path).unwrap();
        assert!(count >= last + 10, "round {round}: {last} -> {count}");
        last = count;
    }
}
