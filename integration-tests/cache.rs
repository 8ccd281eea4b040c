//! The cache: what is asked again is not paid for again, and nobody gets what is another's.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun, Reply, eventually,
    hub::{HubBuilder, api_request},
    mcp::call,
    searches,
    vendor::Vendor,
};

/// Longest look at something that comes by itself.
const LOOK: Duration = Duration::from_secs(20);

/// Answers of `llm_complete` are kept for a minute.
fn builder(upstream: &FakeUpstream) -> HubBuilder {
    keeping("60", upstream)
}

fn keeping(seconds: &str, upstream: &FakeUpstream) -> HubBuilder {
    Hub::builder()
        .pyfun(&Pyfun::three(upstream))
        .keys()
        .env("HUB__TOOL__LLM_COMPLETE__CACHE_TTL_SEC", seconds)
}

/// Ends it in good order.
pub(crate) async fn stop(hub: Hub) {
    hub.terminate();
    hub.finish(LOOK).await.assert_exit(0);
}

/// Waits until the state file is open.
pub(crate) async fn opened(hub: &Hub) {
    let open = async || {
        let reply = hub.call("db_query", json!({"sql": "SELECT 1"})).await;
        (reply.status == 200).then_some(())
    };
    eventually(LOOK, "an open file", open).await;
}

/// What the cache did, which header and meta must agree on.
#[track_caller]
fn status(reply: &Reply) -> &str {
    let word = reply.assert_ok().meta()["cache"]
        .as_str()
        .unwrap_or_default();
    assert_eq!(reply.header("x-hub-cache"), word, "{reply}");
    assert_eq!(reply.meta()["cached"], word == "hit", "{reply}");
    word
}

#[tokio::test]
async fn a_hit_costs_no_upstream_call() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    let miss = hub.prompt("why").await;
    assert_eq!(status(&miss), "miss");
    assert_eq!(miss.attempts(), ["anthropic ok 200"]);
    for params in [
        json!({"prompt": "why"}),
        json!({"max_tokens": 1024, "model": "", "provider": "anthropic", "text": "why"}),
    ] {
        let hit = hub.call("llm_complete", params).await;
        assert_eq!(status(&hit), "hit");
        assert_eq!(hit.text(), miss.text());
        for name in ["provider", "model", "usage", "finish_reason"] {
            assert_eq!(hit.meta()[name], miss.meta()[name], "{hit}");
        }
        assert_eq!(hit.meta()["cost_usd"].as_f64().unwrap_or_default(), 0.0);
        // Nobody was asked.
        assert!(hit.attempts().is_empty(), "{hit}");
        assert_eq!(hit.header("x-hub-attempts"), "", "{hit}");
        assert_eq!(hit.header("x-hub-provider"), "anthropic", "{hit}");
    }
    upstream.anthropic.only();
    assert_eq!(status(&hub.prompt("why not").await), "miss");
    // A tool without a cache says nothing of one.
    let params = json!({"prompt": "why", "cache": false});
    for _ in 0..2 {
        let other = hub.call("summarize", params.clone()).await;
        assert_eq!(status(&other), "");
        assert!(other.meta().get("cache").is_none(), "{other}");
    }
    assert_eq!(upstream.seen().len(), 4);
    // A page may read the header.
    let bytes = "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:1\r\n\
                 Connection: close\r\n\r\n";
    let reply = hub.raw(bytes.as_bytes()).await;
    let exposed = reply.header("access-control-expose-headers");
    assert!(exposed.contains("X-Hub-Cache"), "{reply}");
}

#[tokio::test]
async fn a_hit_takes_less_than_a_millisecond() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    assert_eq!(status(&hub.prompt("why").await), "miss");
    let mut took = Vec::new();
    for _ in 0..101 {
        let hit = hub.prompt("why").await;
        assert_eq!(status(&hit), "hit");
        took.push(hit.meta()["duration_ms"].as_u64().unwrap());
    }
    took.sort_unstable();
    // Whole milliseconds, rounded down. The machine may be busy with some of them.
    assert_eq!(took[50], 0, "{took:?}");
    upstream.anthropic.only();
}

