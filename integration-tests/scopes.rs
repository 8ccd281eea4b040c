//! Scopes: what is outside of a key's does not exist for it, on any door; and whoever tries is put down.

use serde_json::{Value, json};

use crate::{
    mcp_sse::Client,
    mcp_stdio::{KEYS, Process},
    support::{
        FakeUpstream, Fault, Hub, Pyfun, Reply, eventually, http,
        mcp::{BOTH, call, initialize, request},
    },
};

use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// A hub with a key that may do little: two tools, and Gemini's small model.
async fn hub(upstream: &FakeUpstream, stateless: bool) -> Hub {
    let hub = Hub::builder().pyfun(&Pyfun::three(upstream)).keys().data();
    let hub = hub.env("HUB__HUB__HUB_TRANSPORT", "sse");
    let mut hub = hub.env("HUB__HUB__HUB_STATELESS", stateless).start().await;
    hub.key = Some(narrow_key(&hub, "narrow").await);
    hub
}

async fn narrow_key(hub: &Hub, name: &str) -> String {
    let flags = [
        "--tools",
        "llm_*, list_active_tools, get_model_info",
        "--models",
        "gemini-fast-1-*",
    ];
    hub.add_key(name, &flags).await
}

/// The lines of `hub audit` with this outcome, as `door what`.
async fn audited(hub: &Hub, outcome: &str) -> Vec<String> {
    let finished = hub.command(&["audit", "--since", "1h", "--json"]).await;
    let lines = finished.assert_exit(0).stdout.lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut found: Vec<_> = lines
        .filter(|line| line["outcome"] == outcome && line["name"] != "local")
        .map(|line| {
            format!(
                "{} {} {}",
                line["name"].as_str().unwrap(),
                line["door"].as_str().unwrap(),
                line["what"].as_str().unwrap()
            )
        })
        .collect();
    found.sort();
    found
}

#[track_caller]
fn assert_forbidden(reply: &Reply) {
    assert_eq!(reply.status, 403, "{reply}");
    assert_eq!(reply.body["error"]["data"]["code"], "forbidden", "{reply}");
    assert_eq!(reply.body["id"], 7, "{reply}");
    let challenge = reply.header("www-authenticate");
    assert!(challenge.contains("insufficient_scope"), "{reply}");
}

fn names(list: &Value, what: &str) -> Vec<String> {
    let list = list["result"][what]
        .as_array()
        .unwrap_or_else(|| panic!("{list}"));
    list.iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_is_outside_is_neither_listed_nor_served_through_rest() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream, true).await;
    let list = hub.call("list_active_tools", json!({})).await;
    let list = list.assert_ok().result().clone();
    assert_eq!(
        list["active_tools"],
        json!(["llm_complete", "list_active_tools", "get_model_info"])
    );
    assert_eq!(list["available_models"], json!(["gemini-fast-1-lite"]));
    assert_eq!(list["active_llm_providers"], json!(["gemini"]));
    let text = list.to_string();
    for hidden in [
        "db_query",
        "summarize",
        "claude",
        "anthropic",
        "persist_result",
    ] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    // The tool's own provider is outside, so the chain begins with the next that is not.
    let reply = hub.prompt("hello").await;
    reply.assert_ok();
    let found = (reply.provider(), reply.meta()["model"].as_str());
    assert_eq!(found, ("gemini", Some("gemini-fast-1-lite")), "{reply}");
    assert_eq!(reply.attempt_entries().len(), 1, "{reply}");
    for (tool, params) in [
        ("db_query", json!({"sql": "SELECT 1"})),
        ("summarize", json!({"prompt": "x"})),
        ("health_check", json!({})),
        ("no_such_tool", json!({})),
        (
            "llm_complete",
            json!({"prompt": "x", "model": "claude-fast-1"}),
        ),
        (
            "llm_complete",
            json!({"prompt": "x", "model": "no-such-model"}),
        ),
        ("get_model_info", json!({"model": "claude-fast-1"})),
    ] {
        let reply = hub.call(tool, params).await;
        reply.assert_fails(403, "forbidden");
        assert!(!reply.error().contains("gemini"), "{reply}");
    }
    let other = hub.prompt_at("anthropic", "x").await;
    other.assert_fails(400, "bad_request");
    hub.call("get_model_info", json!({"model": "gemini-fast-1-lite"}))
        .await
        .assert_ok();
    // The chain does not lead there either.
    upstream.gemini.always(Fault::Status(500));
    let failed = hub.prompt("hello").await;
    failed.assert_fails(502, "providers_failed");
    assert_eq!(failed.attempt_entries().len(), 1, "{failed}");
    assert_eq!(
        (
            upstream.anthropic.seen().len(),
            upstream.openai.seen().len()
        ),
        (0, 0)
    );
    let look = async || (audited(&hub, "forbidden").await.len() == 7).then_some(());
    eventually(PATIENCE, "every refusal in the audit", look).await;
}

