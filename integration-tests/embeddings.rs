//! `POST /v1/embeddings`: vectors in OpenAI's format, whoever makes them, and never of another model.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    FakeUpstream, Fault, Hub, Program, Pyfun, Reply, eventually, http, pyfun::Provider, vectors,
    within,
};

const PATH: &str = "/v1/embeddings";
const SMALL: &str = "open-embed-small";
const GEMINI: &str = "gemini-embed-1";
const JSON: (&str, &str) = ("Content-Type", "application/json");
const PATIENCE: Duration = Duration::from_secs(30);

/// Three providers that do not stand in for each other, two of which make vectors.
fn pyfun(upstream: &FakeUpstream) -> Pyfun {
    let base = &upstream.url();
    let alias = "[MODEL.vectors]\nprovider = \"openrouter\"\nmodel = \"open-embed-small\"\n\
                 cost_input_per_1k = \"0.02\"\ncost_output_per_1k = \"0\"\n[MODEL.vectors_END]\n";
    Pyfun::chain([
        Provider::anthropic(base).fallback_to(""),
        Provider::gemini(base)
            .key("embedding_models", GEMINI)
            .fallback_to(""),
        Provider::openrouter(base)
            .key("embedding_models", "open-embed-small, acme/embed-large")
            .fallback_to(""),
    ])
    .and(alias)
}

async fn separate() -> (FakeUpstream, Hub) {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::with(&pyfun(&upstream)).await;
    (upstream, hub)
}

fn asking(model: &str, input: &Value) -> Value {
    json!({"model": model, "input": input})
}

async fn embed(hub: &Hub, body: &Value) -> Reply {
    embed_with(hub, "any", body).await
}

async fn embed_with(hub: &Hub, key: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [JSON, ("Authorization", bearer.as_str())];
    let body = body.to_string();
    let bytes = http::request("POST", PATH, &headers, body.as_bytes());
    hub.raw(&bytes).await
}

/// The vectors of an answer, which are in order.
#[track_caller]
fn vectors_in(reply: &Reply) -> Vec<Value> {
    let body = &reply.assert_ok().body;
    assert_eq!(body["object"], "list", "{reply}");
    let data = body["data"].as_array().unwrap();
    for (index, item) in data.iter().enumerate() {
        assert_eq!(item["object"], "embedding", "{reply}");
        assert_eq!(item["index"], index, "{reply}");
    }
    data.iter().map(|item| item["embedding"].clone()).collect()
}

/// What is wrong: the error's type and its sentence.
#[track_caller]
fn error(reply: &Reply, status: u16) -> (String, String) {
    assert_eq!(reply.status, status, "{reply}");
    assert_eq!(reply.header("x-request-id").len(), 32, "{reply}");
    let error = &reply.body["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    assert!(!text("message").is_empty(), "{reply}");
    (text("type"), text("message"))
}

#[tokio::test]
async fn every_input_gets_its_vectors_from_both_formats() {
    let (_upstream, hub) = separate().await;
    for (model, provider) in [(SMALL, "openrouter"), (GEMINI, "gemini")] {
        let reply = embed(&hub, &asking(model, &json!("hello"))).await;
        assert_eq!(vectors_in(&reply), [json!(vectors::of("hello", 4))]);
        assert_eq!(reply.body["model"], model);
        let usage = json!({"prompt_tokens": 5, "total_tokens": 5});
        assert_eq!(reply.body["usage"], usage);
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.header("x-hub-provider"), provider);
        assert_eq!(reply.header("x-hub-model"), model);
        assert_eq!(reply.header("x-hub-attempts"), format!("{provider}:200"));
        assert_eq!(reply.header("x-request-id").len(), 32);
        assert_eq!(reply.header("x-hub-dropped-params"), "");

        let several = json!(["hello", "Zürich \"🦀\"\n", "hello"]);
        let reply = embed(&hub, &asking(model, &several)).await;
        let expected = ["hello", "Zürich \"🦀\"\n", "hello"].map(|text| vectors::of(text, 4));
        assert_eq!(json!(vectors_in(&reply)), json!(expected));

        let mut body = asking(model, &json!(["hello"]));
        body["dimensions"] = 6.into();
        let reply = embed(&hub, &body).await;
        assert_eq!(vectors_in(&reply), [json!(vectors::of("hello", 6))]);
        body["encoding_format"] = "base64".into();
        let reply = embed(&hub, &body).await;
        let expected = vectors::base64(&vectors::of("hello", 6));
        assert_eq!(vectors_in(&reply), [json!(expected)]);
    }
}

