//! Accept: which form of answer a client can read. MCP wants both; real clients send one, or `*/*`.

use std::{convert::Infallible, pin::pin};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body::Body;
use serde_json::Value;

use super::{
    adapter,
    rpc::{self, Code},
};

/// The forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// Whatever fits.
    Both,
    /// One JSON document.
    Json,
    /// Server-sent events.
    Events,
}

// === impl Accept ===

impl Accept {
    /// What a request's Accept says; `None` if nothing we have. No header is anything.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        let mut values = request.headers().get_all(header::ACCEPT).peekable();
        if values.peek().is_none() {
            return Some(Self::Both);
        }
        let text: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        Self::parse(&text.join(","))
    }

    fn parse(text: &str) -> Option<Self> {
        let (mut json, mut events) = (false, false);
        for entry in text.split(',') {
            let mut parts = entry.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            if parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000")) {
                continue;
            }
            json |= matches!(kind.as_str(), "*/*" | "application/*" | "application/json");
            events |= matches!(kind.as_str(), "*/*" | "text/*" | "text/event-stream");
        }
        match (json, events) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Json),
            (false, true) => Some(Self::Events),
            (false, false) => None,
        }
    }

    /// rmcp's answer in a form that the client can read.
    pub async fn answer<B>(self, answer: http::Response<B>) -> HttpResponse
    where
        B: Body<Data = Bytes, Error = Infallible> + Unpin + 'static,
    {
        let is_events = is_events(&answer);
        let (head, body) = match (self, is_events) {
            (Self::Json, true) => {
                let (head, body) = answer.into_parts();
                let content = match last_message(body).await {
                    Some(message) => message.to_string(),
                    None => rpc::error(None, Code::Internal, "There was no answer.").to_string(),
                };
                (head, ("application/json", content))
            }
            (Self::Events, false) if answer.status() == http::StatusCode::OK => {
                let (head, body) = answer.into_parts();
                let content = adapter::whole(body).await;
                let content = String::from_utf8_lossy(&content);
                (head, ("text/event-stream", format!("data: {content}\n\n")))
            }
            _ => return adapter::response(answer).await,
        };
        let mut response = HttpResponse::build(adapter::status(head.status));
        for (name, value) in &head.headers {
            if name != http::header::CONTENT_TYPE && name != http::header::CONTENT_LENGTH {
                response.append_header((name.as_str(), value.as_bytes()));
            }
        }
        response.content_type(body.0).body(body.1)
    }

    /// A document of ours, such as a batch's answers.
    pub fn document(self, document: &Value) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::OK);
        match self {
            Self::Events => response
                .content_type("text/event-stream")
                .body(format!("data: {document}\n\n")),
            Self::Both | Self::Json => response.json(document),
        }
    }
}

fn is_events<B>(answer: &http::Response<B>) -> bool {
    let kind = answer.headers().get(http::header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// The JSON-RPC message that ends an answer of either form, without the notifications before it.
pub async fn message<B>(answer: http::Response<B>) -> Option<Value>
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin,
{
    if is_events(&answer) {
        return last_message(answer.into_body()).await;
    }
    serde_json::from_slice(&adapter::whole(answer.into_body()).await).ok()
}

async fn last_message<B>(body: B) -> Option<Value>
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin,
{
    let mut pieces = pin!(adapter::pieces(body));
    let mut unread = Vec::new();
    while let Some(Ok(piece)) = pieces.next().await {
        unread.extend_from_slice(&piece);
        while let Some(end) = unread.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = unread.drain(..end + 2).collect();
            let message = data(&event).and_then(|data| serde_json::from_str(&data).ok());
            let ends =
                |message: &Value| message.get("id").is_some() && message.get("method").is_none();
            if let Some(message) = message.filter(ends) {
                return Some(message);
            }
        }
    }
    None
}

/// The data lines of one event.
fn data(event: &[u8]) -> Option<String> {
    let lines = std::str::from_utf8(event).ok()?.lines();
    let data: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    (!data.is_empty()).then(|| data.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_type_and_any_type_are_served() {
        let cases = [
            ("application/json, text/event-stream", Some(Accept::Both)),
            ("*/*", Some(Accept::Both)),
            ("application/json", Some(Accept::Json)),
            ("Text/Event-Stream; charset=utf-8", Some(Accept::Events)),
            (
                "text/event-stream;q=0, application/json",
                Some(Accept::Json),
            ),
            ("text/html, application/xml", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Accept::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn an_events_data_may_have_several_lines() {
        assert_eq!(data(b"id: 1\ndata: {\ndata:}\n\n").as_deref(), Some("{\n}"));
        assert_eq!(data(b": ping\n\n"), None);
    }
}
