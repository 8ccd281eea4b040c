//! Foreign hosts and origins: refused on every door, before anything is read.

use serde_json::json;

use crate::support::{FakeUpstream, Hub, Pyfun, http, mcp::initialize};

/// Every path that anyone can ask for, and then some.
const DOORS: [(&str, &str); 8] = [
    ("GET", "/"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("POST", "/api"),
    ("POST", "/mcp"),
    ("GET", "/sse"),
    ("POST", "/messages?session_id=1"),
    ("GET", "/nothing"),
];

async fn hub(upstream: &FakeUpstream) -> Hub {
    let pyfun = Pyfun::three(upstream);
    let hub = Hub::builder().pyfun(&pyfun).keys();
    hub.env("HUB__HUB__HUB_TRANSPORT", "sse")
        .env("HUB__HUB__HUB_ALLOWED_HOSTS", "hub.example.com")
        .env("HUB__HUB__HUB_SPACE_URL", "https://me-hub.hf.space")
        .env("HUB__HUB__HUB_ALLOWED_ORIGINS", "https://app.example.com")
        .start()
        .await
}

fn to(host: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let bytes = http::request(method, path, headers, body.as_bytes());
    let text = String::from_utf8(bytes).unwrap();
    text.replacen("Host: 127.0.0.1\r\n", &format!("Host: {host}\r\n"), 1)
        .into_bytes()
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_on_every_door() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let json = ("Content-Type", "application/json");
    let body = initialize("2025-11-25").to_string();
    for (method, path) in DOORS {
        let body = if method == "POST" { body.as_str() } else { "" };
        for host in ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1"] {
            let reply = hub.raw(&to(host, method, path, &[json], body)).await;
            assert_eq!(reply.status, 403, "{path} for {host}: {reply}");
            assert_eq!(reply.code(), "forbidden", "{reply}");
            assert!(reply.error().contains("HUB_ALLOWED_HOSTS"), "{reply}");
        }
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost.evil.example",
        ] {
            let headers = [json, ("Origin", origin)];
            let reply = hub
                .raw(&to("127.0.0.1", method, path, &headers, body))
                .await;
            assert_eq!(reply.status, 403, "{path} from {origin}: {reply}");
            assert_eq!(reply.header("access-control-allow-origin"), "", "{reply}");
        }
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn our_own_names_are_served() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let port = hub.address.port();
    let hosts = [
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
        "hub.example.com".to_owned(),
        "me-hub.hf.space".to_owned(),
    ];
    for host in &hosts {
        let reply = hub.raw(&to(host, "GET", "/healthz", &[], "")).await;
        assert_eq!(reply.status, 200, "{host}: {reply}");
    }
    let pages = [
        ("127.0.0.1", "http://localhost:6274"),
        ("hub.example.com", "https://hub.example.com"),
        ("hub.example.com", "https://app.example.com"),
    ];
    for (host, origin) in pages {
        let reply = hub
            .raw(&to(host, "GET", "/healthz", &[("Origin", origin)], ""))
            .await;
        assert_eq!(reply.status, 200, "{origin}: {reply}");
        assert_eq!(
            reply.header("access-control-allow-origin"),
            origin,
            "{reply}"
        );
        assert!(
            reply
                .header("access-control-expose-headers")
                .contains("Mcp-Session-Id")
        );
        assert_eq!(reply.header("vary"), "Origin", "{reply}");
    }
}

#[tokio::test]
async fn browsers_that_ask_first_are_answered() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let preflight = [
        ("Origin", "https://app.example.com"),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "content-type, mcp-session-id, mcp-param-region",
        ),
    ];
    for path in ["/mcp", "/api", "/messages"] {
        let reply = hub
            .raw(&http::request("OPTIONS", path, &preflight, b""))
            .await;
        assert_eq!(reply.status, 204, "{path}: {reply}");
        assert_eq!(reply.header("access-control-allow-origin"), preflight[0].1);
        assert_eq!(reply.header("access-control-allow-headers"), preflight[2].1);
        let methods = reply.header("access-control-allow-methods");
        assert!(
            methods.contains("POST") && methods.contains("DELETE"),
            "{reply}"
        );
    }
    let foreign = [("Origin", "https://evil.example"), preflight[1]];
    let reply = hub
        .raw(&http::request("OPTIONS", "/mcp", &foreign, b""))
        .await;
    assert_eq!(reply.status, 403, "{reply}");
    // Without an origin there is nothing to say about origins.
    let reply = hub.prompt("hello").await;
    assert_eq!(reply.assert_ok().header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_hub_that_listens_widely_is_known_by_addresses() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys();
    let hub = hub.env("HOST", "0.0.0.0");
    let mut hub = hub.env("HUB_API_KEY", "0123456789abcdef").start().await;
    hub.address.set_ip([127, 0, 0, 1].into());
    let body = json!({"tool": "health_check"}).to_string();
    let headers = [("Content-Type", "application/json")];
    for (host, status) in [
        ("192.168.1.5:7860", 200),
        ("localhost", 200),
        ("hub.example", 403),
    ] {
        let reply = hub.raw(&to(host, "POST", "/api", &headers, &body)).await;
        assert_eq!(reply.status, status, "{host}: {reply}");
    }
}
