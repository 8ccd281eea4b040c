//! `db_query`: honest questions are answered, hostile ones refused or bounded, on every door.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Hub, Pyfun, Reply, eventually,
    mcp::{call, request},
    pyfun::Provider,
};

#[path = "../actors/src/db_sync/tests/attacks.rs"]
mod attacks;

use attacks::{Fate, attacks};

/// Longest answer to any query.
const LONGEST: Duration = Duration::from_millis(300);
/// Most memory that all of them together may take.
const MOST_KIB: u64 = 80 * 1024;

/// A hub that has answered three calls, and keeps what it keeps in a file.
async fn hub() -> (FakeUpstream, Hub) {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::three(&upstream).and(
        "[DB_SYNC]\nSQLITE_PATH = \"data/hub_state.db\"\nMAX_CACHE_ENTRIES = \"1000\"\n[DB_SYNC_END]\n",
    );
    let hub = Hub::with(&pyfun).await;
    hub.prompt("why").await.assert_ok();
    hub.prompt_at("gemini", "when").await.assert_ok();
    let params = json!({"prompt": "a long text"});
    hub.call("summarize", params).await.assert_ok();
    (upstream, hub)
}

async fn query(hub: &Hub, sql: &str) -> Reply {
    hub.call("db_query", json!({"sql": sql})).await
}

