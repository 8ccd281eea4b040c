//! Upstream: answers every chat completion at once, with the same words; or in a stream, at its pace.
//!
//! It is a process of its own, so that its processor time is nobody else's.

use std::{
    io::{self, Read, Write},
    net::Ipv4Addr,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    process::Command,
    task::{spawn_blocking, spawn_local},
    time::interval,
};

use super::{http::Connection, server::Server};

/// The model that answers.
pub(crate) const MODEL: &str = "gpt-5-mini";

/// Words of every answer.
pub(crate) const ANSWER: &str = "ON CONFLICT DO NOTHING";

/// Events with text in a stream.
pub(crate) const EVENTS: usize = 200;

/// Between two of them.
pub(crate) const PACE: Duration = Duration::from_millis(5);

const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";

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
    while let Some(request) = connection.receive().await? {
        if request.contains("\"stream\":true") {
            tell(&mut connection).await?;
        } else {
            connection.send(reply).await?;
        }
    }
    Ok(())
}

/// Sends a stream, one event after the other. One that is late does not delay those behind it.
async fn tell(connection: &mut Connection) -> io::Result<()> {
    let mut pace = interval(PACE);
    connection.send(STREAM_HEAD).await?;
    for index in 0..EVENTS {
        pace.tick().await;
        let event = event(&format!("{{{}}}", number(index)), "null");
        connection.send(&chunk(&event)).await?;
    }
    let end = event("{}", "\"stop\"") + "data: [DONE]\n\n";
    connection.send(&chunk(&end)).await?;
    connection.send(b"0\r\n\r\n").await
}

/// What is in the event of that number, and in no other.
pub(crate) fn number(event: usize) -> String {
    format!("\"content\":\" word{event:03}\"")
}

/// An event as the vendor sends it: about 250 bytes.
fn event(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-CfQ2vVhS1mZyB7rKd0TnXa94uWjEo\",\
         \"object\":\"chat.completion.chunk\",\"created\":1795305600,\"model\":\"{MODEL}\",\
         \"service_tier\":\"default\",\"system_fingerprint\":null,\"choices\":[{{\"index\":0,\
         \"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
    )
}

fn chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
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
