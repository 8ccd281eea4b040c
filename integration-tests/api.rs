//! The HTTP surface: what each route answers, and each way of asking wrongly.

use serde_json::{Value, json};

use crate::support::{FakeUpstream, Hub, Pyfun, Reply, http};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A hub of which nothing but its surface is asked.
async fn hub() -> (FakeUpstream, Hub) {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    (upstream, hub)
}

/// Asserts that what came is a failure in the contract's shape.
#[track_caller]
fn assert_refused(reply: &Reply, status: u16) {
    reply.assert_contract();
    assert_eq!(reply.status, status, "{reply}");
}

#[tokio::test]
async fn the_root_says_who_is_there() {
    let (_upstream, hub) = hub().await;
    for accept in [
        "*/*",
        "application/json",
        "text/html,application/xhtml+xml,*/*;q=0.8",
    ] {
        let reply = hub
            .raw(&http::request("GET", "/", &[("Accept", accept)], b""))
            .await;
        assert_eq!(reply.assert_ok().header("content-type"), "application/json");
        assert_eq!(reply.body["status"], "running");
        assert_eq!(reply.body["service"], "Test Hub");
        assert_eq!(reply.body["transport"], "streamable-http");
        for (key, is) in [
            ("version", Value::is_string as fn(&Value) -> bool),
            ("uptime_seconds", Value::is_u64),
        ] {
            assert!(is(&reply.body[key]), "`{key}`: {reply}");
        }
    }
}

#[tokio::test]
async fn live_and_ready() {
    let (_upstream, hub) = hub().await;
    for path in ["/healthz", "/readyz"] {
        let reply = hub.get(path).await;
        assert!(reply.assert_ok().body.is_object(), "{reply}");
    }
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let (_upstream, hub) = hub().await;
    let one = hub.call("health_check", json!({})).await;
    let two = hub.call("health_check", json!({})).await;
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
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
    for (body, named) in cases {
        let reply = hub.api(body.clone()).await;
        reply.assert_fails(400, "bad_request");
        assert!(
            reply.error().contains(&format!("`{named}`")),
            "{body}: {reply}"
        );
    }
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
        ("db_query", json!({"sql": "SELECT 1"})),
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
    let system = json!(["list_active_tools", "health_check", "get_model_info"]);
    let active = result["active_tools"].as_array().unwrap();
    assert_eq!(active.len(), 3, "{listed}");
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
async fn health_check_knows_every_actor() {
    let (_upstream, hub) = hub().await;
    let reply = hub.call("health_check", json!({})).await;
    let result = reply.assert_ok().result();
    assert_eq!(result["status"], "ok", "{reply}");
    assert_eq!(result["transport"], "streamable-http", "{reply}");
    assert!(result["uptime_seconds"].is_u64(), "{reply}");
    for actor in [
        "registry",
        "provider.anthropic",
        "provider.gemini",
        "provider.openrouter",
        "transport.http",
    ] {
        let health = hub.health_of(actor).await;
        assert_eq!(
            (&health["state"], &health["restarts"]),
            (&json!("running"), &json!(0)),
            "{actor}"
        );
    }
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
async fn other_methods_are_told_which_one_is_meant() {
    let (_upstream, hub) = hub().await;
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let reply = hub.raw(&http::request(method, "/api", &[], b"")).await;
        assert_refused(&reply, 405);
        assert_eq!(reply.header("allow"), "POST", "{reply}");
    }
    for path in ["/", "/healthz", "/readyz"] {
        let reply = hub.raw(&http::request("POST", path, &[JSON], b"{}")).await;
        assert_refused(&reply, 405);
        assert!(reply.header("allow").contains("GET"), "{reply}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_told_in_json() {
    let (_upstream, hub) = hub().await;
    for path in [
        "/nothing",
        "/api/",
        "//api",
        "/api/../etc/passwd",
        "/%2e%2e/",
    ] {
        assert_refused(&hub.get(path).await, 404);
    }
}

#[tokio::test]
async fn other_content_types_are_refused() {
    let (_upstream, hub) = hub().await;
    let body = br#"{"tool":"health_check"}"#;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "nonsense",
    ] {
        let request = http::request("POST", "/api", &[("Content-Type", content_type)], body);
        assert_refused(&hub.raw(&request).await, 415);
    }
    for content_type in [
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/problem+json",
    ] {
        let request = http::request("POST", "/api", &[("Content-Type", content_type)], body);
        hub.raw(&request).await.assert_ok();
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_by_its_length_and_by_its_bytes() {
    const LIMIT: usize = 10 * 1024 * 1024;
    let (upstream, hub) = hub().await;
    let head = format!(
        "POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        LIMIT + 1
    );
    assert_refused(&hub.raw(head.as_bytes()).await, 413);

    let mut chunked = b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..11 {
        chunked.extend_from_slice(b"100000\r\n");
        chunked.extend_from_slice(&vec![b' '; 1 << 20]);
        chunked.extend_from_slice(b"\r\n");
    }
    assert_refused(&hub.raw(&chunked).await, 413);

    let prompt = "a".repeat(LIMIT - 200);
    let reply = hub.prompt(&prompt).await;
    reply.assert_ok();
    assert_eq!(
        upstream.anthropic.only().body["messages"][0]["content"],
        prompt
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

#[tokio::test]
async fn broken_http_does_no_harm() {
    let (_upstream, hub) = hub().await;
    let flood = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Flood: {}\r\n\r\n",
        "a".repeat(300_000)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        "X-Many: 1\r\n".repeat(5_000)
    );
    let smuggled = "POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let requests: [&[u8]; 7] = [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        flood.as_bytes(),
        many.as_bytes(),
        smuggled.as_bytes(),
    ];
    for request in requests {
        if let Ok(reply) = hub.try_raw(request).await {
            assert!((400..500).contains(&reply.status), "{reply}");
        }
    }
    hub.call("health_check", json!({})).await.assert_ok();
    let transport = hub.health_of("transport.http").await;
    assert_eq!(transport["restarts"], 0, "{transport}");
}
