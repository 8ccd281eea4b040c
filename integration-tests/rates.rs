//! Limits of a key: so many requests a minute and a day, so many calls at once; exactly, and told.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::Instant,
};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun, eventually, http,
    mcp::{BOTH, call, request},
    pyfun::Provider,
};

async fn hub(upstream: &FakeUpstream) -> Hub {
    let steady = Provider::openrouter(&upstream.url());
    let pyfun = Pyfun::chain([steady, Provider::fragile()]);
    let pyfun = pyfun.limit("MAX_PARALLEL_REQUESTS", "500");
    let hub = Hub::builder().pyfun(&pyfun).keys().data();
    hub.start().await
}

/// The statuses of so many calls at once.
async fn at_once(hub: &Arc<Hub>, key: &str, count: usize) -> (usize, usize) {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let (hub, key) = (hub.clone(), key.to_owned());
        calls.spawn(async move {
            let reply = hub.call_with(&key, "list_active_tools", json!({})).await;
            if reply.status == 429 {
                reply.assert_fails(429, "rate_limited");
                let wait: u64 = reply.header("retry-after").parse().unwrap();
                assert!((1..=86_400).contains(&wait), "{reply}");
            }
            reply.status
        });
    }
    let statuses = calls.join_all().await;
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!(count(200) + count(429), statuses.len(), "{statuses:?}");
    (count(200), count(429))
}

#[tokio::test]
async fn two_hundred_at_once_get_exactly_what_the_key_may_have() {
    let upstream = FakeUpstream::start().await;
    let hub = Arc::new(hub(&upstream).await);
    // The next one after these is ten minutes, or an hour, away.
    let day = hub.add_key("day", &["--rpd", "24"]).await;
    assert_eq!(at_once(&hub, &day, 200).await, (24, 176));
    let both = hub
        .add_key("both", &["--rpd", "30", "--rpm", "10000"])
        .await;
    assert_eq!(at_once(&hub, &both, 200).await, (30, 170));
    // Others have their own.
    let other = hub.add_key("other", &[]).await;
    assert_eq!(at_once(&hub, &other, 200).await, (200, 0));
}

#[tokio::test]
async fn a_minute_refills_and_who_waits_as_told_is_served() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    // One every two seconds, thirty at first.
    let key = hub.add_key("minute", &["--rpm", "30"]).await;
    let call = async || hub.call_with(&key, "list_active_tools", json!({})).await;
    let start = Instant::now();
    let mut served = 0;
    let refused = loop {
        let reply = call().await;
        match reply.status {
            200 => served += 1,
            _ => break reply,
        }
    };
    let refilled = start.elapsed().as_secs() / 2;
    assert!((30..=31 + refilled).contains(&served), "{served}");
    refused.assert_fails(429, "rate_limited");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&wait), "{refused}");
    let told = Instant::now();
    let as_told = async || {
        // A call that is slow to come back was sent in time all the same.
        let waited = told.elapsed();
        let served = call().await.status == 200;
        assert!(
            served || waited < Duration::from_secs(wait),
            "told {wait} s, refused after {waited:?}"
        );
        served.then_some(())
    };
    eventually(Duration::from_secs(wait + 10), "the next place", as_told).await;
}

#[tokio::test]
async fn calls_at_the_same_time_are_counted_and_end() {
    let upstream = FakeUpstream::start().await;
    upstream.openai.always(Fault::Hang);
    let mut hub = hub(&upstream).await;
    hub.key = Some(hub.add_key("two", &["--parallel", "2"]).await);
    let (one, two) = (hub.prompt("one"), hub.prompt("two"));
    let third = async {
        upstream.openai.arrival(1).await;
        let refused = hub.prompt("three").await;
        refused.assert_fails(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "1", "{refused}");
        let message = call(7, "llm_complete", json!({"prompt": "four"}));
        let refused = hub.mcp(&message).await;
        assert_eq!(refused.body["result"]["isError"], true, "{refused}");
        let about = &refused.body["result"]["_meta"]["multi-llm-hub/call"];
        assert_eq!(
            (&about["code"], &about["retry_after"]),
            (&json!("rate_limited"), &json!(1))
        );
        // What is no call is not held up.
        hub.mcp(&request(8, "tools/list", json!({})))
            .await
            .assert_ok();
        assert_eq!(upstream.openai.seen().len(), 2);
    };
    tokio::select! {
        _ = async { tokio::join!(one, two) } => panic!("they hang"),
        () = third => {}
    }
    // Both callers have gone, and so have their calls.
    upstream.openai.always(Fault::Answer("hello"));
    let look = async || (hub.prompt("five").await.status == 200).then_some(());
    eventually(Duration::from_secs(5), "a place", look).await;
}

