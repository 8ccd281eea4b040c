//! Streams that last: slow readers, a hub that stops, silence, and what an answer leaves behind.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    time::Instant,
};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun,
    chat::{DOORS, Door, End},
    eventually,
    exchange::Exchange,
    http,
    stream::{Cut, Stream},
    vendors::VENDORS,
};

/// Longest look at something that comes by itself.
const LOOK: Duration = Duration::from_secs(20);
const SECOND: Duration = Duration::from_secs(1);

/// Asks, and does not read: hardly anything fits into the connection.
async fn asks_and_does_not_read(hub: &Hub, door: Door) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(hub.address).await.unwrap();
    let body = door.ask_stream("acme/open-20b:free", "hello").to_string();
    let bytes = http::request("POST", door.path(), &door.headers(), body.as_bytes());
    stream.write_all(&bytes).await.unwrap();
    stream
}

#[tokio::test]
async fn two_hundred_slow_readers_cost_bounded_memory_and_delay_nobody() {
    const READERS: usize = 200;
    let upstream = FakeUpstream::start().await;
    let piece = "a".repeat(2048);
    let texts = vec![piece.as_str(); 64];
    let slow = Stream::of(&texts).paced(SECOND / 50);
    upstream.openai.always(Fault::Stream(slow));
    let pyfun = Pyfun::three(&upstream).limit("MAX_PARALLEL_REQUESTS", "300");
    let hub = Hub::with(&pyfun).await;
    hub.chat(Door::OpenAi, &Door::OpenAi.ask("claude-fast-1", "hello"))
        .await
        .assert_ok();
    let before = hub.memory_kib("VmRSS");
    let mut readers = Vec::new();
    for index in 0..READERS {
        readers.push(asks_and_does_not_read(&hub, DOORS[index % 2]).await);
    }
    let all = async || (upstream.openai.seen().len() == READERS).then_some(());
    eventually(3 * LOOK, "everybody's request at the vendor", all).await;

    for door in DOORS {
        let start = Instant::now();
        let body = door.ask_stream("claude-fast-1", "hello");
        let (said, end) = hub.chat_stream(door, &body).await.rest().await;
        assert_eq!(door.text_of(&said), "hello from anthropic");
        assert_eq!(end, End::Clean);
        let elapsed = start.elapsed();
        assert!(elapsed < 2 * SECOND, "a quick reader waited {elapsed:?}");
    }
    // They do not read to the end either, and the vendor is done.
    let sent = |exchange: &Arc<Exchange>| exchange.sent.load(Ordering::Relaxed) > 64 * 2048;
    let done = async || upstream.openai.seen().iter().all(sent).then_some(());
    eventually(3 * LOOK, "the end of the vendor's answers", done).await;
    let growth = hub.memory_kib("VmHWM").saturating_sub(before);
    assert!(
        growth < 64 * 1024,
        "{growth} KiB for {READERS} slow readers"
    );
}

