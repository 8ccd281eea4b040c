//! `hub stdio`: one client over standard input and output, and the same answers as on other doors.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::Instant,
};

use crate::{
    mcp::VERSIONS,
    support::{
        FakeUpstream, Fault, Hub, Program, Pyfun, http,
        mcp::{Events, JSON, call, initialize, modern, request},
        within,
    },
};

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(20);

/// A hub that is somebody's child process.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    _folder: tempfile::TempDir,
}

impl Process {
    fn start(pyfun: &Pyfun, keys: &str) -> Self {
        Self::start_with(pyfun, keys, &[], &[])
    }

    /// The same with further arguments and variables.
    pub(crate) fn start_with(
        pyfun: &Pyfun,
        keys: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hub.pyfun"), pyfun.to_string()).unwrap();
        std::fs::write(folder.path().join(".env"), keys).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
            .arg("stdio")
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            input: child.stdin.take(),
            child,
            output,
            _folder: folder,
        }
    }

    async fn send(&mut self, message: &Value) {
        let line = format!("{message}\n");
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        let line = within(PATIENCE, "a line", self.output.next_line()).await;
        let line = line.unwrap().expect("the hub still speaks");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no message on stdout: {line}"))
    }

    pub(crate) async fn ask(&mut self, message: &Value) -> Value {
        self.send(message).await;
        self.next().await
    }
}

pub(crate) const KEYS: &str = "ANTHROPIC_API_KEY=a\nGEMINI_API_KEY=b\nOPENROUTER_API_KEY=c\n";

