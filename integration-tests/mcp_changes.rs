//! What an MCP client notices of changes: a list that changed, a transport that was killed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Hub, Pyfun, eventually, http,
    mcp::{BOTH, Events, call, initialize, modern, modern_headers, request},
    pyfun::Provider,
};

/// Longest look at something that takes a moment.
const LOOK: Duration = Duration::from_secs(10);

async fn fragile(upstream: &FakeUpstream, stateless: bool) -> Hub {
    let steady = Provider::openrouter(&upstream.url());
    let pyfun = Pyfun::chain([Provider::fragile(), steady]);
    let hub = Hub::builder().pyfun(&pyfun).keys();
    let hub = hub.env("HUB__HUB__HUB_STATELESS", stateless);
    hub.env("HUB__HUB__HUB_TRANSPORT", "sse").start().await
}

async fn toggle(hub: &Hub) {
    hub.prompt_at("fragile", "toggle summarize")
        .await
        .assert_ok();
}

async fn lists_summarize(hub: &Hub) -> bool {
    let list = hub.mcp_modern(request(1, "tools/list", json!({}))).await;
    list.last().to_string().contains("\"summarize\"")
}

async fn next_change(events: &mut Events) -> Value {
    loop {
        let message = events.next().await;
        let method = message["method"].as_str().unwrap_or_default();
        if method.ends_with("list_changed") {
            return message;
        }
    }
}

#[tokio::test]
async fn whoever_listens_hears_of_a_changed_list_and_of_nothing_else() {
    let upstream = FakeUpstream::start().await;
    let hub = fragile(&upstream, true).await;
    let listen = modern(request(
        5,
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    ));
    let headers = modern_headers(&listen);
    let headers: Vec<_> = headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let mut events = Events::post(&hub, &headers, &listen).await;
    let first = events.next().await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    for listed in [false, true] {
        toggle(&hub).await;
        let change = next_change(&mut events).await;
        // The prompt of that tool changed, too, and was not asked for.
        assert_eq!(change["method"], "notifications/tools/list_changed");
        let id = &change["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
        assert_eq!(*id, 5, "{change}");
        assert_eq!(lists_summarize(&hub).await, listed);
    }
}

#[tokio::test]
async fn a_session_hears_of_changed_lists() {
    let upstream = FakeUpstream::start().await;
    let hub = fragile(&upstream, false).await;
    let opened = hub.mcp(&initialize("2025-11-25")).await;
    let own = ("Mcp-Session-Id", opened.header("mcp-session-id"));
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let reply = hub.mcp_with(&[BOTH, own], &initialized.to_string()).await;
    assert_eq!(reply.status, 202, "{reply}");
    let get = http::request("GET", "/mcp", &[own, ("Accept", "text/event-stream")], b"");
    let mut events = Events::open(&hub, &get).await;
    toggle(&hub).await;
    let changes = [
        next_change(&mut events).await,
        next_change(&mut events).await,
    ];
    let methods: Vec<_> = changes
        .iter()
        .map(|change| change["method"].clone())
        .collect();
    let expected = [
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
    ];
    assert_eq!(methods, expected);
}

#[tokio::test]
async fn a_provider_that_crashes_changes_no_list() {
    let upstream = FakeUpstream::start().await;
    let hub = fragile(&upstream, true).await;
    let before = hub.mcp(&request(1, "tools/list", json!({}))).await.body;
    hub.prompt_at("fragile", "panic in handler")
        .await
        .assert_ok();
    assert_eq!(
        hub.mcp(&request(1, "tools/list", json!({}))).await.body,
        before
    );
}

#[tokio::test]
async fn a_killed_transport_costs_its_clients_the_calls_in_flight_alone() {
    let upstream = FakeUpstream::start().await;
    let hub = fragile(&upstream, true).await;
    let kill = call(
        1,
        "llm_complete",
        json!({"prompt": "kill transport", "provider": "fragile"}),
    );
    let body = kill.to_string();
    let bytes = http::request(
        "POST",
        "/mcp",
        &[("Content-Type", "application/json"), BOTH],
        body.as_bytes(),
    );
    // The call that kills it dies with it.
    assert!(hub.try_raw(&bytes).await.is_err());
    let look = async || {
        let list = http::request(
            "POST",
            "/mcp",
            &[("Content-Type", "application/json"), BOTH],
            request(2, "tools/list", json!({})).to_string().as_bytes(),
        );
        let reply = hub.try_raw(&list).await.ok()?;
        // Whoever comes is served or finds the port busy; nobody is told of an empty hub.
        assert_eq!(reply.status, 200, "{reply}");
        assert!(
            reply.last()["result"]["tools"].as_array()?.len() > 3,
            "{reply}"
        );
        Some(())
    };
    eventually(LOOK, "a transport that is back", look).await;
    let answered = hub
        .mcp(&call(3, "llm_complete", json!({"prompt": "hello"})))
        .await;
    assert_eq!(answered.last()["result"]["isError"], false, "{answered}");
}

#[tokio::test]
async fn whoever_listens_does_not_hold_up_the_end() {
    let upstream = FakeUpstream::start().await;
    let hub = fragile(&upstream, true).await;
    let listen = modern(request(
        5,
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    ));
    let headers = modern_headers(&listen);
    let headers: Vec<_> = headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let mut events = Events::post(&hub, &headers, &listen).await;
    events.next().await;
    let get = http::request("GET", "/sse", &[("Accept", "text/event-stream")], b"");
    let mut old = Events::open(&hub, &get).await;
    old.until("\n\n").await;
    hub.terminate();
    hub.finish(Duration::from_secs(2)).await.assert_exit(0);
}
