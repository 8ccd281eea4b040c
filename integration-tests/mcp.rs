//! `/mcp` on the wire: every version, and what real clients send.

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Hub, Pyfun, http,
    mcp::{BOTH, MODERN, call, initialize, modern, request},
};

/// What a client asks for, and what it gets: the same, or the newest that has a handshake.
pub(crate) const VERSIONS: [(&str, &str); 7] = [
    ("2024-11-05", "2024-11-05"),
    ("2025-03-26", "2025-03-26"),
    ("2025-06-18", "2025-06-18"),
    ("2025-11-25", "2025-11-25"),
    (MODERN, "2025-11-25"),
    ("1999-01-01", "2025-11-25"),
    ("2099-01-01", "2025-11-25"),
];

const SESSIONS: &str = "[HUB]\nHUB_STATELESS = \"false\"\n[HUB_END]\n";

pub(crate) async fn with_sessions(upstream: &FakeUpstream) -> Hub {
    let hub = Hub::builder().pyfun(&Pyfun::three(upstream)).keys();
    hub.env("HUB__HUB__HUB_STATELESS", "false").start().await
}

/// The session's header after a handshake.
pub(crate) async fn session(hub: &Hub) -> String {
    let reply = hub.mcp(&initialize("2025-11-25")).await;
    let id = reply.header("mcp-session-id").to_owned();
    assert!(!id.is_empty(), "{reply}");
    id
}

#[tokio::test]
async fn each_version_is_answered_in_its_own() {
    let upstream = FakeUpstream::start().await;
    for hub in [Hub::three(&upstream).await, with_sessions(&upstream).await] {
        for (asked, answered) in VERSIONS {
            let reply = hub.mcp(&initialize(asked)).await;
            assert_eq!(reply.status, 200, "{reply}");
            let result = &reply.last()["result"];
            assert_eq!(result["protocolVersion"], answered, "{asked}: {reply}");
            assert_eq!(result["serverInfo"]["title"], "Test Hub", "{reply}");
        }
        let discover = hub
            .mcp_modern(request(1, "server/discover", json!({})))
            .await;
        let supported = &discover.last()["result"]["supportedVersions"];
        let known = VERSIONS[..5].iter().map(|(version, _)| *version);
        assert_eq!(*supported, json!(known.collect::<Vec<_>>()), "{discover}");
        let list = hub.mcp_modern(request(2, "tools/list", json!({}))).await;
        assert_eq!(list.last()["result"]["cacheScope"], "private", "{list}");
    }
}

#[tokio::test]
async fn an_unknown_version_in_a_request_is_refused_with_those_there_are() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let mut message = modern(request(1, "tools/list", json!({})));
    for version in ["1999-01-01", "2099-01-01"] {
        message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = version.into();
        let headers = [
            BOTH,
            ("MCP-Protocol-Version", version),
            ("Mcp-Method", "tools/list"),
        ];
        let reply = hub.mcp_with(&headers, &message.to_string()).await;
        assert_eq!(reply.status, 400, "{reply}");
        assert_eq!(reply.body["error"]["code"], -32022, "{reply}");
        assert!(
            reply.body["error"]["data"]["supported"].is_array(),
            "{reply}"
        );
    }
}

#[tokio::test]
async fn every_refusal_is_json_rpc() {
    let upstream = FakeUpstream::start().await;
    let stateless = Hub::three(&upstream).await;
    let sessions = with_sessions(&upstream).await;
    let id = session(&sessions).await;
    let list = request(7, "tools/list", json!({})).to_string();
    let version = ("MCP-Protocol-Version", "2099-01-01");
    let own = ("Mcp-Session-Id", id.as_str());
    let nobodys = ("Mcp-Session-Id", "nobody");
    let cases = [
        (&stateless, vec![version], 400, "MCP-Protocol-Version"),
        (&sessions, vec![version, own], 400, "MCP-Protocol-Version"),
        (&sessions, vec![nobodys], 404, "There is no such session"),
        (&sessions, vec![], 400, "Send `initialize` first"),
    ];
    for (hub, headers, status, words) in cases {
        let reply = hub.mcp_with(&headers, &list).await;
        assert_eq!(reply.status, status, "{reply}");
        assert_eq!(reply.body["error"]["code"], -32600, "{reply}");
        assert_eq!(reply.body["id"], 7, "{reply}");
        let sentence = reply.body["error"]["message"].as_str().unwrap();
        assert!(sentence.contains(words), "{reply}");
    }
    for method in ["GET", "DELETE"] {
        let gone = http::request(method, "/mcp", &[nobodys, ("Accept", "*/*")], b"");
        let reply = sessions.raw(&gone).await;
        if method == "GET" || reply.status >= 400 {
            assert_eq!(reply.status, 404, "{reply}");
            assert_eq!(reply.body["error"]["code"], -32600, "{reply}");
        }
    }
}

