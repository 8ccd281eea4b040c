//! Retries: what is asked again on the same provider, when, and what is not.

use std::time::Duration;

use crate::support::{FakeUpstream, Fault, Hub, Pyfun, chat::Door};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_stumble_is_retried_on_the_same_provider() {
    let upstream = FakeUpstream::start().await;
    upstream
        .anthropic
        .once(Fault::Status(529))
        .once(Fault::ResetBeforeAnswer);
    let hub = Hub::with(&Pyfun::three(&upstream).limit("RETRY_COUNT", "2")).await;
    let reply = hub.prompt("hello").await;
    assert_eq!(reply.assert_ok().attempts(), ["anthropic ok 200"]);
    assert_eq!(reply.attempt_entries()[0]["tries"], 3, "{reply}");
}

#[tokio::test]
async fn a_short_retry_after_is_honoured() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.once(Fault::RetryAfter(429, 1));
    let hub = Hub::with(&Pyfun::three(&upstream).limit("RETRY_COUNT", "1")).await;
    let reply = hub.prompt("hello").await;
    assert_eq!(reply.assert_ok().attempts(), ["anthropic ok 200"]);
    let seen = upstream.anthropic.seen();
    let pause = seen[1].at - seen[0].at;
    assert!(
        pause >= Duration::from_millis(990) && pause < 2 * SECOND,
        "{pause:?}"
    );
}

#[tokio::test]
async fn what_asking_again_would_not_mend_is_not_asked_again() {
    let upstream = FakeUpstream::start().await;
    let faults = [
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Quota,
        Fault::RetryAfter(429, 60),
        Fault::RetryAfter(503, 60),
        Fault::TruncatedJson,
    ];
    let hub = Hub::with(&Pyfun::three(&upstream).limit("RETRY_COUNT", "3")).await;
    for (index, fault) in faults.into_iter().enumerate() {
        upstream.anthropic.once(fault.clone());
        let reply = hub.prompt("hello").await;
        assert_eq!(reply.assert_ok().provider(), "gemini", "{fault:?}: {reply}");
        assert_eq!(upstream.anthropic.seen().len(), index + 1, "{fault:?}");
        assert!(reply.elapsed < SECOND, "{fault:?}: {reply}");
    }
}

#[tokio::test]
async fn who_sends_an_unreadable_head_may_bill_it_and_is_not_asked_again() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::with(&Pyfun::three(&upstream).limit("RETRY_COUNT", "3")).await;
    let long = [
        b"HTTP/1.1 200 OK\r\nX-Long: ".as_slice(),
        &vec![b'a'; 1 << 20],
    ]
    .concat();
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-Many: a\r\n".repeat(500));
    let heads = [b"garbage\r\n\r\n".to_vec(), long, many.into_bytes()];
    for (index, head) in heads.into_iter().enumerate() {
        upstream.anthropic.once(Fault::Head(head.clone()));
        let reply = hub.prompt("hello").await;
        let attempts = ["anthropic malformed -", "gemini ok 200"];
        assert_eq!(reply.assert_ok().attempts(), attempts, "{index}");

        upstream.anthropic.once(Fault::Head(head));
        let body = Door::OpenAi.ask_stream("claude-fast-1", "hello");
        let stream = hub.chat_stream(Door::OpenAi, &body).await;
        let attempts = stream.header("x-hub-attempts").to_owned();
        assert!(attempts.contains("malformed"), "{index}: {attempts}");
        let (said, _) = stream.rest().await;
        assert!(Door::OpenAi.is_complete(&said), "{index}");
        assert_eq!(upstream.anthropic.seen().len(), 2 * (index + 1));
    }
}

#[tokio::test]
async fn a_request_that_is_at_fault_burns_no_second_provider() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::with(&Pyfun::three(&upstream).limit("RETRY_COUNT", "3")).await;
    for status in [400, 413, 422] {
        upstream.anthropic.once(Fault::Status(status));
        let reply = hub.prompt("hello").await;
        reply.assert_fails(400, "bad_request");
        assert_eq!(reply.attempts(), [format!("anthropic rejected {status}")]);
        assert!(reply.error().contains("anthropic"), "{reply}");
    }
    assert_eq!(upstream.anthropic.seen().len(), 3);
    assert_eq!(upstream.gemini.seen().len(), 0);
}
