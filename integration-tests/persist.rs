//! `persist_result`: rows in PostgreSQL, each once, whatever table is there.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use crate::{
    db_command::init,
    support::{FakeUpstream, Hub, Pyfun, Reply, TestDatabase, eventually, hub::HubBuilder, mcp},
};

/// Longest look at something that comes by itself.
pub(crate) const LOOK: Duration = Duration::from_secs(30);
/// What older hubs made.
const REFERENCE: &str =
    "CREATE TABLE hub_results (id SERIAL PRIMARY KEY, payload JSONB, created_at TEXT)";

pub(crate) fn pyfun(upstream: &FakeUpstream) -> Pyfun {
    let section = "[DB_SYNC]\nSQLITE_PATH = \"data/hub_state.db\"\n[DB_SYNC_END]\n";
    Pyfun::three(upstream).and(section)
}

/// A hub that keeps its rows in the database that this DSN names.
pub(crate) fn builder(upstream: &FakeUpstream, url: &str) -> HubBuilder {
    let builder = Hub::builder().pyfun(&pyfun(upstream)).keys();
    builder.env("DATABASE_URL", url)
}

pub(crate) async fn persist(hub: &Hub, data: Value) -> Reply {
    hub.call("persist_result", json!({"data": data})).await
}

/// Persists, and expects that the row is kept; says what became of it.
pub(crate) async fn status(hub: &Hub, data: Value) -> String {
    let reply = persist(hub, data).await;
    let status = reply.assert_ok().result()["status"].as_str();
    status.unwrap().to_owned()
}

pub(crate) async fn health(hub: &Hub) -> Value {
    let reply = hub.call("health_check", json!({})).await;
    reply.assert_ok().result().clone()
}

/// Until the hub has nothing left to deliver.
pub(crate) async fn delivered(hub: &Hub) {
    let empty = async || (health(hub).await["outbox"]["pending"] == 0).then_some(());
    eventually(LOOK, "an empty outbox", empty).await;
}

#[tokio::test]
async fn a_row_arrives_through_every_door() {
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    init(&database.url(), "hub_results").await.assert_exit(0);
    let hub = builder(&upstream, &database.url()).start().await;
    let data = json!({"text": "äöü \"quoted\" \\ \u{1}", "list": [1, 2.5, null, true]});
    let reply = persist(&hub, data.clone()).await;
    let result = reply.assert_ok().result();
    assert_eq!(result["status"], "persisted", "{reply}");
    assert_eq!(result["durability"], "durable", "{reply}");
    assert_eq!(result["table"], "hub_results", "{reply}");
    let id = result["id"].as_str().unwrap();
    let sql = format!(
        "SELECT payload::text, extract(epoch FROM now() - created_at)::float8 FROM hub_results \
         WHERE id = '{id}'"
    );
    let rows = database.rows(&sql).await;
    let kept: Value = serde_json::from_str(rows[0].get(0)).unwrap();
    assert_eq!(kept, data);
    assert!((-5.0..60.0).contains(&rows[0].get::<_, f64>(1)));

    // The alias of existing clients, and a text alone.
    let reply = hub
        .call("persist_result", json!({"prompt": "a text"}))
        .await;
    assert_eq!(reply.assert_ok().result()["status"], "persisted", "{reply}");

    let message = mcp::call(1, "persist_result", json!({"data": [1]}));
    let answer = hub.mcp_modern(message).await.last();
    let result = &answer["result"]["structuredContent"];
    assert_eq!(result["status"], "persisted", "{answer}");
    let sql = "SELECT count(*) FROM hub_results WHERE payload IN ('\"a text\"', '[1]')";
    assert_eq!(database.number(sql).await, 2);
    let health = health(&hub).await;
    assert_eq!(health["status"], "ok", "{health}");
    assert_eq!(health["database"]["state"], "connected", "{health}");
}

