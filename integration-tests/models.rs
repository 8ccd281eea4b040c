//! `/v1/models`: which names SDKs can ask for.

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Hub, Pyfun,
    chat::{DOORS, End},
    http,
};

const ANTHROPIC: (&str, &str) = ("anthropic-version", "2023-06-01");

fn ids(body: &Value) -> Vec<&str> {
    let data = body["data"].as_array().unwrap();
    data.iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_name_is_listed_in_the_format_of_whoever_asks() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::with(&Pyfun::three(&upstream)).await;
    let expected = [
        "claude-fast-1",
        "claude-strong-1",
        "gemini-fast-1",
        "gemini-fast-1-lite",
        "acme/open-20b:free",
        "llm_complete",
        "code_review",
        "summarize",
        "translate",
    ];

    let openai = hub.get("/v1/models").await;
    assert_eq!(ids(&openai.assert_ok().body), expected);
    assert_eq!(openai.body["object"], "list");
    let first =
        json!({"id": "claude-fast-1", "object": "model", "created": 0, "owned_by": "anthropic"});
    assert_eq!(openai.body["data"][0], first);
    assert_eq!(openai.body["data"][5]["owned_by"], "hub");

    let bytes = http::request("GET", "/v1/models?limit=1000", &[ANTHROPIC], b"");
    let anthropic = hub.raw(&bytes).await;
    assert_eq!(ids(&anthropic.assert_ok().body), expected);
    assert_eq!(anthropic.body["has_more"], false);
    assert_eq!(anthropic.body["first_id"], "claude-fast-1");
    assert_eq!(anthropic.body["last_id"], "translate");
    assert_eq!(anthropic.body["data"][0]["type"], "model");
}

#[tokio::test]
async fn one_model_is_found_by_each_of_its_names() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::with(&Pyfun::three(&upstream)).await;
    let names = [
        ("claude-strong-1", "anthropic"),
        ("anthropic/claude-strong-1", "anthropic"),
        ("acme/open-20b:free", "openrouter"),
        ("acme%2Fopen-20b%3Afree", "openrouter"),
        ("openrouter/acme/open-20b:free", "openrouter"),
        ("code_review", "hub"),
    ];
    for (name, owner) in names {
        let reply = hub.get(&format!("/v1/models/{name}")).await;
        assert_eq!(reply.assert_ok().body["owned_by"], owner, "{name}");
        let id = name.replace("%2F", "/").replace("%3A", ":");
        assert_eq!(reply.body["id"], id);
    }

    let unknown = hub.get("/v1/models/claude-strong-11").await;
    assert_eq!(unknown.status, 404, "{unknown}");
    assert_eq!(unknown.body["error"]["code"], "model_not_found");
    let sentence = unknown.body["error"]["message"].as_str().unwrap();
    assert!(sentence.contains("claude-strong-1"), "{sentence}");

    let bytes = http::request("GET", "/v1/models/gemini/claude-fast-1", &[ANTHROPIC], b"");
    let unknown = hub.raw(&bytes).await;
    assert_eq!(unknown.status, 404, "{unknown}");
    assert_eq!(unknown.body["type"], "error");
    assert_eq!(unknown.body["error"]["type"], "not_found_error");
    assert_eq!(unknown.body["request_id"], unknown.header("request-id"));
}

#[tokio::test]
async fn a_model_without_its_key_is_not_listed() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder()
        .pyfun(&Pyfun::three(&upstream))
        .env("GEMINI_API_KEY", "key-of-gemini")
        .start()
        .await;
    let listed = hub.get("/v1/models").await;
    let listed = ids(&listed.assert_ok().body).join(" ");
    assert!(
        listed.starts_with("gemini-fast-1 gemini-fast-1-lite llm_complete"),
        "{listed}"
    );
}

#[tokio::test]
async fn a_model_has_the_name_that_the_configuration_gives_it() {
    let upstream = FakeUpstream::start().await;
    let block = "[MODELS]\n[MODEL.strong]\nprovider = \"anthropic\"\nmodel = \"claude-strong-1\"\n\
                 context_tokens = \"5000\"\n[MODEL.strong_END]\n[MODELS_END]\n";
    let hub = Hub::with(&Pyfun::three(&upstream).and(block)).await;
    let listed = hub.get("/v1/models/strong").await;
    assert_eq!(listed.assert_ok().body["owned_by"], "anthropic");
    for door in DOORS {
        let reply = hub.chat(door, &door.ask("strong", "hello")).await;
        assert_eq!(reply.assert_ok().header("x-hub-model"), "claude-strong-1");
    }
    let reply = hub
        .call(
            "llm_complete",
            json!({"prompt": "hello", "model": "strong"}),
        )
        .await;
    assert_eq!(reply.assert_ok().meta()["model"], "claude-strong-1");
    for exchange in upstream.anthropic.seen() {
        assert_eq!(exchange.body["model"], "claude-strong-1");
    }
    assert_eq!(upstream.anthropic.seen().len(), 3);
}

#[tokio::test]
async fn every_kind_of_name_is_asked_for_at_both_doors() {
    let upstream = FakeUpstream::start().await;
    let block = "[MODELS]\n[MODEL.strong]\nprovider = \"anthropic\"\nmodel = \"claude-strong-1\"\n\
                 [MODEL.strong_END]\n[MODELS_END]\n";
    let hub = Hub::with(&Pyfun::three(&upstream).and(block)).await;
    let names = [
        ("claude-strong-1", "claude-strong-1"),
        ("anthropic/claude-strong-1", "claude-strong-1"),
        ("strong", "claude-strong-1"),
        ("openrouter/acme/open-20b:free", "acme/open-20b:free"),
        ("gemini/gemini-fast-1-lite", "gemini-fast-1-lite"),
        ("code_review", "claude-fast-1"),
    ];
    for door in DOORS {
        for (name, model) in names {
            let whole = hub.chat(door, &door.ask(name, "hello")).await;
            assert_eq!(whole.assert_ok().header("x-hub-model"), model, "{name}");
            assert_eq!(whole.body["model"], model, "{name}");
            let stream = hub.chat_stream(door, &door.ask_stream(name, "hello")).await;
            assert_eq!(stream.header("x-hub-model"), model, "{name}");
            let (said, end) = stream.rest().await;
            assert!(
                door.is_complete(&said) && end == End::Clean,
                "{name}: {said:?}"
            );
        }
        // A provider's name alone, and one before another's model, are no model.
        for name in ["anthropic", "gemini/claude-strong-1", "anthropic/strong"] {
            let reply = hub.chat(door, &door.ask(name, "hello")).await;
            assert_eq!(reply.status, 404, "{name}: {reply}");
        }
    }
}
