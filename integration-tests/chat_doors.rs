//! The doors for SDKs: every provider answers through both of them, whichever vendor's format it speaks.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun, Reply,
    chat::{DOORS, Door, End, Said},
    http,
    pyfun::Provider,
    stream::{Cut, Stream},
    vendor::Vendor,
    vendors::{MODELS, VENDORS, separate},
};

const SECOND: Duration = Duration::from_secs(1);

/// Tools as both doors describe them.
fn tools(door: Door) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    match door {
        Door::OpenAi => json!([{"type": "function", "function": {
            "name": "weather", "description": "says how it is", "parameters": schema,
        }}]),
        Door::Anthropic => json!([{
            "name": "weather", "description": "says how it is", "input_schema": schema,
        }]),
    }
}

/// The calls in an answer: id, name and arguments.
fn calls(door: Door, answer: &Value) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match door {
        Door::OpenAi => {
            let message = &answer["choices"][0]["message"];
            let calls = message["tool_calls"].as_array().into_iter().flatten();
            let read = |call: &Value| {
                let function = &call["function"];
                let arguments = serde_json::from_str(function["arguments"].as_str().unwrap());
                (
                    text(&call["id"]),
                    text(&function["name"]),
                    arguments.unwrap(),
                )
            };
            calls.map(read).collect()
        }
        Door::Anthropic => {
            let blocks = answer["content"].as_array().into_iter().flatten();
            let calls = blocks.filter(|block| block["type"] == "tool_use");
            calls
                .map(|call| {
                    (
                        text(&call["id"]),
                        text(&call["name"]),
                        call["input"].clone(),
                    )
                })
                .collect()
        }
    }
}

/// The conversation with the answer and the tools' results behind it.
fn with_results(door: Door, mut body: Value, answer: &Value) -> Value {
    let calls = calls(door, answer);
    let messages = body["messages"].as_array_mut().unwrap();
    match door {
        Door::OpenAi => {
            messages.push(answer["choices"][0]["message"].clone());
            for ((id, ..), result) in calls.iter().zip(["sun", "rain"]) {
                messages.push(json!({"role": "tool", "tool_call_id": id, "content": result}));
            }
        }
        Door::Anthropic => {
            messages.push(json!({"role": "assistant", "content": answer["content"]}));
            let results = calls.iter().zip(["sun", "rain"]);
            let results: Vec<_> = results
                .map(|((id, ..), result)| {
                    json!({"type": "tool_result", "tool_use_id": id, "content": result})
                })
                .collect();
            messages.push(json!({"role": "user", "content": results}));
        }
    }
    body
}

/// An answer put together from its events, as an SDK does it.
fn assembled(door: Door, said: &[Said]) -> Value {
    match door {
        Door::OpenAi => {
            let mut calls: Vec<Value> = Vec::new();
            let mut finish = Value::Null;
            for chunk in said.iter().map(Said::json) {
                let choice = &chunk["choices"][0];
                if !choice["finish_reason"].is_null() {
                    finish = choice["finish_reason"].clone();
                }
                for call in choice["delta"]["tool_calls"]
                    .as_array()
                    .into_iter()
                    .flatten()
                {
                    let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
                    if index == calls.len() {
                        calls.push(call.clone());
                    } else {
                        let more = call["function"]["arguments"].as_str().unwrap();
                        let arguments = &mut calls[index]["function"]["arguments"];
                        *arguments = format!("{}{more}", arguments.as_str().unwrap()).into();
                    }
                }
            }
            json!({"choices": [{
                "message": {"role": "assistant", "content": door.text_of(said), "tool_calls": calls},
                "finish_reason": finish,
            }]})
        }
        Door::Anthropic => {
            let mut blocks: Vec<(Value, String)> = Vec::new();
            let mut stop = Value::Null;
            for event in said.iter().map(Said::json) {
                let last = event["index"]
                    .as_u64()
                    .map(|index| usize::try_from(index).unwrap());
                let delta = &event["delta"];
                match event["type"].as_str().unwrap() {
                    "content_block_start" => {
                        assert_eq!(last, Some(blocks.len()), "{event}");
                        blocks.push((event["content_block"].clone(), String::new()));
                    }
                    "content_block_delta" => {
                        let more = delta["text"].as_str().or(delta["partial_json"].as_str());
                        blocks[last.unwrap()].1.push_str(more.unwrap_or_default());
                    }
                    "message_delta" => stop = delta["stop_reason"].clone(),
                    _ => {}
                }
            }
            let finished = blocks.into_iter().map(|(mut block, text)| {
                match block["type"].as_str().unwrap() {
                    "tool_use" => block["input"] = serde_json::from_str(&text).unwrap(),
                    "text" => block["text"] = text.into(),
                    _ => {}
                }
                block
            });
            json!({"content": finished.collect::<Vec<_>>(), "stop_reason": stop})
        }
    }
}

