//! Vendors that send as fast as the hub reads, to clients that do not read for a while.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::Instant,
};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun,
    chat::{DOORS, Door, End, Said, Stream as Answer},
    eventually, http,
    hub::api_request,
    program::Capture,
    stream::Stream,
    vendor::Vendor,
    within,
};

/// Longest look at something that comes by itself.
const LOOK: Duration = Duration::from_secs(50);
const SECOND: Duration = Duration::from_secs(1);
/// Clients at the same time.
const READERS: usize = 200;
/// Most that they may cost together, in KiB.
const MOST: u64 = 64 * 1024;
/// How many texts a vendor sends, each of 4 KiB: 1.5 MiB, thrice what hyper's read buffer would grow to.
const TEXTS: usize = 384;

/// Where a client reads.
#[derive(Debug, Clone, Copy)]
enum Seat {
    /// At a door for SDKs, from that model.
    Chat(Door, &'static str),
    /// `POST /api`, from a vendor that has less to say: the whole text comes once more at the end,
    /// and has to be there until then.
    Api,
}

/// Each format passed through and translated, and the hub's own.
const SEATS: [Seat; 5] = [
    Seat::Chat(Door::OpenAi, "acme/open-20b:free"),
    Seat::Chat(Door::Anthropic, "claude-fast-1"),
    Seat::Chat(Door::OpenAi, "claude-fast-1"),
    Seat::Chat(Door::Anthropic, "acme/open-20b:free"),
    Seat::Api,
];

// === impl Seat ===

impl Seat {
    fn request(self) -> Vec<u8> {
        match self {
            Self::Chat(door, model) => {
                let body = door.ask_stream(model, "hello").to_string();
                http::request("POST", door.path(), &door.headers(), body.as_bytes())
            }
            Self::Api => {
                let params = json!({"prompt": "hello", "provider": "gemini"});
                let body = json!({"tool": "llm_complete", "params": params, "stream": true});
                api_request(body.to_string().as_bytes())
            }
        }
    }

    /// Asks, and does not read what comes: little fits into the connection.
    async fn ask(self, hub: &Hub) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let mut socket = socket.connect(hub.address).await.unwrap();
        socket.write_all(&self.request()).await.unwrap();
        // The deadline is for the first text.
        within(LOOK, "the first text", socket.readable())
            .await
            .unwrap();
        socket
    }

    /// Reads to the end: each text in its place, and nothing else.
    async fn read(self, socket: TcpStream, log: Capture, texts: Arc<[String]>) {
        let mut answer = Answer::of(socket, log).await;
        assert!(answer.head.starts_with("http/1.1 200"), "{}", answer.head);
        let mut expected = texts[..self.texts()].iter();
        let mut complete = false;
        while let Some(said) = answer.next().await {
            // Hundreds of megabytes: only what is not the next text is looked at closely.
            if let Some(text) = self.text(&said) {
                let is_next = expected.next().is_some_and(|next| text.starts_with(next));
                assert!(is_next, "{self:?}: {text:.20}");
                continue;
            }
            complete |= match self {
                Self::Chat(door, _) => door.is_complete(&[said]),
                Self::Api => said.json()["result"] == texts[..self.texts()].concat(),
            };
        }
        assert_eq!(expected.len(), 0, "{self:?}");
        assert!(complete, "{self:?}");
        let (_, end) = answer.rest().await;
        assert_eq!(end, End::Clean, "{self:?}");
    }

    /// The text that begins in an event.
    fn text(self, said: &Said) -> Option<&str> {
        let mark = match self {
            Self::Chat(Door::OpenAi, _) => "\"content\":\"",
            Self::Chat(Door::Anthropic, _) | Self::Api => "\"text\":\"",
        };
        let (_, text) = said.data.split_once(mark)?;
        (!text.starts_with('"')).then_some(text)
    }

    fn texts(self) -> usize {
        match self {
            Self::Chat(..) => TEXTS,
            Self::Api => 16,
        }
    }
}

