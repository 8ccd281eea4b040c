//! Crashes: an actor ends, however it ends; its callers fall back, the others notice nothing, and
//! it is back within a second.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

use crate::support::{FakeUpstream, Hub, Pyfun, Reply, eventually, pyfun::Provider};

/// How soon an actor is back.
const BACK: Duration = Duration::from_secs(1);

/// Longest look at something that takes `BACK` on a machine with nothing else to do.
const LOOK: Duration = Duration::from_secs(10);

/// Clients that keep calling while an actor crashes.
const CLIENTS: usize = 32;

/// fragile -> openrouter: the first fails on demand, the second is a vendor that answers.
async fn fragile_hub(upstream: &FakeUpstream) -> Arc<Hub> {
    let steady = Provider::openrouter(&upstream.url());
    let pyfun = Pyfun::chain([Provider::fragile(), steady])
        .limit("MAX_PARALLEL_REQUESTS", "100")
        .limit("MAX_WAIT_SEC", "0.2");
    Arc::new(Hub::with(&pyfun).await)
}

/// Clients that call two providers until they are told to stop, and accept no more than a fallback.
struct Crowd {
    clients: JoinSet<usize>,
    done: Arc<AtomicBool>,
}

impl Crowd {
    fn calling(hub: &Arc<Hub>) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let client = |number: usize| {
            let (hub, done) = (Arc::clone(hub), Arc::clone(&done));
            let provider = ["fragile", "openrouter"][number % 2];
            async move {
                let mut calls = 0;
                while !done.load(Ordering::Relaxed) {
                    assert_served(&hub.prompt_at(provider, "hello").await, provider);
                    calls += 1;
                }
                calls
            }
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self { clients, done }
    }

    async fn leave(self) {
        self.done.store(true, Ordering::Relaxed);
        let calls = self.clients.join_all().await;
        assert!(calls.iter().all(|&calls| calls > 0), "{calls:?}");
    }
}

/// Asserts that a call to `provider` was answered, by it or, if it is the fragile one, after a
/// visible fallback.
#[track_caller]
fn assert_served(reply: &Reply, provider: &str) {
    let attempts = reply.assert_ok().attempts();
    let attempts: Vec<_> = attempts.iter().map(String::as_str).collect();
    match (provider, attempts.as_slice()) {
        (_, [only]) => assert_eq!(*only, format!("{provider} ok 200"), "{reply}"),
        ("fragile", [failed, "openrouter ok 200"]) => {
            let crashed = ["fragile crashed -", "fragile busy -", "fragile timeout -"];
            assert!(crashed.contains(failed), "{reply}");
        }
        _ => panic!("openrouter does not crash: {reply}"),
    }
}

/// Waits until `health_check` shows an actor running after this many restarts, and returns how it
/// says the last life ended.
async fn restarted(hub: &Hub, actor: &str, restarts: u64) -> String {
    let mut last = json!(null);
    let look = async || {
        last = hub.health_of(actor).await;
        (last["restarts"] == json!(restarts) && last["state"] == "running").then_some(())
    };
    eventually(LOOK, "the restart in health_check", look).await;
    last["last_exit"].as_str().unwrap_or_default().to_owned()
}

/// Waits until the fragile provider itself answers; how long after `start` that is.
async fn serves_again(hub: &Hub, start: Instant) -> Duration {
    let look = async || {
        let reply = hub.prompt_at("fragile", "hello").await;
        (reply.assert_ok().provider() == "fragile").then(|| start.elapsed())
    };
    eventually(LOOK, "an answer of the provider that crashed", look)
        .await
        .0
}

/// One flavour of crash, with a crowd.
async fn survives(prompt: &str, restarts: u64, exit: &str) {
    let upstream = FakeUpstream::start().await;
    let hub = fragile_hub(&upstream).await;
    let crowd = Crowd::calling(&hub);

    let start = Instant::now();
    let crash = hub.prompt_at("fragile", prompt);
    let recovery = async {
        let how = restarted(&hub, "provider.fragile", restarts).await;
        (how, serves_again(&hub, start).await)
    };
    let (reply, (how, back)) = tokio::join!(crash, recovery);
    crowd.leave().await;

    assert_served(&reply, "fragile");
    assert_eq!(how, exit);
    assert!(back <= BACK, "back after {back:?}");
    // Who is caught in a crash is told at once, not when the time is up.
    assert!(reply.elapsed <= 2 * BACK, "{reply}");
    for actor in ["provider.openrouter", "registry", "transport.http"] {
        let health = hub.health_of(actor).await;
        assert_eq!(health["restarts"], 0, "{actor}: {health}");
    }
}