#[tokio::test]
async fn a_hundred_at_once_make_one_upstream_call() {
    let upstream = FakeUpstream::start().await;
    let late = Fault::Late(Duration::from_secs(1), "worth waiting for");
    upstream.anthropic.always(late);
    let hub = builder(&upstream).start().await;
    let replies = futures_util::future::join_all((0..100).map(|_| hub.prompt("why"))).await;
    let misses = replies.iter().filter(|reply| status(reply) == "miss");
    assert_eq!(misses.count(), 1);
    for reply in &replies {
        assert_eq!(reply.text(), "worth waiting for");
    }
    upstream.anthropic.only();
}

#[tokio::test]
async fn a_caller_alone_still_cancels_the_vendor() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let hub = builder(&upstream).start().await;
    let body = json!({"tool": "llm_complete", "params": {"prompt": "why"}}).to_string();
    let mut callers = Vec::new();
    for _ in 0..3 {
        let mut caller = TcpStream::connect(hub.address).await.unwrap();
        caller
            .write_all(&api_request(body.as_bytes()))
            .await
            .unwrap();
        callers.push(caller);
    }
    let exchange = upstream.anthropic.arrival(0).await;
    drop(callers);
    exchange.hung_up_within(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_failed_call_is_not_kept() {
    let upstream = FakeUpstream::start().await;
    upstream.always(&Fault::Status(500));
    let hub = builder(&upstream).start().await;
    for count in 1..=2 {
        let reply = hub.prompt("why").await;
        reply.assert_fails(502, "providers_failed");
        assert_eq!(upstream.anthropic.seen().len(), count);
    }
    upstream.anthropic.always(Fault::Answer("because"));
    assert_eq!(status(&hub.prompt("why").await), "miss");
    assert_eq!(status(&hub.prompt("why").await), "hit");
}

#[tokio::test]
async fn an_answer_that_was_cut_or_is_a_second_choice_is_not_kept() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    let mut cut = Vendor::Anthropic.answer("claude-fast-1", "because of");
    cut["stop_reason"] = json!("max_tokens");
    upstream.anthropic.once(Fault::Json(200, cut));
    let reply = hub.prompt("why").await;
    assert_eq!(status(&reply), "miss");
    assert_eq!(reply.meta()["finish_reason"], "length");
    upstream.anthropic.once(Fault::Status(529));
    let reply = hub.prompt("why").await;
    assert_eq!((status(&reply), reply.provider()), ("miss", "gemini"));
    let reply = hub.prompt("why").await;
    assert_eq!((status(&reply), reply.provider()), ("miss", "anthropic"));
    assert_eq!(status(&hub.prompt("why").await), "hit");
}

#[tokio::test]
async fn an_answer_is_asked_for_again_when_its_time_is_over() {
    let upstream = FakeUpstream::start().await;
    let hub = keeping("1", &upstream).start().await;
    assert_eq!(status(&hub.prompt("why").await), "miss");
    let over = async || (status(&hub.prompt("why").await) == "miss").then_some(());
    let (_, took) = eventually(LOOK, "a second question", over).await;
    assert!(took >= Duration::from_millis(900), "{took:?}");
    assert_eq!(upstream.anthropic.seen().len(), 2);
}

#[tokio::test]
async fn who_bypasses_it_neither_reads_nor_writes() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    let fresh = || hub.call("llm_complete", json!({"prompt": "why", "cache": false}));
    assert_eq!(status(&fresh().await), "bypass");
    assert_eq!(status(&hub.prompt("why").await), "miss");
    assert_eq!(status(&fresh().await), "bypass");
    assert_eq!(status(&hub.prompt("why").await), "hit");
    assert_eq!(upstream.anthropic.seen().len(), 3);
    let wrong = hub.call("llm_complete", json!({"prompt": "why", "cache": "never"}));
    wrong.await.assert_fails(400, "bad_request");
}