#[tokio::test]
async fn a_stopping_hub_lets_streams_finish() {
    let upstream = FakeUpstream::start().await;
    let texts: Vec<String> = (0..20).map(|number| format!("part {number} ")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let slow = Stream::of(&texts).paced(SECOND / 10);
    upstream.always(&Fault::Stream(slow));
    let held = Stream::of(&["part 0 ", "part 1 "]).cut(1, Cut::Stall);
    upstream.openai.always(Fault::Stream(held));
    let hub = Hub::three(&upstream).await;
    // The hub cannot end before this one is let go.
    let body = Door::OpenAi.ask_stream("acme/open-20b:free", "hello");
    let held = hub.chat_stream(Door::OpenAi, &body).await;
    let mut streams = Vec::new();
    for door in DOORS {
        for model in ["claude-fast-1", "gemini-fast-1"] {
            let mut stream = hub
                .chat_stream(door, &door.ask_stream(model, "hello"))
                .await;
            let first = stream.next().await.expect("a first part");
            streams.push((door, first, stream));
        }
    }
    hub.terminate();
    let look = async || Some(hub.get("/readyz").await).filter(|reply| reply.status == 503);
    eventually(LOOK, "a hub that takes no more", look).await;
    let body = Door::OpenAi.ask("claude-fast-1", "hello");
    let refused = hub.chat(Door::OpenAi, &body).await;
    assert_eq!(refused.status, 503, "{refused}");
    assert_eq!(Door::OpenAi.error(&refused.body).0, "server_error");
    let body = Door::Anthropic.ask("claude-fast-1", "hello");
    let late = hub.chat(Door::Anthropic, &body).await;
    assert_eq!(late.status, 529, "{late}");
    assert_eq!(late.header("retry-after"), "1");
    drop(held);
    for (door, first, stream) in streams {
        let (mut said, end) = stream.rest().await;
        said.insert(0, first);
        assert_eq!(door.text_of(&said), texts.concat());
        assert!(door.is_complete(&said), "{said:?}");
        assert_eq!(end, End::Clean);
    }
    hub.finish(LOOK).await.assert_exit(0);
}

#[tokio::test]
async fn silence_is_filled_with_signs_of_life() {
    let upstream = FakeUpstream::start().await;
    let begun = Stream::of(&["part 0 ", "part 1 "]).cut(1, Cut::Stall);
    upstream.always(&Fault::Stream(begun));
    let hub = Hub::three(&upstream).await;
    let mut streams = Vec::new();
    for door in DOORS {
        let body = door.ask_stream("gemini-fast-1", "hello");
        streams.push((door, hub.chat_stream(door, &body).await));
    }
    let asked = Instant::now();
    for signs in 1..=2 {
        for (door, stream) in &mut streams {
            let alive = match door {
                Door::OpenAi => ": keep-alive\n\n",
                Door::Anthropic => "event: ping\ndata: {\"type\": \"ping\"}\n\n",
            };
            stream.until(&alive.repeat(signs)).await;
            // Proxies wait for 30 s.
            let after = asked.elapsed().as_secs_f64();
            let due = 15.0 * f64::from(u8::try_from(signs).unwrap());
            assert!((due - 1.0..due + 5.0).contains(&after), "{after} for {due}");
        }
    }
}

#[tokio::test]
async fn a_streamed_answer_is_kept_and_logged_like_any_other() {
    let upstream = FakeUpstream::start().await;
    let section = "[DB_SYNC]\nSQLITE_PATH = \"data/hub_state.db\"\nMAX_CACHE_ENTRIES = \"1000\"\n\
                   [DB_SYNC_END]\n[DEBUG]\nDEBUG = \"true\"\nLOG_REQUESTS = \"true\"\n[DEBUG_END]\n";
    for vendor in VENDORS {
        let text = format!("hello from {}", vendor.provider());
        let slow = Stream::halves(&text).paced(SECOND / 10);
        upstream.endpoint(vendor).always(Fault::Stream(slow));
    }
    let hub = Hub::with(&Pyfun::three(&upstream).and(section)).await;
    let cases = [
        (
            Door::OpenAi,
            "acme/open-20b:free",
            "openrouter",
            "chat_completions",
        ),
        (Door::OpenAi, "gemini-fast-1", "gemini", "chat_completions"),
        (Door::Anthropic, "claude-fast-1", "anthropic", "messages"),
        (Door::Anthropic, "code_review", "anthropic", "code_review"),
    ];
    for (index, (door, model, vendor, tool)) in cases.into_iter().enumerate() {
        let prompt = format!("prompt {index}");
        let stream = hub
            .chat_stream(door, &door.ask_stream(model, &prompt))
            .await;
        let id = stream.header("x-request-id").to_owned();
        let (said, end) = stream.rest().await;
        assert_eq!(end, End::Clean);
        // The hub counts in any case; who speaks OpenAI's format hears of it if they ask.
        if door == Door::OpenAi {
            let counted = said.iter().find(|said| said.json()["usage"].is_object());
            assert_eq!(counted, None);
        }
        let sql = format!("SELECT tool_name, response FROM tool_cache WHERE prompt = '{prompt}'");
        let look = async || {
            let rows = hub.call("db_query", json!({"sql": sql})).await;
            let row = rows.result()[0].clone();
            row.is_object().then_some(row)
        };
        let (row, _) = eventually(LOOK, "a record", look).await;
        let expected = json!({"tool_name": tool, "response": format!("hello from {vendor}")});
        assert_eq!(row, expected);
        let look = async || {
            let log = hub.process.stderr.text();
            let line = log.lines().find(|line| line.contains(&id))?;
            Some(line.to_owned())
        };
        let (line, _) = eventually(LOOK, "a line in the log", look).await;
        for word in ["answered", "output_tokens=7"] {
            assert!(line.contains(word), "{line}");
        }
        let number = |name: &str| -> u64 {
            let (_, rest) = line.split_once(name).expect(name);
            let end = rest.find(' ').unwrap_or(rest.len());
            rest[..end].parse().expect(name)
        };
        // Each piece takes its time, and the first is not the last.
        assert!(number(" first_ms=") + 100 <= number(" ms="), "{line}");
    }
}