#[tokio::test]
async fn bursts_for_two_hundred_readers_cost_bounded_memory_and_delay_nobody() {
    let upstream = FakeUpstream::start().await;
    let texts: Arc<[String]> = (0..TEXTS)
        .map(|number| format!("{number:08}").repeat(512))
        .collect();
    let all: Vec<_> = texts.iter().map(String::as_str).collect();
    upstream.openai.always(burst(Vendor::OpenAi, &all));
    upstream.anthropic.always(burst(Vendor::Anthropic, &all));
    let few = &all[..Seat::Api.texts()];
    upstream.gemini.always(burst(Vendor::Gemini, few));
    let pyfun = Pyfun::three(&upstream).limit("MAX_PARALLEL_REQUESTS", "300");
    let hub = Hub::with(&pyfun.timeout_sec(50)).await;
    let quick = async |door: Door| {
        let start = Instant::now();
        let body = door.ask_stream("gemini-fast-1", "hello");
        let (said, end) = hub.chat_stream(door, &body).await.rest().await;
        assert_eq!(door.text_of(&said), texts[..Seat::Api.texts()].concat());
        assert_eq!(end, End::Clean);
        start.elapsed()
    };
    for door in DOORS {
        quick(door).await;
    }
    let before = hub.memory_kib("VmRSS");
    // The most that there ever was: no moment between two looks is missed.
    let growth = || hub.memory_kib("VmHWM").saturating_sub(before);
    let bounded = |when: &str| {
        let growth = growth();
        assert!(growth < MOST, "{growth} KiB for {READERS} readers, {when}");
    };

    let seats = || SEATS.into_iter().cycle().take(READERS);
    let mut sockets = Vec::new();
    for seat in seats() {
        sockets.push(seat.ask(&hub).await);
        bounded("as they ask");
    }
    // Until the hub takes no more.
    let mut known = (0, Instant::now());
    let still = async || {
        bounded("as nobody reads");
        if known.0 != growth() {
            known = (growth(), Instant::now());
        }
        (known.1.elapsed() > SECOND / 2).then_some(())
    };
    eventually(LOOK, "a hub that waits for its readers", still).await;
    for door in DOORS {
        let elapsed = quick(door).await;
        assert!(elapsed < 2 * SECOND, "a quick reader waited {elapsed:?}");
    }

    let mut reading = JoinSet::new();
    for (seat, socket) in seats().zip(sockets) {
        let log = hub.process.stderr.clone();
        reading.spawn(seat.read(socket, log, texts.clone()));
    }
    let all_read = async || {
        bounded("as they read");
        while let Some(ended) = reading.try_join_next() {
            ended.unwrap_or_else(|error| panic!("{error}\n{}", hub.process.stderr.text()));
        }
        reading.is_empty().then_some(())
    };
    eventually(2 * LOOK, "every byte of every answer", all_read).await;
}

/// An answer that is there at once, as large as it is.
fn burst(vendor: Vendor, texts: &[&str]) -> Fault {
    let events = Stream::of(texts).events(vendor, "any");
    Fault::Body(200, "text/event-stream", events.concat().into_bytes())
}

#[tokio::test]
async fn large_events_for_a_hundred_readers_share_what_there_is_and_delay_nobody() {
    let upstream = FakeUpstream::start().await;
    let chunk = |delta: serde_json::Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": null});
        format!("data: {}\n\n", json!({"model": "m", "choices": [choice]}))
    };
    let url = format!("data:image/png;base64,{}", "iVBORw0K".repeat(3 << 17));
    let picture = json!({"images": [{"type": "image_url", "image_url": {"url": url}}]});
    let drawn = [
        chunk(json!({"content": "Here it is."})),
        chunk(picture),
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
            .to_owned(),
        "data: [DONE]\n\n".to_owned(),
    ];
    let drawn = Fault::Body(200, "text/event-stream", drawn.concat().into_bytes());
    upstream.openai.always(drawn);
    let pyfun = Pyfun::three(&upstream).limit("MAX_PARALLEL_REQUESTS", "300");
    let hub = Hub::with(&pyfun.timeout_sec(50)).await;
    let quick = async || {
        let body = Door::OpenAi.ask_stream("gemini-fast-1", "hello");
        let (said, _) = hub.chat_stream(Door::OpenAi, &body).await.rest().await;
        assert_eq!(Door::OpenAi.text_of(&said), "hello from gemini");
    };
    quick().await;
    let before = hub.memory_kib("VmRSS");
    let seats = [
        Seat::Chat(Door::OpenAi, "acme/open-20b:free"),
        Seat::Chat(Door::Anthropic, "acme/open-20b:free"),
    ];
    let mut sockets = Vec::new();
    for seat in seats.into_iter().cycle().take(READERS / 2) {
        sockets.push((seat, seat.ask(&hub).await));
    }
    let start = Instant::now();
    quick().await;
    assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
    let (mut whole, mut refused) = (0, 0);
    for (seat, socket) in sockets {
        let Seat::Chat(door, _) = seat else { continue };
        let answer = Answer::of(socket, hub.process.stderr.clone()).await;
        let (said, end) = answer.rest().await;
        let complete = door.is_complete(&said);
        assert_eq!(complete, end == End::Clean);
        if complete {
            whole += 1;
            let has_it = said.iter().any(|said| said.data.contains(&url));
            assert_eq!(has_it, door == Door::OpenAi);
        } else {
            refused += 1;
            let (_, sentence) = door.error(&said.last().expect("a last word").json());
            assert!(sentence.contains("too many large answers"), "{sentence}");
        }
    }
    assert!(
        whole >= 10 && refused > 0,
        "{whole} whole, {refused} refused"
    );
    let growth = hub.memory_kib("VmHWM").saturating_sub(before);
    assert!(growth < 3 * MOST, "{growth} KiB");
    // What they held is there again.
    let (said, end) = {
        let body = Door::OpenAi.ask_stream("acme/open-20b:free", "draw");
        hub.chat_stream(Door::OpenAi, &body).await.rest().await
    };
    assert!(Door::OpenAi.is_complete(&said) && end == End::Clean);
}
