//! `POST /api`: what the tools take, and how they refuse what they do not.

use serde_json::json;

use crate::support::{FakeUpstream, Hub, Pyfun};

/// A hub of which nothing but its surface is asked.
async fn hub() -> (FakeUpstream, Hub) {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    (upstream, hub)
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let (_upstream, hub) = hub().await;
    let deep = format!(
        "{{\"tool\":\"health_check\",\"params\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let bodies: [&[u8]; 11] = [
        b"",
        b"hello",
        b"{",
        b"{\"tool\":\"health_check\"} and more",
        b"{'tool':'health_check'}",
        b"{\"tool\":\"health\xffcheck\"}",
        b"\"health_check\"",
        b"[]",
        b"null",
        b"42",
        deep.as_bytes(),
    ];
    for body in bodies {
        let reply = hub.post(body).await;
        reply.assert_contract();
        reply.assert_fails(400, "bad_request");
    }
    hub.call("health_check", json!({})).await.assert_ok();
}

#[tokio::test]
async fn wrong_types_and_unknown_names_are_named() {
    let (upstream, hub) = hub().await;
    let cases = [
        (json!({}), "tool"),
        (json!({"tool": 5}), "tool"),
        (json!({"tool": null}), "tool"),
        (json!({"tool": "", "params": {}}), "tool"),
        (json!({"tool": "llm_complete", "params": "hello"}), "params"),
        (json!({"tool": "llm_complete", "params": [1]}), "params"),
        (json!({"tool": "llm_complete", "params": 5}), "params"),
        (json!({"tool": "llm_complete", "params": {}}), "prompt"),
        (
            json!({"tool": "llm_complete", "params": {"prompt": ""}}),
            "prompt",
        ),
        (
            json!({"tool": "llm_complete", "params": {"prompt": ["a"]}}),
            "prompt",
        ),
        (
            json!({"tool": "llm_complete", "params": {"prompt": "a", "model": 5}}),
            "model",
        ),
        (
            json!({"tool": "llm_complete", "params": {"prompt": "a", "max_tokens": "lots"}}),
            "max_tokens",
        ),
        (
            json!({"tool": "llm_complete", "params": {"prompt": "a", "max_tokens": 0}}),
            "max_tokens",
        ),
        (
            json!({"tool": "llm_complete", "params": {"prompt": "a", "max_tokens": -1}}),
            "max_tokens",
        ),
        (
            json!({"tool": "llm_complete", "params": {"prompt": "a", "temperature": 3}}),
            "temperature",
        ),
        (
            json!({"tool": "llm_complete", "params": {"prompt": "a", "temprature": 1}}),
            "temprature",
        ),
        (
            json!({"tool": "llm_complete", "parms": {"prompt": "a"}}),
            "parms",
        ),
        (
            json!({"tool": "health_check", "params": {"verbose": true}}),
            "verbose",
        ),
        (json!({"tool": "get_model_info", "params": {}}), "model"),
    ];
    let mut unnamed = Vec::new();
    for (body, named) in cases {
        let reply = hub.api(body.clone()).await;
        let says_so = reply.error().contains(&format!("`{named}`"));
        if (reply.status, reply.code()) != (400, "bad_request") || !says_so {
            unnamed.push(format!("{body} -> {} {}", reply.status, reply.error()));
        }
    }
    assert!(unnamed.is_empty(), "{unnamed:#?}");
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn aliases_and_empty_strings_are_understood() {
    let (upstream, hub) = hub().await;
    for params in [
        json!({"prompt": "same", "provider": "gemini"}),
        json!({"prompt": "same", "provider_name": "gemini"}),
        json!({"text": "same", "provider_name": "gemini", "provider": ""}),
        json!({"code": "same", "provider": "gemini", "model": "", "max_tokens": null}),
    ] {
        hub.call("llm_complete", params).await.assert_ok();
    }
    let seen = upstream.gemini.seen();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|exchange| exchange.body == seen[0].body));
}

