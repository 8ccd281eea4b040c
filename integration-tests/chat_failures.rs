//! What goes wrong at the doors for SDKs: refusals, failures before and after the first part, clients that go.

use std::time::Duration;

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun,
    chat::{DOORS, Door, End},
    http,
    pyfun::Provider,
    stream::{Cut, Stream},
    vendors::{MODELS, VENDORS, separate},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn errors_have_the_shape_of_their_vendor() {
    let (upstream, hub) = separate().await;
    let cases = [
        (
            Fault::Status(400),
            [
                (400, "invalid_request_error"),
                (400, "invalid_request_error"),
            ],
        ),
        (
            Fault::Status(413),
            [(413, "invalid_request_error"), (413, "request_too_large")],
        ),
        // The hub's key, not the caller's.
        (
            Fault::Status(401),
            [(502, "server_error"), (502, "api_error")],
        ),
        (
            Fault::RetryAfter(429, 7),
            [(429, "rate_limit_error"), (429, "rate_limit_error")],
        ),
        (
            Fault::Quota,
            [(429, "rate_limit_error"), (429, "rate_limit_error")],
        ),
        (
            Fault::Status(500),
            [(502, "server_error"), (502, "api_error")],
        ),
        (
            Fault::Status(529),
            [(503, "server_error"), (529, "overloaded_error")],
        ),
        (
            Fault::ErrorInside200,
            [(502, "server_error"), (502, "api_error")],
        ),
    ];
    for (fault, expected) in cases {
        upstream.always(&fault);
        for (door, (status, kind)) in DOORS.into_iter().zip(expected) {
            for (model, _) in MODELS {
                for body in [door.ask(model, "hello"), door.ask_stream(model, "hello")] {
                    let reply = hub.chat(door, &body).await;
                    let place = format!("{door:?} {model} {fault:?}: {reply}");
                    assert_eq!(reply.status, status, "{place}");
                    let (found, sentence) = door.error(&reply.body);
                    assert_eq!(found, kind, "{place}");
                    assert!(
                        !sentence.is_empty() && !sentence.contains("secret"),
                        "{place}"
                    );
                    assert!(!reply.header("x-hub-attempts").is_empty(), "{place}");
                    if matches!(fault, Fault::RetryAfter(..)) {
                        assert_eq!(reply.header("retry-after"), "7", "{place}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_request_that_is_none_is_told_what_is_wrong() {
    let (upstream, hub) = separate().await;
    let post = async |door: Door, headers: &[(&str, &str)], body: &str| {
        let bytes = http::request("POST", door.path(), headers, body.as_bytes());
        hub.raw(&bytes).await
    };
    for door in DOORS {
        let headers = door.headers();
        let cases = [
            ("{", 400, "not JSON"),
            ("[]", 400, "object"),
            (r#"{"messages": []}"#, 400, "model"),
            (r#"{"model": "claude-fast-1"}"#, 400, "messages"),
            (
                r#"{"model": "claude-fast-1", "max_tokens": "many", "messages": []}"#,
                400,
                "max_tokens",
            ),
            (
                r#"{"model": "claude-fast-2", "max_tokens": 5, "messages": [{"role": "user", "content": "a"}]}"#,
                404,
                "claude-fast-1",
            ),
        ];
        for (body, status, word) in cases {
            let reply = post(door, &headers, body).await;
            assert_eq!(reply.status, status, "{body}: {reply}");
            let (kind, sentence) = door.error(&reply.body);
            assert!(sentence.contains(word), "{body}: {reply}");
            let expected = match (door, status) {
                (Door::Anthropic, 404) => "not_found_error",
                _ => "invalid_request_error",
            };
            assert_eq!(kind, expected, "{reply}");
        }
        let plain = post(door, &[("Content-Type", "text/plain")], "{}").await;
        assert_eq!(plain.status, 415, "{plain}");
        door.error(&plain.body);
        let wrong = hub.get(door.path()).await;
        assert_eq!(
            (wrong.status, wrong.header("allow")),
            (405, "POST"),
            "{wrong}"
        );
        door.error(&wrong.body);
        let long = [
            ("Content-Type", "application/json"),
            ("Content-Length", "99999999"),
        ];
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\n{}: {}\r\n{}: {}\r\n\r\n",
            door.path(),
            long[0].0,
            long[0].1,
            long[1].0,
            long[1].1
        );
        let large = hub.raw(head.as_bytes()).await;
        assert_eq!(large.status, 413, "{large}");
        let kind = if door == Door::Anthropic {
            "request_too_large"
        } else {
            "invalid_request_error"
        };
        assert_eq!(door.error(&large.body).0, kind);
    }
    let paths = [
        ("/v1/responses", "/v1/chat/completions"),
        ("/chat/completions", "ends with /v1"),
        ("/v1/v1/messages", "Leave /v1 out"),
    ];
    for (path, word) in paths {
        for door in DOORS {
            let bytes = http::request("POST", path, &door.headers(), b"{}");
            let reply = hub.raw(&bytes).await;
            assert_eq!(reply.status, 404, "{reply}");
            let (_, sentence) = door.error(&reply.body);
            assert!(sentence.contains(word), "{reply}");
        }
    }
    let unknown = Door::OpenAi.ask("claude-fast-2", "hello");
    let reply = hub.chat(Door::OpenAi, &unknown).await;
    assert_eq!(reply.body["error"]["code"], "model_not_found");
    assert_eq!(reply.body["error"]["param"], "model");
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_told_in_the_word_that_clients_look_for() {
    let (upstream, hub) = separate().await;
    upstream.openai.always(Fault::Json(
        400,
        json!({"error": {
            "message": "This model's maximum context length is 8192 tokens.",
            "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded",
        }}),
    ));
    let (model, _) = MODELS[2];
    let reply = hub
        .chat(Door::OpenAi, &Door::OpenAi.ask(model, "hello"))
        .await;
    assert_eq!(reply.status, 400, "{reply}");
    assert_eq!(reply.body["error"]["code"], "context_length_exceeded");
    assert_eq!(reply.body["error"]["type"], "invalid_request_error");
}

#[tokio::test]
async fn a_request_that_is_too_large_stops_and_says_so() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    upstream.anthropic.always(Fault::Status(413));
    let (model, _) = MODELS[0];
    let reply = hub
        .chat(Door::OpenAi, &Door::OpenAi.ask(model, "hello"))
        .await;
    assert_eq!(reply.status, 413, "{reply}");
    assert_eq!(reply.body["error"]["code"], "request_too_large");
    let (_, sentence) = Door::OpenAi.error(&reply.body);
    assert!(
        sentence.contains("larger than this provider takes"),
        "{reply}"
    );
    // That status is the hub's own limit there.
    let reply = hub.prompt("hello").await;
    reply.assert_fails(400, "bad_request");
    assert!(
        reply.error().contains("larger than this provider takes"),
        "{reply}"
    );
    assert_eq!(upstream.gemini.seen().len(), 0, "nobody else is asked");
}

#[tokio::test]
async fn a_thread_is_refused_with_the_word_that_lets_an_sdk_send_the_whole() {
    let (upstream, hub) = separate().await;
    for thread in [
        json!({"type": "new"}),
        json!({"type": "continue", "previous_message_id": "msg_1"}),
    ] {
        for (model, _) in MODELS {
            let mut body = Door::Anthropic.ask(model, "hello");
            body["thread"] = thread.clone();
            let reply = hub.chat(Door::Anthropic, &body).await;
            assert_eq!(reply.status, 400, "{reply}");
            let error = &reply.body["error"];
            assert_eq!(error["type"], "invalid_request_error");
            assert_eq!(error["details"]["error_code"], "thread_unsupported_request");
            assert_eq!(error["details"]["unsupported"], json!(["thread"]));
        }
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_failure_before_the_first_part_costs_one_clean_fallback() {
    let cut = |cut| Fault::Stream(Stream::of(&["a", "b"]).cut(0, cut));
    let failures = [
        cut(Cut::Close),
        cut(Cut::Error),
        cut(Cut::Reset),
        Fault::Status(529),
        Fault::ResetBeforeAnswer,
        Fault::ErrorInside200,
        // Events that are none, and no event at all.
        Fault::Body(200, "text/event-stream", b"data: <html>\n\n".to_vec()),
        Fault::Body(200, "text/event-stream", Vec::new()),
    ];
    let upstream = FakeUpstream::start().await;
    let base = &upstream.url();
    let providers = [
        Provider::anthropic(base),
        Provider::gemini(base),
        Provider::openrouter(base),
    ];
    for index in 0..MODELS.len() {
        // Each format fails once before each of the others.
        for next in [(index + 1) % 3, (index + 2) % 3] {
            let ((model, first), (_, second)) = (MODELS[index], MODELS[next]);
            let chain = [providers[index].clone(), providers[next].clone()];
            let hub = Hub::with(&Pyfun::chain(chain)).await;
            upstream.always(&Fault::Talk);
            // What this vendor says when it fails, under a status that says that it does not.
            let inside = Fault::Json(200, VENDORS[index].error(529, "overloaded"));
            for failure in failures.iter().chain([&inside]) {
                upstream.of(first).always(failure.clone());
                for door in DOORS {
                    let body = door.ask_stream(model, "hello");
                    let stream = hub.chat_stream(door, &body).await;
                    let place = format!("{first} {second} {door:?} {failure:?}");
                    assert_eq!(stream.header("x-hub-provider"), second, "{place}");
                    let (said, end) = stream.rest().await;
                    let text = door.text_of(&said);
                    assert_eq!(text, format!("hello from {second}"), "{place}");
                    assert!(door.is_complete(&said), "{place}: {said:?}");
                    assert_eq!(end, End::Clean, "{place}");
                    // One answer, and nothing of the other.
                    let begun = said.iter().filter(|said| said.event == "message_start");
                    let expected = usize::from(door == Door::Anthropic);
                    assert_eq!(begun.count(), expected, "{place}: {said:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_failure_after_the_first_part_is_told_and_never_looks_complete() {
    let (upstream, hub) = separate().await;
    for cut in [Cut::Close, Cut::Error, Cut::Reset] {
        let fault = Fault::Stream(Stream::of(&["part 0 ", "part 1 ", "part 2 "]).cut(2, cut));
        upstream.always(&fault);
        for door in DOORS {
            for (model, provider) in MODELS {
                let stream = hub
                    .chat_stream(door, &door.ask_stream(model, "hello"))
                    .await;
                let (said, end) = stream.rest().await;
                let place = format!("{door:?} {provider} {cut:?}: {said:?}");
                assert_eq!(door.text_of(&said), "part 0 part 1 ", "{place}");
                assert!(!door.is_complete(&said), "{place}");
                let last = said.last().unwrap();
                let (_, sentence) = door.error(&last.json());
                assert!(sentence.starts_with(provider), "{place}");
                assert!(!last.data.contains("went away"), "{place}");
                if door == Door::Anthropic {
                    assert_eq!(last.event, "error", "{place}");
                }
                assert_eq!(end, End::Cut, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_the_vendor() {
    let (upstream, hub) = separate().await;
    let fault = Fault::Stream(Stream::of(&["part 0 ", "part 1 "]).cut(1, Cut::Stall));
    upstream.always(&fault);
    for (index, door) in DOORS.into_iter().enumerate() {
        for (model, provider) in MODELS {
            let mut stream = hub
                .chat_stream(door, &door.ask_stream(model, "hello"))
                .await;
            let mut text = String::new();
            while !text.contains("part 0") {
                text.push_str(&stream.next().await.expect("a first part").data);
            }
            let exchange = upstream.of(provider).arrival(index).await;
            drop(stream);
            exchange.hung_up_within(SECOND).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_before_the_answer_cancels_the_vendor() {
    let (upstream, hub) = separate().await;
    upstream.always(&Fault::Hang);
    let mut index = 0;
    for door in DOORS {
        for streams in [false, true] {
            for (model, provider) in MODELS {
                let mut body = door.ask(model, "hello");
                body["stream"] = streams.into();
                let mut socket = TcpStream::connect(hub.address).await.unwrap();
                let bytes = door.request(&[], &body);
                socket.write_all(&bytes).await.unwrap();
                let exchange = upstream.of(provider).arrival(index).await;
                drop(socket);
                exchange.hung_up_within(SECOND).await;
            }
            index += 1;
        }
    }
}
