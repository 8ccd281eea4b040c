//! How far a key goes at the doors for SDKs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun, Reply,
    chat::{DOORS, Door, End},
    http,
    stream::{Cut, Stream},
};

const SECOND: Duration = Duration::from_secs(1);

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
async fn a_vendor_goes_on_to_no_model_outside_of_the_scope() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys().data();
    let hub = hub.start().await;
    let narrow = hub.add_key("narrow", &["--models", "acme/open-*"]).await;
    let wide = hub.add_key("wide", &[]).await;
    let ask = async |key: &str, models: Value| {
        let mut body = Door::OpenAi.ask("acme/open-20b:free", "hello");
        body["models"] = models;
        let bearer = format!("Bearer {key}");
        let headers = [
            ("Content-Type", "application/json"),
            ("Authorization", bearer.as_str()),
        ];
        let text = body.to_string();
        let path = Door::OpenAi.path();
        hub.raw(&http::request("POST", path, &headers, text.as_bytes()))
            .await
    };
    // As OpenRouter has it: a list of those that stand in.
    let others = json!(["acme/open-7b", "o9-huge"]);
    assert_eq!(ask(&narrow, others.clone()).await.status, 403);
    assert_eq!(ask(&narrow, json!("o9-huge")).await.status, 400);
    assert_eq!(
        ask(&narrow, json!([{"model": "o9-huge"}])).await.status,
        403
    );
    assert_eq!(upstream.seen().len(), 0);
    ask(&narrow, json!(["acme/open-7b"])).await.assert_ok();
    ask(&wide, others.clone()).await.assert_ok();
    assert_eq!(upstream.openai.seen()[1].body["models"], others);
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