#[tokio::test]
async fn mcp_and_api_share_it() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    let ask = |params: Value| call(1, "llm_complete", params);
    let about = |reply: &Reply| {
        let result = &reply.last()["result"];
        assert_eq!(
            result["content"][0]["text"], "hello from anthropic",
            "{reply}"
        );
        result["_meta"]["multi-llm-hub/call"].clone()
    };
    let miss = about(&hub.mcp(&ask(json!({"prompt": "why"}))).await);
    assert_eq!(
        (&miss["cache"], &miss["cached"]),
        (&json!("miss"), &json!(false))
    );
    for reply in [
        hub.mcp(&ask(json!({"prompt": "why"}))).await,
        hub.mcp_modern(ask(json!({"prompt": "why"}))).await,
    ] {
        let hit = about(&reply);
        assert_eq!(
            (&hit["cache"], &hit["cached"]),
            (&json!("hit"), &json!(true))
        );
        assert_eq!(hit["usage"], miss["usage"]);
    }
    assert_eq!(status(&hub.prompt("why").await), "hit");
    upstream.anthropic.only();
    let fresh = about(
        &hub.mcp(&ask(json!({"prompt": "why", "cache": false})))
            .await,
    );
    assert_eq!(fresh["cache"], "bypass");
    let list = hub
        .mcp(&crate::support::mcp::request(2, "tools/list", json!({})))
        .await;
    let tools = list.body["result"]["tools"].as_array().unwrap();
    let tool = tools
        .iter()
        .find(|tool| tool["name"] == "llm_complete")
        .unwrap();
    assert_eq!(
        tool["inputSchema"]["properties"]["cache"]["type"],
        "boolean"
    );
}

#[tokio::test]
async fn searches_have_it_too() {
    let upstream = FakeUpstream::start().await;
    let mut hub = Hub::builder()
        .pyfun_text(&searches::pyfun(&upstream))
        .env("HUB__TOOL__WEB_SEARCH__CACHE_TTL_SEC", "60");
    for (name, key) in searches::KEYS {
        hub = hub.env(name, key);
    }
    let hub = hub.start().await;
    let search = |params| hub.call("web_search", params);
    let miss = search(json!({"query": "rust"})).await;
    assert_eq!(status(&miss), "miss");
    let hit = search(json!({"prompt": " rust ", "max_results": 2})).await;
    assert_eq!(status(&hit), "hit");
    assert_eq!(hit.text(), miss.text());
    assert_eq!(hit.meta()["results"], miss.meta()["results"]);
    let reply = hub
        .mcp(&call(1, "web_search", json!({"query": "rust"})))
        .await;
    let result = &reply.last()["result"];
    assert_eq!(
        result["_meta"]["multi-llm-hub/call"]["cache"], "hit",
        "{reply}"
    );
    assert_eq!(
        result["structuredContent"]["results"],
        miss.meta()["results"]
    );
    upstream.brave.only();
    for other in [
        json!({"query": "rust", "freshness": "day"}),
        json!({"query": "rust", "max_results": 3}),
        json!({"query": "rust", "country": "de"}),
        json!({"query": "rust", "provider": "tavily"}),
    ] {
        assert_eq!(status(&search(other).await), "miss");
    }
    // Nothing found may be a bad day's.
    let nothing = json!({"type": "search", "web": {"type": "search", "results": []}});
    upstream.brave.always(Fault::Json(200, nothing));
    for _ in 0..2 {
        assert_eq!(status(&search(json!({"query": "zzz"})).await), "miss");
    }
}

