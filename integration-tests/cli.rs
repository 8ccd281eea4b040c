//! The command line: what it teaches, what its exit codes say, how it calls a hub and how a hub
//! ends.

use std::{net::TcpListener, time::Duration};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{FakeUpstream, Fault, Hub, Program, Pyfun, eventually};

/// Longest drain, and a little.
const DRAINED: Duration = Duration::from_secs(35);

#[tokio::test]
async fn help_teaches() {
    let finished = Program::new(["--help"]).run().await;
    let help = &finished.assert_exit(0).stdout;
    for word in [
        "serve",
        "check",
        "demo",
        "call",
        "--config",
        "--env-file",
        "hub.pyfun",
        "PORT",
    ] {
        assert!(help.contains(word), "`{word}` in\n{help}");
    }
    let version = Program::new(["--version"]).run().await;
    assert!(
        version
            .assert_exit(0)
            .stdout
            .contains(env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn wrong_usage_is_64() {
    for arguments in [
        &["frobnicate"][..],
        &["--nonsense"],
        &["check", "--nonsense"],
        &["call"],
        &["serve", "--config"],
    ] {
        let finished = Program::new(arguments).run().await;
        assert!(!finished.assert_exit(64).stderr.is_empty());
    }
}

#[tokio::test]
async fn a_port_that_is_none_is_named() {
    let finished = Program::new(["serve"]).env("PORT", "http").run().await;
    assert!(
        finished.assert_exit(78).stderr.contains("PORT"),
        "{}",
        finished.stderr
    );
}

#[tokio::test]
async fn an_address_in_use_is_69_and_says_what_to_change() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let finished = Program::new(["serve"])
        .env("HOST", "127.0.0.1")
        .env("PORT", port)
        .run()
        .await;
    let message = &finished.assert_exit(69).stderr;
    for word in [format!("127.0.0.1:{port}"), "PORT".to_owned()] {
        assert!(message.contains(&word), "`{word}` in\n{message}");
    }
}

#[tokio::test]
async fn serving_is_the_default_and_the_summary_says_what_runs() {
    let upstream = FakeUpstream::start().await;
    let start = async |keys: &str| {
        let process = Program::new(["--config", "hub.pyfun", "--env-file", "secrets.env"])
            .file("hub.pyfun", Pyfun::three(&upstream).to_string())
            .file("secrets.env", keys)
            .env("PORT", 0)
            .spawn();
        Hub::listening(process).await
    };
    let hub = start("GEMINI_API_KEY=key-of-gemini\n").await;
    hub.get("/healthz").await.assert_ok();
    let summary = hub.process.stderr.text();
    for word in ["llm_complete", "gemini", "web_search"] {
        assert!(summary.contains(word), "`{word}` in\n{summary}");
    }
    assert!(!summary.contains("key-of-gemini"), "{summary}");
    let without_a_key = start("").await.process.stderr.text();
    for word in ["llm_complete", "ANTHROPIC_API_KEY"] {
        assert!(without_a_key.contains(word), "`{word}` in\n{without_a_key}");
    }
}

/// `hub call` against this hub.
fn call(hub: &Hub, arguments: &[&str]) -> Program {
    let program = Program::new(["call"].iter().chain(arguments));
    program
        .env("HOST", hub.address.ip())
        .env("PORT", hub.address.port())
}

#[tokio::test]
async fn call_prints_the_answer_alone() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let finished = call(&hub, &["llm_complete", "--prompt", "hello"])
        .run()
        .await;
    assert_eq!(finished.assert_exit(0).stdout, "hello from anthropic\n");
    let exchange = upstream.anthropic.only();
    assert_eq!(exchange.body["messages"][0]["content"], "hello");
}

#[tokio::test]
async fn call_prints_the_whole_reply_as_json() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(500));
    let hub = Hub::three(&upstream).await;
    let finished = call(&hub, &["llm_complete", "--prompt", "hello", "--json"])
        .run()
        .await;
    let reply: Value = serde_json::from_str(&finished.assert_exit(0).stdout).unwrap();
    assert_eq!(reply["result"], "hello from gemini");
    assert_eq!(reply["meta"]["attempts"][0]["outcome"], "server_error");
    let finished = call(&hub, &["health_check"]).run().await;
    let health: Value = serde_json::from_str(&finished.assert_exit(0).stdout).unwrap();
    assert_eq!(health["status"], "ok");
}

#[tokio::test]
async fn call_says_why_it_failed() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let finished = call(&hub, &["frobnicate"]).run().await;
    assert_ne!(finished.code, Some(0));
    assert!(
        finished.stderr.contains("llm_complete"),
        "{}",
        finished.stderr
    );

    drop(hub);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let nobody = Program::new(["call", "health_check"])
        .env("HOST", "127.0.0.1")
        .env("PORT", port)
        .run()
        .await;
    assert_ne!(nobody.code, Some(0));
    assert!(
        nobody.stderr.contains(&port.to_string()),
        "{}",
        nobody.stderr
    );
}

#[tokio::test]
async fn an_idle_hub_ends_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let upstream = FakeUpstream::start().await;
        let hub = Hub::three(&upstream).await;
        hub.prompt("hello").await.assert_ok();
        hub.process.signal(signal);
        hub.finish(Duration::from_secs(5)).await.assert_exit(0);
    }
}

#[tokio::test]
async fn calls_in_flight_are_finished_before_the_end() {
    let upstream = FakeUpstream::start().await;
    upstream
        .anthropic
        .always(Fault::Late(Duration::from_millis(1500), "just in time"));
    let hub = Hub::three(&upstream).await;
    let in_flight = hub.prompt("hello");
    let drain = async {
        upstream.anthropic.arrival(0).await;
        hub.terminate();
        let look = async || Some(hub.get("/readyz").await).filter(|reply| reply.status == 503);
        let (ready, _) = eventually(Duration::from_secs(1), "not ready any more", look).await;
        assert!(
            ready.message.body.windows(5).any(|word| word == b"drain"),
            "{ready}"
        );
        let refused = hub.prompt("too late").await;
        refused.assert_fails(503, "overloaded");
        assert_eq!(upstream.anthropic.seen().len(), 1);
    };
    let (answer, ()) = tokio::join!(in_flight, drain);
    assert_eq!(answer.assert_ok().text(), "just in time");
    hub.finish(DRAINED).await.assert_exit(0);
}