#[tokio::test]
async fn every_vendor_answers_at_both_doors() {
    let (_upstream, hub) = separate().await;
    for door in DOORS {
        for (model, provider) in MODELS {
            let reply = hub.chat(door, &door.ask(model, "hello")).await;
            let body = &reply.assert_ok().body;
            assert_eq!(door.text(body), format!("hello from {provider}"), "{reply}");
            assert_eq!(body["model"], model, "{reply}");
            assert_eq!(reply.header("x-hub-provider"), provider);
            assert_eq!(reply.header("x-hub-model"), model);
            assert_eq!(reply.header("x-hub-attempts"), format!("{provider}:200"));
            assert_eq!(reply.header("x-request-id").len(), 32);
            let usage = match door {
                Door::OpenAi => [
                    &body["usage"]["prompt_tokens"],
                    &body["usage"]["completion_tokens"],
                    &body["usage"]["prompt_tokens_details"]["cached_tokens"],
                ],
                Door::Anthropic => [
                    &body["usage"]["input_tokens"],
                    &body["usage"]["output_tokens"],
                    &body["usage"]["cache_read_input_tokens"],
                ],
            };
            let usage = usage.map(|tokens| tokens.as_u64().unwrap());
            match (door, provider) {
                (Door::OpenAi, _) => assert_eq!(usage, [15, 7, 3], "{reply}"),
                // Anthropic counts what it writes into its cache beside the rest.
                (Door::Anthropic, "anthropic") => assert_eq!(usage, [10, 7, 3], "{reply}"),
                (Door::Anthropic, _) => assert_eq!(usage, [12, 7, 3], "{reply}"),
            }
        }
    }
}

#[tokio::test]
async fn every_vendor_streams_at_both_doors() {
    let (_upstream, hub) = separate().await;
    for door in DOORS {
        for (model, provider) in MODELS {
            let mut body = door.ask_stream(model, "hello");
            if door == Door::OpenAi {
                body["stream_options"] = json!({"include_usage": true});
            }
            let stream = hub.chat_stream(door, &body).await;
            assert!(stream.head.starts_with("http/1.1 200"), "{}", stream.head);
            assert_eq!(stream.header("content-type"), "text/event-stream");
            assert_eq!(stream.header("cache-control"), "no-cache");
            assert_eq!(stream.header("x-accel-buffering"), "no");
            assert_eq!(stream.header("x-hub-provider"), provider);
            let (said, end) = stream.rest().await;
            assert_eq!(
                door.text_of(&said),
                format!("hello from {provider}"),
                "{said:?}"
            );
            assert!(door.is_complete(&said), "{said:?}");
            assert_eq!(end, End::Clean);
            let tokens = said.iter().rev().map(|said| said.json()["usage"].clone());
            let usage = tokens.into_iter().find(Value::is_object).expect("a usage");
            let output = match door {
                Door::OpenAi => &usage["completion_tokens"],
                Door::Anthropic => &usage["output_tokens"],
            };
            assert_eq!(output, 7, "{usage}");
        }
    }
}

