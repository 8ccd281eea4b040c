//! What `persist_result` acknowledges is never lost and never doubled: whoever dies, and whenever.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    persist::{LOOK, builder, delivered, health, persist, status},
    support::{
        FakeUpstream, Hub, Postgres, TestDatabase, cutter::Cutter, eventually, hub::api_request,
    },
};

/// How soon a call is answered that waits for no database, on a busy machine.
const SOON: Duration = Duration::from_millis(900);
/// The table that `hub db init` makes.
const TABLE: &str = "CREATE TABLE hub_results (id uuid PRIMARY KEY, payload jsonb NOT NULL, \
                     created_at timestamptz NOT NULL DEFAULT now())";

/// Every `payload.n`, and how often it is there.
async fn arrived(client: &tokio_postgres::Client) -> BTreeMap<i64, i64> {
    let sql = "SELECT (payload->>'n')::int8, count(*) FROM hub_results GROUP BY 1";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn all_arrived_once(client: &tokio_postgres::Client, expected: &BTreeSet<i64>) {
    let look = async || {
        let arrived = arrived(client).await;
        expected
            .iter()
            .all(|n| arrived.contains_key(n))
            .then_some(arrived)
    };
    let (arrived, _) = eventually(Duration::from_secs(60), "every row", look).await;
    let twice: Vec<_> = arrived.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[tokio::test]
async fn a_database_that_dies_and_comes_back_costs_nobody_anything() {
    let upstream = FakeUpstream::start().await;
    let mut postgres = Postgres::start("fsync = on");
    let client = postgres.client("postgres").await;
    client.batch_execute(TABLE).await.unwrap();
    let url = postgres.dsn("postgres", &postgres.verified());
    drop(client);
    // Down at the start.
    postgres.kill();
    let hub = builder(&upstream, &url).start().await;
    let mut expected = BTreeSet::new();
    let mut number = 0;
    for _ in 0..10 {
        number += 1;
        let reply = persist(&hub, json!({"n": number})).await;
        assert_eq!(reply.assert_ok().result()["status"], "queued", "{reply}");
        expected.insert(number);
        let reply = hub.prompt("hello").await;
        assert!(reply.assert_ok().elapsed < SOON, "{reply}");
    }
    let found = health(&hub).await;
    assert_eq!(found["database"]["state"], "down", "{found}");
    assert_eq!(found["outbox"]["pending"], 10, "{found}");
    assert_eq!(found["status"], "degraded", "{found}");
    hub.get("/readyz").await.assert_ok();

    // Back, killed in the middle of the work, back again: the calls go on all the time.
    for _ in 0..2 {
        postgres.restart();
        all_arrived_once(&postgres.client("postgres").await, &expected).await;
        delivered(&hub).await;
        number += 1;
        assert_eq!(status(&hub, json!({"n": number})).await, "persisted");
        expected.insert(number);
        let stop = AtomicBool::new(false);
        let (kept, asked) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut persisting = BTreeSet::new();
        let load = async {
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                status(&hub, json!({"n": number})).await;
                persisting.insert(number);
                kept.fetch_add(1, Ordering::Relaxed);
            }
        };
        let asking = async {
            while !stop.load(Ordering::Relaxed) {
                hub.prompt("hello").await.assert_ok();
                asked.fetch_add(1, Ordering::Relaxed);
            }
        };
        let more = async |what: &str| {
            let so_far = [&kept, &asked].map(|count| count.load(Ordering::Relaxed));
            let ten_more = async || {
                let now = [&kept, &asked].map(|count| count.load(Ordering::Relaxed));
                let enough = now.iter().zip(so_far).all(|(now, then)| *now >= then + 10);
                enough.then_some(())
            };
            eventually(LOOK, what, ten_more).await;
        };
        let killing = async {
            more("calls before").await;
            postgres.kill();
            let down = async || (health(&hub).await["database"]["state"] == "down").then_some(());
            eventually(LOOK, "that the hub notices", down).await;
            more("calls after").await;
            stop.store(true, Ordering::Relaxed);
        };
        tokio::join!(load, asking, killing);
        expected.extend(persisting);
    }
    postgres.restart();
    all_arrived_once(&postgres.client("postgres").await, &expected).await;
    for actor in ["outbox", "cloud_db", "db_sync"] {
        let health = hub.health_of(actor).await;
        assert_eq!(health["restarts"], 0, "{health}");
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_row() {
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    database.run(TABLE).await;
    let cutter = Cutter::start(Postgres::shared().port).await;
    let url = database.url();
    let (before, after) = url.split_once('?').unwrap();
    assert!(after.contains("verify-full"));
    let url = before.replace(
        &format!(":{}/", Postgres::shared().port),
        &format!(":{}/", cutter.port),
    );
    // In the clear, so that the cutter sees where an answer begins.
    let hub = builder(&upstream, &format!("{url}?sslmode=disable"))
        .start()
        .await;
    assert_eq!(status(&hub, json!({"n": 0})).await, "persisted");
    let mut expected = BTreeSet::from([0]);
    for n in 1..=3 {
        cutter.armed.store(true, Ordering::SeqCst);
        assert_eq!(status(&hub, json!({"n": n})).await, "queued");
        expected.insert(n);
        delivered(&hub).await;
        assert_eq!(*cutter.cuts.lock().unwrap(), n as usize);
    }
    all_arrived_once(&database.client().await, &expected).await;
}

#[tokio::test]
async fn ten_thousand_rows_of_an_outage_are_there_within_a_minute() {
    const MANY: i64 = 10_000;
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.db");
    let start = async |url: &str| {
        let hub = builder(&upstream, url);
        hub.env("HUB_DATA_DIR", folder.path().display())
            .start()
            .await
    };
    // A hub without its database makes the file; most rows are put in as ten minutes would.
    let hub = start("postgresql://hub@127.0.0.1:9/hub").await;
    for n in 0..50 {
        assert_eq!(status(&hub, json!({"n": n})).await, "queued");
    }
    hub.terminate();
    hub.finish(LOOK).await.assert_exit(0);
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(&format!(
            "WITH RECURSIVE n(n) AS (SELECT 50 UNION ALL SELECT n + 1 FROM n WHERE n < {MANY} - 1)
             INSERT INTO outbox (id, target, payload, created_at)
             SELECT printf('01900000-0000-7000-8000-%012x', n), 'hub_results',
                    printf('{{\"n\": %d, \"text\": \"%s\"}}', n, hex(randomblob(200))),
                    '2026-01-02T03:04:05.678Z' FROM n"
        ))
        .unwrap();
    drop(connection);
    database.run(TABLE).await;
    let hub = start(&database.url()).await;
    let begin = Instant::now();
    all_arrived_once(&database.client().await, &(0..MANY).collect()).await;
    delivered(&hub).await;
    assert!(
        begin.elapsed() < Duration::from_secs(60),
        "{:?}",
        begin.elapsed()
    );
}

/// Persists on one connection until the hub dies; says which rows were acknowledged.
async fn load(hub: &Hub, first: i64, acknowledged: Arc<Mutex<BTreeSet<i64>>>) {
    for n in first.. {
        let call = json!({"tool": "persist_result", "params": {"data": {"n": n}}});
        let Ok(reply) = hub.try_raw(&api_request(call.to_string().as_bytes())).await else {
            return;
        };
        // A kill can cut an answer off.
        if reply.status == 200 && reply.body["result"]["id"].is_string() {
            acknowledged.lock().unwrap().insert(n);
        }
    }
}

fn integrity(file: &Path) -> String {
    let connection = Connection::open(file).unwrap();
    let check = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    check.unwrap()
}

#[tokio::test]
async fn a_hundred_kills_lose_no_row_and_double_none() {
    const ROUNDS: usize = 100;
    const CALLERS: i64 = 4;
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    database.run(TABLE).await;
    let folder = tempfile::tempdir().unwrap();
    let start = async || {
        let hub = builder(&upstream, &database.socket());
        hub.env("HUB_DATA_DIR", folder.path().display())
            .start()
            .await
    };
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    for round in 0..ROUNDS {
        let hub = start().await;
        let known = acknowledged.lock().unwrap().len();
        let callers = (0..CALLERS).map(|caller| {
            let first = (round as i64 * CALLERS + caller) * 1_000_000;
            load(&hub, first, acknowledged.clone())
        });
        let killing = async {
            // At least one row is acknowledged, and then it dies at any moment.
            let some = async || (acknowledged.lock().unwrap().len() > known).then_some(());
            eventually(LOOK, "an acknowledged row", some).await;
            let moment = Duration::from_micros(fastrand::u64(..20_000));
            tokio::time::sleep(moment).await;
            hub.process.signal(Signal::KILL);
        };
        tokio::join!(futures_util::future::join_all(callers), killing);
        hub.finish(LOOK).await;
    }
    for name in ["outbox.db", "hub_state.db"] {
        assert_eq!(integrity(&folder.path().join(name)), "ok", "{name}");
    }
    let hub = start().await;
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    assert!(acknowledged.len() > 3 * ROUNDS, "{}", acknowledged.len());
    all_arrived_once(&database.client().await, &acknowledged).await;
    delivered(&hub).await;
    let health = health(&hub).await;
    assert_eq!(health["outbox"]["dead_letters"], 0, "{health}");
}

#[tokio::test]
async fn who_keeps_rows_where_they_do_not_last_says_so() {
    let upstream = FakeUpstream::start().await;
    let closed = "postgresql://hub@127.0.0.1:9/hub";
    let durability = async |hub: Hub| -> Value {
        let reply = persist(&hub, json!(1)).await;
        assert_eq!(reply.assert_ok().result()["status"], "queued", "{reply}");
        reply.result()["durability"].clone()
    };
    let folder = tempfile::tempdir().unwrap();
    let space = builder(&upstream, closed)
        .env("SPACE_ID", "someone/hub")
        .env("HUB_DATA_DIR", folder.path().display());
    assert_eq!(durability(space.start().await).await, "ephemeral");
    let memory = Hub::builder()
        .pyfun(&crate::support::Pyfun::three(&upstream))
        .env("DATABASE_URL", closed);
    assert_eq!(durability(memory.start().await).await, "ephemeral");
    let lasting = builder(&upstream, closed);
    assert_eq!(durability(lasting.start().await).await, "durable");
}