#[tokio::test]
async fn honest_questions_are_answered() {
    let (_upstream, hub) = hub().await;
    let all = query(&hub, "SELECT * FROM hub_state").await;
    let rows = all.assert_ok().result().as_array().unwrap();
    let keys: Vec<_> = rows
        .iter()
        .map(|row| row["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["llm_complete.last_result", "summarize.last_result"]);
    assert_eq!(all.meta()["truncated"], false, "{all}");

    let sql = "SELECT tool_name, count(*) AS calls FROM tool_cache GROUP BY tool_name";
    let expected = json!([
        {"tool_name": "llm_complete", "calls": 2},
        {"tool_name": "summarize", "calls": 1},
    ]);
    for params in [
        json!({"sql": sql}),
        json!({"prompt": sql}),
        json!({"query": format!("-- how often?\n{sql};")}),
        json!({"sql": sql, "prompt": ""}),
    ] {
        let reply = hub.call("db_query", params).await;
        assert_eq!(*reply.assert_ok().result(), expected, "{reply}");
    }
    let sql = "WITH g AS (SELECT * FROM tool_cache WHERE provider = 'gemini') \
               SELECT prompt, response, model FROM g";
    let expected = json!([
        {"prompt": "when", "response": "hello from gemini", "model": "gemini-fast-1"},
    ]);
    assert_eq!(*query(&hub, sql).await.result(), expected);
}

#[tokio::test]
async fn what_is_refused_is_refused_in_the_contracts_words() {
    const ONLY: &str = "Only SELECT queries are permitted in db_query tool.";
    let (_upstream, hub) = hub().await;
    for (sql, sentence) in [
        ("SELECT * FROM users", "no such table: users"),
        ("DROP TABLE hub_state", ONLY),
        ("INSERT INTO hub_state VALUES ('a', 'b', 'c')", ONLY),
        ("from hub_state", ONLY),
        ("WITH a AS (SELECT 1) DELETE FROM hub_state", ONLY),
    ] {
        let reply = query(&hub, sql).await;
        reply.assert_fails(400, "invalid_sql");
        assert_eq!(reply.error(), sentence, "{sql}");
    }
    let reply = query(&hub, "SELECT nope FROM hub_state").await;
    reply.assert_fails(400, "invalid_sql");
    assert!(reply.error().contains("no such column: nope"), "{reply}");
    for params in [
        json!({}),
        json!({"sql": ""}),
        json!({"sql": 1}),
        json!({"sql": "a", "b": 1}),
    ] {
        let reply = hub.call("db_query", params).await;
        reply.assert_fails(400, "bad_request");
    }
}

#[tokio::test]
async fn every_attack_is_refused_or_bounded_in_time_and_memory() {
    let (_upstream, hub) = hub().await;
    let before = hub.memory_kib("VmRSS");
    let mut unmet = Vec::new();
    for (sql, fate) in attacks() {
        let mut best: Option<Reply> = None;
        // A busy machine makes some of them late; one that is not bounded is late each time.
        for _ in 0..3 {
            // What SQLite may still be at is not this one's fault.
            query(&hub, "SELECT 1").await.assert_ok();
            let reply = query(&hub, &sql).await;
            if best
                .as_ref()
                .is_none_or(|best| reply.elapsed < best.elapsed)
            {
                best = Some(reply);
            }
            if best.as_ref().is_some_and(|best| best.elapsed <= LONGEST) {
                break;
            }
        }
        let reply = best.unwrap();
        let words = match fate {
            Fate::NotSelect => "Only SELECT queries are permitted in db_query tool.".to_owned(),
            Fate::NoTable(name) => format!("no such table: {name}"),
            Fate::Invalid(words) => words.to_owned(),
            Fate::Bounded => String::new(),
        };
        let refused = reply.code() == "invalid_sql" && reply.error().contains(&words);
        let met = refused || (reply.status == 200 && matches!(fate, Fate::Bounded));
        if !met || reply.elapsed > LONGEST {
            unmet.push(format!("{sql:.160} -> {:.600}", reply.to_string()));
        }
    }
    assert!(unmet.is_empty(), "{unmet:#?}");
    let grown = hub.memory_kib("VmHWM").saturating_sub(before);
    assert!(grown <= MOST_KIB, "memory grew by {grown} KiB");
    query(&hub, "SELECT count(*) FROM hub_state")
        .await
        .assert_ok();
    let health = hub.health_of("db_sync").await;
    assert_eq!(health["restarts"], 0, "{health}");
}

#[tokio::test]
async fn a_large_result_is_cut_and_says_so() {
    let (_upstream, hub) = hub().await;
    let sql = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000) \
               SELECT x FROM c";
    let reply = query(&hub, sql).await;
    assert_eq!(reply.assert_ok().meta()["truncated"], true);
    assert_eq!(reply.result().as_array().unwrap().len(), 1_000);
}

#[tokio::test]
async fn mcp_clients_get_rows_with_a_schema() {
    let (_upstream, hub) = hub().await;
    let list = hub.mcp(&request(1, "tools/list", json!({}))).await;
    let tools = list.body["result"]["tools"].as_array().unwrap();
    let tool = tools
        .iter()
        .find(|tool| tool["name"] == "db_query")
        .unwrap();
    assert_eq!(tool["inputSchema"]["required"], json!(["sql"]));
    assert_eq!(
        tool["outputSchema"]["required"],
        json!(["rows", "truncated"])
    );
    assert_eq!(tool["annotations"]["readOnlyHint"], true);
    assert_eq!(tool["annotations"]["openWorldHint"], false);

    let sql = "SELECT prompt FROM tool_cache ORDER BY id LIMIT 2";
    let reply = hub.mcp(&call(2, "db_query", json!({"sql": sql}))).await;
    let result = &reply.last()["result"];
    let expected = json!({"rows": [{"prompt": "why"}, {"prompt": "when"}], "truncated": false});
    assert_eq!(result["structuredContent"], expected, "{reply}");
    let text = result["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected);

    let message = call(3, "db_query", json!({"sql": "DROP TABLE hub_state"}));
    for reply in [hub.mcp(&message).await, hub.mcp_modern(message).await] {
        let result = &reply.last()["result"];
        assert_eq!(result["isError"], true, "{reply}");
        let sentence = "Only SELECT queries are permitted in db_query tool.";
        assert_eq!(result["content"][0]["text"], sentence, "{reply}");
        assert_eq!(result["_meta"]["multi-llm-hub/call"]["code"], "invalid_sql");
    }
}

#[tokio::test]
async fn many_at_once_are_served_or_told_to_come_again() {
    let (_upstream, hub) = hub().await;
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) \
                   SELECT count(*) FROM c";
    let queries = (0..60).map(|_| query(&hub, endless));
    let mut refused = 0;
    for reply in futures_util::future::join_all(queries).await {
        match reply.status {
            400 => assert!(reply.error().contains("250 ms"), "{reply}"),
            _ => {
                reply.assert_fails(503, "overloaded");
                assert!(!reply.header("retry-after").is_empty(), "{reply}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "sixty queries of 250 ms all had time");
    query(&hub, "SELECT 1").await.assert_ok();
}

#[cfg(feature = "fixtures")]
#[tokio::test]
async fn a_crash_costs_a_moment() {
    let upstream = FakeUpstream::start().await;
    let steady = Provider::openrouter(&upstream.url());
    let hub = Hub::with(&Pyfun::chain([Provider::fragile(), steady])).await;
    query(&hub, "SELECT 1").await.assert_ok();
    hub.prompt_at("fragile", "kill db_sync").await.assert_ok();
    let look = async || {
        let health = hub.health_of("db_sync").await;
        let reply = query(&hub, "SELECT 1").await;
        if reply.status != 200 {
            reply.assert_fails(503, "overloaded");
        }
        (health["restarts"] == 1 && reply.status == 200).then_some(())
    };
    eventually(Duration::from_secs(10), "a DbSync that is back", look).await;
    hub.prompt("hello").await.assert_ok();
}
