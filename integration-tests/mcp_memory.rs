//! What MCP clients may hold of the hub's memory together, whichever door they use.

use std::time::Duration;

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    mcp::session,
    support::{
        FakeUpstream, Fault, Hub, Pyfun, eventually, http,
        mcp::{BOTH, Events, JSON, call, initialize},
    },
};

/// 256 MiB are there for all callers together: room for the rest, for one prompt, and for no second.
const LARGE: usize = 1024 * 1024;
const ANNOUNCED: usize = 10 * 1024 * 1024;
const REST: [usize; 26] = {
    let mut rest = [ANNOUNCED; 26];
    rest[0] = ANNOUNCED * 45 / 100;
    rest
};
/// Shorter than the hub's patience with those who announce and do not send.
const PATIENCE: Duration = Duration::from_secs(5);

async fn hub(upstream: &FakeUpstream, variable: &str, value: &str) -> Hub {
    upstream.always(&Fault::Hang);
    let hub = Hub::builder().pyfun(&Pyfun::three(upstream)).keys();
    hub.env(variable, value).start().await
}

/// Waits until some vendor has the prompt.
async fn arrival(upstream: &FakeUpstream) {
    let seen = async || (!upstream.seen().is_empty()).then_some(());
    eventually(2 * PATIENCE, "the prompt at a vendor", seen).await;
}

fn large() -> String {
    call(1, "llm_complete", json!({"prompt": "x".repeat(LARGE)})).to_string()
}

/// Callers who announce what they never send.
async fn announce(hub: &Hub) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for length in REST {
        let head = format!(
            "POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{"
        );
        let mut stream = TcpStream::connect(hub.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    streams
}

/// Waits until there is room for a second prompt, or none.
async fn room(hub: &Hub, expected: bool) {
    let body = json!({"tool": "nobody", "params": {"x": "x".repeat(LARGE)}}).to_string();
    let look = async || {
        let room = hub.post(&body).await.status != 503;
        (room == expected).then_some(())
    };
    eventually(PATIENCE, "room, or none", look).await;
}

#[tokio::test]
async fn a_call_of_a_session_holds_the_memory_for_its_prompt() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream, "HUB__HUB__HUB_STATELESS", "false").await;
    let id = session(&hub).await;
    let own = [JSON, BOTH, ("Mcp-Session-Id", id.as_str())];
    let post = http::request("POST", "/mcp", &own, large().as_bytes());
    let _stream = Events::open(&hub, &post).await;
    arrival(&upstream).await;
    let _rest = announce(&hub).await;
    room(&hub, false).await;
    let reply = hub.raw(&http::request("DELETE", "/mcp", &own, b"")).await;
    assert!(reply.status < 300, "{reply}");
    room(&hub, true).await;
}

#[tokio::test]
async fn a_call_of_an_old_stream_holds_the_memory_for_its_prompt() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream, "HUB__HUB__HUB_TRANSPORT", "sse").await;
    let get = http::request("GET", "/sse", &[("Accept", "text/event-stream")], b"");
    let mut events = Events::open(&hub, &get).await;
    let first = events.until("\n\n").await;
    let endpoint = first.split_once("data: ").unwrap().1.trim().to_owned();
    for body in [initialize("2024-11-05").to_string(), large()] {
        let post = http::request("POST", &endpoint, &[JSON], body.as_bytes());
        assert_eq!(hub.raw(&post).await.status, 202);
    }
    arrival(&upstream).await;
    let _rest = announce(&hub).await;
    room(&hub, false).await;
    drop(events);
    room(&hub, true).await;
}