#[tokio::test]
async fn a_request_in_the_vendors_own_format_passes_and_so_does_its_answer() {
    let (upstream, hub) = separate().await;
    let answer = br#"{ "object":"list","data" : [{"object":"embedding","index":0, "embedding":[1.50,-2e-3]}],
        "model":"open-embed-small-0613","usage":{"prompt_tokens":2,"total_tokens":2},"extra":{"a":1.0} }"#;
    let fault = Fault::Body(200, "application/json", answer.to_vec());
    upstream.openai.once(fault);
    let body = r#"{"input":"hello","model":"vectors" ,"input_type":"query","user":"u"}"#;
    let bytes = http::request("POST", PATH, &[JSON], body.as_bytes());
    let reply = hub.raw(&bytes).await;
    assert_eq!(reply.assert_ok().message.body, answer);
    let sent = upstream.openai.only();
    assert_eq!(sent.target(), "/api/v1/embeddings");
    assert_eq!(
        sent.header("authorization"),
        Some("Bearer key-of-openrouter")
    );
    assert_eq!(
        String::from_utf8_lossy(&sent.message.body),
        r#"{"input":"hello","model":"open-embed-small","input_type":"query","user":"u"}"#
    );
    assert_eq!(reply.header("x-hub-dropped-params"), "");
    // Tokens are this format's alone.
    for tokens in [json!([1, 2, 3]), json!([[1, 2], [3]])] {
        let reply = embed(&hub, &asking(SMALL, &tokens)).await;
        let count = tokens
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| item.is_array());
        let count = count.count().max(1);
        let expected = vec![json!(vectors::of(vectors::TOKENS, 4)); count];
        assert_eq!(vectors_in(&reply), expected);
        assert_eq!(upstream.openai.seen().last().unwrap().body["input"], tokens);
    }
}

#[tokio::test]
async fn another_format_gets_what_it_takes_and_the_rest_is_told() {
    let (upstream, hub) = separate().await;
    let mut body = asking(GEMINI, &json!("hello"));
    body["user"] = "u".into();
    body["input_type"] = "query".into();
    body["dimensions"] = 8.into();
    let reply = embed(&hub, &body).await;
    assert_eq!(vectors_in(&reply), [json!(vectors::of("hello", 8))]);
    assert_eq!(reply.header("x-hub-dropped-params"), "user, input_type");
    let sent = upstream.gemini.only();
    assert_eq!(
        sent.target(),
        "/v1beta/models/gemini-embed-1:batchEmbedContents"
    );
    assert_eq!(sent.header("x-goog-api-key"), Some("key-of-gemini"));
    let expected = json!({"requests": [{
        "model": "models/gemini-embed-1",
        "content": {"parts": [{"text": "hello"}]},
        "outputDimensionality": 8,
    }]});
    assert_eq!(sent.body, expected);

    let reply = embed(&hub, &asking(GEMINI, &json!([[1, 2], [3]]))).await;
    let (kind, sentence) = error(&reply, 400);
    assert_eq!(kind, "invalid_request_error");
    assert!(sentence.contains("send the texts"), "{sentence}");
    assert_eq!(upstream.gemini.seen().len(), 1, "nothing is asked in vain");
}

#[tokio::test]
async fn more_texts_than_a_vendor_takes_are_asked_in_parts() {
    let (upstream, hub) = separate().await;
    let texts: Vec<String> = (0..250).map(|number| format!("text {number}")).collect();
    let reply = embed(&hub, &asking(GEMINI, &json!(texts))).await;
    let expected: Vec<_> = texts
        .iter()
        .map(|text| json!(vectors::of(text, 4)))
        .collect();
    assert_eq!(vectors_in(&reply), expected);
    assert_eq!(reply.body["usage"]["prompt_tokens"], 1250);
    let sizes = upstream.gemini.seen();
    let sizes = sizes
        .iter()
        .map(|sent| sent.body["requests"].as_array().unwrap().len());
    assert_eq!(sizes.collect::<Vec<_>>(), [100, 100, 50]);
    // One part that fails is the whole that fails.
    upstream
        .gemini
        .once(Fault::Answer(""))
        .once(Fault::Status(500));
    let reply = embed(&hub, &asking(GEMINI, &json!(texts))).await;
    error(&reply, 502);
    assert_eq!(upstream.gemini.seen().len(), 5);
}