#[tokio::test]
async fn many_at_once_arrive_each_once() {
    const MANY: usize = 200;
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    init(&database.url(), "hub_results").await.assert_exit(0);
    let hub = builder(&upstream, &database.url()).start().await;
    let calls = (0..MANY).map(|n| status(&hub, json!({"n": n})));
    let statuses = futures_util::future::join_all(calls).await;
    assert!(
        statuses
            .iter()
            .all(|status| status == "persisted" || status == "queued"),
        "{statuses:?}"
    );
    delivered(&hub).await;
    let sql = "SELECT count(*) FROM hub_results";
    assert_eq!(database.number(sql).await, MANY as i64);
    let sql = "SELECT count(DISTINCT payload->'n') FROM hub_results";
    assert_eq!(database.number(sql).await, MANY as i64);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_with_a_sentence() {
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    let hub = builder(&upstream, &database.url()).start().await;
    let long = "a".repeat(4 * 1024 * 1024);
    for (params, word) in [
        (json!({}), "data"),
        (json!({"data": ""}), "data"),
        (json!({"data": null}), "data"),
        (json!({"data": {"a": ["b\u{0}"]}}), "U+0000"),
        (json!({"data": {"a\u{0}": 1}}), "U+0000"),
        (json!({"data": long}), "4 MiB"),
        (json!({"data": 1, "prompt": "2"}), "differ"),
        (json!({"data": 1, "target_table": "users"}), "target_table"),
        (json!({"data": 1, "table": "users"}), "table"),
    ] {
        let reply = hub.call("persist_result", params).await;
        reply.assert_fails(400, "bad_request");
        assert!(reply.error().contains(word), "{reply}");
    }
    let health = health(&hub).await;
    assert_eq!(health["outbox"]["pending"], 0, "{health}");
    assert_eq!(health["outbox"]["dead_letters"], 0, "{health}");
}

#[tokio::test]
async fn a_key_of_the_state_can_be_kept() {
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    init(&database.url(), "hub_results").await.assert_exit(0);
    let hub = builder(&upstream, &database.url())
        .env(
            "HUB__TOOL__PERSIST_RESULT__STATE_READ_KEY",
            "llm_complete.last_result",
        )
        .start()
        .await;
    let reply = hub.call("persist_result", json!({})).await;
    reply.assert_fails(400, "bad_request");
    assert!(
        reply.error().contains("llm_complete.last_result"),
        "{reply}"
    );
    hub.prompt("why").await.assert_ok();
    let reply = hub.call("persist_result", json!([])).await;
    assert_eq!(reply.assert_ok().result()["status"], "persisted", "{reply}");
    // What the caller sends comes first.
    assert_eq!(status(&hub, json!("mine")).await, "persisted");
    let sql = "SELECT count(*) FROM hub_results WHERE payload->>'result' = 'hello from anthropic'";
    assert_eq!(database.number(sql).await, 1);
    assert_eq!(database.number("SELECT count(*) FROM hub_results").await, 2);
}

#[tokio::test]
async fn a_table_of_before_is_used_once_it_has_what_is_needed() {
    const ALTER: &str = "ALTER TABLE \"hub_results\" ADD COLUMN hub_id uuid UNIQUE;";
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    database.run(REFERENCE).await;
    database
        .run("INSERT INTO hub_results (payload, created_at) VALUES ('1', 'then')")
        .await;
    let lacks = init(&database.url(), "hub_results").await;
    assert!(lacks.assert_exit(1).stderr.contains(ALTER), "{lacks:?}");

    let hub = builder(&upstream, &database.url()).start().await;
    let reply = persist(&hub, json!("early")).await;
    let result = reply.assert_ok().result();
    assert_eq!(result["status"], "dead_letter", "{reply}");
    assert!(
        result["reason"].as_str().unwrap().contains(ALTER),
        "{reply}"
    );
    let health = health(&hub).await;
    assert_eq!(health["status"], "degraded", "{health}");
    assert_eq!(health["outbox"]["dead_letters"], 1, "{health}");
    assert!(
        health["outbox"]["last_reason"]
            .as_str()
            .unwrap()
            .contains(ALTER),
        "{health}"
    );
    assert!(!health.to_string().contains("early"), "{health}");

    database.run(ALTER).await;
    let fits = init(&database.url(), "hub_results").await;
    assert!(
        fits.assert_exit(0).stdout.contains("has what is needed"),
        "{fits:?}"
    );
    // The running hub looks again by itself.
    assert_eq!(status(&hub, json!("late")).await, "persisted");
    let sql = "SELECT count(*) FROM hub_results WHERE payload = '\"late\"' AND id > 1 \
               AND created_at LIKE '20%Z'";
    assert_eq!(database.number(sql).await, 1);
}

#[tokio::test]
async fn dead_letters_are_tried_again_at_the_next_start() {
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    let folder = tempfile::tempdir().unwrap();
    let start = async || {
        let hub = builder(&upstream, &database.url());
        hub.env("HUB_DATA_DIR", folder.path().display())
            .start()
            .await
    };
    let hub = start().await;
    let reply = persist(&hub, json!("rosebud")).await;
    let result = reply.assert_ok().result();
    assert_eq!(result["status"], "dead_letter", "{reply}");
    assert!(
        result["reason"].as_str().unwrap().contains("hub db init"),
        "{reply}"
    );
    hub.terminate();
    hub.finish(LOOK).await.assert_exit(0);
    init(&database.url(), "hub_results").await.assert_exit(0);
    let hub = start().await;
    let sql = "SELECT count(*) FROM hub_results WHERE payload = '\"rosebud\"'";
    let arrived = async || (database.number(sql).await == 1).then_some(());
    eventually(LOOK, "the row", arrived).await;
    delivered(&hub).await;
    let health = health(&hub).await;
    assert_eq!(health["outbox"]["dead_letters"], 0, "{health}");
}

#[tokio::test]
async fn a_row_that_is_refused_keeps_no_other_out() {
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    init(&database.url(), "hub_results").await.assert_exit(0);
    let check = "ALTER TABLE hub_results ADD CHECK ((payload->>'n')::int % 10 <> 3)";
    database.run(check).await;
    let hub = builder(&upstream, &database.url()).start().await;
    let calls = (0..100).map(|n| status(&hub, json!({"n": n})));
    futures_util::future::join_all(calls).await;
    delivered(&hub).await;
    assert_eq!(
        database.number("SELECT count(*) FROM hub_results").await,
        90
    );
    let health = health(&hub).await;
    assert_eq!(health["outbox"]["dead_letters"], 10, "{health}");
    let reason = health["outbox"]["last_reason"].as_str().unwrap();
    assert!(reason.contains("23514"), "{health}");
}

#[tokio::test]
async fn a_role_without_the_right_gets_a_sentence_and_no_row() {
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    init(&database.url(), "hub_results").await.assert_exit(0);
    let role = "DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN PASSWORD 'weak'";
    database.run(role).await;
    let hub = builder(&upstream, &database.url_of("weak", "weak"))
        .start()
        .await;
    let reply = persist(&hub, json!(1)).await;
    let reason = reply.assert_ok().result()["reason"].as_str().unwrap();
    assert!(reason.contains("INSERT and SELECT"), "{reply}");
    database
        .run("GRANT INSERT, SELECT ON hub_results TO weak")
        .await;
    assert_eq!(status(&hub, json!(2)).await, "persisted");
}

#[tokio::test]
async fn a_dsn_that_cannot_be_read_costs_one_tool() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream, "postgresql://u:rose@bud@localhost/hub")
        .start()
        .await;
    hub.prompt("hello").await.assert_ok();
    let reply = persist(&hub, json!(1)).await;
    reply.assert_fails(503, "not_configured");
    assert!(
        reply.error().contains("DATABASE_URL cannot be read"),
        "{reply}"
    );
    let seen: BTreeSet<_> = hub
        .traces()
        .into_iter()
        .filter(|(_, bytes)| bytes.windows(4).any(|window| window == b"rose"))
        .collect();
    assert!(seen.is_empty(), "{seen:?}");
}
