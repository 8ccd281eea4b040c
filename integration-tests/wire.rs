//! The vendors' formats on the wire: what each is asked, and what becomes of its good answers.

use serde_json::json;

use crate::support::{FakeUpstream, Hub, Pyfun, exchange::Exchange, pyfun::Provider};

/// Every header that may carry a key.
const KEY_HEADERS: [&str; 3] = ["authorization", "x-api-key", "x-goog-api-key"];

/// Asserts that the key came in this header alone, and where the request went.
#[track_caller]
fn assert_addressed(exchange: &Exchange, target: &str, key_header: &str, key: &str) {
    assert_eq!((exchange.method(), exchange.target()), ("POST", target));
    assert_eq!(exchange.header("content-type"), Some("application/json"));
    for name in KEY_HEADERS {
        let expected = (name == key_header).then_some(key);
        assert_eq!(exchange.header(name), expected, "{name}");
    }
}

#[tokio::test]
async fn anthropic_request_and_reply() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let reply = hub
        .prompt_at("anthropic", "What is \"love\"?\n\u{1f980}")
        .await;

    let seen = upstream.anthropic.only();
    assert_addressed(&seen, "/v1/messages", "x-api-key", "key-of-anthropic");
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    let expected = json!({
        "model": "claude-fast-1",
        "max_tokens": 1024,
        "system": "You are llm_complete.",
        "messages": [{"role": "user", "content": "What is \"love\"?\n\u{1f980}"}],
    });
    assert_eq!(seen.body, expected);

    assert_eq!(reply.assert_ok().text(), "hello from anthropic");
    assert_eq!(reply.meta()["model"], "claude-fast-1");
    assert_eq!(reply.meta()["finish_reason"], "stop");
    let usage = json!({"input_tokens": 15, "output_tokens": 7, "cached_input_tokens": 3});
    assert_eq!(reply.meta()["usage"], usage);
}

#[tokio::test]
async fn gemini_request_and_reply() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let reply = hub.prompt_at("gemini", "hello").await;

    let seen = upstream.gemini.only();
    let target = "/v1beta/models/gemini-fast-1:generateContent";
    assert_addressed(&seen, target, "x-goog-api-key", "key-of-gemini");
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "You are llm_complete."}]},
        "contents": [{"role": "user", "parts": [{"text": "hello"}]}],
        "generationConfig": {"maxOutputTokens": 1024},
    });
    assert_eq!(seen.body, expected);

    assert_eq!(reply.assert_ok().text(), "hello from gemini");
    assert_eq!(reply.meta()["finish_reason"], "stop");
    let usage = json!({
        "input_tokens": 15, "output_tokens": 7, "cached_input_tokens": 3, "reasoning_tokens": 2,
    });
    assert_eq!(reply.meta()["usage"], usage);
}

#[tokio::test]
async fn openai_request_and_reply() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let reply = hub.prompt_at("openrouter", "hello").await;

    let seen = upstream.openai.only();
    let bearer = "Bearer key-of-openrouter";
    assert_addressed(&seen, "/api/v1/chat/completions", "authorization", bearer);
    let expected = json!({
        "model": "acme/open-20b:free",
        "messages": [
            {"role": "system", "content": "You are llm_complete."},
            {"role": "user", "content": "hello"},
        ],
        "max_tokens": 1024,
    });
    assert_eq!(seen.body, expected);

    assert_eq!(reply.assert_ok().text(), "hello from openai");
    assert_eq!(reply.meta()["finish_reason"], "stop");
    let usage = json!({
        "input_tokens": 15, "output_tokens": 7, "cached_input_tokens": 3, "reasoning_tokens": 2,
    });
    assert_eq!(reply.meta()["usage"], usage);
}

#[tokio::test]
async fn each_tool_has_its_own_system_role() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for tool in ["code_review", "summarize", "translate"] {
        hub.call(tool, json!({"prompt": "text"})).await.assert_ok();
        let seen = upstream.anthropic.seen();
        let body = &seen.last().unwrap().body;
        assert_eq!(body["system"], format!("You are {tool}."));
        assert_eq!(body["messages"][0]["content"], "text");
    }
}

#[tokio::test]
async fn parameters_are_sent_only_if_the_caller_set_them() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for provider in ["anthropic", "gemini", "openrouter"] {
        let params =
            json!({"prompt": "a", "provider": provider, "max_tokens": 9, "temperature": 0.5});
        hub.call("llm_complete", params).await.assert_ok();
    }
    let anthropic = &upstream.anthropic.only().body;
    assert_eq!(
        (&anthropic["max_tokens"], &anthropic["temperature"]),
        (&json!(9), &json!(0.5))
    );
    let gemini = &upstream.gemini.only().body["generationConfig"];
    assert_eq!(*gemini, json!({"maxOutputTokens": 9, "temperature": 0.5}));
    let openai = &upstream.openai.only().body;
    assert_eq!(
        (&openai["max_tokens"], &openai["temperature"]),
        (&json!(9), &json!(0.5))
    );
}

#[tokio::test]
async fn a_compatible_provider_is_configuration_alone() {
    let upstream = FakeUpstream::start().await;
    let provider = Provider::new("smollm", &format!("{}/v1/", upstream.url()))
        .key("env_key", "SMOLLM_API_KEY")
        .key("default_model", "smollm2-360m")
        .key("extra_headers", "X-IP-Token: $KEY, X-Title: Test Hub")
        .key("max_tokens_field", "max_completion_tokens")
        .key("drop_params", "temperature");
    let hub = Hub::builder()
        .pyfun(&Pyfun::chain([provider]))
        .env("SMOLLM_API_KEY", "key-of-smollm")
        .start()
        .await;
    let params = json!({"prompt": "hello", "temperature": 1});
    hub.call("llm_complete", params).await.assert_ok();

    let seen = upstream.openai.only();
    let bearer = "Bearer key-of-smollm";
    assert_addressed(&seen, "/v1/chat/completions", "authorization", bearer);
    assert_eq!(seen.header("x-ip-token"), Some("key-of-smollm"));
    assert_eq!(seen.header("x-title"), Some("Test Hub"));
    assert_eq!(seen.body["max_completion_tokens"], 1024);
    for absent in ["max_tokens", "temperature"] {
        assert_eq!(seen.body.get(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn a_provider_without_a_key_gets_none() {
    let upstream = FakeUpstream::start().await;
    let provider = Provider::new("ollama", &format!("{}/v1", upstream.url()))
        .key("env_key", "")
        .key("default_model", "llama3.2");
    let pyfun = Pyfun::chain([provider]);
    let hub = Hub::builder().pyfun(&pyfun).start().await;
    hub.prompt("hello").await.assert_ok();
    for name in KEY_HEADERS {
        assert_eq!(upstream.openai.only().header(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_model_name_cannot_leave_its_path_segment() {
    let upstream = FakeUpstream::start().await;
    let nasty = Provider::gemini(&upstream.url())
        .key("default_model", "../../x?y")
        .key("models", "../../x?y, gemini-fast-1");
    let hub = Hub::with(&Pyfun::chain([nasty])).await;
    let reply = hub.prompt_at("gemini", "hello").await;
    assert_ne!(reply.status, 200);
    assert_eq!(upstream.seen().len(), 0, "{reply}");
}
