//! The doors for SDKs: every provider answers through both of them, whichever vendor's format it speaks.

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Fault, Hub,
    chat::{DOORS, Door, End},
    http,
    stream::Stream,
    vendor::Vendor,
    vendors::{MODELS, separate},
};

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
async fn what_a_client_tries_out_reaches_its_vendor_and_no_other() {
    let (upstream, hub) = separate().await;
    let betas = "files-api-2025-04-14,mcp-client-2025-04-04";
    let ask = async |model: &str, betas: &str| {
        let body = Door::Anthropic.ask(model, "hello").to_string();
        let mut headers = Door::Anthropic.headers();
        headers.push(("anthropic-beta", betas));
        let path = Door::Anthropic.path();
        hub.raw(&http::request("POST", path, &headers, body.as_bytes()))
            .await
    };
    let reply = ask("claude-fast-1", betas).await;
    assert_eq!(reply.assert_ok().header("x-hub-dropped-params"), "");
    assert_eq!(
        upstream.anthropic.seen()[0].header("anthropic-beta"),
        Some(betas)
    );
    for (model, script) in [
        ("gemini-fast-1", &upstream.gemini),
        ("acme/open-20b:free", &upstream.openai),
    ] {
        let reply = ask(model, betas).await;
        let dropped = reply.assert_ok().header("x-hub-dropped-params").to_owned();
        assert_eq!(dropped, "anthropic-beta");
        assert_eq!(script.seen()[0].header("anthropic-beta"), None);
    }
    // What is no list of words goes nowhere.
    ask("claude-fast-1", "a: b\tc").await.assert_ok();
    assert_eq!(upstream.anthropic.seen()[1].header("anthropic-beta"), None);
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
        body["tools"] = Door::Anthropic.tools();
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
