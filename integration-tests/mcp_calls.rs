//! An MCP call while it runs: progress, cancellation, silence, and what is written down of it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    mcp::{session, with_sessions},
    support::{
        FakeUpstream, Fault, Hub, Pyfun, eventually, http,
        mcp::{BOTH, Events, JSON, call, initialize, modern, modern_headers, request},
    },
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn progress_and_logs_say_who_failed_and_who_is_asked() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(529));
    let hub = Hub::three(&upstream).await;
    let mut message = call(1, "llm_complete", json!({"prompt": "hello"}));
    message["params"]["_meta"] = json!({
        "progressToken": "p",
        "io.modelcontextprotocol/logLevel": "info",
    });
    let reply = hub.mcp_modern(message.clone()).await;
    let messages = reply.messages();
    let sentence = "anthropic failed with 529, asking gemini";
    let progress = messages
        .iter()
        .find(|message| message["method"] == "notifications/progress")
        .unwrap_or_else(|| panic!("no progress: {reply}"));
    assert_eq!(progress["params"]["message"], sentence, "{reply}");
    assert_eq!(progress["params"]["progress"], 1.0, "{reply}");
    assert_eq!(progress["params"]["total"], 3.0, "{reply}");
    let log = messages
        .iter()
        .find(|message| message["method"] == "notifications/message")
        .unwrap_or_else(|| panic!("no log message: {reply}"));
    assert_eq!(log["params"]["data"]["message"], sentence, "{reply}");
    assert_eq!(log["params"]["level"], "warning", "{reply}");
    assert!(reply.last()["result"].is_object(), "{reply}");
    // Who asks for neither gets neither, and who reads only JSON gets the result alone.
    let plain = hub
        .mcp(&call(1, "llm_complete", json!({"prompt": "hello"})))
        .await;
    assert_eq!(plain.messages().len(), 1, "{plain}");
    let only = [("Accept", "application/json")];
    let reply = hub.mcp_with(&only, &message_without_meta(message)).await;
    assert_eq!(reply.body["result"]["isError"], false, "{reply}");
}

fn message_without_meta(mut message: Value) -> String {
    message["params"]["_meta"] = json!({"progressToken": 7});
    message.to_string()
}

#[tokio::test]
async fn a_client_that_closes_its_stream_cancels_the_vendor() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let hub = Hub::three(&upstream).await;
    let old = call(1, "llm_complete", json!({"prompt": "hello"}));
    let new = modern(old.clone());
    for (number, message) in [old, new].into_iter().enumerate() {
        let headers = match number {
            0 => Vec::new(),
            _ => modern_headers(&message),
        };
        let mut all = vec![JSON, BOTH];
        all.extend(headers.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let bytes = http::request("POST", "/mcp", &all, message.to_string().as_bytes());
        let mut client = tokio::net::TcpStream::connect(hub.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut client, &bytes)
            .await
            .unwrap();
        let exchange = upstream.anthropic.arrival(number).await;
        let left = Instant::now();
        drop(client);
        assert!(exchange.hung_up_within(SECOND).await >= left);
    }
    assert_eq!(upstream.gemini.seen().len(), 0);
}

#[tokio::test]
async fn a_cancelled_notification_cancels_the_vendor() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let hub = with_sessions(&upstream).await;
    let id = session(&hub).await;
    let own = ("Mcp-Session-Id", id.as_str());
    let message = call(9, "llm_complete", json!({"prompt": "hello"}));
    let stream = Events::post(&hub, &[own], &message).await;
    let exchange = upstream.anthropic.arrival(0).await;
    let left = Instant::now();
    let cancel = json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 9, "reason": "changed my mind"},
    });
    let reply = hub.mcp_with(&[BOTH, own], &cancel.to_string()).await;
    assert_eq!(reply.status, 202, "{reply}");
    assert!(exchange.hung_up_within(SECOND).await >= left);
    drop(stream);
}

#[tokio::test]
async fn a_session_that_ends_cancels_the_vendor() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let hub = with_sessions(&upstream).await;
    let id = session(&hub).await;
    let own = [("Mcp-Session-Id", id.as_str())];
    let message = call(9, "llm_complete", json!({"prompt": "hello"}));
    let _stream = Events::post(&hub, &own, &message).await;
    let exchange = upstream.anthropic.arrival(0).await;
    let left = Instant::now();
    let reply = hub.raw(&http::request("DELETE", "/mcp", &own, b"")).await;
    assert!(reply.status < 300, "{reply}");
    assert!(exchange.hung_up_within(SECOND).await >= left);
    let line = async || {
        let log = hub.process.stderr.text();
        let line = log.lines().find(|line| line.contains("calls: cancelled"))?;
        Some(line.to_owned())
    };
    let (line, _) = eventually(5 * SECOND, "the call's line", line).await;
    assert!(line.contains("tool=\"llm_complete\""), "{line}");
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive() {
    let upstream = FakeUpstream::start().await;
    let hub = with_sessions(&upstream).await;
    let id = session(&hub).await;
    let headers = [
        ("Mcp-Session-Id", id.as_str()),
        ("Accept", "text/event-stream"),
    ];
    let opened = Instant::now();
    let mut events = Events::open(&hub, &http::request("GET", "/mcp", &headers, b"")).await;
    events.until("\n:").await;
    assert!(
        opened.elapsed() <= Duration::from_secs(17),
        "{:?}",
        opened.elapsed()
    );
}

#[tokio::test]
async fn what_people_ask_is_not_logged() {
    const SECRET: &str = "rosebud-in-the-snow";
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(500));
    for stateless in [true, false] {
        let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys();
        let hub = hub
            .env("HUB__HUB__HUB_STATELESS", stateless)
            .env("LOG_LEVEL", "trace");
        let hub = hub.start().await;
        let opened = hub.mcp(&initialize("2025-11-25")).await;
        let id = opened.header("mcp-session-id").to_owned();
        let own = match id.is_empty() {
            true => vec![BOTH],
            false => vec![BOTH, ("Mcp-Session-Id", id.as_str())],
        };
        let messages = [
            call(1, "llm_complete", json!({"prompt": SECRET})).to_string(),
            call(2, "llm_complete", json!({SECRET: 1})).to_string(),
            call(3, SECRET, json!({})).to_string(),
            request(4, SECRET, json!({})).to_string(),
            request(5, "prompts/get", json!({"name": SECRET})).to_string(),
            request(6, "initialize", json!({"protocolVersion": SECRET})).to_string(),
            format!("{{{SECRET}"),
        ];
        for message in messages {
            hub.mcp_with(&own, &message).await;
        }
        // The last of these is answered after all that is looked for has been written.
        hub.mcp_modern(call(8, "health_check", json!({}))).await;
        let last = async || {
            let log = hub.process.stderr.text();
            log.contains("tool=\"health_check\"").then_some(())
        };
        eventually(Duration::from_secs(5), "the last call's line", last).await;
        for (name, bytes) in hub.traces() {
            let text = String::from_utf8_lossy(&bytes);
            // The tool's name is logged: it is in the configuration, or it is nobody's.
            let lines = text.lines().filter(|line| !line.contains("unknown_tool"));
            for line in lines {
                assert!(!line.contains(SECRET), "{name}: {line}");
            }
        }
    }
}
