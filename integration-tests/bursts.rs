//! Vendors that send as fast as the hub reads, to clients that do not read for a while.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::Instant,
};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun,
    chat::{DOORS, Door, End, Stream as Answer},
    eventually,
    exchange::Exchange,
    http,
    hub::api_request,
    stream::Stream,
};

/// Longest look at something that comes by itself.
const LOOK: Duration = Duration::from_secs(50);
const SECOND: Duration = Duration::from_secs(1);
/// Clients at the same time.
const READERS: usize = 200;
/// Most that they may cost together, in KiB.
const MOST: u64 = 64 * 1024;
/// How many texts a vendor sends, each of 8 KiB: 2 MiB.
const TEXTS: usize = 256;

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

    /// Asks, and does not read: little fits into the connection.
    async fn ask(self, hub: &Hub) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let mut socket = socket.connect(hub.address).await.unwrap();
        socket.write_all(&self.request()).await.unwrap();
        socket
    }

    /// Reads to the end: each text in its place, and nothing else.
    async fn read(self, socket: TcpStream, texts: Arc<[String]>) {
        let mut answer = Answer::of(socket).await;
        assert!(
            !answer.header("x-hub-attempts").contains(','),
            "{}",
            answer.head
        );
        let mut expected = texts[..self.texts()].iter();
        let mut complete = false;
        while let Some(said) = answer.next().await {
            let said = [said];
            let text = match self {
                Self::Chat(door, _) => {
                    complete |= door.is_complete(&said);
                    door.text_of(&said)
                }
                Self::Api if said[0].event == "delta" => text(&said[0].json()["text"]),
                Self::Api => {
                    assert_eq!(said[0].event, "result");
                    complete = said[0].json()["result"] == texts[..self.texts()].concat();
                    String::new()
                }
            };
            if !text.is_empty() {
                assert!(expected.next() == Some(&text), "{self:?}: {:.20}", text);
            }
        }
        assert_eq!(expected.next(), None, "{self:?}");
        assert!(complete, "{self:?}");
        let (_, end) = answer.rest().await;
        assert_eq!(end, End::Clean, "{self:?}");
    }

    fn texts(self) -> usize {
        match self {
            Self::Chat(..) => TEXTS,
            Self::Api => 8,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn bursts_for_two_hundred_readers_cost_bounded_memory_and_delay_nobody() {
    let upstream = FakeUpstream::start().await;
    let texts: Arc<[String]> = (0..TEXTS)
        .map(|number| format!("{number:08}").repeat(1024))
        .collect();
    let all: Vec<_> = texts.iter().map(String::as_str).collect();
    upstream.always(&Fault::Stream(Stream::of(&all)));
    let few = Stream::of(&all[..Seat::Api.texts()]);
    upstream.gemini.always(Fault::Stream(few));
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
    // All of them are answered, and no vendor can send any more.
    let mut known = (0, Instant::now());
    let still = async || {
        bounded("as nobody reads");
        let seen = upstream.seen();
        let sent = seen.iter().map(sent).sum();
        if known.0 != sent {
            known = (sent, Instant::now());
        }
        let is_still = known.1.elapsed() > Duration::from_millis(500);
        (seen.len() >= READERS && is_still).then_some(())
    };
    eventually(LOOK, "vendors that cannot send any more", still).await;
    for door in DOORS {
        let elapsed = quick(door).await;
        assert!(elapsed < 2 * SECOND, "a quick reader waited {elapsed:?}");
    }

    let mut reading = JoinSet::new();
    for (seat, socket) in seats().zip(sockets) {
        reading.spawn(seat.read(socket, texts.clone()));
    }
    let all_read = async || {
        bounded("as they read");
        while let Some(ended) = reading.try_join_next() {
            ended.unwrap();
        }
        reading.is_empty().then_some(())
    };
    eventually(2 * LOOK, "every byte of every answer", all_read).await;
}

fn sent(exchange: &Arc<Exchange>) -> u64 {
    exchange.sent.load(Ordering::Relaxed)
}
