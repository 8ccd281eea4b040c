//! Pressure from outside: a terminal that reads nothing, signals at the first moment, callers who
//! hold memory, names that are far too long.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{
    deadline::eventually,
    http,
    hub::{Hub, api_request},
    program::Program,
    pyfun::Pyfun,
    upstream::FakeUpstream,
};

/// Callers who each announce nine mebibytes; 256 MiB are there for all of them.
const HOARDERS: usize = 40;
const ANNOUNCED: usize = 9 * 1024 * 1024;

/// A hub whose standard error is read up to the line that says where it listens, and no further.
fn unread() -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
        .args(["--config", "nowhere.pyfun", "--env-file", "nowhere.env"])
        .env_clear()
        .env("PORT", "0")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::with_capacity(1, child.stderr.take().unwrap());
    let mut line = String::new();
    let address = loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the hub ended");
        if let Some((_, address)) = line.split_once("http://") {
            break address.trim().parse().unwrap();
        }
    };
    // Kept open, or the hub would get an error instead of a full pipe.
    child.stderr = Some(lines.into_inner());
    (child, address)
}

fn terminate(child: &Child) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
}

async fn assert_ends_well(mut child: Child) {
    let look = async || child.try_wait().unwrap();
    let (status, _) = eventually(Duration::from_secs(10), "the hub ends", look).await;
    assert_eq!(status.code(), Some(0), "{status}");
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let (child, address) = unread();
    let call = api_request(br#"{"tool":"health_check"}"#);
    // A pipe holds 64 KiB; a call's line is over a hundred bytes.
    for _ in 0..2_000 {
        let answer = http::exchange(address, &call).await.unwrap();
        assert_eq!(answer.second_word(), "200");
    }
    terminate(&child);
    assert_ends_well(child).await;
}

#[tokio::test]
async fn a_signal_at_the_first_moment_is_heard() {
    for _ in 0..10 {
        let (child, _) = unread();
        terminate(&child);
        assert_ends_well(child).await;
    }
}

#[tokio::test]
async fn callers_share_the_memory_for_what_they_send() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    hub.prompt("hello").await.assert_ok();
    let head = format!(
        "POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {ANNOUNCED}\r\n\r\n{{"
    );
    let mut hoarders = Vec::new();
    for _ in 0..HOARDERS {
        let mut stream = TcpStream::connect(hub.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        hoarders.push(stream);
    }
    let large = json!({"tool": "llm_complete", "params": {"prompt": "x".repeat(ANNOUNCED - 100)}});
    let large = large.to_string();
    let crowded = async || Some(hub.post(&large).await).filter(|reply| reply.status == 503);
    let (refused, _) = eventually(Duration::from_secs(5), "no memory is left", crowded).await;
    refused.assert_fails(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    // Whoever asks for little is served all the while.
    hub.prompt("hello").await.assert_ok();

    drop(hoarders);
    let free = async || Some(hub.post(&large).await).filter(|reply| reply.status == 200);
    eventually(Duration::from_secs(5), "it is given back", free).await;
}

#[tokio::test]
async fn a_name_of_megabytes_is_not_logged() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let reply = hub.call(&"A".repeat(3_000_000), json!({})).await;
    reply.assert_fails(404, "unknown_tool");
    assert!(reply.error().len() < 1_000, "{}", reply.error().len());
    hub.terminate();
    let finished = hub.finish(Duration::from_secs(10)).await;
    assert!(finished.stderr.len() < 20_000, "{}", finished.stderr.len());
}

#[tokio::test]
async fn monitors_may_ask_for_the_head_alone() {
    let hub = Hub::with(&Pyfun::chain([])).await;
    for path in ["/", "/healthz", "/readyz"] {
        let mut stream = TcpStream::connect(hub.address).await.unwrap();
        let ask = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer)
            .await
            .unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_call_says_what_is_no_url() {
    let finished = Program::new(["call", "health_check", "--url", "127.0.0.1:1"])
        .run()
        .await;
    finished.assert_exit(64);
    assert!(
        finished.stderr.contains("http://127.0.0.1:1"),
        "{}",
        finished.stderr
    );
}
