//! Every door, knocked at without a key: nobody enters but where anybody may, whatever the method.

use serde_json::json;

use hub_actors::transport::routes;

use crate::support::{FakeUpstream, Hub, Pyfun, Reply, eventually, http, mcp::initialize};

const KEY: &str = "a-key-of-thirty-two-characters-x";
const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "BREW",
];
const JSON: (&str, &str) = ("Content-Type", "application/json");

async fn closed_hub(upstream: &FakeUpstream) -> Hub {
    let hub = Hub::builder().pyfun(&Pyfun::three(upstream)).keys();
    let hub = hub.env("HUB_API_KEY", KEY);
    let mut hub = hub.env("HUB__HUB__HUB_TRANSPORT", "sse").start().await;
    hub.key = None;
    hub
}

/// Every path of the table, what it stands for filled in, and paths that lead nowhere.
fn paths() -> Vec<(String, bool)> {
    let doors = routes::doors(true);
    assert!(doors.len() > 7, "the table has everything");
    let mut paths: Vec<_> = doors
        .iter()
        .map(|door| {
            let public = door.public;
            (door.path.replace("{nowhere:.*}", "/nothing"), public)
        })
        .collect();
    for nowhere in [
        "/api/",
        "//api",
        "/API",
        "/api;x",
        "/api%2f",
        "/%61pi",
        "/api?x=/healthz",
        "/healthz/",
        "/healthz/../api",
        "/healthz;/api",
        "//healthz",
        "/readyz%00",
        "/console",
        "/metrics",
        "/v1/nothing",
        "/.well-known/oauth-protected-resource",
    ] {
        paths.push((nowhere.to_owned(), false));
    }
    paths
}

#[track_caller]
fn assert_unauthorized(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 401, "{what}: {reply}");
    assert_eq!(
        reply.header("www-authenticate"),
        "Bearer",
        "{what}: {reply}"
    );
}

/// What a reply says, in its door's format.
fn sentence(reply: &Reply) -> String {
    let error = &reply.body["error"];
    let said = match error.as_str() {
        Some(said) => {
            let id = &reply.body["request_id"];
            assert_eq!(id, reply.header("x-request-id"), "{reply}");
            said
        }
        None => error["message"].as_str().unwrap_or_default(),
    };
    assert!(!said.is_empty(), "{reply}");
    said.to_owned()
}

#[tokio::test]
async fn without_a_key_only_what_anybody_may_see_answers() {
    let upstream = FakeUpstream::start().await;
    let hub = closed_hub(&upstream).await;
    let message = initialize("2025-11-25").to_string();
    let mut refusal = None;
    for (path, public) in paths() {
        for method in METHODS {
            let what = format!("{method} {path}");
            if what == "POST /auth/login" {
                // It asks who somebody is itself.
                continue;
            }
            let content = if method == "POST" {
                message.as_str()
            } else {
                ""
            };
            let mut bytes = http::request(method, &path, &[JSON], content.as_bytes());
            if method == "HEAD" {
                // Its answer has a length and no body.
                bytes = String::from_utf8(bytes)
                    .unwrap()
                    .replacen("Host", "Connection: close\r\nHost", 1)
                    .into();
                let reply = head(&hub, &bytes).await;
                let expected = if public { " 200 " } else { " 401 " };
                assert!(reply.contains(expected), "{what}: {reply}");
                continue;
            }
            let reply = hub.raw(&bytes).await;
            if public && method == "GET" {
                assert_eq!(reply.status, 200, "{what}: {reply}");
                continue;
            }
            assert_unauthorized(&reply, &what);
            // The same words everywhere.
            let said = sentence(&reply);
            assert_eq!(*refusal.get_or_insert(said.clone()), said, "{what}");
        }
    }
    // What is no path.
    for line in [
        "OPTIONS * HTTP/1.1",
        "GET http://127.0.0.1/api HTTP/1.1",
        "GET api HTTP/1.1",
        "CONNECT 127.0.0.1:80 HTTP/1.1",
    ] {
        let request = format!("{line}\r\nHost: 127.0.0.1\r\n\r\n");
        if let Ok(reply) = hub.try_raw(request.as_bytes()).await {
            assert!(matches!(reply.status, 400 | 401), "{line}: {reply}");
        }
    }
    assert_eq!(upstream.seen().len(), 0);
}

