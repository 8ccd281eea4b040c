//! Lines: MCP over a pair of byte streams, one message a line. rmcp's own transport says nothing to a
//! line that is not JSON, and knows no batches.

use std::{collections::VecDeque, io, sync::Arc};

use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage, ServerResult},
    transport::Transport,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    sync::{Mutex, watch},
};

use super::{
    door::{LARGEST_BATCH, LAST_WITH_BATCHES},
    rpc::{self, Code},
};
use crate::transport::body;

/// One client at the other end.
pub struct Lines<R, W> {
    input: BufReader<R>,
    /// What has come of a line that has not ended.
    line: Vec<u8>,
    too_long: bool,
    output: Arc<Mutex<W>>,
    /// The rest of a batch.
    waiting: VecDeque<ClientJsonRpcMessage>,
    /// The version that was agreed on has batches.
    batches: bool,
    /// Dropped at the end of the input, and with it all calls: nobody is left to read the answers.
    connection: Option<watch::Sender<()>>,
}

// === impl Lines ===

impl<R, W> Lines<R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    /// A transport; the other end of `connection` hears when the client is gone.
    pub fn new(input: R, output: W, connection: watch::Sender<()>) -> Self {
        Self {
            input: BufReader::new(input),
            line: Vec::new(),
            too_long: false,
            output: Arc::new(Mutex::new(output)),
            waiting: VecDeque::new(),
            batches: false,
            connection: Some(connection),
        }
    }

    /// Reads up to the end of a line. A line that is left half-read goes on with the next call.
    async fn read(&mut self) -> Option<Vec<u8>> {
        loop {
            let piece = self.input.fill_buf().await.ok()?;
            if piece.is_empty() {
                return None;
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let part = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
            self.too_long |= self.line.len() + part.len() > body::MAX;
            if self.too_long {
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(part);
            }
            let read = part.len() + usize::from(end.is_some());
            self.input.consume(read);
            if end.is_some() {
                return Some(std::mem::take(&mut self.line));
            }
        }
    }

    fn take(&mut self, line: &[u8]) {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let line = line.trim_ascii();
        if std::mem::take(&mut self.too_long) {
            self.invalid("The message is larger than 10 MiB.");
        } else if line.starts_with(b"[") {
            self.batch(line);
        } else if !line.is_empty() {
            match serde_json::from_slice(line) {
                Ok(message) => self.waiting.push_back(message),
                Err(_) => self.say(&rpc::diagnose(line)),
            }
        }
    }

    fn batch(&mut self, line: &[u8]) {
        let messages: Vec<Value> = match serde_json::from_slice(line) {
            Ok(messages) => messages,
            Err(_) => return self.say(&rpc::diagnose(line)),
        };
        if !self.batches {
            return self.invalid("This version of MCP has no batches. Send one message at a time.");
        }
        if messages.is_empty() || messages.len() > LARGEST_BATCH {
            return self.invalid("A batch has 1 to 50 messages.");
        }
        let initializes = |message: &Value| message.get("method") == Some(&"initialize".into());
        if messages.iter().any(initializes) {
            return self.invalid("`initialize` cannot be part of a batch.");
        }
        for message in messages {
            match serde::Deserialize::deserialize(&message) {
                Ok(message) => self.waiting.push_back(message),
                Err(_) => self.say(&rpc::diagnose_value(&message)),
            }
        }
    }

    fn invalid(&self, sentence: &str) {
        self.say(&rpc::error(None, Code::Invalid, sentence));
    }

    /// Answers what rmcp never sees. A task of its own, for reading may be broken off at any time
    /// and half a line must not stay.
    fn say(&self, answer: &Value) {
        tokio::spawn(write(self.output.clone(), answer.to_string().into_bytes()));
    }
}

async fn write<W: AsyncWrite + Unpin>(output: Arc<Mutex<W>>, mut line: Vec<u8>) -> io::Result<()> {
    line.push(b'\n');
    let mut output = output.lock().await;
    output.write_all(&line).await?;
    output.flush().await
}

impl<R, W> Transport<RoleServer> for Lines<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        if let ServerJsonRpcMessage::Response(response) = &message
            && let ServerResult::InitializeResult(opened) = &response.result
        {
            self.batches = opened.protocol_version.as_str() <= LAST_WITH_BATCHES;
        }
        let output = self.output.clone();
        async move {
            let line = serde_json::to_vec(&message)?;
            write(output, line).await
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(message);
            }
            let Some(line) = self.read().await else {
                self.connection = None;
                return None;
            };
            self.take(&line);
        }
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.output.lock().await.flush().await
    }
}