#[tokio::test]
async fn each_version_is_answered_in_its_own() {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::three(&upstream);
    for (asked, answered) in VERSIONS {
        let mut hub = Process::start(&pyfun, KEYS);
        let opened = hub.ask(&initialize(asked)).await;
        assert_eq!(opened["result"]["protocolVersion"], answered, "{asked}");
    }
    let mut hub = Process::start(&pyfun, KEYS);
    let listed = hub.ask(&modern(request(1, "tools/list", json!({})))).await;
    assert_eq!(listed["result"]["resultType"], "complete", "{listed}");
    let mut unknown = modern(request(2, "tools/list", json!({})));
    unknown["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01".into();
    let refused = hub.ask(&unknown).await;
    assert_eq!(refused["error"]["code"], -32022, "{refused}");
}

#[tokio::test]
async fn it_calls_cancels_and_ends_with_its_client() {
    let upstream = FakeUpstream::start().await;
    upstream
        .anthropic
        .once(Fault::Status(529))
        .once(Fault::Hang);
    let mut hub = Process::start(&Pyfun::three(&upstream), KEYS);
    hub.ask(&initialize("2025-06-18")).await;
    hub.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        .await;
    let mut message = call(1, "llm_complete", json!({"prompt": "hello"}));
    message["params"]["_meta"] = json!({"progressToken": 1});
    let progress = hub.ask(&message).await;
    let sentence = "anthropic failed with 529, asking gemini";
    assert_eq!(progress["params"]["message"], sentence);
    let answered = hub.next().await;
    assert_eq!(
        answered["result"]["content"][0]["text"],
        "hello from gemini"
    );

    hub.send(&call(2, "llm_complete", json!({"prompt": "hello"})))
        .await;
    let exchange = upstream.anthropic.arrival(1).await;
    let left = Instant::now();
    let params = json!({"requestId": 2});
    hub.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
        .await;
    assert!(exchange.hung_up_within(SECOND).await >= left);

    upstream.anthropic.always(Fault::Hang);
    hub.send(&call(3, "llm_complete", json!({"prompt": "hello"})))
        .await;
    let exchange = upstream.anthropic.arrival(2).await;
    let left = Instant::now();
    drop(hub.input.take());
    assert!(exchange.hung_up_within(SECOND).await >= left);
    let ended = within(PATIENCE, "the hub's end", hub.child.wait())
        .await
        .unwrap();
    assert_eq!(ended.code(), Some(0));
    let mut log = String::new();
    let mut stderr = hub.child.stderr.take().unwrap();
    stderr.read_to_string(&mut log).await.unwrap();
    assert!(log.contains("calls: answered"), "logs are on stderr: {log}");
}

#[tokio::test]
async fn a_tool_without_its_key_is_absent_on_all_doors_alike() {
    let upstream = FakeUpstream::start().await;
    let text = "[LLM_PROVIDER.lonely]\nbase_url = \"http://127.0.0.1:9/v1\"\n\
                env_key = \"LONELY_KEY\"\ndefault_model = \"lonely-1\"\n[LLM_PROVIDER.lonely_END]\n";
    for (keys, gated) in [(KEYS, false), ("", true)] {
        let pyfun = Pyfun::three(&upstream).and(text);
        let builder = Hub::builder().pyfun(&pyfun);
        let builder = match gated {
            true => builder,
            false => builder.keys(),
        };
        let hub = builder.env("HUB__HUB__HUB_TRANSPORT", "sse").start().await;
        let reply = hub.call("list_active_tools", json!({})).await;
        let api: Vec<String> = names(&reply.result()["tools"]);
        assert_eq!(api.contains(&"llm_complete".to_owned()), !gated, "{api:?}");

        let list = request(1, "tools/list", json!({}));
        let old = hub.mcp(&list).await.last();
        let new = hub.mcp_modern(list.clone()).await.last();

        let get = http::request("GET", "/sse", &[("Accept", "text/event-stream")], b"");
        let mut events = Events::open(&hub, &get).await;
        let first = events.until("\n\n").await;
        let endpoint = first.split_once("data: ").unwrap().1.trim().to_owned();
        for message in [initialize("2024-11-05"), list.clone()] {
            let body = message.to_string();
            let post = http::request("POST", &endpoint, &[JSON], body.as_bytes());
            assert_eq!(hub.raw(&post).await.status, 202);
        }
        events.next().await;
        let sse = events.next().await;

        let mut child = Process::start(&pyfun, keys);
        child.ask(&initialize("2025-11-25")).await;
        let stdio = child.ask(&list).await;

        for listed in [&old, &new, &sse, &stdio] {
            assert_eq!(names(&listed["result"]["tools"]), api);
            // Not the names alone: everything that is said of them.
            assert_eq!(listed["result"]["tools"], old["result"]["tools"]);
        }
    }
}

fn names(tools: &Value) -> Vec<String> {
    let tools = tools.as_array().unwrap().iter();
    tools
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn snippets_are_what_clients_read() {
    let cases = [
        (
            "cursor",
            "/mcpServers/multi-llm-hub/url",
            "http://127.0.0.1:4711/mcp",
        ),
        (
            "vscode",
            "/servers/multi-llm-hub/url",
            "http://127.0.0.1:4711/mcp",
        ),
        (
            "windsurf",
            "/mcpServers/multi-llm-hub/serverUrl",
            "http://127.0.0.1:4711/mcp",
        ),
        (
            "claude-desktop",
            "/mcpServers/multi-llm-hub/args/0",
            "stdio",
        ),
    ];
    for (client, pointer, expected) in cases {
        let finished = Program::new(["mcp-config", client])
            .env("PORT", 4711)
            .run()
            .await;
        finished.assert_exit(0);
        let snippet: Value = serde_json::from_str(&finished.stdout).unwrap();
        assert_eq!(
            snippet.pointer(pointer),
            Some(&json!(expected)),
            "{snippet}"
        );
    }
}

#[tokio::test]
async fn a_snippet_that_its_client_would_not_read_is_refused() {
    let url = "https://hub.example/sse";
    let finished = Program::new(["mcp-config", "claude-desktop", "--url", url])
        .run()
        .await;
    finished.assert_exit(64);
    assert_eq!(finished.stdout, "");
    assert!(
        finished.stderr.contains("Settings, Connectors"),
        "{}",
        finished.stderr
    );
    // The path says which transport it is, whatever the hub here would use.
    for (path, kind) in [("sse", "sse"), ("mcp", "http")] {
        let url = format!("https://hub.example/{path}");
        let finished = Program::new(["mcp-config", "vscode", "--url", &url])
            .run()
            .await;
        finished.assert_exit(0);
        let snippet: Value = serde_json::from_str(&finished.stdout).unwrap();
        assert_eq!(snippet["servers"]["multi-llm-hub"]["type"], kind);
        assert_eq!(snippet["servers"]["multi-llm-hub"]["url"], url);
    }
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_batches_are_for_their_versions() {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::three(&upstream);
    let (one, two) = (
        call(1, "health_check", json!({})),
        request(2, "tools/list", json!({})),
    );
    let batch = json!([one, two, {"id": 3}]);
    for (version, has_batches) in [("2025-03-26", true), ("2025-06-18", false)] {
        let mut hub = Process::start(&pyfun, KEYS);
        hub.ask(&initialize(version)).await;
        let input = hub.input.as_mut().unwrap();
        input.write_all(b"{nonsense\n\n").await.unwrap();
        let answer = hub.next().await;
        assert_eq!(answer["error"]["code"], -32700, "{answer}");
        assert_eq!(answer.get("id"), Some(&Value::Null), "{answer}");
        if has_batches {
            hub.send(&batch).await;
            let mut ids = Vec::new();
            for _ in 0..3 {
                let answer = hub.next().await;
                assert_eq!(answer["error"].is_object(), answer["id"] == 3, "{answer}");
                ids.push(answer["id"].as_u64().unwrap());
            }
            ids.sort_unstable();
            assert_eq!(ids, [1, 2, 3]);
        }
        let refused = match has_batches {
            true => json!(vec![request(4, "ping", json!({})); 51]),
            false => batch.clone(),
        };
        let answer = hub.ask(&refused).await;
        assert_eq!(answer["error"]["code"], -32600, "{answer}");
        // It goes on as if nothing had been.
        let answer = hub.ask(&request(5, "ping", json!({}))).await;
        assert_eq!(answer["id"], 5, "{answer}");
    }
}