async fn head(hub: &Hub, bytes: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(hub.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn with_a_key_every_door_opens() {
    let upstream = FakeUpstream::start().await;
    let mut hub = closed_hub(&upstream).await;
    hub.key = Some(KEY.to_owned());
    for (path, public) in paths() {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            if method == "GET" && matches!(path.as_str(), "/sse" | "/mcp") {
                continue; // A stream that does not end.
            }
            let reply = hub.raw(&http::request(method, &path, &[JSON], b"")).await;
            assert_ne!(reply.status, 401, "{method} {path}: {reply}");
            assert!(!public || method != "GET" || reply.status == 200, "{reply}");
        }
    }
    hub.prompt("hello").await.assert_ok();
}

#[tokio::test]
async fn a_key_comes_in_any_of_three_headers_and_goes_no_further() {
    let upstream = FakeUpstream::start().await;
    let hub = closed_hub(&upstream).await;
    let body = json!({"tool": "llm_complete", "params": {"prompt": "hello"}}).to_string();
    let bearer = format!("Bearer {KEY}");
    let wrong = "Bearer another-key-of-thirty-two-letters";
    let cases: [(&[(&str, &str)], u16); 9] = [
        (&[("Authorization", &bearer)], 200),
        (
            &[("authorization", &bearer.replacen("Bearer", "BEARER", 1))],
            200,
        ),
        (&[("X-Hub-Key", KEY)], 200),
        (&[("x-api-key", KEY)], 200),
        // A private Space takes this header for itself.
        (
            &[
                ("X-Hub-Key", KEY),
                ("Authorization", "Bearer hf_token_of_the_space"),
            ],
            200,
        ),
        (&[("X-Hub-Key", "wrong"), ("Authorization", &bearer)], 401),
        (&[("Authorization", &bearer), ("Authorization", wrong)], 401),
        (&[("Authorization", wrong), ("x-api-key", KEY)], 401),
        (&[("Authorization", KEY)], 401),
    ];
    for (headers, status) in cases {
        let headers = [&[JSON], headers].concat();
        let bytes = http::request("POST", "/api", &headers, body.as_bytes());
        let reply = hub.raw(&bytes).await;
        assert_eq!(reply.status, status, "{headers:?}: {reply}");
    }
    let seen = upstream.seen();
    assert_eq!(seen.len(), 5);
    for exchange in seen {
        let head = exchange.head();
        assert!(!head.contains(KEY) && !head.contains("hf_token"), "{head}");
    }
    let url = http::request(
        "POST",
        &format!("/api?key={KEY}&api_key={KEY}"),
        &[JSON],
        body.as_bytes(),
    );
    assert_unauthorized(&hub.raw(&url).await, "a key in a URL is none");
}

/// Bytes that are nobody's key, from a seed: long and short, SQL, every byte, other alphabets.
fn nonsense(seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let attacks: [&[u8]; 10] = [
        b"' OR '1'='1",
        b"hub_' UNION SELECT id FROM api_keys --_x",
        b"hub_a1b2c3d4_'; DROP TABLE api_keys; --",
        "hub_ключ_ключ".as_bytes(),
        "\u{202e}hub_a_\u{0}".as_bytes(),
        b"hub_%00_%27",
        b"hub__",
        b"hub_aaaaaaaa_",
        b"null",
        b"{}",
    ];
    let mut bytes = Vec::new();
    match random() % 4 {
        0 => bytes.extend_from_slice(attacks[(random() % 10) as usize]),
        1 => bytes.extend((0..random() % 64).map(|_| random() as u8)),
        2 => bytes.extend(std::iter::repeat_n(
            b'a' + (random() % 26) as u8,
            (random() % 9_000) as usize,
        )),
        _ => {
            bytes.extend_from_slice(b"hub_");
            bytes.extend((0..random() % 80).map(|_| 0x20 + (random() % 95) as u8));
        }
    }
    // What ends a header's line would be another header.
    bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
    bytes
}

#[tokio::test]
async fn whatever_is_in_the_header_it_is_401_and_costs_nothing() {
    const TRIES: u32 = 4_000;
    let upstream = FakeUpstream::start().await;
    let hub = closed_hub(&upstream).await;
    let schemes = [
        "Bearer ",
        "bearer  ",
        "Basic ",
        "",
        "Token ",
        "Bearer\t",
        "Negotiate ",
    ];
    let before = hub.memory_kib("VmRSS");
    for seed in 0..TRIES {
        let scheme = schemes[seed as usize % schemes.len()];
        let name = ["Authorization", "X-Hub-Key", "x-api-key"][seed as usize % 3];
        let mut bytes = b"GET /api HTTP/1.1\r\nHost: 127.0.0.1\r\n".to_vec();
        bytes.extend_from_slice(format!("{name}: {scheme}").as_bytes());
        bytes.extend(nonsense(seed));
        bytes.extend_from_slice(b"\r\n\r\n");
        let reply = hub.raw(&bytes).await;
        // A byte that no header may have is not HTTP.
        let fits = reply.status == 401 || (reply.status == 400 && reply.message.body.is_empty());
        assert!(fits, "{:?}: {reply}", String::from_utf8_lossy(&bytes));
    }
    let grown = hub.memory_kib("VmRSS").saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more");
    let mut hub = hub;
    hub.key = Some(KEY.to_owned());
    hub.prompt("hello").await.assert_ok();
    for actor in ["identity", "transport.http"] {
        assert_eq!(hub.health_of(actor).await["restarts"], 0);
    }
}

#[tokio::test]
async fn doors_wait_for_an_identity_that_is_being_restarted() {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::chain([
        crate::support::pyfun::Provider::fragile(),
        crate::support::pyfun::Provider::openrouter(&upstream.url()),
    ]);
    let hub = Hub::builder().pyfun(&pyfun).keys().env("HUB_API_KEY", KEY);
    let hub = hub.start().await;
    for round in 1..=3_u64 {
        hub.prompt_at("fragile", "kill identity").await;
        // Whoever is known stays known; whoever is not waits a moment, and is refused by the next life.
        hub.prompt_at("openrouter", "hello").await.assert_ok();
        let wrong = hub
            .call_with("another-key-of-some-length", "health_check", json!({}))
            .await;
        assert_unauthorized(&wrong, "while it restarts");
        let look = async || {
            let health = hub.health_of("identity").await;
            (health["restarts"] == round && health["state"] == "running").then_some(())
        };
        eventually(std::time::Duration::from_secs(10), "the next life", look).await;
    }
}