#[tokio::test]
async fn a_server_that_knows_one_encoding_serves_both() {
    let (upstream, hub) = separate().await;
    let vector = vectors::of("hello", 3);
    let answer = |embedding: Value| {
        let data = json!([{"object": "embedding", "index": 0, "embedding": embedding}]);
        Fault::Json(200, json!({"object": "list", "data": data, "model": "m"}))
    };
    let mut body = asking(SMALL, &json!("hello"));
    upstream
        .openai
        .once(answer(json!(vectors::base64(&vector))));
    let reply = embed(&hub, &body).await;
    assert_eq!(vectors_in(&reply), [json!(vector)]);
    // It had its own idea of how long a vector is, and that is told.
    body["dimensions"] = 2.into();
    body["encoding_format"] = "base64".into();
    upstream.openai.once(answer(json!(vector)));
    let reply = embed(&hub, &body).await;
    assert_eq!(vectors_in(&reply), [json!(vectors::base64(&vector))]);
    assert_eq!(reply.header("x-hub-dropped-params"), "dimensions");
}

#[tokio::test]
async fn a_model_has_the_names_that_it_has_for_a_conversation() {
    let (upstream, hub) = separate().await;
    let names = [
        (SMALL, SMALL),
        ("openrouter/open-embed-small", SMALL),
        ("vectors", SMALL),
        ("acme/embed-large", "acme/embed-large"),
        ("openrouter/acme/embed-large", "acme/embed-large"),
    ];
    for (name, model) in names {
        let reply = embed(&hub, &asking(name, &json!("hello"))).await;
        assert_eq!(reply.assert_ok().header("x-hub-model"), model, "{name}");
        assert_eq!(upstream.openai.seen().last().unwrap().body["model"], model);
    }
    let listed = hub.get("/v1/models").await;
    let data = listed.assert_ok().body["data"].as_array().unwrap();
    let owners: Vec<_> = data
        .iter()
        .filter(|model| model["id"].as_str().unwrap().contains("embed") || model["id"] == "vectors")
        .map(|model| {
            (
                model["id"].as_str().unwrap(),
                model["owned_by"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        (GEMINI, "gemini"),
        (SMALL, "openrouter"),
        ("acme/embed-large", "openrouter"),
        ("vectors", "openrouter"),
    ];
    assert_eq!(owners, expected);
    for (name, _) in names {
        let one = hub.get(&format!("/v1/models/{name}")).await;
        assert_eq!(one.assert_ok().body["owned_by"], "openrouter", "{one}");
    }
    let anthropic = [("anthropic-version", "2023-06-01")];
    let bytes = http::request("GET", "/v1/models", &anthropic, b"");
    let reply = hub.raw(&bytes).await;
    let converses = &reply.assert_ok().body;
    assert!(!converses.to_string().contains("embed"), "{converses}");

    let tools = hub.call("list_active_tools", json!({})).await;
    let found = &tools.assert_ok().result()["available_embedding_models"];
    assert_eq!(*found, json!([GEMINI, SMALL, "acme/embed-large"]));
    let chats = &tools.result()["available_models"];
    assert!(!chats.to_string().contains("embed"), "{chats}");
    let info = hub.call("get_model_info", json!({"model": SMALL})).await;
    let info = info.assert_ok().result();
    assert_eq!(
        (&info["embedding"], &info["available"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(info["offered_by"], json!(["openrouter"]));
}

#[tokio::test]
async fn who_knocks_at_the_wrong_door_is_told_the_right_one() {
    let (upstream, hub) = separate().await;
    for name in ["claude-fast-1", "gemini/gemini-fast-1", "code_review"] {
        let reply = embed(&hub, &asking(name, &json!("hello"))).await;
        let (_, sentence) = error(&reply, 400);
        assert!(sentence.contains("/v1/chat/completions"), "{sentence}");
        assert!(sentence.contains(SMALL), "{sentence}");
    }
    let reply = embed(&hub, &asking("open-embed-smal", &json!("hello"))).await;
    let (_, sentence) = error(&reply, 404);
    assert!(sentence.contains(SMALL), "{sentence}");
    assert_eq!(reply.body["error"]["code"], "model_not_found");

    for name in [SMALL, "openrouter/open-embed-small", "vectors"] {
        for path in ["/v1/chat/completions", "/v1/messages"] {
            let messages = json!([{"role": "user", "content": "hello"}]);
            let body = json!({"model": name, "max_tokens": 5, "messages": messages}).to_string();
            let bytes = http::request("POST", path, &[JSON], body.as_bytes());
            let (_, sentence) = error(&hub.raw(&bytes).await, 400);
            assert!(sentence.contains(PATH), "{name}: {sentence}");
        }
    }
    for params in [
        json!({"prompt": "hello", "model": SMALL}),
        json!({"prompt": "hello", "model": SMALL, "provider": "openrouter"}),
    ] {
        let reply = hub.call("llm_complete", params).await;
        reply.assert_fails(400, "bad_request");
        assert!(reply.error().contains(PATH), "{reply}");
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_hub_without_vectors_says_so() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let reply = embed(&hub, &asking(SMALL, &json!("hello"))).await;
    let (_, sentence) = error(&reply, 404);
    assert!(sentence.contains("embedding_models"), "{sentence}");
}

/// first -> middle -> second, each at a server of its own. The outer two offer one model in common.
async fn shared() -> ([FakeUpstream; 3], Hub) {
    let (upstreams, pyfun) = shared_pyfun().await;
    (upstreams, Hub::with(&pyfun).await)
}

async fn shared_pyfun() -> ([FakeUpstream; 3], Pyfun) {
    let upstreams = [
        FakeUpstream::start().await,
        FakeUpstream::start().await,
        FakeUpstream::start().await,
    ];
    let provider = |name, index: usize, models: &str| {
        let base = format!("{}/v1", upstreams[index].url());
        Provider::new(name, &base)
            .key("env_key", "")
            .key("default_model", "chat-1")
            .key("embedding_models", models)
    };
    let pyfun = Pyfun::chain([
        provider("first", 0, "shared-embed, own-embed"),
        provider("middle", 1, "other-embed"),
        provider("second", 2, "shared-embed"),
    ]);
    (upstreams, pyfun)
}

#[tokio::test]
async fn a_fallback_goes_to_the_same_model_and_past_everyone_else() {
    let ([first, middle, second], hub) = shared().await;
    for failure in [
        Fault::Status(500),
        Fault::Status(401),
        Fault::Quota,
        Fault::ResetBeforeAnswer,
        Fault::TruncatedJson,
        Fault::ErrorInside200,
        Fault::Json(200, json!({"object": "list", "data": []})),
    ] {
        first.openai.always(failure.clone());
        let reply = embed(&hub, &asking("shared-embed", &json!("hello"))).await;
        assert_eq!(vectors_in(&reply), [json!(vectors::of("hello", 4))]);
        assert_eq!(reply.header("x-hub-provider"), "second", "{failure:?}");
        assert_eq!(reply.header("x-hub-model"), "shared-embed");
        let attempts = reply.header("x-hub-attempts");
        assert!(attempts.starts_with("first:"), "{attempts}");
        assert!(attempts.ends_with(", second:200"), "{attempts}");
    }
    for sent in second.openai.seen() {
        assert_eq!(sent.body["model"], "shared-embed");
    }
    assert_eq!(middle.seen().len(), 0);
}

#[tokio::test]
async fn no_failure_brings_vectors_of_another_model() {
    let ([first, middle, second], hub) = shared().await;
    first.openai.always(Fault::Status(500));
    for name in ["own-embed", "first/own-embed"] {
        let reply = embed(&hub, &asking(name, &json!("hello"))).await;
        let (kind, sentence) = error(&reply, 502);
        assert_eq!(kind, "server_error");
        assert!(sentence.contains("first is failing"), "{sentence}");
        assert_eq!(reply.header("x-hub-attempts"), "first:500");
    }
    // A request at fault goes no further.
    first.openai.always(Fault::Status(400));
    let reply = embed(&hub, &asking("shared-embed", &json!("hello"))).await;
    error(&reply, 400);
    assert_eq!((middle.seen().len(), second.seen().len()), (0, 0));
}

#[tokio::test]
async fn a_narrow_key_falls_back_past_what_it_may_not_use() {
    let (upstreams, pyfun) = shared_pyfun().await;
    let hub = Hub::builder().pyfun(&pyfun).keys().data().start().await;
    let key = hub.add_key("narrow", &["--models", "shared-*"]).await;
    upstreams[0].openai.always(Fault::Status(500));
    let body = asking("shared-embed", &json!("hello"));
    let reply = embed_with(&hub, &key, &body).await;
    let attempts = reply.assert_ok().header("x-hub-attempts");
    assert_eq!(attempts, "first:500, second:200");
    let reply = embed_with(&hub, &key, &asking("other-embed", &json!("hello"))).await;
    assert_eq!(error(&reply, 403).0, "permission_error");
}

#[tokio::test]
async fn a_provider_without_its_key_is_passed_over_visibly() {
    let upstream = FakeUpstream::start().await;
    let base = upstream.url();
    let provider = |name, key| {
        Provider::new(name, &format!("{base}/v1"))
            .key("env_key", key)
            .key("default_model", "chat-1")
            .key("embedding_models", "shared-embed")
    };
    let keyless = provider("keyless", "NOBODY_SETS_IT")
        .key("embedding_models", "shared-embed, own, keyed/shared-embed");
    let pyfun = Pyfun::chain([keyless, provider("keyed", "OPENROUTER_API_KEY")]);
    let hub = Hub::with(&pyfun).await;
    let reply = embed(&hub, &asking("keyless/shared-embed", &json!("hello"))).await;
    assert_eq!(reply.assert_ok().header("x-hub-provider"), "keyed");
    assert_eq!(
        reply.header("x-hub-attempts"),
        "keyless:not_configured, keyed:200"
    );
    // A name at somebody without a key, and a model of somebody who has one.
    let reply = embed(&hub, &asking("keyed/shared-embed", &json!("hello"))).await;
    assert_eq!(reply.assert_ok().header("x-hub-attempts"), "keyed:200");
    let reply = embed(&hub, &asking("own", &json!("hello"))).await;
    let (_, sentence) = error(&reply, 503);
    assert!(sentence.contains("NOBODY_SETS_IT"), "{sentence}");
    assert_eq!(reply.header("x-should-retry"), "false");
}

#[tokio::test]
async fn a_vendors_failure_has_the_status_that_is_true_for_the_caller() {
    let (upstream, hub) = separate().await;
    let count = json!({"object": "list", "data": [
        {"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [2.0]},
    ]});
    for (fault, status) in [
        (Fault::Status(400), 400),
        (Fault::Status(401), 502),
        (Fault::Status(404), 502),
        (Fault::Status(413), 413),
        (Fault::RetryAfter(429, 7), 429),
        (Fault::Quota, 429),
        (Fault::Status(500), 502),
        (Fault::Status(503), 503),
        (Fault::ResetInBody, 502),
        (Fault::TruncatedJson, 502),
        (Fault::Json(200, count), 502),
        (Fault::Body(200, "text/html", b"<html>".to_vec()), 502),
        (Fault::GzipBomb, 502),
    ] {
        upstream.always(&fault);
        for model in [SMALL, GEMINI] {
            let reply = embed(&hub, &asking(model, &json!("hello"))).await;
            let place = format!("{model} {fault:?}: {reply}");
            assert_eq!(reply.status, status, "{place}");
            let (_, sentence) = error(&reply, status);
            assert!(sentence.len() < 300, "{place}");
            assert!(!reply.header("x-hub-attempts").is_empty(), "{place}");
            if matches!(fault, Fault::RetryAfter(..)) {
                assert_eq!(reply.header("retry-after"), "7", "{place}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_that_is_none_is_told_what_is_wrong() {
    let (upstream, hub) = separate().await;
    let many = json!({"model": SMALL, "input": vec!["a"; 2049]}).to_string();
    for (body, param, word) in [
        ("{", Value::Null, "not JSON"),
        ("[]", Value::Null, "object"),
        (r#"{"input": "a"}"#, json!("model"), "model"),
        (r#"{"model": "open-embed-small"}"#, json!("input"), "input"),
        (r#"{"model": "m", "input": []}"#, json!("input"), "empty"),
        (r#"{"model": "m", "input": ""}"#, json!("input"), "empty"),
        (
            r#"{"model": "m", "input": ["a", 1]}"#,
            json!("input"),
            "input",
        ),
        (&many, json!("input"), "2048"),
        (
            r#"{"model": "m", "input": "a", "encoding_format": "hex"}"#,
            json!("encoding_format"),
            "base64",
        ),
        (
            r#"{"model": "m", "input": "a", "dimensions": 0}"#,
            json!("dimensions"),
            "at least 1",
        ),
    ] {
        let bytes = http::request("POST", PATH, &[JSON], body.as_bytes());
        let reply = hub.raw(&bytes).await;
        let (kind, sentence) = error(&reply, 400);
        assert_eq!(kind, "invalid_request_error");
        assert_eq!(reply.body["error"]["param"], param, "{reply}");
        assert!(sentence.contains(word), "{reply}");
    }
    let plain = http::request("POST", PATH, &[("Content-Type", "text/plain")], b"{}");
    error(&hub.raw(&plain).await, 415);
    let wrong = hub.get(PATH).await;
    error(&wrong, 405);
    assert_eq!(wrong.header("allow"), "POST");
    let large = format!(
        "POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Content-Length: 99999999\r\n\r\n"
    );
    error(&hub.raw(large.as_bytes()).await, 413);
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_key_opens_this_door_as_far_as_it_goes() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&pyfun(&upstream)).keys().data();
    let hub = hub.start().await;
    let scope = ["--tools", "llm_*", "--models", "gemini-embed-*"];
    let narrow = hub.add_key("narrow", &scope).await;
    let searches = hub.add_key("searches", &["--tools", "web_search"]).await;
    let rare = hub.add_key("rare", &["--rpd", "1"]).await;
    let hello = &json!("hello");
    embed_with(&hub, &narrow, &asking(GEMINI, hello))
        .await
        .assert_ok();
    // Whether there is such a model is not told.
    for outside in [
        SMALL,
        "openrouter/open-embed-small",
        "nobody-knows-it",
        "gemini-fast-1",
    ] {
        let reply = embed_with(&hub, &narrow, &asking(outside, hello)).await;
        assert_eq!(error(&reply, 403).0, "permission_error", "{outside}");
    }
    let reply = embed_with(&hub, &searches, &asking(GEMINI, hello)).await;
    assert_eq!(error(&reply, 403).0, "permission_error");
    let reply = embed_with(&hub, "a-wrong-key", &asking(GEMINI, hello)).await;
    assert_eq!(reply.status, 401, "{reply}");
    assert_eq!(reply.body["error"]["type"], "authentication_error");
    embed_with(&hub, &rare, &asking(SMALL, hello))
        .await
        .assert_ok();
    let reply = embed_with(&hub, &rare, &asking(SMALL, hello)).await;
    assert_eq!(reply.status, 429, "{reply}");
    assert_eq!(reply.body["error"]["type"], "rate_limit_error");
    assert!(!reply.header("retry-after").is_empty(), "{reply}");
    assert_eq!(upstream.seen().len(), 2);
    let bearer = format!("Bearer {narrow}");
    let bytes = http::request("GET", "/v1/models", &[("Authorization", &bearer)], b"");
    let listed = hub.raw(&bytes).await;
    let data = listed.assert_ok().body["data"].as_array().unwrap();
    let ids: Vec<_> = data.iter().map(|model| model["id"].clone()).collect();
    assert_eq!(ids, [GEMINI]);

    // The audit writes in its own time.
    let look = async || {
        let finished = hub.command(&["audit", "--since", "1h", "--json"]).await;
        let lines = finished.assert_exit(0).stdout.lines();
        let mut lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.find(|line| line["name"] == "rare" && line["door"] == "embeddings")
    };
    let (line, _) = eventually(PATIENCE, "a line in the audit", look).await;
    assert_eq!(
        (&line["what"], &line["outcome"]),
        (&json!(SMALL), &json!("ok"))
    );
    assert_eq!(line["provider"], "openrouter");
}

#[tokio::test]
async fn a_call_leaves_a_record_and_no_vector() {
    let upstream = FakeUpstream::start().await;
    let pyfun = pyfun(&upstream)
        .and("[DB_SYNC]\nSQLITE_PATH = \"state.db\"\nMAX_CACHE_ENTRIES = \"10\"\n[DB_SYNC_END]\n");
    let hub = Hub::with(&pyfun).await;
    let several = json!(["hello", "good bye"]);
    embed(&hub, &asking(SMALL, &several)).await.assert_ok();
    let sql = "SELECT tool_name, prompt, response, provider, model FROM tool_cache";
    let look = async || {
        let rows = hub.call("db_query", json!({"sql": sql})).await;
        let rows = rows.assert_ok().result().clone();
        rows[0].is_object().then_some(rows)
    };
    let (rows, _) = eventually(PATIENCE, "a record", look).await;
    let expected = json!([{
        "tool_name": "embeddings", "prompt": "hello", "response": "2 vectors of 4 numbers",
        "provider": "openrouter", "model": SMALL,
    }]);
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn an_answer_that_repeats_the_key_stays_inside() {
    let (upstream, hub) = separate().await;
    let good = json!({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}]});
    for field in ["model", "somewhere"] {
        let mut echo = good.clone();
        echo[field] = "your key is key-of-openrouter".into();
        upstream.openai.once(Fault::Json(200, echo.clone()));
        let reply = embed(&hub, &asking(SMALL, &json!("hello"))).await;
        let escaped = echo.to_string().replace("key-of", "key\\u002dof");
        match field {
            "model" => {
                // A model's name holds no spaces, so this is none, and nothing else goes on.
                assert!(!reply.to_string().contains("key-of"), "{reply}");
            }
            _ => {
                error(&reply, 502);
            }
        }
        let fault = Fault::Body(200, "application/json", escaped.into_bytes());
        upstream.openai.once(fault);
        let reply = embed(&hub, &asking(SMALL, &json!("hello"))).await;
        assert!(!reply.to_string().contains("of-openrouter"), "{reply}");
    }
}

#[tokio::test]
async fn long_answers_pass_and_the_actor_lives() {
    let (upstream, hub) = separate().await;
    let texts: Vec<String> = (0..1500).map(|number| number.to_string()).collect();
    let mut body = asking(SMALL, &json!(texts));
    body["encoding_format"] = "base64".into();
    body["dimensions"] = 1536.into();
    // 12 MB, of which the hub would not take half in another kind of answer.
    let reply = embed(&hub, &body).await;
    let vectors = vectors_in(&reply);
    assert_eq!(vectors.len(), 1500);
    assert_eq!(vectors[1499], vectors::base64(&vectors::of("1499", 1536)));
    assert!(reply.message.body.len() > 12_000_000);
    // One text has no such long answer.
    upstream.openai.once(Fault::HugeBody);
    let reply = embed(&hub, &asking(SMALL, &json!("hello"))).await;
    let (_, sentence) = error(&reply, 502);
    assert!(sentence.contains("size limit"), "{sentence}");
    let sent = upstream.openai.seen().last().unwrap().clone();
    let sent = sent.sent.load(std::sync::atomic::Ordering::Relaxed);
    assert!(sent < 12_000_000, "{sent}");
    let health = hub.health_of("embed.openrouter").await;
    assert_eq!(
        (&health["restarts"], &health["state"]),
        (&json!(0), &json!("running"))
    );
}

#[tokio::test]
async fn what_is_asked_in_parts_has_one_limit() {
    let (upstream, hub) = separate().await;
    // Each part may be as long as this; four of them together may not.
    let mut part = json!({"embeddings": vec![json!({"values": [1.0]}); 100]}).to_string();
    part.push_str(&" ".repeat(11 * 1024 * 1024));
    let fault = Fault::Body(200, "application/json", part.into_bytes());
    upstream.gemini.always(fault);
    let reply = embed(&hub, &asking(GEMINI, &json!(vec!["a"; 300]))).await;
    assert_eq!(vectors_in(&reply).len(), 300);
    let reply = embed(&hub, &asking(GEMINI, &json!(vec!["a"; 400]))).await;
    let (_, sentence) = error(&reply, 502);
    assert!(sentence.contains("size limit"), "{sentence}");
}

#[tokio::test]
async fn long_answers_share_the_memory_that_there_is_for_them() {
    let (upstream, hub) = separate().await;
    upstream.openai.always(Fault::Hang);
    let hub = Arc::new(hub);
    let mut waiting = JoinSet::new();
    for _ in 0..8 {
        let hub = hub.clone();
        waiting.spawn(async move { embed(&hub, &asking(SMALL, &json!(vec!["a"; 2048]))).await });
    }
    let reply = waiting.join_next().await.unwrap().unwrap();
    let (_, sentence) = error(&reply, 503);
    assert!(sentence.contains("too many large requests"), "{sentence}");
    assert_eq!(reply.header("retry-after"), "1");
    let small = embed(&hub, &asking(GEMINI, &json!("hello"))).await;
    small.assert_ok();
}

#[tokio::test]
async fn a_crash_costs_a_visible_fallback_and_the_neighbours_nothing() {
    let upstream = FakeUpstream::start().await;
    let steady = Provider::openrouter(&upstream.url()).key("embedding_models", "fault-embed");
    let fragile = Provider::fragile().key("embedding_models", "fault-embed");
    let hub = Hub::with(&Pyfun::chain([fragile, steady])).await;
    let reply = embed(&hub, &asking("fault-embed", &json!("hello"))).await;
    assert_eq!(reply.assert_ok().header("x-hub-provider"), "fragile");
    assert_eq!(vectors_in(&reply), [json!([0.5, -1.0])]);
    let body = asking("fault-embed", &json!("panic in handler"));
    let reply = embed(&hub, &body).await;
    let expected = [json!(vectors::of("panic in handler", 4))];
    assert_eq!(vectors_in(&reply), expected);
    assert_eq!(
        reply.header("x-hub-attempts"),
        "fragile:crashed, openrouter:200"
    );
    let look = async || {
        let health = hub.health_of("embed.fragile").await;
        (health["restarts"] == 1 && health["state"] == "running").then_some(())
    };
    eventually(PATIENCE, "the restart", look).await;
    assert_eq!(hub.health_of("provider.fragile").await["restarts"], 0);
}

#[tokio::test]
async fn a_stopping_hub_lets_vectors_finish_and_takes_no_more() {
    let (upstream, hub) = separate().await;
    upstream
        .openai
        .always(Fault::Late(Duration::from_millis(500), ""));
    let ask = asking(SMALL, &json!("hello"));
    let (reply, ()) = tokio::join!(embed(&hub, &ask), async {
        upstream.openai.arrival(0).await;
        hub.terminate();
    });
    assert_eq!(vectors_in(&reply), [json!(vectors::of("hello", 4))]);
    within(PATIENCE, "the end", hub.finish(PATIENCE))
        .await
        .assert_exit(0);
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_the_vendor() {
    let (upstream, hub) = separate().await;
    upstream.always(&Fault::Hang);
    for (model, script) in [(SMALL, &upstream.openai), (GEMINI, &upstream.gemini)] {
        let ask = asking(model, &json!("hello"));
        tokio::select! {
            reply = embed(&hub, &ask) => panic!("{reply}"),
            _ = script.arrival(0) => {}
        }
        script.only().hung_up_within(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn hub_check_shows_who_makes_vectors_and_who_cannot() {
    let upstream = FakeUpstream::start().await;
    let check = async |pyfun: &Pyfun| {
        let arguments = [
            "check",
            "--config",
            "hub.pyfun",
            "--env-file",
            "secrets.env",
        ];
        let program = Program::new(arguments).file("hub.pyfun", pyfun.to_string());
        program.run().await
    };
    let good = check(&pyfun(&upstream)).await;
    let out = &good.assert_exit(0).stdout;
    assert!(out.contains("1 + 2 embedding"), "{out}");
    assert!(out.contains("3 embedding models"), "{out}");
    let base = upstream.url();
    let anthropic = Provider::anthropic(&base).key("embedding_models", "claude-embed");
    let bad = check(&Pyfun::chain([anthropic])).await;
    let told = &bad.assert_exit(78).stderr;
    assert!(
        told.contains("the format `anthropic` has no vectors"),
        "{told}"
    );
    assert!(told.contains("gemini, openai"), "{told}");
}
