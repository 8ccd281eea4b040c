//! Requests of SDKs by hand, and streams read to the last byte: whether an answer ended as it should is
//! half of what there is to see.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    deadline::within,
    http,
    hub::{Hub, api_request},
    program::Capture,
    reply::Reply,
};

/// Longest wait for anything on a stream.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a stream is read for behind its head.
const BODY: &str = "more of a stream's body";

/// A door for SDKs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    OpenAi,
    Anthropic,
}

/// Both of them.
pub(crate) const DOORS: [Door; 2] = [Door::OpenAi, Door::Anthropic];

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// Its type; empty if it has none.
    pub(crate) event: String,
    /// Its data as it came.
    pub(crate) data: String,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With the mark that ends a body.
    Clean,
    /// The connection was gone without it.
    Cut,
}

/// A stream of events, read as it comes.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: TcpStream,
    raw: Vec<u8>,
    body: String,
    end: Option<End>,
    log: Capture,
    /// The answer's head.
    pub(crate) head: String,
}

// === impl Door ===

impl Door {
    /// A tool, as it is described here.
    pub(crate) fn tools(self) -> Value {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        match self {
            Door::OpenAi => json!([{"type": "function", "function": {
                "name": "weather", "description": "says how it is", "parameters": schema,
            }}]),
            Door::Anthropic => json!([{
                "name": "weather", "description": "says how it is", "input_schema": schema,
            }]),
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/chat/completions",
            Self::Anthropic => "/v1/messages",
        }
    }

    pub(crate) fn headers(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::OpenAi => vec![JSON, ("Authorization", "Bearer any")],
            Self::Anthropic => vec![
                JSON,
                ("x-api-key", "any"),
                ("anthropic-version", "2023-06-01"),
            ],
        }
    }

    /// A request's bytes, with these headers besides its own.
    pub(crate) fn request(self, more: &[(&str, &str)], body: &Value) -> Vec<u8> {
        let headers = [&self.headers(), more].concat();
        http::request("POST", self.path(), &headers, body.to_string().as_bytes())
    }

    /// One user's text.
    pub(crate) fn ask(self, model: &str, text: &str) -> Value {
        let messages = json!([{"role": "user", "content": text}]);
        match self {
            Self::OpenAi => json!({"model": model, "messages": messages}),
            Self::Anthropic => json!({"model": model, "max_tokens": 100, "messages": messages}),
        }
    }

    /// The same, to be streamed.
    pub(crate) fn ask_stream(self, model: &str, text: &str) -> Value {
        let mut body = self.ask(model, text);
        body["stream"] = true.into();
        body
    }

    /// The text of a whole answer.
    pub(crate) fn text(self, answer: &Value) -> String {
        match self {
            Self::OpenAi => string(&answer["choices"][0]["message"]["content"]),
            Self::Anthropic => {
                let blocks = answer["content"].as_array().into_iter().flatten();
                let texts = blocks.filter(|block| block["type"] == "text");
                texts.map(|block| string(&block["text"])).collect()
            }
        }
    }

    /// The text in events.
    pub(crate) fn text_of(self, said: &[Said]) -> String {
        let text = |said: &Said| match self {
            Self::OpenAi => string(&said.json()["choices"][0]["delta"]["content"]),
            Self::Anthropic => string(&said.json()["delta"]["text"]),
        };
        said.iter().map(text).collect()
    }

    /// Whether these events say that the answer is complete.
    pub(crate) fn is_complete(self, said: &[Said]) -> bool {
        match self {
            Self::OpenAi => said.iter().any(|said| said.data == "[DONE]"),
            Self::Anthropic => said.iter().any(|said| said.event == "message_stop"),
        }
    }

    /// The error in a body or an event: its type and its sentence.
    pub(crate) fn error(self, body: &Value) -> (String, String) {
        if self == Self::Anthropic {
            assert_eq!(body["type"], "error", "{body}");
        }
        let error = &body["error"];
        assert!(error["message"].is_string(), "{body}");
        (string(&error["type"]), string(&error["message"]))
    }
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

// === impl Said ===

impl Said {
    /// Its data as JSON; `null` if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_default()
    }
}

// === impl Hub ===

impl Hub {
    /// A request at a door, and the whole answer.
    pub(crate) async fn chat(&self, door: Door, body: &Value) -> Reply {
        self.raw(&door.request(&[], body)).await
    }

    /// `POST /api` with this, and the head of the answer.
    pub(crate) async fn api_stream(&self, body: &Value) -> Stream {
        Stream::open(self, &api_request(body.to_string().as_bytes())).await
    }