/// A client that asks, sees its answer begin, and does not read on.
async fn does_not_read(hub: &Hub, request: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(hub.address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(str::from_utf8(&status).unwrap(), "HTTP/1.1 200");
    stream
}

/// A hub with a key, and what is asked with it in one piece at each door.
async fn long_answers(
    flags: &[&str],
    dimensions: u32,
) -> (FakeUpstream, Hub, String, Vec<Vec<u8>>) {
    let upstream = FakeUpstream::start().await;
    let text: &'static str = "a".repeat(6_000_000).leak();
    upstream.openai.always(Fault::Answer(text));
    let steady = Provider::openrouter(&upstream.url()).key("embedding_models", "embed");
    let hub = Hub::builder().pyfun(&Pyfun::chain([steady])).keys().data();
    let hub = hub.start().await;
    let key = hub.add_key("caller", flags).await;
    let bearer = format!("Bearer {key}");
    let post = |path, body: Value| {
        let headers = [
            ("Content-Type", "application/json"),
            ("Authorization", bearer.as_str()),
        ];
        http::request("POST", path, &headers, body.to_string().as_bytes())
    };
    let asked = json!({"model": "acme/open-20b:free", "max_tokens": 100, "messages": [
        {"role": "user", "content": "hello"},
    ]});
    let vectors = json!({"model": "embed", "input": vec!["a"; 2048], "dimensions": dimensions});
    let requests = vec![
        post("/v1/embeddings", vectors),
        post("/v1/chat/completions", asked.clone()),
        post("/v1/messages", asked),
        post(
            "/api",
            json!({"tool": "llm_complete", "params": {"prompt": "hello"}}),
        ),
    ];
    (upstream, hub, key, requests)
}

#[tokio::test]
async fn an_answer_has_its_place_until_it_is_read() {
    let (_upstream, hub, key, requests) = long_answers(&["--parallel", "1"], 256).await;
    for request in requests {
        let unread = does_not_read(&hub, &request).await;
        let refused = hub.call_with(&key, "list_active_tools", json!({})).await;
        refused.assert_fails(429, "rate_limited");
        drop(unread);
        let look = async || {
            let reply = hub.call_with(&key, "list_active_tools", json!({})).await;
            (reply.status == 200).then_some(())
        };
        eventually(Duration::from_secs(5), "a place", look).await;
        // Whoever reads all of it may ask again at once.
        for _ in 0..3 {
            hub.raw(&request).await.assert_ok();
        }
    }
}

#[tokio::test]
async fn vectors_that_nobody_reads_are_counted_in_the_memory_there_is() {
    let (_upstream, hub, key, requests) = long_answers(&[], 256).await;
    let vectors = &requests[0];
    let mut unread = Vec::new();
    for _ in 0..6 {
        unread.push(does_not_read(&hub, vectors).await);
    }
    let refused = hub.raw(vectors).await;
    assert_eq!(refused.status, 503, "{refused}");
    // What is small is not held up.
    hub.call_with(&key, "list_active_tools", json!({}))
        .await
        .assert_ok();
    drop(unread);
    let look = async || (hub.raw(vectors).await.status == 200).then_some(());
    eventually(Duration::from_secs(10), "memory", look).await;
}

#[tokio::test]
async fn every_door_counts_and_a_batch_counts_each_of_its_calls() {
    let upstream = FakeUpstream::start().await;
    let mut hub = hub(&upstream).await;
    hub.key = Some(hub.add_key("ten", &["--rpd", "10"]).await);
    let one = call(1, "list_active_tools", json!({}));
    hub.call("list_active_tools", json!({})).await.assert_ok();
    hub.mcp(&one).await.assert_ok();
    let batch = |count: usize| serde_json::Value::Array(vec![one.clone(); count]).to_string();
    hub.mcp_with(&[BOTH], &batch(6)).await.assert_ok();
    // Eight are used: three more are too many, and cost the one that was counted at the gate.
    let refused = hub.mcp_with(&[BOTH], &batch(3)).await;
    refused.assert_fails(429, "rate_limited");
    hub.mcp(&one).await.assert_ok();
    let refused = hub.mcp(&one).await;
    refused.assert_fails(429, "rate_limited");
    assert!(!refused.header("retry-after").is_empty(), "{refused}");
    // Whoever looks whether the hub is there is not counted.
    hub.get("/").await.assert_ok();
}

#[tokio::test]
async fn a_restarted_actor_forgets_nothing_of_it() {
    let upstream = FakeUpstream::start().await;
    let mut hub = hub(&upstream).await;
    let admin = hub.add_key("admin", &[]).await;
    let key = hub.add_key("five", &["--rpd", "5"]).await;
    hub.key = Some(admin);
    let hub = Arc::new(hub);
    assert_eq!(at_once(&hub, &key, 4).await, (4, 0));
    for (actor, prompt) in [
        ("identity", "kill identity"),
        ("transport.http", "kill transport"),
    ] {
        let body =
            json!({"tool": "llm_complete", "params": {"prompt": prompt, "provider": "fragile"}});
        let bytes = crate::support::hub::api_request(body.to_string().as_bytes());
        drop(hub.try_raw(&bytes).await);
        let look = async || {
            let reply = hub
                .try_raw(&crate::support::hub::api_request(
                    br#"{"tool":"health_check"}"#,
                ))
                .await
                .ok()?;
            let actors = reply.result()["actors"].as_array()?.clone();
            let found = actors.into_iter().find(|entry| entry["name"] == actor)?;
            (found["restarts"] == 1 && found["state"] == "running").then_some(())
        };
        eventually(Duration::from_secs(10), "the next life", look).await;
    }
    assert_eq!(at_once(&hub, &key, 20).await, (1, 19));
}