#[tokio::test]
async fn an_unknown_tool_is_told_which_there_are() {
    let (_upstream, hub) = hub().await;
    let reply = hub.call("frobnicate", json!({})).await;
    reply.assert_fails(404, "unknown_tool");
    for tool in ["frobnicate", "llm_complete", "code_review", "health_check"] {
        assert!(reply.error().contains(tool), "{reply}");
    }
    assert!(!reply.error().contains("web_search"), "not active: {reply}");
}

#[tokio::test]
async fn tools_that_are_not_there_yet_say_so() {
    let (_upstream, hub) = hub().await;
    let listed = hub.call("list_active_tools", json!({})).await;
    for (tool, params) in [
        ("web_search", json!({"query": "rust"})),
        ("persist_result", json!({"data": "x"})),
    ] {
        let reply = hub.call(tool, params).await;
        reply.assert_fails(503, "not_configured");
        assert!(reply.error().contains(tool), "{reply}");
        let active = listed.result()["active_tools"].as_array().unwrap();
        assert!(!active.contains(&json!(tool)), "{listed}");
        assert!(
            listed.result()["inactive_tools"].to_string().contains(tool),
            "{listed}"
        );
    }
}

#[tokio::test]
async fn without_a_key_the_variable_is_named() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).start().await;
    let reply = hub.prompt("hello").await;
    reply.assert_fails(503, "not_configured");
    assert!(reply.error().contains("ANTHROPIC_API_KEY"), "{reply}");
    let listed = hub.call("list_active_tools", json!({})).await;
    let result = listed.assert_ok().result();
    assert_eq!(result["active_llm_providers"], json!([]));
    assert_eq!(result["available_models"], json!([]));
    let system = json!([
        "db_query",
        "list_active_tools",
        "health_check",
        "get_model_info"
    ]);
    let active = result["active_tools"].as_array().unwrap();
    assert_eq!(active.len(), 4, "{listed}");
    assert!(
        system
            .as_array()
            .unwrap()
            .iter()
            .all(|tool| active.contains(tool)),
        "{listed}"
    );
    let inactive = result["inactive_providers"].to_string();
    for variable in ["ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"] {
        assert!(inactive.contains(variable), "{listed}");
    }
    hub.get("/readyz").await.assert_ok();
}

#[tokio::test]
async fn a_model_is_described() {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::three(&upstream).and(
        r#"
        [MODEL.gemini-fast-1]
        provider = "gemini"
        context_tokens = "1048576"
        max_output_tokens = "65536"
        requests_per_min = "15"
        requests_per_day = "1500"
        cost_input_per_1k = "0.0003"
        cost_output_per_1k = "0.0025"
        capabilities = "text, code, vision,"
        [MODEL.gemini-fast-1_END]
        "#,
    );
    let hub = Hub::with(&pyfun).await;
    let reply = hub
        .call("get_model_info", json!({"model": "gemini-fast-1"}))
        .await;
    let info = reply.assert_ok().result();
    assert_eq!(info["provider"], "gemini");
    assert_eq!(info["context_tokens"], 1_048_576);
    assert_eq!(info["max_output_tokens"], 65_536);
    assert_eq!(
        (&info["requests_per_min"], &info["requests_per_day"]),
        (&json!(15), &json!(1500))
    );
    assert_eq!(info["cost_input_per_1k"], 0.0003);
    assert_eq!(info["cost_output_per_1k"], 0.0025);
    assert_eq!(info["capabilities"], json!(["text", "code", "vision"]));

    let reply = hub
        .call("get_model_info", json!({"model": "gemini-fist-1"}))
        .await;
    reply.assert_fails(404, "unknown_model");
    assert!(
        reply.error().contains("gemini-fast-1"),
        "near names: {reply}"
    );
}

#[tokio::test]
async fn the_last_of_two_keys_of_one_name_does_not_win_silently() {
    let (_upstream, hub) = hub().await;
    let reply = hub
        .post(r#"{"tool":"health_check","tool":"list_active_tools"}"#)
        .await;
    reply.assert_contract();
    reply.assert_fails(400, "bad_request");
}
