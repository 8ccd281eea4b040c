//! The HTTP surface around the calls: routes, methods, content types, sizes, and broken HTTP.

use serde_json::{Value, json};

use crate::support::{FakeUpstream, Hub, Reply, http};

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

    // As long as a body may be; most of it says nothing, so that only the limit is tried here.
    let prompt = "a".repeat(1 << 20);
    let call = format!(r#"{{"tool": "llm_complete", "params": {{"prompt": "{prompt}"}}}}"#);
    let body = format!("{call}{}", " ".repeat(LIMIT - call.len()));
    let request = http::request("POST", "/api", &[JSON], body.as_bytes());
    let reply = hub.raw(&request).await;
    reply.assert_ok();
    assert_eq!(
        upstream.anthropic.only().body["messages"][0]["content"],
        prompt
    );
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