#[tokio::test]
async fn one_accepted_type_is_enough() {
    let upstream = FakeUpstream::start().await;
    for hub in [Hub::three(&upstream).await, with_sessions(&upstream).await] {
        let message = initialize("2025-11-25").to_string();
        let cases: [(&[(&str, &str)], &str); 4] = [
            (&[], ""),
            (&[("Accept", "*/*")], ""),
            (&[("Accept", "application/json")], "application/json"),
            (&[("Accept", "text/event-stream")], "text/event-stream"),
        ];
        for (headers, kind) in cases {
            let reply = hub.mcp_with(headers, &message).await;
            assert_eq!(reply.status, 200, "{headers:?}: {reply}");
            assert!(reply.header("content-type").starts_with(kind), "{reply}");
            assert!(reply.last()["result"].is_object(), "{headers:?}: {reply}");
        }
        let reply = hub.mcp_with(&[("Accept", "text/html")], &message).await;
        assert_eq!(reply.status, 406, "{reply}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused_as_json_rpc_does_it() {
    let upstream = FakeUpstream::start().await;
    for hub in [Hub::three(&upstream).await, with_sessions(&upstream).await] {
        for body in ["", "{", "nonsense", "[1,"] {
            let reply = hub.mcp_with(&[BOTH], body).await;
            assert_eq!(reply.status, 400, "{reply}");
            assert_eq!(reply.body["error"]["code"], -32700, "{body}: {reply}");
            assert_eq!(reply.body["id"], Value::Null, "{reply}");
        }
        for body in [json!({"id": 5}), json!("text"), json!(7), json!([])] {
            let reply = hub.mcp_with(&[BOTH], &body.to_string()).await;
            assert_eq!(reply.status, 400, "{reply}");
            assert_eq!(reply.body["error"]["code"], -32600, "{body}: {reply}");
            assert_eq!(reply.body["id"], body["id"], "{reply}");
        }
        let plain = [("Content-Type", "text/plain"), BOTH];
        let message = initialize("2025-11-25").to_string();
        let reply = http::request("POST", "/mcp", &plain, message.as_bytes());
        assert_eq!(hub.raw(&reply).await.status, 415);
    }
}

#[tokio::test]
async fn params_that_do_not_fit_are_invalid_and_an_unknown_method_is_unknown() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let cases = [
        ("tools/call", json!({"arguments": {}}), -32602),
        ("resources/read", json!({"uri": 7}), -32602),
        ("prompts/get", json!({"name": "nobody"}), -32602),
        ("tools/list", json!({"cursor": "2"}), -32602),
        ("tools/abolish", json!({}), -32601),
    ];
    for (method, params, code) in cases {
        let reply = hub.mcp(&request(1, method, params)).await;
        assert_eq!(reply.last()["error"]["code"], code, "{method}: {reply}");
        assert_eq!(reply.last()["id"], 1, "{method}: {reply}");
    }
}

#[tokio::test]
async fn batches_are_for_the_version_that_has_them() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let batch = json!([
        call(1, "health_check", json!({})),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        request(2, "tools/list", json!({})),
        {"id": 3},
    ]);
    let old = ("MCP-Protocol-Version", "2025-03-26");
    for headers in [&[BOTH][..], &[BOTH, old]] {
        let reply = hub.mcp_with(headers, &batch.to_string()).await;
        assert_eq!(reply.status, 200, "{reply}");
        let answers = reply.body.as_array().unwrap();
        assert_eq!(answers.len(), 3, "{reply}");
        assert_eq!(answers[0]["result"]["structuredContent"]["status"], "ok");
        assert!(answers[1]["result"]["tools"].is_array());
        assert_eq!(answers[2]["error"]["code"], -32600);
    }
    let silent = json!([{"jsonrpc": "2.0", "method": "notifications/initialized"}]);
    let reply = hub.mcp_with(&[BOTH], &silent.to_string()).await;
    assert_eq!(
        (reply.status, reply.message.body.len()),
        (202, 0),
        "{reply}"
    );
    let new = ("MCP-Protocol-Version", "2025-06-18");
    let reply = hub.mcp_with(&[BOTH, new], &batch.to_string()).await;
    assert_eq!(reply.status, 400, "{reply}");
    let openers = json!([initialize("2025-03-26")]);
    let reply = hub.mcp_with(&[BOTH], &openers.to_string()).await;
    assert_eq!(reply.status, 400, "{reply}");
}

