//! Upstream: answers every chat completion at once, with the same words.
//!
//! It is a process of its own, so that its processor time is nobody else's.

use std::{
    io::{self, Read, Write},
    net::Ipv4Addr,
};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    process::Command,
    task::{spawn_blocking, spawn_local},
};

use super::{http::Connection, server::Server};

/// The model that answers.
pub(crate) const MODEL: &str = "gpt-5-mini";

/// Words of every answer.
pub(crate) const ANSWER: &str = "ON CONFLICT DO NOTHING";

const MARKER: &str = "upstream at ";

/// Starts this program again as the upstream.
pub(crate) async fn start() -> Result<Server> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command.arg("--upstream");
    let started = Server::announced(&mut command, tempfile::tempdir()?, MARKER).await;
    started.context("the fake upstream did not start")
}

/// Is the upstream, until standard input ends.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(io::stdout(), "{MARKER}{}", listener.local_addr()?)?;
    spawn_local(async move {
        let reply: &'static [u8] = reply().leak();
        while let Ok((stream, _)) = listener.accept().await {
            spawn_local(answer(stream, reply));
        }
    });
    spawn_blocking(|| io::stdin().read(&mut [0])).await??;
    Ok(())
}

/// Answers until the caller hangs up.
async fn answer(stream: TcpStream, reply: &[u8]) -> io::Result<()> {
    let mut connection = Connection::of(stream)?;
    while connection.receive().await?.is_some() {
        connection.send(reply).await?;
    }
    Ok(())
}

/// A reply as the vendor sends it: about 600 bytes of JSON.
fn reply() -> Vec<u8> {
    let body = json!({
        "id": "chatcmpl-CfQ2vVhS1mZyB7rKd0TnXa94uWjEo",
        "object": "chat.completion",
        "created": 1_795_305_600,
        "model": MODEL,
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": format!(
                    "Write the rows with `INSERT .. {ANSWER}`: a row that the other worker has \
                     written is then skipped, not an error."
                ),
                "refusal": null,
            },
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 61,
            "completion_tokens": 29,
            "total_tokens": 90,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        "service_tier": "default",
    })
    .to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         X-Request-Id: req_3f6c1b\r\n\r\n{body}"
    )
    .into_bytes()
}
