//! What a fake vendor saw of one request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::http::Message;

/// One request, and what became of its connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The request as it stood on the wire.
    pub(crate) message: Message,
    /// Its body as JSON; `null` if it is none.
    pub(crate) body: Value,
    /// When its last byte had come.
    pub(crate) at: Instant,
    /// Bytes of the answer that were handed to the network.
    pub(crate) sent: AtomicU64,
    hung_up: watch::Sender<Option<Instant>>,
}

// === impl Exchange ===

impl Exchange {
    pub(crate) fn new(message: Message) -> Arc<Self> {
        Arc::new(Self {
            body: serde_json::from_slice(&message.body).unwrap_or_default(),
            message,
            at: Instant::now(),
            sent: AtomicU64::new(0),
            hung_up: watch::Sender::new(None),
        })
    }

    pub(crate) fn method(&self) -> &str {
        self.message.start.split(' ').next().unwrap_or_default()
    }

    /// Whether the answer is to come bit by bit.
    pub(crate) fn streams(&self) -> bool {
        self.body["stream"] == true || self.target().contains(":streamGenerateContent")
    }

    /// The model that is asked: in the body, or in Gemini's path.
    pub(crate) fn model(&self) -> &str {
        let path = self.target().split("models/").nth(1);
        let in_path = || path.and_then(|rest| rest.split(':').next());
        let model = self.body["model"].as_str().or_else(in_path);
        model.unwrap_or_default()
    }

    /// Path and query.
    pub(crate) fn target(&self) -> &str {
        self.message.second_word()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.message.header(name)
    }

    /// Request line and headers in one text.
    pub(crate) fn head(&self) -> String {
        let mut head = format!("{}\r\n", self.message.start);
        for (name, value) in &self.message.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head
    }

    pub(crate) fn note_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn note_hang_up(&self) {
        self.hung_up.send_replace(Some(Instant::now()));
    }

    /// When the client hung up on this request before it was answered.
    ///
    /// # Panics
    /// If it does not within `limit`.
    pub(crate) async fn hung_up_within(&self, limit: Duration) -> Instant {
        let mut hung_up = self.hung_up.subscribe();
        let seen = timeout(limit, hung_up.wait_for(Option::is_some)).await;
        seen.unwrap_or_else(|_| panic!("the client did not hang up within {limit:?}"))
            .unwrap()
            .unwrap()
    }
}
