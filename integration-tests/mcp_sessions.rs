//! Clients that initialize and never come back: they cost little, for a short time, and nobody else.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{
    FakeUpstream, Hub, Pyfun, eventually,
    mcp::{BOTH, Events, call, initialize, modern, modern_headers, request},
};

/// Places for those who wait for changes.
const LISTENERS: usize = 1_000;
/// How many come.
const MANY: usize = 10_000;
/// How many of them at a time.
const AT_A_TIME: usize = 16;
/// What they may cost together.
const MOST_KIB: u64 = 50 * 1024;
/// When their places are free again.
const RECLAIMED: Duration = Duration::from_secs(30);

#[tokio::test]
async fn ten_thousand_abandoned_clients_are_turned_away_and_forgotten() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys();
    let hub = hub.env("HUB__HUB__HUB_STATELESS", "false").start().await;
    let hub = std::sync::Arc::new(hub);
    let steady = hub.mcp(&initialize("2025-11-25")).await;
    let own = steady.header("mcp-session-id").to_owned();
    let served = async || {
        let message = call(1, "health_check", json!({})).to_string();
        let own = [BOTH, ("Mcp-Session-Id", own.as_str())];
        let reply = hub.mcp_with(&own, &message).await;
        assert_eq!(reply.last()["result"]["isError"], false, "{reply}");
    };
    served().await;
    let before = hub.memory_kib("VmRSS");

    let mut crowd = JoinSet::new();
    for _ in 0..AT_A_TIME {
        let hub = hub.clone();
        crowd.spawn(async move {
            let mut refused = 0;
            for _ in 0..MANY / AT_A_TIME {
                let reply = hub.mcp(&initialize("2025-11-25")).await;
                match reply.status {
                    200 => {}
                    503 => {
                        assert_eq!(reply.header("retry-after"), "10", "{reply}");
                        refused += 1;
                    }
                    _ => panic!("{reply}"),
                }
            }
            refused
        });
    }
    let mut refused = 0;
    while let Some(more) = crowd.join_next().await {
        refused += more.unwrap();
        served().await;
    }
    // Escaped letters are letters.
    let disguised = initialize("2025-11-25").to_string();
    let disguised = disguised.replace("\"initialize\"", "\"initi\\u0061lize\"");
    let reply = hub.mcp_with(&[BOTH], &disguised).await;
    assert_eq!(reply.status, 503, "{reply}");
    // A word or an escaped letter in a prompt opens no session, and needs no place.
    let escaped = call(1, "get_model_info", json!({"model": "l'\u{e9}t\u{e9}"}));
    let escaped = escaped.to_string().replace('\u{e9}', "\\u00e9");
    let reply = hub.mcp_with(&[BOTH], &escaped).await;
    assert_eq!(reply.status, 400, "{reply}");
    let quoting = call(2, "get_model_info", json!({"model": "initialize"}));
    let reply = hub.mcp_modern(quoting).await;
    assert_eq!(reply.status, 200, "{reply}");

    let grown = hub.memory_kib("VmHWM").saturating_sub(before);
    eprintln!("{refused} of {MANY} turned away, {grown} KiB more");
    assert!(refused > MANY / 2, "{refused} turned away");
    assert!(grown < MOST_KIB, "{grown} KiB more");
    served().await;

    let look = async || {
        let reply = hub.mcp(&initialize("2025-11-25")).await;
        (reply.status == 200).then_some(())
    };
    eventually(RECLAIMED, "a free place", look).await;
    served().await;
}

#[tokio::test]
async fn a_listener_too_many_is_told_before_it_listens() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let listen = modern(request(5, "subscriptions/listen", filter));
    let headers = modern_headers(&listen);
    let headers: Vec<_> = headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let mut streams = Vec::new();
    for _ in 0..LISTENERS {
        let events = Events::post(&hub, &headers, &listen).await;
        assert!(events.head.contains(" 200 "), "{}", events.head);
        streams.push(events);
    }
    let all: Vec<_> = [&[BOTH], headers.as_slice()].concat();
    let reply = hub.mcp_with(&all, &listen.to_string()).await;
    assert_eq!(reply.status, 503, "{reply}");
    assert_eq!(reply.header("retry-after"), "10", "{reply}");
    assert_eq!(reply.body["error"]["code"], -32603, "{reply}");
    // Nobody else is kept out.
    let list = hub.mcp_modern(request(6, "tools/list", json!({}))).await;
    assert_eq!(list.status, 200, "{list}");
    streams.pop();
    let look = async || {
        let events = Events::post(&hub, &headers, &listen).await;
        events.head.contains(" 200 ").then_some(())
    };
    eventually(RECLAIMED, "a free place", look).await;
}
