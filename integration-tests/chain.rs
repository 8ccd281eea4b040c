//! The fallback chain: visible, inside one deadline, cancelled when nobody waits any more.

use std::time::Duration;

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::Instant};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun, hub::api_request, pyfun::Provider, upstream::ClosedPort,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_fallback_is_visible() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(500));
    upstream.gemini.always(Fault::RetryAfter(429, 120));
    let hub = Hub::three(&upstream).await;
    let reply = hub.prompt("hello").await;

    assert_eq!(reply.assert_ok().text(), "hello from openai");
    let attempts = [
        "anthropic server_error 500",
        "gemini rate_limited 429",
        "openrouter ok 200",
    ];
    assert_eq!(reply.attempts(), attempts);
    let models: Vec<_> = reply
        .attempt_entries()
        .iter()
        .map(|a| a["model"].clone())
        .collect();
    let expected = ["claude-fast-1", "gemini-fast-1", "acme/open-20b:free"];
    assert_eq!(models, expected);
    let times = reply
        .attempt_entries()
        .iter()
        .map(|a| a["ms"].as_u64().unwrap());
    assert!(
        times.sum::<u64>() <= reply.meta()["duration_ms"].as_u64().unwrap(),
        "{reply}"
    );

    assert_eq!(reply.provider(), "openrouter");
    assert_eq!(reply.meta()["cached"], false);
    assert_eq!(reply.header("x-hub-provider"), "openrouter");
    assert_eq!(reply.header("x-hub-model"), "acme/open-20b:free");
    let header = "anthropic:500, gemini:429, openrouter:200";
    assert_eq!(reply.header("x-hub-attempts"), header);
}

#[tokio::test]
async fn a_first_answer_needs_no_second_provider() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let reply = hub.prompt("hello").await;
    assert_eq!(reply.assert_ok().attempts(), ["anthropic ok 200"]);
    assert_eq!(reply.attempt_entries()[0]["tries"], 1);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn when_all_fail_the_caller_is_told_how() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(500));
    upstream.gemini.always(Fault::RetryAfter(429, 120));
    upstream.openai.always(Fault::TruncatedJson);
    let hub = Hub::three(&upstream).await;
    let reply = hub.prompt("hello").await;
    reply.assert_fails(502, "providers_failed");
    let outcomes: Vec<_> = reply
        .attempt_entries()
        .iter()
        .map(|a| a["outcome"].clone())
        .collect();
    assert_eq!(
        outcomes,
        ["server_error", "rate_limited", "malformed"],
        "{reply}"
    );
    for provider in ["anthropic", "gemini", "openrouter"] {
        assert!(reply.error().contains(provider), "{reply}");
    }
    assert_eq!(reply.header("retry-after"), "120", "{reply}");
}

#[tokio::test]
async fn a_refused_connection_is_a_failed_attempt() {
    let (closed, upstream) = (ClosedPort::reserve(), FakeUpstream::start().await);
    let providers = [
        Provider::anthropic(&closed.url()),
        Provider::gemini(&upstream.url()),
    ];
    let hub = Hub::with(&Pyfun::chain(providers)).await;
    let reply = hub.prompt("hello").await;
    assert_eq!(
        reply.assert_ok().attempts(),
        ["anthropic unreachable -", "gemini ok 200"]
    );
    assert_eq!(
        reply.header("x-hub-attempts"),
        "anthropic:unreachable, gemini:200"
    );
}

#[tokio::test]
async fn the_deadline_holds_for_the_whole_chain_and_hangs_up_on_everyone() {
    let upstream = FakeUpstream::start().await;
    upstream.always(&Fault::Hang);
    let hub = Hub::with(&Pyfun::three(&upstream).timeout_sec(2)).await;
    let reply = hub.prompt("hello").await;

    reply.assert_fails(504, "deadline_exceeded");
    let late = reply.elapsed.abs_diff(2 * SECOND);
    assert!(late <= Duration::from_millis(100), "{reply}");
    let attempts = [
        "anthropic timeout -",
        "gemini timeout -",
        "openrouter timeout -",
    ];
    assert_eq!(reply.attempts(), attempts);
    for exchange in upstream.seen() {
        exchange.hung_up_within(SECOND).await;
    }
}