#[tokio::test]
async fn a_get_without_a_session_is_405_and_an_unknown_session_404() {
    let upstream = FakeUpstream::start().await;
    let cases = [
        (Hub::three(&upstream).await, "POST"),
        (with_sessions(&upstream).await, "GET, POST, DELETE"),
    ];
    for (hub, allow) in &cases {
        for headers in [&[][..], &[("Accept", "text/event-stream")]] {
            let reply = hub.raw(&http::request("GET", "/mcp", headers, b"")).await;
            assert_eq!(reply.status, 405, "{reply}");
            assert_eq!(reply.header("allow"), *allow, "{reply}");
        }
    }
    let unknown = ("Mcp-Session-Id", "00000000-0000-4000-8000-000000000000");
    let message = request(1, "tools/list", json!({})).to_string();
    let reply = cases[1].0.mcp_with(&[BOTH, unknown], &message).await;
    assert_eq!(reply.status, 404, "{reply}");
    // Without sessions the header means nothing, and no client is sent away.
    let reply = cases[0].0.mcp_with(&[BOTH, unknown], &message).await;
    assert_eq!(reply.status, 200, "{reply}");
}

#[tokio::test]
async fn a_session_lives_until_it_is_deleted() {
    let upstream = FakeUpstream::start().await;
    let hub = with_sessions(&upstream).await;
    let id = session(&hub).await;
    let own = ("Mcp-Session-Id", id.as_str());
    let message = call(1, "health_check", json!({})).to_string();
    let reply = hub.mcp_with(&[BOTH, own], &message).await;
    assert_eq!(reply.last()["result"]["isError"], false, "{reply}");
    let delete = http::request("DELETE", "/mcp", &[own], b"");
    assert!(hub.raw(&delete).await.status < 300);
    assert_eq!(hub.mcp_with(&[BOTH, own], &message).await.status, 404);
}

#[tokio::test]
async fn the_settings_are_checked() {
    for (key, value, help) in [
        ("HUB_STATELESS", "maybe", "true or false"),
        ("HUB_ALLOWED_HOSTS", "*.example.com", "no host"),
        ("HUB_ALLOWED_ORIGINS", "app.example.com", "no origin"),
        ("HUB_TRANSPORT", "carrier-pigeon", "sse"),
    ] {
        let text = SESSIONS
            .replace("HUB_STATELESS", key)
            .replace("false", value);
        let program = crate::support::Program::new(["check", "--config", "hub.pyfun"]);
        let finished = program.file("hub.pyfun", text).run().await;
        finished.assert_exit(78);
        assert!(finished.stderr.contains(help), "{}", finished.output());
    }
}

#[tokio::test]
async fn nothing_looks_like_oauth_while_there_is_none() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    // Cursor forgets its configured headers as soon as one of these answers.
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ] {
        assert_eq!(hub.get(path).await.status, 404, "{path}");
    }
}
