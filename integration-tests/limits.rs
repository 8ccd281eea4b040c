//! Nobody fills the hub's memory or its time: neither a vendor nor a client.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun, Reply, bomb,
    chat::{Door, End},
    within,
};

/// How much an attack may cost.
const GROWTH_KIB: u64 = 64 * 1024;

/// How long a client may stall: ten seconds, and one for a busy machine.
const PATIENCE: Duration = Duration::from_secs(11);

/// What the hub's memory is, to be compared with its highest mark later.
struct Memory(u64);

impl Memory {
    async fn of(hub: &Hub) -> Self {
        // The first calls allocate what stays: clients, buffers.
        for provider in ["anthropic", "gemini", "openrouter"] {
            hub.prompt_at(provider, "hello").await.assert_ok();
        }
        Self(hub.memory_kib("VmRSS"))
    }

    #[track_caller]
    fn assert_bounded(&self, hub: &Hub) {
        let growth = hub.memory_kib("VmHWM").saturating_sub(self.0);
        assert!(
            growth < GROWTH_KIB,
            "grew by {growth} KiB from {} KiB",
            self.0
        );
    }
}

/// Sees that every vendor's `fault` costs no more than an attempt with this outcome.
async fn costs_an_attempt(fault: Fault, outcome: &str) -> FakeUpstream {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::three(&upstream).limit("REQUEST_TIMEOUT_SEC", "4");
    let hub = Hub::with(&pyfun).await;
    let memory = Memory::of(&hub).await;
    upstream.always(&fault);
    let reply: Reply = hub.prompt("hello").await;
    reply.assert_fails(502, "providers_failed");
    for entry in reply.attempt_entries() {
        assert_eq!(entry["outcome"], outcome, "{reply}");
    }
    memory.assert_bounded(&hub);
    upstream
}

#[tokio::test]
async fn a_gibibyte_is_cut_off() {
    let upstream = costs_an_attempt(Fault::HugeBody, "too_large").await;
    for exchange in upstream.seen() {
        let sent = exchange.sent.load(Ordering::Relaxed);
        assert!(sent < bomb::GIBIBYTE / 16, "took {sent} bytes of it");
    }
}

#[tokio::test]
async fn a_gzip_bomb_does_not_unfold() {
    costs_an_attempt(Fault::GzipBomb, "too_large").await;
}

#[tokio::test]
async fn an_event_without_an_end_is_cut() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let memory = Memory::of(&hub).await;
    let endless = [b"data: ".as_slice(), &vec![b'a'; 64 << 20]].concat();
    let events = |bytes: Vec<u8>| Fault::Body(200, "text/event-stream", bytes);
    // Before the first content another provider answers.
    upstream.anthropic.always(events(endless.clone()));
    let body = Door::OpenAi.ask_stream("claude-fast-1", "hello");
    let stream = hub.chat_stream(Door::OpenAi, &body).await;
    let attempts = stream.header("x-hub-attempts").to_owned();
    assert!(attempts.contains("too_large"), "{attempts}");
    let (said, end) = stream.rest().await;
    assert!(Door::OpenAi.is_complete(&said) && end == End::Clean);
    // Behind it the stream is cut, and says so.
    let begun = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"}}]}\n\n";
    let endless = [begun.as_bytes(), &endless].concat();
    upstream.openai.always(events(endless));
    let body = Door::OpenAi.ask_stream("acme/open-20b:free", "hello");
    let (said, end) = hub.chat_stream(Door::OpenAi, &body).await.rest().await;
    assert_eq!(Door::OpenAi.text_of(&said), "hello");
    let (_, sentence) = Door::OpenAi.error(&said.last().unwrap().json());
    assert!(sentence.contains("over the size limit"), "{sentence}");
    assert_eq!(end, End::Cut);
    memory.assert_bounded(&hub);
}

#[tokio::test]
async fn a_slow_vendor_is_left() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::SlowHead);
    upstream.gemini.always(Fault::SlowBody);
    let hub = Hub::with(&Pyfun::three(&upstream).timeout_sec(2)).await;
    let reply = hub.prompt("hello").await;
    let attempts = [
        "anthropic timeout -",
        "gemini timeout -",
        "openrouter ok 200",
    ];
    assert_eq!(reply.assert_ok().attempts(), attempts);
    upstream.anthropic.only().hung_up_within(PATIENCE).await;
    upstream.gemini.only().hung_up_within(PATIENCE).await;
}

/// Sees that a client that says this and then no more is told 408, or let go without a word.
async fn is_let_go(start: &[u8]) {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let mut client = TcpStream::connect(hub.address).await.unwrap();
    client.write_all(start).await.unwrap();
    let mut answer = [0; 1024];
    let end = client.read(&mut answer);
    // A reset is an end too.
    let count = within(PATIENCE, "the end of a connection that stalls", end).await;
    let answer = String::from_utf8_lossy(&answer[..count.unwrap_or(0)]).into_owned();
    let status = answer.split(' ').nth(1).unwrap_or_default();
    assert!(["", "408"].contains(&status), "{answer}");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    is_let_go(b"").await;
}

#[tokio::test]
async fn a_client_that_stalls_in_the_head_is_let_go() {
    is_let_go(b"POST /api HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await;
}

#[tokio::test]
async fn a_client_that_stalls_in_the_body_is_let_go() {
    let head = "POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    is_let_go(format!("{head}Content-Length: 99\r\n\r\n{{\"tool").as_bytes()).await;
}

#[tokio::test]
async fn clients_that_send_too_much_cost_little() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let memory = Memory::of(&hub).await;
    let mut body = b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..100 {
        body.extend_from_slice(b"100000\r\n");
        body.extend_from_slice(&vec![b'['; 1 << 20]);
        body.extend_from_slice(b"\r\n");
    }
    for _ in 0..3 {
        hub.raw(&body).await.assert_fails(413, "payload_too_large");
    }
    memory.assert_bounded(&hub);
}