    /// Everything that comes back until the connection ends, however it ends.
    pub(crate) async fn until_closed(&self, bytes: &[u8]) -> Vec<u8> {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A reset is an end, too.
        drop(within(PATIENCE, "the end", socket.read_to_end(&mut answer)).await);
        answer
    }

    /// The same, and the head of the answer.
    pub(crate) async fn chat_stream(&self, door: Door, body: &Value) -> Stream {
        self.stream(&door.request(&[], body)).await
    }

    /// The same for these bytes.
    pub(crate) async fn stream(&self, bytes: &[u8]) -> Stream {
        Stream::open(self, bytes).await
    }
}

// === impl Stream ===

impl Stream {
    async fn open(hub: &Hub, bytes: &[u8]) -> Self {
        let mut socket = TcpStream::connect(hub.address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        Self::of(socket, hub.process.stderr.clone()).await
    }

    /// What comes back on a connection that has asked already, and its head. The hub's log is for who waits
    /// too long.
    pub(crate) async fn of(socket: TcpStream, log: Capture) -> Self {
        let mut stream = Self {
            socket,
            raw: Vec::new(),
            body: String::new(),
            end: None,
            log,
            head: String::new(),
        };
        let end = loop {
            if let Some(at) = find(&stream.raw, b"\r\n\r\n") {
                break at + 4;
            }
            assert!(
                stream.read("the head of a stream").await,
                "the answer has no head"
            );
        };
        let head: Vec<u8> = stream.raw.drain(..end).collect();
        stream.head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        stream
    }

    /// A header, in lower case.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value)
    }

    /// The next event, comments left out; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Said> {
        loop {
            if let Some(said) = self.take() {
                if let Some(said) = said {
                    return Some(said);
                }
                continue;
            }
            if self.unchunk() {
                continue;
            }
            if self.end.is_some() {
                return None;
            }
            if !self.read(BODY).await {
                self.end = Some(End::Cut);
            }
        }
    }

    /// Every event that is left, and how it ended.
    pub(crate) async fn rest(mut self) -> (Vec<Said>, End) {
        let mut all = Vec::new();
        while let Some(said) = self.next().await {
            all.push(said);
        }
        (all, self.end.unwrap())
    }

    /// Returns when this has come.
    pub(crate) async fn until(&mut self, text: &str) {
        while !self.body.contains(text) {
            if !self.unchunk() {
                assert!(
                    self.read(BODY).await,
                    "the end before {text:?}: {}",
                    self.body
                );
            }
        }
    }

    /// The bytes of the events as they came, and how they ended.
    pub(crate) async fn bytes(mut self) -> (String, End) {
        loop {
            while self.unchunk() {}
            if let Some(end) = self.end {
                return (self.body, end);
            }
            if !self.read(BODY).await {
                self.end = Some(End::Cut);
            }
        }
    }

    /// Takes an event out of what is there; `Some(None)` for a comment.
    fn take(&mut self) -> Option<Option<Said>> {
        let lf = self.body.find("\n\n").map(|at| (at, 2));
        let crlf = self.body.find("\r\n\r\n").map(|at| (at, 4));
        let (at, length) = [lf, crlf].into_iter().flatten().min()?;
        let block: String = self.body.drain(..at + length).collect();
        let mut said = Said {
            event: String::new(),
            data: String::new(),
        };
        for line in block.lines() {
            if let Some(data) = line.strip_prefix("data:") {
                said.data.push_str(data.trim_start());
            } else if let Some(event) = line.strip_prefix("event:") {
                event.trim().clone_into(&mut said.event);
            }
        }
        Some((!said.data.is_empty()).then_some(said))
    }

    /// Moves a whole chunk from what was read to the body.
    fn unchunk(&mut self) -> bool {
        let Some(line) = find(&self.raw, b"\r\n") else {
            return false;
        };
        let size = String::from_utf8_lossy(&self.raw[..line]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
        if self.raw.len() < line + 2 + size + 2 {
            return false;
        }
        if size == 0 {
            self.end = Some(End::Clean);
            self.raw.clear();
            return false;
        }
        let chunk = &self.raw[line + 2..line + 2 + size];
        self.body.push_str(&String::from_utf8_lossy(chunk));
        self.raw.drain(..line + 2 + size + 2);
        true
    }

    /// Whether there was more of what is waited for.
    async fn read(&mut self, what: &str) -> bool {
        let read = timeout(PATIENCE, self.socket.read_buf(&mut self.raw)).await;
        let Ok(read) = read else {
            let log = self.log.text();
            panic!("not within {PATIENCE:?}: {what}\nstderr:\n{log}");
        };
        // A reset is an end, too.
        read.unwrap_or(0) > 0
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