#[tokio::test]
async fn a_vendor_that_hangs_leaves_half_of_the_time_to_the_others() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let hub = Hub::with(&Pyfun::three(&upstream).timeout_sec(2)).await;
    let reply = hub.prompt("hello").await;
    assert_eq!(
        reply.assert_ok().attempts(),
        ["anthropic timeout -", "gemini ok 200"]
    );
    let gave_up = upstream.anthropic.only().hung_up_within(SECOND).await;
    let patience = gave_up - upstream.anthropic.only().at;
    assert!(
        patience.abs_diff(SECOND) <= Duration::from_millis(100),
        "{patience:?}"
    );
}

#[tokio::test]
async fn request_timeout_sec_caps_each_hop() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::SlowHead);
    upstream.gemini.always(Fault::SlowBody);
    let pyfun = Pyfun::three(&upstream).limit("REQUEST_TIMEOUT_SEC", "1");
    let reply = Hub::with(&pyfun).await.prompt("hello").await;
    let attempts = [
        "anthropic timeout -",
        "gemini timeout -",
        "openrouter ok 200",
    ];
    assert_eq!(reply.assert_ok().attempts(), attempts);
    assert!(reply.elapsed < 3 * SECOND, "{reply}");
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_the_vendor() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let hub = Hub::three(&upstream).await;
    let body = json!({"tool": "llm_complete", "params": {"prompt": "hello"}}).to_string();
    let mut caller = TcpStream::connect(hub.address).await.unwrap();
    caller
        .write_all(&api_request(body.as_bytes()))
        .await
        .unwrap();
    let exchange = upstream.anthropic.arrival(0).await;
    let left = Instant::now();
    drop(caller);
    let hung_up = exchange.hung_up_within(SECOND).await;
    assert!(
        hung_up >= left,
        "the vendor was cancelled before the caller left"
    );
    // Nobody else is asked for somebody who is gone.
    assert_eq!(upstream.gemini.seen().len(), 0);
}

#[tokio::test]
async fn a_fallback_uses_its_own_model() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(500));
    let hub = Hub::three(&upstream).await;
    let params = json!({"prompt": "hello", "provider": "anthropic", "model": "claude-strong-1"});
    let reply = hub.call("llm_complete", params).await;
    assert_eq!(upstream.anthropic.only().body["model"], "claude-strong-1");
    assert_eq!(
        reply.assert_ok().attempt_entries()[0]["model"],
        "claude-strong-1"
    );
    assert_eq!(reply.attempt_entries()[1]["model"], "gemini-fast-1");
    assert_eq!(reply.meta()["model"], "gemini-fast-1");
}

#[tokio::test]
async fn a_provider_without_a_key_is_passed_over_visibly() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder()
        .pyfun(&Pyfun::three(&upstream))
        .env("GEMINI_API_KEY", "key-of-gemini")
        // The example file's placeholder is no key.
        .env("OPENROUTER_API_KEY", "your_openrouter_api_key_here")
        .start()
        .await;
    let reply = hub.prompt_at("anthropic", "hello").await;
    assert_eq!(
        reply.assert_ok().attempts(),
        ["anthropic not_configured -", "gemini ok 200"]
    );
    assert_eq!(reply.attempt_entries()[0]["tries"], 0);
    assert_eq!(
        reply.header("x-hub-attempts"),
        "anthropic:not_configured, gemini:200"
    );

    upstream.gemini.always(Fault::Status(500));
    let reply = hub.prompt_at("anthropic", "hello").await;
    reply.assert_fails(502, "providers_failed");
    assert_eq!(
        reply.attempts()[2],
        "openrouter not_configured -",
        "{reply}"
    );
    assert_eq!(upstream.openai.seen().len(), 0);
}

#[tokio::test]
async fn models_and_providers_find_each_other() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let ask = async |params| hub.call("llm_complete", params).await;

    let reply = ask(json!({"prompt": "a", "model": "gemini-fast-1-lite"})).await;
    assert_eq!(reply.assert_ok().attempts(), ["gemini ok 200"]);
    assert_eq!(reply.meta()["model"], "gemini-fast-1-lite");

    let reply = ask(json!({"prompt": "a", "model": "gemini-fist-1"})).await;
    reply.assert_fails(404, "unknown_model");
    assert!(
        reply.error().contains("gemini-fast-1"),
        "near names: {reply}"
    );

    let reply =
        ask(json!({"prompt": "a", "provider": "anthropic", "model": "gemini-fast-1"})).await;
    reply.assert_fails(404, "unknown_model");
    assert!(reply.error().contains("`gemini`"), "who has it: {reply}");

    let reply = ask(json!({"prompt": "a", "provider": "antropic"})).await;
    reply.assert_fails(400, "bad_request");
    assert!(reply.error().contains("antropic"), "{reply}");
    assert_eq!(upstream.seen().len(), 1);
}
