//! The transport of 2024, for clients that are configured for the old hub.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun, eventually, http,
    mcp::{Events, JSON, call, initialize, request},
};

const SECOND: Duration = Duration::from_secs(1);

async fn hub(upstream: &FakeUpstream) -> Hub {
    let hub = Hub::builder().pyfun(&Pyfun::three(upstream)).keys();
    hub.env("HUB__HUB__HUB_TRANSPORT", "sse").start().await
}

/// A client's stream, and where it posts.
pub(crate) struct Client<'a> {
    hub: &'a Hub,
    pub(crate) events: Events,
    pub(crate) endpoint: String,
}

impl<'a> Client<'a> {
    pub(crate) async fn open(hub: &'a Hub, path: &str) -> Self {
        let get = http::request("GET", path, &[("Accept", "text/event-stream")], b"");
        let mut events = Events::open(hub, &get).await;
        let first = events.until("\n\n").await;
        let (_, endpoint) = first.split_once("event: endpoint\ndata: ").unwrap();
        let endpoint = endpoint.trim().to_owned();
        Self {
            hub,
            events,
            endpoint,
        }
    }

    pub(crate) async fn post(&self, message: &Value) -> u16 {
        let body = message.to_string();
        let bytes = http::request("POST", &self.endpoint, &[JSON], body.as_bytes());
        self.hub.raw(&bytes).await.status
    }

    pub(crate) async fn ask(&mut self, message: &Value) -> Value {
        assert_eq!(self.post(message).await, 202);
        self.events.next().await
    }
}

#[tokio::test]
async fn old_clients_get_their_stream_at_both_addresses() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    for path in ["/sse", "/mcp"] {
        let mut client = Client::open(&hub, path).await;
        let opened = client.ask(&initialize("2024-11-05")).await;
        assert_eq!(opened["result"]["protocolVersion"], "2024-11-05");
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(client.post(&initialized).await, 202);
        let called = client
            .ask(&call(1, "llm_complete", json!({"prompt": "hi"})))
            .await;
        assert_eq!(
            called["result"]["content"][0]["text"],
            "hello from anthropic"
        );
    }
    let nowhere = http::request("POST", "/messages", &[JSON], b"{}");
    let reply = hub.raw(&nowhere).await;
    assert_eq!(reply.status, 400, "{reply}");
    assert_eq!(reply.body["error"]["code"], -32600, "{reply}");
    // New clients are not disturbed by it.
    let reply = hub.mcp_modern(request(1, "tools/list", json!({}))).await;
    assert!(reply.last()["result"]["tools"].is_array(), "{reply}");
    let newer = [
        ("Accept", "text/event-stream"),
        ("MCP-Protocol-Version", "2025-11-25"),
    ];
    let reply = hub.raw(&http::request("GET", "/mcp", &newer, b"")).await;
    assert_eq!(reply.status, 405, "{reply}");
}

#[tokio::test]
async fn a_stream_that_closes_cancels_its_calls_and_ends_its_session() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let hub = hub(&upstream).await;
    let mut client = Client::open(&hub, "/sse").await;
    client.ask(&initialize("2024-11-05")).await;
    let message = call(1, "llm_complete", json!({"prompt": "hi"}));
    assert_eq!(client.post(&message).await, 202);
    let exchange = upstream.anthropic.arrival(0).await;
    let cancel = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1},
    });
    let left = Instant::now();
    assert_eq!(client.post(&cancel).await, 202);
    assert!(exchange.hung_up_within(SECOND).await >= left);
    assert_eq!(client.post(&message).await, 202);
    let exchange = upstream.anthropic.arrival(1).await;
    let (left, endpoint) = (Instant::now(), client.endpoint.clone());
    drop(client);
    assert!(exchange.hung_up_within(SECOND).await >= left);
    let body = message.to_string();
    let gone = http::request("POST", &endpoint, &[JSON], body.as_bytes());
    assert_eq!(hub.raw(&gone).await.status, 404);
}

#[tokio::test]
async fn it_is_off_unless_it_is_asked_for() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    assert_eq!(hub.get("/sse").await.status, 404);
    let bytes = http::request("POST", "/messages?session_id=1", &[JSON], b"{}");
    assert_eq!(hub.raw(&bytes).await.status, 404);
}

#[tokio::test]
async fn a_client_that_asks_and_does_not_read_is_told_to_read() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let mut client = Client::open(&hub, "/sse").await;
    client.ask(&initialize("2024-11-05")).await;
    let list = request(1, "tools/list", json!({})).to_string();
    let post = http::request("POST", &client.endpoint, &[JSON], list.as_bytes());
    let before = hub.memory_kib("VmRSS");
    // What the sockets hold is read by nobody either, and takes a few hundred answers.
    let mut refused = 0;
    for _ in 0..5_000 {
        let reply = hub.raw(&post).await;
        match reply.status {
            202 => {}
            503 => {
                assert_eq!(reply.header("retry-after"), "1", "{reply}");
                assert_eq!(reply.body["error"]["code"], -32603, "{reply}");
                refused += 1;
            }
            _ => panic!("{reply}"),
        }
        if refused == 100 {
            break;
        }
    }
    assert_eq!(refused, 100, "the hub takes whatever comes");
    let grown = hub.memory_kib("VmRSS").saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more");
    // Whoever reads is served again.
    let again = async || {
        client.events.next().await;
        let reply = hub.raw(&post).await;
        (reply.status == 202).then_some(())
    };
    eventually(Duration::from_secs(10), "a place", again).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_can_cancel() {
    let upstream = FakeUpstream::start().await;
    upstream.always(&Fault::Hang);
    let pyfun = Pyfun::three(&upstream)
        .limit("MAX_PARALLEL_REQUESTS", "1")
        .limit("MAX_WAIT_SEC", "5");
    let hub = Hub::builder().pyfun(&pyfun).keys();
    let hub = hub.env("HUB__HUB__HUB_TRANSPORT", "sse").start().await;
    let mut client = Client::open(&hub, "/sse").await;
    client.ask(&initialize("2024-11-05")).await;
    let first = call(1, "llm_complete", json!({"prompt": "takes anthropic"}));
    assert_eq!(client.post(&first).await, 202);
    upstream.anthropic.arrival(0).await;
    let mut second = call(2, "llm_complete", json!({"prompt": "waits, then goes on"}));
    second["params"]["_meta"] = json!({"progressToken": 2});
    assert_eq!(client.post(&second).await, 202);
    // The stream is full before there is anything to be told.
    while client.post(&request(3, "tools/list", json!({}))).await == 202 {}
    assert_eq!(upstream.gemini.seen().len(), 0);
    let exchange = upstream.gemini.arrival(0).await;
    let left = Instant::now();
    let cancel = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2},
    });
    assert_eq!(client.post(&cancel).await, 202);
    assert!(exchange.hung_up_within(SECOND).await >= left);
}
