//! Silence: what becomes of a vendor that stops in the middle of its answer, tested on a clock that is
//! turned by hand.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::{
    sync::mpsc,
    time::{Instant, pause, sleep},
};

use super::{
    pump::Pump,
    wire::{Wire, by_name},
};
use crate::{
    conversation::Conversation,
    memory::Memory,
    protocol::{Class, CompletionRequest, Failure, FailureKind},
    streaming::{Event, IDLE, Streaming},
    upstream::{Arriving, Sight},
};

/// What each format begins with, a sign of life in it, and how it ends.
const FORMATS: [(&str, &str, &str, &str); 3] = [
    (
        "anthropic",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n",
        "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n\
         data: {\"type\":\"message_stop\"}\n\n",
    ),
    (
        "gemini",
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\r\n\r\n",
        ": alive\r\n\r\n",
        "data: {\"candidates\":[{\"content\":{\"parts\":[]},\"finishReason\":\"STOP\"}]}\r\n\r\n",
    ),
    (
        "openai",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
        ": OPENROUTER PROCESSING\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    ),
];

/// A vendor's body, piece by piece.
struct Pieces(mpsc::UnboundedReceiver<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let piece = self.0.poll_recv(context);
        piece.map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A vendor that speaks this format, and where its pieces go in.
fn vendor(format: &str) -> (mpsc::UnboundedSender<Bytes>, Pump) {
    let (pieces, body) = mpsc::unbounded_channel();
    let request = CompletionRequest {
        conversation: Arc::new(Conversation::ask(None, "hello".to_owned())),
        max_tokens: None,
        ceiling: u32::MAX,
        stream: true,
        count: false,
        raw: None,
    };
    let wire: &dyn Wire = by_name(format).unwrap();
    let reader = wire.stream(&request).unwrap();
    let arriving = Arriving::of(Pieces(body));
    let clear = Arc::new(|_: &str| Sight::Clear);
    let memory = Memory::of_kib(0);
    let pump = Pump::new("p".into(), arriving, reader, clear, memory);
    (pieces, pump)
}

fn send(pieces: &mpsc::UnboundedSender<Bytes>, piece: &'static str) {
    pieces.send(Bytes::from_static(piece.as_bytes())).unwrap();
}

/// Everything that is left.
async fn rest(mut stream: Streaming) -> Vec<Result<Event, Failure>> {
    let mut all = Vec::new();
    while let Some(step) = stream.next().await {
        all.push(step);
    }
    all
}

#[actix::test]
async fn who_says_nothing_for_a_minute_is_given_up() {
    pause();
    let silent = Failure::new(FailureKind::Timeout, Class::NextNow);
    for (format, begin, ..) in FORMATS {
        // Behind the first content, and before it, when another provider can still be asked.
        let (pieces, pump) = vendor(format);
        send(&pieces, begin);
        let (pump, sink, stream) = pump.open().await.unwrap();
        let begun = Instant::now();
        let (all, ()) = tokio::join!(rest(stream), pump.run(sink));
        assert_eq!(all.last(), Some(&Err(silent.clone())), "{format}");
        let waited = begun.elapsed();
        assert!(
            waited >= IDLE && waited < IDLE + Duration::from_secs(1),
            "{format} {waited:?}"
        );
        assert!(pieces.is_closed(), "{format}: it is hung up on");

        let (pieces, pump) = vendor(format);
        let begun = Instant::now();
        let opened = pump.open().await;
        assert_eq!(opened.err(), Some(silent.clone()), "{format}");
        let waited = begun.elapsed();
        assert!(
            waited >= IDLE && waited < IDLE + Duration::from_secs(1),
            "{format} {waited:?}"
        );
        assert!(pieces.is_closed(), "{format}: it is hung up on");
    }
}

#[actix::test]
async fn a_sign_of_life_is_one() {
    pause();
    for (format, begin, alive, end) in FORMATS {
        let (pieces, pump) = vendor(format);
        send(&pieces, begin);
        let (pump, sink, stream) = pump.open().await.unwrap();
        let life = async {
            for _ in 0..10 {
                sleep(IDLE.checked_sub(Duration::from_secs(1)).unwrap()).await;
                send(&pieces, alive);
            }
            send(&pieces, end);
            drop(pieces);
        };
        let (all, (), ()) = tokio::join!(rest(stream), pump.run(sink), life);
        let failed: Vec<_> = all.iter().filter(|step| step.is_err()).collect();
        assert!(failed.is_empty(), "{format}: {failed:?}");
        assert!(
            matches!(all.last(), Some(Ok(Event::End { .. }))),
            "{format}"
        );
    }
}

#[actix::test]
async fn a_provider_that_is_stuck_is_given_up_by_its_reader() {
    pause();
    let (sink, mut stream) = Streaming::new([Event::Text("a".to_owned())].into(), None);
    assert_eq!(stream.next().await, Some(Ok(Event::Text("a".to_owned()))));
    let begun = Instant::now();
    let silent = Failure::new(FailureKind::Timeout, Class::NextNow);
    assert_eq!(stream.next().await, Some(Err(silent)));
    // The provider itself would have said so by now.
    assert!(begun.elapsed() > IDLE && begun.elapsed() < 2 * IDLE);
    assert_eq!(stream.next().await, None);
    drop(sink);
}