#[tokio::test]
async fn a_panic_in_a_handler() {
    survives("panic in handler", 1, "panicked").await;
}

#[tokio::test]
async fn a_panic_in_a_future() {
    survives("panic in future", 1, "panicked").await;
}

#[tokio::test]
async fn a_panic_while_starting() {
    survives("panic in started", 2, "panicked").await;
}

#[tokio::test]
async fn a_stop() {
    survives("stop", 1, "stopped").await;
}

#[tokio::test]
async fn a_thread_that_is_blocked() {
    survives("block", 1, "stuck").await;
}

#[tokio::test]
async fn the_caller_of_a_crash_falls_back_visibly() {
    let upstream = FakeUpstream::start().await;
    let hub = fragile_hub(&upstream).await;
    let reply = hub.prompt_at("fragile", "panic in handler").await;
    assert_eq!(
        reply.assert_ok().attempts(),
        ["fragile crashed -", "openrouter ok 200"]
    );
    assert_eq!(
        reply.header("x-hub-attempts"),
        "fragile:crashed, openrouter:200"
    );
    // What a panic says may hold anything: it goes to the log, never to a caller.
    let health = hub.health_of("provider.fragile").await;
    assert_eq!(health["last_exit"], "panicked", "{health}");
}

#[tokio::test]
async fn without_a_fallback_a_crash_is_a_plain_failure() {
    let hub = Hub::builder()
        .pyfun(&Pyfun::chain([Provider::fragile()]))
        .start()
        .await;
    assert_eq!(hub.prompt("hello").await.assert_ok().text(), "echo: hello");
    let reply = hub.prompt("panic in handler").await;
    reply.assert_fails(502, "providers_failed");
    assert_eq!(reply.attempts(), ["fragile crashed -"]);
}

#[tokio::test]
async fn who_crashes_too_often_rests_and_is_tried_again() {
    let upstream = FakeUpstream::start().await;
    let hub = fragile_hub(&upstream).await;
    let crashes = async || {
        let reply = hub.prompt_at("fragile", "panic in handler").await;
        assert_served(&reply, "fragile");
        let health = hub.health_of("provider.fragile").await;
        (health["state"] == "quarantined").then_some(health)
    };
    let (health, _) = eventually(LOOK, "the quarantine", crashes).await;
    let rests = Instant::now();
    assert_eq!(health["restarts"], 5, "{health}");
    let reply = hub.call("health_check", json!({})).await;
    assert_eq!(reply.result()["status"], "degraded");

    let reply = hub.prompt_at("fragile", "hello").await;
    assert_eq!(
        reply.assert_ok().attempts(),
        ["fragile crashed -", "openrouter ok 200"]
    );
    let rested = serves_again(&hub, rests).await;
    let expected = 4 * BACK..8 * BACK;
    assert!(expected.contains(&rested), "rested {rested:?}");
}

#[tokio::test]
async fn the_transport_is_back_on_its_port() {
    let upstream = FakeUpstream::start().await;
    let hub = fragile_hub(&upstream).await;
    let body = json!({"tool": "llm_complete", "params": {"prompt": "kill transport", "provider": "fragile"}});
    let start = Instant::now();
    // The door through which this call came is the one that dies.
    drop(
        hub.try_raw(&crate::support::hub::api_request(
            body.to_string().as_bytes(),
        ))
        .await,
    );
    let look = async || {
        let request = crate::support::http::request("GET", "/healthz", &[], b"");
        hub.try_raw(&request)
            .await
            .ok()
            .filter(|reply| reply.status == 200)
    };
    eventually(LOOK, "an answer on the same port", look).await;
    let back = start.elapsed();
    assert_eq!(restarted(&hub, "transport.http", 1).await, "killed");
    assert!(back <= BACK, "back after {back:?}");
    for provider in ["fragile", "openrouter"] {
        let reply = hub.prompt_at(provider, "hello").await;
        assert_eq!(reply.assert_ok().provider(), provider, "{reply}");
        let health = hub.health_of(&format!("provider.{provider}")).await;
        assert_eq!(health["restarts"], 0, "{health}");
    }
}

#[tokio::test]
async fn the_registry_is_back_and_nobody_noticed() {
    let upstream = FakeUpstream::start().await;
    let hub = fragile_hub(&upstream).await;
    let crowd = Crowd::calling(&hub);
    assert_served(&hub.prompt_at("fragile", "kill registry").await, "fragile");
    assert_eq!(restarted(&hub, "registry", 1).await, "killed");
    // What it knows is what it was told again: a crash after its own is still seen by everyone.
    hub.prompt_at("fragile", "panic in handler")
        .await
        .assert_ok();
    serves_again(&hub, Instant::now()).await;
    crowd.leave().await;
}