#[tokio::test]
async fn a_key_without_a_model_that_runs_is_told_so() {
    let upstream = FakeUpstream::start().await;
    let mut hub = hub(&upstream, true).await;
    hub.key = Some(hub.add_key("none", &["--models", "gpt-*"]).await);
    let list = hub.call("list_active_tools", json!({})).await;
    assert_eq!(list.assert_ok().result()["available_models"], json!([]));
    assert!(
        !list.result()["active_tools"]
            .to_string()
            .contains("llm_complete"),
        "{list}"
    );
    hub.prompt("hello").await.assert_fails(403, "forbidden");
    hub.call("health_check", json!({})).await.assert_ok();
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn what_is_outside_is_neither_listed_nor_served_through_mcp() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream, true).await;
    let ask = async |method: &str, params: Value| hub.mcp(&request(7, method, params)).await;
    let tools = ask("tools/list", json!({})).await.body;
    assert_eq!(
        names(&tools, "tools"),
        ["llm_complete", "list_active_tools", "get_model_info"]
    );
    let input = &tools["result"]["tools"][0]["inputSchema"]["properties"];
    assert_eq!(input["model"]["enum"], json!(["gemini-fast-1-lite"]));
    assert_eq!(input["provider"]["enum"], json!(["gemini"]));
    assert_eq!(
        names(&ask("prompts/list", json!({})).await.body, "prompts"),
        ["llm_complete"]
    );
    let resources = ask("resources/list", json!({})).await.body;
    assert_eq!(
        names(&resources, "resources"),
        ["providers", "tools", "gemini-fast-1-lite"]
    );
    for uri in ["hub://providers", "hub://tools"] {
        let read = ask("resources/read", json!({"uri": uri}))
            .await
            .body
            .to_string();
        assert!(
            read.contains("gemini") && !read.contains("claude"),
            "{read}"
        );
    }
    let read = ask(
        "resources/read",
        json!({"uri": "hub://models/claude-fast-1"}),
    )
    .await;
    assert!(read.body["error"]["code"].is_number(), "{read}");
    let completion = json!({
        "ref": {"type": "ref/resource", "uri": "hub://models/{name}"},
        "argument": {"name": "name", "value": ""},
    });
    let completed = ask("completion/complete", completion).await.body;
    assert_eq!(
        completed["result"]["completion"]["values"],
        json!(["gemini-fast-1-lite"])
    );
    let prompt = ask(
        "prompts/get",
        json!({"name": "summarize", "arguments": {"text": "x"}}),
    )
    .await;
    assert!(prompt.body["error"].is_object(), "{prompt}");

    assert_forbidden(&hub.mcp(&call(7, "summarize", json!({"prompt": "x"}))).await);
    let modern = hub
        .mcp_modern(call(7, "db_query", json!({"sql": "SELECT 1"})))
        .await;
    assert_forbidden(&modern);
    let list = hub.mcp_modern(request(7, "tools/list", json!({}))).await;
    assert_eq!(list.body["result"]["cacheScope"], "private", "{list}");
    assert_eq!(names(&list.body, "tools").len(), 3);
    let batch = json!([
        call(1, "health_check", json!({})),
        call(2, "list_active_tools", json!({}))
    ]);
    let answers = hub.mcp_with(&[BOTH], &batch.to_string()).await;
    let answers = answers.body.as_array().unwrap().clone();
    assert_eq!(
        answers[0]["error"]["data"]["code"], "forbidden",
        "{answers:?}"
    );
    assert_eq!(answers[1]["result"]["isError"], false, "{answers:?}");
    let model = call(
        7,
        "llm_complete",
        json!({"prompt": "x", "model": "claude-fast-1"}),
    );
    let reply = hub.mcp(&model).await;
    assert_eq!(reply.body["error"]["data"]["code"], "forbidden", "{reply}");
    let served = hub
        .mcp(&call(7, "llm_complete", json!({"prompt": "x"})))
        .await;
    assert_eq!(served.body["result"]["isError"], false, "{served}");
    // Escaped letters are letters, and of two names the one that counts is the one that is looked at.
    let body = call(7, "summarize", json!({"prompt": "x"})).to_string();
    let escaped = body.replace("summarize", "summ\\u0061rize");
    assert_forbidden(&hub.mcp_with(&[BOTH], &escaped).await);
    let twice = body.replace(
        "\"name\":\"summarize\"",
        "\"name\":\"llm_complete\",\"name\":\"summarize\"",
    );
    assert!(twice != body);
    let reply = hub.mcp_with(&[BOTH], &twice).await;
    assert!(
        reply.status >= 400 || reply.body["error"].is_object(),
        "{reply}"
    );
    assert_eq!(upstream.seen().len(), 1);
    let expected = [
        "narrow mcp db_query",
        "narrow mcp health_check",
        "narrow mcp llm_complete",
        "narrow mcp summarize",
        "narrow mcp summarize",
    ];
    let look = async || (audited(&hub, "forbidden").await == expected).then_some(());
    eventually(PATIENCE, "every refusal in the audit", look).await;
}

