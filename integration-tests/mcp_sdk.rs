//! The official SDKs, which real clients are made of, against every door.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    time::Instant,
};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun,
    packages::{Node, python},
    within,
};

const SECOND: Duration = Duration::from_secs(1);
/// Longest run of one client, its start on a busy machine included.
const RUN: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sdk {
    Python,
    TypeScript,
}

impl Sdk {
    fn command(self) -> Command {
        let script = |name: &str| {
            format!(
                "{}/integration-tests/sdk/{name}",
                env!("CARGO_MANIFEST_DIR")
            )
        };
        let (mut command, script) = match self {
            Self::Python => (python(), script("client.py")),
            Self::TypeScript => (Node::get().command(), script("client.cjs")),
        };
        command.arg(script);
        command
    }
}

/// A hub, and its child-process twin's command line.
struct House {
    hub: Hub,
    stdio: Vec<String>,
}

async fn house(upstream: &FakeUpstream, stateless: bool) -> House {
    let pyfun = Pyfun::three(upstream);
    let hub = Hub::builder()
        .pyfun(&pyfun)
        .keys()
        .env("HUB__HUB__HUB_TRANSPORT", "sse");
    let hub = hub.env("HUB__HUB__HUB_STATELESS", stateless).start().await;
    let folder = hub.process.folder.path();
    let keys = folder.join("keys.env");
    std::fs::write(
        &keys,
        "ANTHROPIC_API_KEY=a\nGEMINI_API_KEY=b\nOPENROUTER_API_KEY=c\n",
    )
    .unwrap();
    let text = |path: std::path::PathBuf| path.display().to_string();
    let stdio = vec![
        env!("CARGO_BIN_EXE_hub").to_owned(),
        "stdio".to_owned(),
        "--config".to_owned(),
        text(folder.join("hub.pyfun")),
        "--env-file".to_owned(),
        text(keys),
    ];
    House { hub, stdio }
}

/// The doors of a house, and how a client comes in.
fn doors(house: &House) -> [(&'static str, Vec<String>); 3] {
    let at = |path: &str| vec![format!("http://{}/{path}", house.hub.address)];
    [
        ("http", at("mcp")),
        ("sse", at("sse")),
        ("stdio", house.stdio.clone()),
    ]
}

async fn calls(sdk: Sdk, mode: &str, stateless: bool) {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(529));
    // The TypeScript SDK loses progress that comes in one piece with the answer.
    upstream
        .gemini
        .always(Fault::Late(SECOND / 4, "hello from gemini"));
    let house = house(&upstream, stateless).await;
    for (door, target) in doors(&house) {
        let mut command = sdk.command();
        command.args([door, mode, "call"]).args(&target);
        let output = within(RUN, "the client's end", command.output())
            .await
            .unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
            panic!(
                "{sdk:?} {door}: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        assert_eq!(said["text"], "hello from gemini", "{door}: {said}");
        let sentence = "anthropic failed with 529, asking gemini";
        assert_eq!(said["progress"], json!([sentence]), "{door}: {said}");
        assert_eq!(said["status"], "ok", "{door}: {said}");
        assert_eq!(
            said["tools"].as_array().map(Vec::len),
            Some(8),
            "{door}: {said}"
        );
        let asked = upstream.gemini.seen().pop().unwrap();
        let last = &asked.body["contents"][2]["parts"];
        assert_eq!(last[0]["text"], "hello", "{door}: {last}");
        assert_eq!(last[1]["inlineData"]["data"], "aGk=", "{door}: {last}");
        if mode == "auto" && door != "sse" {
            assert_eq!(said["version"], "2026-07-28", "{door}: {said}");
        }
    }
}

async fn cancels(sdk: Sdk, mode: &str, stateless: bool) {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let house = house(&upstream, stateless).await;
    for (index, (door, target)) in doors(&house).into_iter().enumerate() {
        let mut command = sdk.command();
        command.args([door, mode, "cancel"]).args(&target);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut client = command.spawn().unwrap();
        let exchange = upstream.anthropic.arrival(index).await;
        let left = Instant::now();
        let mut input = client.stdin.take().unwrap();
        input.write_all(b"now\n").await.unwrap();
        assert!(exchange.hung_up_within(SECOND).await >= left, "{door}");
        let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
        let line = within(RUN, "the client's last word", lines.next_line()).await;
        let line = line.unwrap().expect("a client that goes on");
        assert!(line.contains("llm_complete"), "{door}: {line}");
    }
    assert_eq!(upstream.gemini.seen().len(), 0);
}

#[tokio::test]
async fn python_calls() {
    calls(Sdk::Python, "auto", true).await;
    calls(Sdk::Python, "legacy", true).await;
    calls(Sdk::Python, "legacy", false).await;
}

#[tokio::test]
async fn python_cancels() {
    cancels(Sdk::Python, "auto", true).await;
    cancels(Sdk::Python, "legacy", false).await;
}

#[tokio::test]
async fn typescript_calls() {
    calls(Sdk::TypeScript, "legacy", true).await;
    calls(Sdk::TypeScript, "legacy", false).await;
}

#[tokio::test]
async fn typescript_cancels() {
    cancels(Sdk::TypeScript, "legacy", true).await;
    cancels(Sdk::TypeScript, "legacy", false).await;
}
