//! MCP by hand: messages, headers and streams as clients of each version send and read them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{deadline::within, http, hub::Hub, reply::Reply};

/// Longest wait for anything on a stream.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(crate) const BOTH: (&str, &str) = ("Accept", "application/json, text/event-stream");
pub(crate) const MODERN: &str = "2026-07-28";

/// A request of an older version.
pub(crate) fn request(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// `initialize` of a client that speaks `version`.
pub(crate) fn initialize(version: &str) -> Value {
    request(
        0,
        "initialize",
        json!({
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }),
    )
}

/// `tools/call`
pub(crate) fn call(id: u64, tool: &str, arguments: Value) -> Value {
    request(
        id,
        "tools/call",
        json!({"name": tool, "arguments": arguments}),
    )
}

/// The message with what 2026-07-28 wants in every request.
pub(crate) fn modern(mut message: Value) -> Value {
    let meta = &mut message["params"]["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
    meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
    meta["io.modelcontextprotocol/clientInfo"] = json!({"name": "test", "version": "1"});
    message
}

/// The headers that go with it.
pub(crate) fn modern_headers(message: &Value) -> Vec<(String, String)> {
    let mut headers = vec![
        ("MCP-Protocol-Version".to_owned(), MODERN.to_owned()),
        ("Mcp-Method".to_owned(), text(&message["method"])),
    ];
    let name = message.pointer("/params/name");
    if let Some(name) = name.or(message.pointer("/params/uri")) {
        headers.push(("Mcp-Name".to_owned(), text(name)));
    }
    headers
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

// === impl Hub ===

impl Hub {
    /// `POST /mcp` with these headers besides the content type.
    pub(crate) async fn mcp_with(&self, headers: &[(&str, &str)], body: &str) -> Reply {
        let headers = [&[JSON], headers].concat();
        let bytes = http::request("POST", "/mcp", &headers, body.as_bytes());
        self.raw(&bytes).await
    }

    /// The same as most clients send it.
    pub(crate) async fn mcp(&self, message: &Value) -> Reply {
        self.mcp_with(&[BOTH], &message.to_string()).await
    }

    /// The same as clients of 2026-07-28 send it.
    pub(crate) async fn mcp_modern(&self, message: Value) -> Reply {
        let message = modern(message);
        let headers = modern_headers(&message);
        let mut all = vec![BOTH];
        all.extend(headers.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        self.mcp_with(&all, &message.to_string()).await
    }
}

// === impl Reply ===

impl Reply {
    /// Every JSON-RPC message of an answer, whatever its form.
    pub(crate) fn messages(&self) -> Vec<Value> {
        if !self.header("content-type").starts_with("text/event-stream") {
            return vec![self.body.clone()];
        }
        let body = String::from_utf8_lossy(&self.message.body);
        let data = body.lines().filter_map(|line| line.strip_prefix("data:"));
        data.filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }

    /// The one that ends it.
    pub(crate) fn last(&self) -> Value {
        self.messages().last().cloned().unwrap_or_default()
    }
}

/// A stream of events, read as it comes.
pub(crate) struct Events {
    stream: TcpStream,
    unread: String,
    /// The answer's head.
    pub(crate) head: String,
}

// === impl Events ===

impl Events {
    /// Sends a request and reads the head of the answer.
    pub(crate) async fn open(hub: &Hub, bytes: &[u8]) -> Self {
        let mut stream = TcpStream::connect(hub.address).await.unwrap();
        stream.write_all(&hub.signed(bytes)).await.unwrap();
        let mut events = Self {
            stream,
            unread: String::new(),
            head: String::new(),
        };
        events.head = events.until("\r\n\r\n").await;
        events
    }

    /// `POST /mcp`
    pub(crate) async fn post(hub: &Hub, headers: &[(&str, &str)], message: &Value) -> Self {
        let headers = [&[JSON, BOTH], headers].concat();
        let body = message.to_string();
        Self::open(
            hub,
            &http::request("POST", "/mcp", &headers, body.as_bytes()),
        )
        .await
    }

    /// The next JSON-RPC message.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let line = self.until("\n").await;
            let data = line.trim_end().strip_prefix("data:");
            if let Some(message) = data.and_then(|data| serde_json::from_str(data).ok()) {
                return message;
            }
        }
    }

    /// Everything up to and with `end`.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.unread.find(end) {
                let rest = self.unread.split_off(at + end.len());
                return std::mem::replace(&mut self.unread, rest);
            }
            let mut piece = [0; 4096];
            let read = within(PATIENCE, end, self.stream.read(&mut piece)).await;
            let count = read.unwrap();
            assert!(
                count > 0,
                "the stream ended before {end:?}: {}",
                self.unread
            );
            self.unread
                .push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    }
}