#[tokio::test]
async fn a_restart_keeps_it_and_another_question_does_not() {
    let upstream = FakeUpstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    let at = |builder: HubBuilder| builder.env("HUB_DATA_DIR", folder.path().display());
    let hub = at(builder(&upstream)).start().await;
    let miss = hub.prompt("why is the sky blue").await;
    assert_eq!(status(&miss), "miss");
    stop(hub).await;
    // Answers only: what was asked is in the key, and the key is a digest.
    let file = folder.path().join("hub_state.db");
    let bytes = std::fs::read(&file).unwrap();
    let has = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(has("hello from anthropic") && !has("sky blue"));

    let hub = at(builder(&upstream)).start().await;
    opened(&hub).await;
    let hit = hub.prompt("why is the sky blue").await;
    assert_eq!(status(&hit), "hit");
    upstream.anthropic.only();
    assert_eq!(hit.text(), miss.text());
    for name in ["provider", "model", "usage", "finish_reason"] {
        assert_eq!(hit.meta()[name], miss.meta()[name], "{hit}");
    }
    let sql = json!({"sql": "SELECT answer FROM kept_answers"});
    let reply = hub.call("db_query", sql).await;
    reply.assert_fails(400, "invalid_sql");
    assert_eq!(reply.error(), "no such table: kept_answers");
    stop(hub).await;

    for (number, (name, value)) in [
        (
            "HUB__TOOL__LLM_COMPLETE__SYSTEM_PROMPT",
            "You are somebody else.",
        ),
        (
            "HUB__LLM_PROVIDER__ANTHROPIC__DEFAULT_MODEL",
            "claude-strong-1",
        ),
        ("HUB__HUB__HUB_TAG_REPLIES", "true"),
    ]
    .into_iter()
    .enumerate()
    {
        let hub = at(builder(&upstream)).env(name, value).start().await;
        opened(&hub).await;
        assert_eq!(
            status(&hub.prompt("why is the sky blue").await),
            "miss",
            "{name}"
        );
        assert_eq!(upstream.anthropic.seen().len(), number + 2);
        stop(hub).await;
    }
    // Who keeps nothing any more has nothing left in the file.
    let hub = at(Hub::builder().pyfun(&Pyfun::three(&upstream)).keys())
        .start()
        .await;
    let count = async || {
        let rows = Connection::open(&file).ok()?;
        let count: i64 = rows
            .query_row("SELECT count(*) FROM kept_answers", [], |row| row.get(0))
            .ok()?;
        (count == 0).then_some(())
    };
    eventually(LOOK, "an empty table", count).await;
    stop(hub).await;
}

#[tokio::test]
async fn a_file_that_is_held_costs_a_miss_nothing() {
    let upstream = FakeUpstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    let other = Connection::open(folder.path().join("hub_state.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let hub = builder(&upstream)
        .env("HUB_DATA_DIR", folder.path().display())
        .start()
        .await;
    for number in 0..5 {
        let prompt = format!("question {number}");
        let miss = hub.prompt(&prompt).await;
        assert_eq!(status(&miss), "miss");
        assert!(miss.elapsed < Duration::from_secs(1), "{miss}");
        assert_eq!(status(&hub.prompt(&prompt).await), "hit");
    }
}

#[cfg(feature = "fixtures")]
#[tokio::test]
async fn a_crash_of_its_neighbours_costs_it_nothing() {
    let upstream = FakeUpstream::start().await;
    let steady = crate::support::pyfun::Provider::openrouter(&upstream.url());
    let fragile = crate::support::pyfun::Provider::fragile();
    let pyfun = Pyfun::chain([fragile, steady]);
    let hub = Hub::builder()
        .pyfun(&pyfun)
        .keys()
        .env("HUB__TOOL__LLM_COMPLETE__CACHE_TTL_SEC", "60")
        .start()
        .await;
    let ask = async || hub.prompt_at("openrouter", "why").await;
    assert_eq!(status(&ask().await), "miss");
    for (word, neighbour) in [
        ("db_sync", "db_sync"),
        ("registry", "registry"),
        ("transport", "transport.http"),
    ] {
        let kill = format!("kill {word}");
        let body = json!({"tool": "summarize", "params": {"prompt": kill, "provider": "fragile"}});
        // The door may go with its answer.
        drop(hub.try_raw(&api_request(body.to_string().as_bytes())).await);
        let restarted = async || {
            let body = json!({"tool": "health_check"}).to_string();
            let reply = hub.try_raw(&api_request(body.as_bytes())).await.ok()?;
            let actors = reply.result()["actors"].as_array()?;
            let actor = actors.iter().find(|actor| actor["name"] == neighbour)?;
            (actor["restarts"] == 1 && actor["state"] == "running").then_some(())
        };
        eventually(LOOK, neighbour, restarted).await;
        assert_eq!(status(&ask().await), "hit", "{neighbour}");
    }
    // Who was sent to kill somebody gives no answer, so that the next in the chain is asked.
    let seen = upstream.openai.seen();
    let asked = seen
        .iter()
        .filter(|exchange| exchange.body.to_string().contains("\"why\""));
    assert_eq!(asked.count(), 1);
}
