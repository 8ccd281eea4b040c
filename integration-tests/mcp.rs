//! `/mcp` as clients use it: every version, what real clients send, what tools say, and how a call is
//! watched and cancelled.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun, http,
    mcp::{BOTH, Events, JSON, MODERN, call, initialize, modern, modern_headers, request},
};

const SECOND: Duration = Duration::from_secs(1);

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

async fn with_sessions(upstream: &FakeUpstream) -> Hub {
    let hub = Hub::builder().pyfun(&Pyfun::three(upstream)).keys();
    hub.env("HUB__HUB__HUB_STATELESS", "false").start().await
}

/// The session's header after a handshake.
async fn session(hub: &Hub) -> String {
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
async fn tools_are_described_for_models_and_people() {
    let upstream = FakeUpstream::start().await;
    let builder = Hub::builder().pyfun(
        &Pyfun::three(&upstream).and("[TOOL.no.good]\ndescription = \"x\"\n[TOOL.no.good_END]\n"),
    );
    let hub = builder.env("GEMINI_API_KEY", "k").start().await;
    let list = hub.mcp(&request(1, "tools/list", json!({}))).await;
    let again = hub.mcp(&request(1, "tools/list", json!({}))).await;
    assert_eq!(list.body, again.body);
    let tools = list.body["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    let expected = [
        "llm_complete",
        "code_review",
        "summarize",
        "translate",
        "list_active_tools",
        "health_check",
        "get_model_info",
    ];
    assert_eq!(names, expected);
    let complete = &tools[0];
    assert_eq!(complete["title"], "LLM complete");
    assert_eq!(complete["description"], "llm_complete for the tests");
    let input = &complete["inputSchema"];
    assert_eq!(
        input["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    // The providers without a key, and their models, are no choice.
    assert_eq!(input["properties"]["provider"]["enum"], json!(["gemini"]));
    let models = &input["properties"]["model"]["enum"];
    assert_eq!(*models, json!(["gemini-fast-1", "gemini-fast-1-lite"]));
    assert_eq!(complete["annotations"]["readOnlyHint"], true);
    assert_eq!(complete["annotations"]["openWorldHint"], true);
    assert!(complete.get("outputSchema").is_none());
    assert_eq!(tools[5]["annotations"]["openWorldHint"], false);
    assert_eq!(tools[5]["outputSchema"]["type"], "object");
}

#[tokio::test]
async fn a_call_answers_with_text_and_how_it_came_about() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(529));
    let hub = Hub::three(&upstream).await;
    let message = call(1, "llm_complete", json!({"prompt": "hello"}));
    for reply in [hub.mcp(&message).await, hub.mcp_modern(message).await] {
        let result = &reply.last()["result"];
        assert_eq!(result["content"][0]["text"], "hello from gemini", "{reply}");
        assert_eq!(result["isError"], false, "{reply}");
        let about = &result["_meta"]["multi-llm-hub/call"];
        assert_eq!(about["provider"], "gemini", "{reply}");
        assert_eq!(about["attempts"][0]["status"], 529, "{reply}");
    }
    let health = hub.mcp(&call(2, "health_check", json!({}))).await;
    let result = &health.last()["result"];
    let text = result["content"][0]["text"].as_str().unwrap();
    let read: Value = serde_json::from_str(text).unwrap();
    assert_eq!(read, result["structuredContent"], "{health}");
}

#[tokio::test]
async fn bad_input_is_a_tools_error_and_an_unknown_tool_the_protocols() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let cases = [
        (json!({}), "`llm_complete` needs a `prompt`"),
        (json!({"prompt": 7}), "`prompt` must be a string"),
        (
            json!({"prompt": "x", "temprature": 1}),
            "no parameter `temprature`",
        ),
        (
            json!({"prompt": "x", "model": "gpt-0"}),
            "There is no model `gpt-0`",
        ),
        (
            json!({"prompt": "x", "provider": "nobody"}),
            "Providers: anthropic",
        ),
    ];
    for (arguments, sentence) in cases {
        let reply = hub.mcp(&call(1, "llm_complete", arguments)).await;
        let result = &reply.last()["result"];
        assert_eq!(result["isError"], true, "{reply}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(sentence), "{reply}");
    }
    for tool in ["nothing", "web_search"] {
        let reply = hub.mcp(&call(1, tool, json!({}))).await;
        assert_eq!(reply.last()["error"]["code"], -32602, "{reply}");
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn system_prompts_are_prompts() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let list = hub.mcp(&request(1, "prompts/list", json!({}))).await;
    let prompts = list.last()["result"]["prompts"].clone();
    assert_eq!(prompts[2]["name"], "summarize", "{list}");
    assert_eq!(prompts[2]["arguments"][0]["name"], "text", "{list}");
    let params = json!({"name": "summarize", "arguments": {"text": "a long story"}});
    let got = hub.mcp(&request(2, "prompts/get", params)).await;
    let messages = &got.last()["result"]["messages"];
    assert_eq!(
        messages[0]["content"]["text"], "You are summarize.",
        "{got}"
    );
    assert_eq!(messages[1]["content"]["text"], "a long story", "{got}");
    let params = json!({"name": "summarize", "arguments": {"txt": "x"}});
    let got = hub.mcp(&request(3, "prompts/get", params)).await;
    assert_eq!(got.last()["error"]["code"], -32602, "{got}");
}

#[tokio::test]
async fn the_hub_can_be_read_without_a_secret() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let list = hub.mcp(&request(1, "resources/list", json!({}))).await;
    let resources = list.last()["result"]["resources"].clone();
    let resources = resources.as_array().unwrap();
    assert!(resources.len() > 5, "{list}");
    for resource in resources {
        let read = hub
            .mcp(&request(
                2,
                "resources/read",
                json!({"uri": resource["uri"]}),
            ))
            .await;
        let content = read.last()["result"]["contents"][0].clone();
        assert_eq!(content["mimeType"], "application/json", "{read}");
        let text = content["text"].as_str().unwrap();
        assert!(serde_json::from_str::<Value>(text).is_ok(), "{read}");
        assert!(!text.contains("key-of-"), "{read}");
    }
    // The template's `/` comes encoded from some clients.
    for name in ["acme/open-20b:free", "acme%2Fopen-20b%3Afree"] {
        let uri = format!("hub://models/{name}");
        let read = hub
            .mcp(&request(3, "resources/read", json!({"uri": uri})))
            .await;
        let text = read.last()["result"]["contents"][0]["text"].to_string();
        assert!(text.contains("openrouter"), "{read}");
    }
    for (uri, code) in [
        ("hub://models/none", -32002),
        ("file:///etc/passwd", -32002),
    ] {
        let read = hub
            .mcp(&request(4, "resources/read", json!({"uri": uri})))
            .await;
        assert_eq!(read.last()["error"]["code"], code, "{read}");
        assert_eq!(read.last()["error"]["data"]["uri"], uri, "{read}");
    }
    let params = json!({
        "ref": {"type": "ref/resource", "uri": "hub://models/{name}"},
        "argument": {"name": "name", "value": "claude-"},
    });
    let completed = hub.mcp(&request(5, "completion/complete", params)).await;
    let values = &completed.last()["result"]["completion"]["values"];
    assert_eq!(
        *values,
        json!(["claude-fast-1", "claude-strong-1"]),
        "{completed}"
    );
}

#[tokio::test]
async fn progress_and_logs_say_who_failed_and_who_is_asked() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(529));
    let hub = Hub::three(&upstream).await;
    let mut message = call(1, "llm_complete", json!({"prompt": "hello"}));
    message["params"]["_meta"] = json!({
        "progressToken": "p",
        "io.modelcontextprotocol/logLevel": "info",
    });
    let reply = hub.mcp_modern(message.clone()).await;
    let messages = reply.messages();
    let sentence = "anthropic failed with 529, asking gemini";
    let progress = messages
        .iter()
        .find(|message| message["method"] == "notifications/progress")
        .unwrap_or_else(|| panic!("no progress: {reply}"));
    assert_eq!(progress["params"]["message"], sentence, "{reply}");
    assert_eq!(progress["params"]["progress"], 1.0, "{reply}");
    assert_eq!(progress["params"]["total"], 3.0, "{reply}");
    let log = messages
        .iter()
        .find(|message| message["method"] == "notifications/message")
        .unwrap_or_else(|| panic!("no log message: {reply}"));
    assert_eq!(log["params"]["data"]["message"], sentence, "{reply}");
    assert_eq!(log["params"]["level"], "warning", "{reply}");
    assert!(reply.last()["result"].is_object(), "{reply}");
    // Who asks for neither gets neither, and who reads only JSON gets the result alone.
    let plain = hub
        .mcp(&call(1, "llm_complete", json!({"prompt": "hello"})))
        .await;
    assert_eq!(plain.messages().len(), 1, "{plain}");
    let only = [("Accept", "application/json")];
    let reply = hub.mcp_with(&only, &message_without_meta(message)).await;
    assert_eq!(reply.body["result"]["isError"], false, "{reply}");
}