#[tokio::test]
async fn the_old_transport_and_stdio_know_the_scope_too() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream, true).await;
    let mut client = Client::open(&hub, "/sse").await;
    client.ask(&initialize("2024-11-05")).await;
    let tools = client.ask(&request(1, "tools/list", json!({}))).await;
    assert_eq!(
        names(&tools, "tools"),
        ["llm_complete", "list_active_tools", "get_model_info"]
    );
    assert_eq!(
        client
            .post(&call(7, "summarize", json!({"prompt": "x"})))
            .await,
        403
    );

    let data = hub.process.folder.path().join("data");
    let data = data.to_str().unwrap();
    let start = |arguments: &[&str]| {
        Process::start_with(
            &Pyfun::three(&upstream),
            KEYS,
            arguments,
            &[("HUB_DATA_DIR", data)],
        )
    };
    let mut stdio = start(&["--as", "narrow"]);
    stdio.ask(&initialize("2025-11-25")).await;
    let tools = stdio.ask(&request(1, "tools/list", json!({}))).await;
    assert_eq!(
        names(&tools, "tools"),
        ["llm_complete", "list_active_tools", "get_model_info"]
    );
    let refused = stdio
        .ask(&call(2, "summarize", json!({"prompt": "x"})))
        .await;
    assert_eq!(refused["error"]["data"]["code"], "forbidden", "{refused}");
    let served = stdio
        .ask(&call(3, "llm_complete", json!({"prompt": "x"})))
        .await;
    assert_eq!(served["result"]["isError"], false, "{served}");
    // Whoever started it has the files, and so everything.
    let mut own = start(&[]);
    own.ask(&initialize("2025-11-25")).await;
    let tools = own.ask(&request(1, "tools/list", json!({}))).await;
    assert!(names(&tools, "tools").len() > 5, "{tools}");

    hub.command(&["key", "revoke", "narrow"])
        .await
        .assert_exit(0);
    let look = async || {
        let refused = stdio
            .ask(&call(4, "llm_complete", json!({"prompt": "x"})))
            .await;
        (refused["error"]["data"]["code"] == "unauthorized").then_some(())
    };
    eventually(
        Duration::from_secs(1),
        "the end of the key in another process",
        look,
    )
    .await;
    let look = async || {
        let found = audited(&hub, "forbidden").await;
        (found == ["narrow mcp summarize", "narrow stdio summarize"]).then_some(())
    };
    eventually(PATIENCE, "every refusal in the audit", look).await;
    let nobody = hub.command(&["stdio", "--as", "narrow"]).await;
    assert!(
        nobody.assert_exit(78).stderr.contains("hub key list"),
        "{}",
        nobody.stderr
    );
}

#[tokio::test]
async fn a_session_is_its_principals_own() {
    let upstream = FakeUpstream::start().await;
    let mut hub = hub(&upstream, false).await;
    let owner = hub.key.clone();
    let other = narrow_key(&hub, "other").await;
    let session = hub.mcp(&initialize("2025-11-25")).await;
    let id = session.assert_ok().header("mcp-session-id").to_owned();
    let own = ("Mcp-Session-Id", id.as_str());
    let message = call(7, "llm_complete", json!({"prompt": "x"})).to_string();
    let mut client = Client::open(&hub, "/sse").await;
    client.ask(&initialize("2024-11-05")).await;
    let Client {
        events: _open,
        endpoint,
        ..
    } = client;

    hub.key = Some(other);
    let unknown = ("Mcp-Session-Id", "00000000-0000-4000-8000-000000000000");
    let (foreign, none) = (
        hub.mcp_with(&[own, BOTH], &message).await,
        hub.mcp_with(&[unknown, BOTH], &message).await,
    );
    assert_eq!(
        (foreign.status, &foreign.body),
        (404, &none.body),
        "{foreign}"
    );
    for method in ["GET", "DELETE"] {
        let headers = [own, BOTH];
        let reply = hub.raw(&http::request(method, "/mcp", &headers, b"")).await;
        assert_eq!(reply.status, 404, "{method}: {reply}");
    }
    let batch = format!("[{message}]");
    let version = ("MCP-Protocol-Version", "2025-03-26");
    let reply = hub.mcp_with(&[own, BOTH, version], &batch).await;
    assert_eq!(reply.status, 404, "{reply}");
    let headers = [("Content-Type", "application/json")];
    let post = http::request("POST", &endpoint, &headers, message.as_bytes());
    assert_eq!(hub.raw(&post).await.status, 404);
    assert_eq!(upstream.seen().len(), 0);

    hub.key = owner;
    let reply = hub.mcp_with(&[own, BOTH], &message).await;
    assert_eq!(reply.last()["result"]["isError"], false, "{reply}");
    assert_eq!(hub.raw(&post).await.status, 202);
}