#[tokio::test]
async fn two_tools_are_called_and_answered() {
    let (upstream, hub) = separate().await;
    for door in DOORS {
        for (model, provider) in MODELS {
            for streams in [false, true] {
                let mut body = door.ask(model, "how is the weather?");
                body["tools"] = tools(door);
                let ask = async |body: &Value| {
                    if !streams {
                        return hub.chat(door, body).await.assert_ok().body.clone();
                    }
                    let mut body = body.clone();
                    body["stream"] = true.into();
                    let (said, end) = hub.chat_stream(door, &body).await.rest().await;
                    assert!(door.is_complete(&said) && end == End::Clean, "{said:?}");
                    assembled(door, &said)
                };
                let place = format!("{door:?} {provider} streams: {streams}");
                let answer = ask(&body).await;
                let found = calls(door, &answer);
                let cities: Vec<_> = found.iter().map(|(_, _, city)| city.clone()).collect();
                let expected = [json!({"city": "Zürich"}), json!({"city": "Paris"})];
                assert_eq!(cities, expected, "{place}: {answer}");
                assert!(
                    found.iter().all(|(_, name, _)| name == "weather"),
                    "{place}"
                );
                assert_ne!(found[0].0, found[1].0, "{place}: {answer}");
                let finish = match door {
                    Door::OpenAi => (&answer["choices"][0]["finish_reason"], "tool_calls"),
                    Door::Anthropic => (&answer["stop_reason"], "tool_use"),
                };
                assert_eq!(finish.0, finish.1, "{place}");

                let told = with_results(door, body, &answer);
                let answer = ask(&told).await;
                assert_eq!(door.text(&answer), "It says sun and rain.", "{place}");
                // What Gemini signed comes back to it; what another said needs no signature of its own.
                let mut elsewhere = told;
                elsewhere["model"] = "gemini-fast-3".into();
                ask(&elsewhere).await;
                let sent = upstream.gemini.seen().last().cloned().unwrap();
                let first = &sent.body["contents"][1]["parts"][0];
                assert_eq!(first["functionCall"]["name"], "weather", "{place}");
                let expected = match provider {
                    "gemini" => "c2lnbmF0dXJl",
                    _ => "skip_thought_signature_validator",
                };
                assert_eq!(first["thoughtSignature"], expected, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn pictures_and_shapes_reach_every_vendor() {
    let (_upstream, hub) = separate().await;
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    let schema = json!({"type": "object", "properties": {
        "name": {"type": "string"}, "age": {"type": "integer"},
    }, "required": ["name", "age"], "additionalProperties": false});
    for door in DOORS {
        for (model, provider) in MODELS {
            let mut body = door.ask(model, "");
            let picture = match door {
                Door::OpenAi => json!({"type": "image_url", "image_url": {
                    "url": format!("data:image/png;base64,{pixel}"),
                }}),
                Door::Anthropic => json!({"type": "image", "source": {
                    "type": "base64", "media_type": "image/png", "data": pixel,
                }}),
            };
            body["messages"][0]["content"] =
                json!([{"type": "text", "text": "what is it?"}, picture]);
            let reply = hub.chat(door, &body).await;
            let expected = format!("A picture: image/png of {} characters", pixel.len());
            assert_eq!(
                door.text(&reply.assert_ok().body),
                expected,
                "{door:?} {provider}"
            );

            let mut body = door.ask(model, "who?");
            match door {
                Door::OpenAi => {
                    body["response_format"] = json!({"type": "json_schema", "json_schema": {
                        "name": "person", "schema": schema, "strict": true,
                    }});
                }
                Door::Anthropic => {
                    body["output_config"] =
                        json!({"format": {"type": "json_schema", "schema": schema}});
                }
            }
            let reply = hub.chat(door, &body).await;
            let person: Value = serde_json::from_str(&door.text(&reply.assert_ok().body)).unwrap();
            assert_eq!(
                person,
                json!({"name": "Ada", "age": 36}),
                "{door:?} {provider}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_in_the_vendors_own_format_passes_as_it_is() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let own = [
        (
            Door::Anthropic,
            &upstream.anthropic,
            "anthropic/claude-fast-1",
            "claude-fast-1",
        ),
        (
            Door::OpenAi,
            &upstream.openai,
            "openrouter/acme/open-20b:free",
            "acme/open-20b:free",
        ),
    ];
    for (door, script, name, model) in own {
        let vendor = match door {
            Door::OpenAi => Vendor::OpenAi,
            Door::Anthropic => Vendor::Anthropic,
        };
        let mut body = door.ask(name, "hello");
        body["a_new_field"] = json!({"of": ["the", "vendor"]});
        let reply = hub.chat(door, &body).await;
        let sent = script.only();
        body["model"] = model.into();
        assert_eq!(sent.body, body);
        let text = if door == Door::OpenAi {
            "hello from openai"
        } else {
            "hello from anthropic"
        };
        assert_eq!(reply.assert_ok().body, vendor.answer(model, text));
        assert_eq!(reply.header("x-hub-dropped-params"), "");

        body["model"] = name.into();
        body["stream"] = true.into();
        if door == Door::OpenAi {
            body["stream_options"] = json!({"include_usage": true});
        }
        let (bytes, end) = hub.chat_stream(door, &body).await.bytes().await;
        let events = Stream::halves(text).events(vendor, model);
        // Signs of life are the door's own.
        let is_ping = |event: &str| event.starts_with("event: ping");
        let events = events
            .iter()
            .map(|event| event.trim_start_matches(": PROCESSING\n\n"));
        let unchanged: String = events.filter(|event| !is_ping(event)).collect();
        assert_eq!(bytes.replace(": PROCESSING\n\n", ""), unchanged);
        assert_eq!(end, End::Clean);
    }
    // Another vendor does not know the field, and the caller is told.
    let mut body = Door::OpenAi.ask("gemini-fast-1", "hello");
    body["a_new_field"] = true.into();
    let reply = hub.chat(Door::OpenAi, &body).await;
    assert_eq!(
        reply.assert_ok().header("x-hub-dropped-params"),
        "a_new_field"
    );
}

#[tokio::test]
async fn a_vendor_that_does_not_stream_is_streamed() {
    let (upstream, hub) = separate().await;
    let vendors = [
        (&upstream.anthropic, Vendor::Anthropic),
        (&upstream.gemini, Vendor::Gemini),
        (&upstream.openai, Vendor::OpenAi),
    ];
    for ((model, provider), (script, vendor)) in MODELS.into_iter().zip(vendors) {
        script.always(Fault::Json(200, vendor.answer(model, "all at once")));
        for door in DOORS {
            let mut body = door.ask_stream(model, "hello");
            if door == Door::OpenAi {
                body["stream_options"] = json!({"include_usage": true});
            }
            let (said, end) = hub.chat_stream(door, &body).await.rest().await;
            let place = format!("{provider} behind {door:?}");
            assert_eq!(door.text_of(&said), "all at once", "{place}");
            assert_eq!(end, End::Clean, "{place}");
            assert!(
                said.iter().any(|said| said.json()["usage"].is_object()),
                "{place}"
            );
        }
    }
}

#[tokio::test]
async fn a_tool_is_asked_for_like_a_model() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for door in DOORS {
        let reply = hub
            .chat(door, &door.ask("code_review", "fn main() {}"))
            .await;
        assert_eq!(door.text(&reply.assert_ok().body), "hello from anthropic");
    }
    for exchange in upstream.anthropic.seen() {
        assert!(
            exchange.body["system"]
                .to_string()
                .contains("You are code_review.")
        );
        assert_eq!(exchange.body["model"], "claude-fast-1");
    }
}

#[tokio::test]
async fn a_fallback_is_visible_at_both_doors() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(500));
    upstream.gemini.always(Fault::RetryAfter(429, 120));
    let hub = Hub::three(&upstream).await;
    for door in DOORS {
        let reply = hub.chat(door, &door.ask("claude-fast-1", "hello")).await;
        assert_eq!(door.text(&reply.assert_ok().body), "hello from openai");
        assert_eq!(reply.header("x-hub-provider"), "openrouter");
        assert_eq!(reply.header("x-hub-model"), "acme/open-20b:free");
        let attempts = "anthropic:500, gemini:429, openrouter:200";
        assert_eq!(reply.header("x-hub-attempts"), attempts);
        assert_eq!(reply.body["model"], "acme/open-20b:free");
    }
}

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
            [
                (400, "invalid_request_error"),
                (400, "invalid_request_error"),
            ],
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

#[tokio::test]
async fn tokens_are_counted_where_the_provider_can() {
    let (upstream, hub) = separate().await;
    let answer = |tokens: Value| Fault::Json(200, tokens);
    upstream
        .anthropic
        .always(answer(json!({"input_tokens": 14})));
    upstream.gemini.always(answer(json!({"totalTokens": 9})));
    let count = async |model: &str| {
        let mut body = Door::Anthropic.ask(model, "how many?");
        body["system"] = "Count.".into();
        body["tools"] = tools(Door::Anthropic);
        let text = body.to_string();
        let headers = Door::Anthropic.headers();
        let path = "/v1/messages/count_tokens";
        let bytes = http::request("POST", path, &headers, text.as_bytes());
        hub.raw(&bytes).await
    };
    let reply = count("claude-fast-1").await;
    assert_eq!(reply.assert_ok().body, json!({"input_tokens": 14}));
    let sent = upstream.anthropic.only();
    assert_eq!(sent.target(), "/v1/messages/count_tokens");
    assert_eq!(sent.body["system"], "Count.");
    assert!(sent.body.get("max_tokens").is_none(), "{}", sent.body);

    let reply = count("gemini-fast-1").await;
    assert_eq!(reply.assert_ok().body, json!({"input_tokens": 9}));
    let sent = upstream.gemini.only();
    assert_eq!(sent.target(), "/v1beta/models/gemini-fast-1:countTokens");
    let inner = &sent.body["generateContentRequest"];
    assert_eq!(inner["model"], "models/gemini-fast-1");
    assert_eq!(inner["contents"][0]["parts"][0]["text"], "how many?");
    assert!(inner["systemInstruction"].is_object(), "{}", sent.body);

    // Nobody counts in another model's stead.
    let reply = count("acme/open-20b:free").await;
    assert_eq!(reply.status, 404, "{reply}");
    let (kind, sentence) = Door::Anthropic.error(&reply.body);
    assert_eq!(kind, "not_found_error");
    assert!(sentence.contains("no way to count tokens"), "{sentence}");
    assert_eq!(upstream.openai.seen().len(), 0);
    upstream.anthropic.always(Fault::Status(529));
    assert_eq!(count("claude-fast-1").await.status, 529);
    assert_eq!(upstream.gemini.seen().len(), 1);
}

#[tokio::test]
async fn a_key_opens_these_doors_as_far_as_it_goes() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys().data();
    let hub = hub.start().await;
    let scope = ["--tools", "llm_*", "--models", "gemini-fast-1-*"];
    let narrow = hub.add_key("narrow", &scope).await;
    let searches = hub.add_key("searches", &["--tools", "web_search"]).await;
    let rare = hub.add_key("rare", &["--rpd", "1"]).await;
    let ask = async |door: Door, key: &str, body: Value| {
        let bearer = format!("Bearer {key}");
        let auth = match door {
            Door::OpenAi => ("Authorization", bearer.as_str()),
            Door::Anthropic => ("x-api-key", key),
        };
        let mut headers = door.headers();
        headers.retain(|(name, _)| *name != "Authorization" && *name != "x-api-key");
        headers.push(auth);
        let text = body.to_string();
        let bytes = http::request("POST", door.path(), &headers, text.as_bytes());
        hub.raw(&bytes).await
    };
    let assert_refused = |door: Door, reply: &Reply, status: u16, kind: &str| {
        assert_eq!(reply.status, status, "{reply}");
        assert_eq!(door.error(&reply.body).0, kind, "{reply}");
    };
    for door in DOORS {
        let reply = ask(door, &narrow, door.ask("gemini-fast-1-lite", "hello")).await;
        assert_eq!(door.text(&reply.assert_ok().body), "hello from gemini");
        // Whether there is such a model or tool is not told.
        for outside in [
            "claude-fast-1",
            "gemini/gemini-fast-1",
            "nobody-knows-it",
            "code_review",
        ] {
            for body in [
                door.ask(outside, "hello"),
                door.ask_stream(outside, "hello"),
            ] {
                let reply = ask(door, &narrow, body).await;
                assert_refused(door, &reply, 403, "permission_error");
            }
        }
        let reply = ask(door, &searches, door.ask("gemini-fast-1-lite", "hello")).await;
        assert_refused(door, &reply, 403, "permission_error");
        let reply = ask(door, "a-wrong-key", door.ask("gemini-fast-1-lite", "hello")).await;
        assert_refused(door, &reply, 401, "authentication_error");
    }
    assert_eq!(upstream.seen().len(), 2);
    let first = ask(
        Door::OpenAi,
        &rare,
        Door::OpenAi.ask("gemini-fast-1", "hello"),
    )
    .await;
    first.assert_ok();
    for door in DOORS {
        let reply = ask(door, &rare, door.ask("gemini-fast-1", "hello")).await;
        assert_refused(door, &reply, 429, "rate_limit_error");
        assert!(!reply.header("retry-after").is_empty(), "{reply}");
    }
    let bearer = format!("Bearer {narrow}");
    let bytes = http::request("GET", "/v1/models", &[("Authorization", &bearer)], b"");
    let listed = hub.raw(&bytes).await;
    let data = listed.assert_ok().body["data"].as_array().unwrap();
    let ids: Vec<_> = data.iter().map(|model| model["id"].clone()).collect();
    assert_eq!(ids, ["gemini-fast-1-lite", "llm_complete"]);
}

#[tokio::test]
async fn a_tool_outside_of_a_scope_is_forbidden_and_not_missing() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys().data();
    let hub = hub.start().await;
    // Every model, and one tool.
    let key = hub.add_key("one-tool", &["--tools", "summarize"]).await;
    let ask = async |door: Door, name: &str| {
        let bytes = door.request(&[("X-Hub-Key", &key)], &door.ask(name, "hello"));
        hub.raw(&bytes).await
    };
    for door in DOORS {
        let reply = ask(door, "summarize").await;
        assert_eq!(door.text(&reply.assert_ok().body), "hello from anthropic");
        let cases = [
            ("code_review", 403, "permission_error"),
            ("llm_complete", 403, "permission_error"),
            // Models by their names are what `llm_complete` is for.
            ("claude-fast-1", 403, "permission_error"),
            ("nobody-knows-it", 404, "not_found"),
        ];
        for (name, status, kind) in cases {
            let reply = ask(door, name).await;
            assert_eq!(reply.status, status, "{name}: {reply}");
            let (found, _) = door.error(&reply.body);
            let expected = match (kind, door) {
                ("not_found", Door::OpenAi) => "invalid_request_error",
                ("not_found", Door::Anthropic) => "not_found_error",
                (kind, _) => kind,
            };
            assert_eq!(found, expected, "{name}: {reply}");
        }
    }
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn a_revoked_key_ends_its_streams() {
    let upstream = FakeUpstream::start().await;
    let begun = Stream::of(&["part 0 ", "part 1 "]).cut(1, Cut::Stall);
    upstream.gemini.always(Fault::Stream(begun));
    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys().data();
    let hub = hub.start().await;
    let key = hub.add_key("brief", &[]).await;
    let headers = [
        ("Content-Type", "application/json"),
        ("X-Hub-Key", key.as_str()),
    ];
    let mut streams = Vec::new();
    for door in DOORS {
        let body = door.ask_stream("gemini-fast-1", "hello").to_string();
        let bytes = http::request("POST", door.path(), &headers, body.as_bytes());
        let mut stream = hub.stream(&bytes).await;
        stream.until("part 0").await;
        streams.push((door, stream));
    }
    let revoked = hub.command(&["key", "revoke", "brief"]).await;
    revoked.assert_exit(0);
    for (door, stream) in streams {
        let (said, end) = stream.rest().await;
        assert!(!door.is_complete(&said), "{said:?}");
        let (_, sentence) = door.error(&said.last().unwrap().json());
        assert!(sentence.contains("revoked"), "{sentence}");
        assert_eq!(end, End::Cut);
    }
    for exchange in upstream.gemini.seen() {
        exchange.hung_up_within(SECOND).await;
    }
}