fn message_without_meta(mut message: Value) -> String {
    message["params"]["_meta"] = json!({"progressToken": 7});
    message.to_string()
}

#[tokio::test]
async fn a_client_that_closes_its_stream_cancels_the_vendor() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let hub = Hub::three(&upstream).await;
    let old = call(1, "llm_complete", json!({"prompt": "hello"}));
    let new = modern(old.clone());
    for (number, message) in [old, new].into_iter().enumerate() {
        let headers = match number {
            0 => Vec::new(),
            _ => modern_headers(&message),
        };
        let mut all = vec![JSON, BOTH];
        all.extend(headers.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let bytes = http::request("POST", "/mcp", &all, message.to_string().as_bytes());
        let mut client = tokio::net::TcpStream::connect(hub.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut client, &bytes)
            .await
            .unwrap();
        let exchange = upstream.anthropic.arrival(number).await;
        let left = Instant::now();
        drop(client);
        assert!(exchange.hung_up_within(SECOND).await >= left);
    }
    assert_eq!(upstream.gemini.seen().len(), 0);
}

#[tokio::test]
async fn a_cancelled_notification_cancels_the_vendor() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let hub = with_sessions(&upstream).await;
    let id = session(&hub).await;
    let own = ("Mcp-Session-Id", id.as_str());
    let message = call(9, "llm_complete", json!({"prompt": "hello"}));
    let stream = Events::post(&hub, &[own], &message).await;
    let exchange = upstream.anthropic.arrival(0).await;
    let left = Instant::now();
    let cancel = json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 9, "reason": "changed my mind"},
    });
    let reply = hub.mcp_with(&[BOTH, own], &cancel.to_string()).await;
    assert_eq!(reply.status, 202, "{reply}");
    assert!(exchange.hung_up_within(SECOND).await >= left);
    drop(stream);
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive() {
    let upstream = FakeUpstream::start().await;
    let hub = with_sessions(&upstream).await;
    let id = session(&hub).await;
    let headers = [
        ("Mcp-Session-Id", id.as_str()),
        ("Accept", "text/event-stream"),
    ];
    let opened = Instant::now();
    let mut events = Events::open(&hub, &http::request("GET", "/mcp", &headers, b"")).await;
    events.until("\n:").await;
    assert!(
        opened.elapsed() <= Duration::from_secs(17),
        "{:?}",
        opened.elapsed()
    );
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

#[tokio::test]
async fn what_people_ask_is_not_logged() {
    const SECRET: &str = "rosebud-in-the-snow";
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(500));
    for stateless in [true, false] {
        let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys();
        let hub = hub
            .env("HUB__HUB__HUB_STATELESS", stateless)
            .env("LOG_LEVEL", "trace");
        let hub = hub.start().await;
        let opened = hub.mcp(&initialize("2025-11-25")).await;
        let id = opened.header("mcp-session-id").to_owned();
        let own = match id.is_empty() {
            true => vec![BOTH],
            false => vec![BOTH, ("Mcp-Session-Id", id.as_str())],
        };
        let messages = [
            call(1, "llm_complete", json!({"prompt": SECRET})).to_string(),
            call(2, "llm_complete", json!({SECRET: 1})).to_string(),
            call(3, SECRET, json!({})).to_string(),
            request(4, SECRET, json!({})).to_string(),
            request(5, "prompts/get", json!({"name": SECRET})).to_string(),
            request(6, "initialize", json!({"protocolVersion": SECRET})).to_string(),
            format!("{{{SECRET}"),
        ];
        for message in messages {
            hub.mcp_with(&own, &message).await;
        }
        let log = hub.process.stderr.text();
        assert!(log.contains("calls: answered"), "{log}");
        for (name, bytes) in hub.traces() {
            let text = String::from_utf8_lossy(&bytes);
            // The tool's name is logged: it is in the configuration, or it is nobody's.
            let lines = text.lines().filter(|line| !line.contains("unknown_tool"));
            for line in lines {
                assert!(!line.contains(SECRET), "{name}: {line}");
            }
        }
    }
}
