//! The official SDKs of OpenAI and Anthropic, in Python and for Node, and LangChain, against the hub with
//! each vendor's format behind it. What they need is brought from their registries.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

use crate::support::{
    FakeUpstream, Hub, Pyfun,
    packages::{Node, python},
    pyfun::Provider,
    vectors,
    vendors::{MODELS, apart, conversing},
    within,
};

const SECOND: Duration = Duration::from_secs(1);
/// Longest run of one client, its start on a busy machine included.
const RUN: Duration = Duration::from_secs(120);
/// The hub's own.
const KEY: &str = "a-key-of-thirty-two-characters-x";

/// Such a house, where nobody enters without the key.
async fn house() -> (FakeUpstream, Hub) {
    let upstream = conversing().await;
    let hub = Hub::builder().pyfun(&apart(&upstream)).keys();
    let hub = hub.env("HUB_API_KEY", KEY).start().await;
    (upstream, hub)
}

fn script(name: &str) -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    format!("{folder}/integration-tests/sdk/{name}")
}

/// What an SDK says of one model, with an error's name for each status.
struct Expected {
    stop: &'static str,
    calls: &'static str,
    usage: u64,
    errors: Value,
}

async fn everything(mut command: Command, expected: &Expected) {
    let (upstream, hub) = house().await;
    command.args([&format!("http://{}", hub.address), KEY]);
    command.args(MODELS.map(|(model, _)| model));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = command.spawn().unwrap();
    let mut input = client.stdin.take().unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut next = async || {
        let line = within(RUN, "the client's word", lines.next_line()).await;
        let line = line.unwrap().expect("a client that goes on");
        serde_json::from_str::<Value>(&line).unwrap_or_else(|_| panic!("{line}"))
    };
    for (model, provider) in MODELS {
        let said = next().await;
        let hello = format!("hello from {provider}");
        let weather = json!([["Zürich", "Paris"], expected.calls, "It says sun and rain."]);
        assert_eq!(
            said["plain"],
            json!([hello, expected.stop, expected.usage]),
            "{said}"
        );
        assert_eq!(said["stream"], json!([hello, 7]), "{provider}: {said}");
        assert_eq!(said["tools"], weather, "{provider}: {said}");
        assert_eq!(said["tools_streamed"], weather, "{provider}: {said}");
        assert_eq!(
            said["image"], "A picture: image/png of 96 characters",
            "{provider}: {said}"
        );
        assert_eq!(
            said["structured"],
            json!({"name": "Ada", "age": 36}),
            "{provider}: {said}"
        );
        assert_eq!(said["errors"], expected.errors, "{provider}: {said}");
        assert_eq!(said["listed"], true, "{provider}: {said}");
        assert_eq!(said["found"], model, "{provider}: {said}");
    }
    for (_, provider) in MODELS {
        assert_eq!(next().await, "begun");
        let hanging = upstream.of(provider).seen().last().cloned().unwrap();
        input.write_all(b"now\n").await.unwrap();
        hanging.hung_up_within(SECOND).await;
    }
    assert_eq!(next().await, "done");
}

/// What every SDK calls these, and what it has its own words for.
fn errors(overloaded: Value, broken: Value) -> Value {
    json!({
        "unknown": ["NotFoundError", 404, true],
        "stranger": ["AuthenticationError", 401, true],
        "stranger streams": ["AuthenticationError", 401, true],
        "400": ["BadRequestError", 400, true],
        // The hub's key is wrong, not the caller's.
        "401": ["InternalServerError", 502, true],
        "429": ["RateLimitError", 429, true],
        "529": overloaded,
        "500": ["InternalServerError", 502, true],
        "die": broken,
    })
}

fn openai() -> Expected {
    let overloaded = json!(["InternalServerError", 503, true]);
    Expected {
        stop: "stop",
        calls: "tool_calls",
        usage: 22,
        errors: errors(overloaded, json!(["APIError", null, true])),
    }
}

fn anthropic(broken: Value) -> Expected {
    Expected {
        stop: "end_turn",
        calls: "tool_use",
        usage: 7,
        errors: errors(json!(["OverloadedError", 529, true]), broken),
    }
}

#[tokio::test]
async fn openai_for_python_does_everything() {
    let mut command = python();
    command.arg(script("openai_client.py"));
    everything(command, &openai()).await;
}

#[tokio::test]
async fn openai_for_node_does_everything() {
    let mut command = Node::get().command();
    command.arg(script("openai_client.cjs"));
    everything(command, &openai()).await;
}

#[tokio::test]
async fn anthropic_for_python_does_everything() {
    let mut command = python();
    command.arg(script("anthropic_client.py"));
    // An error event has the status of the stream.
    let broken = json!(["APIStatusError", 200, true]);
    everything(command, &anthropic(broken)).await;
}

#[tokio::test]
async fn anthropic_for_node_does_everything() {
    let mut command = Node::get().command();
    command.arg(script("anthropic_client.cjs"));
    let broken = json!(["APIError", null, true]);
    everything(command, &anthropic(broken)).await;
}

/// Vectors through an SDK, with each format behind that has them.
async fn vectors_come(mut command: Command) {
    let upstream = FakeUpstream::start().await;
    let base = &upstream.url();
    let models = [("gemini-embed-1", "gemini"), ("open-embed-1", "openrouter")];
    let providers = [
        Provider::gemini(base).key("embedding_models", models[0].0),
        Provider::openrouter(base).key("embedding_models", models[1].0),
    ];
    let hub = Hub::with(&Pyfun::chain(providers)).await;
    command.arg(format!("http://{}", hub.address));
    command.args(models.map(|(model, _)| model));
    let output = within(RUN, "the client's end", command.output())
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(said.len(), models.len(), "{errors}");
    for ((model, provider), said) in models.into_iter().zip(said) {
        let (hello, zurich) = (vectors::of("hello", 4), vectors::of("Zürich", 4));
        let tokens = match provider {
            "openrouter" => json!([vec![vectors::of(vectors::TOKENS, 4); 2], 10]),
            _ => json!(["BadRequestError", 400, true]),
        };
        let expected = json!({
            "one": [[hello], 5],
            "several": [[hello, zurich], 10],
            "floats": [[hello], 5],
            "short": [[vectors::of("hello", 2)], 5],
            "unknown": ["NotFoundError", 404, true],
            "empty": ["BadRequestError", 400, true],
            "tokens": tokens,
            "listed": true,
        });
        assert_eq!(said, expected, "{model}");
    }
}

#[tokio::test]
async fn openai_for_python_gets_vectors() {
    let mut command = python();
    command.arg(script("embed_client.py"));
    vectors_come(command).await;
}

#[tokio::test]
async fn openai_for_node_gets_vectors() {
    let mut command = Node::get().command();
    command.arg(script("embed_client.cjs"));
    vectors_come(command).await;
}

#[tokio::test]
async fn langchain_streams_and_calls_tools() {
    let (_upstream, hub) = house().await;
    let mut command = python();
    command.arg(script("langchain_client.py"));
    command.args([&format!("http://{}", hub.address), KEY]);
    command.args(MODELS.map(|(model, _)| model));
    let output = within(RUN, "the client's end", command.output())
        .await
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let said: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(said.len(), MODELS.len(), "{errors}");
    for ((_, provider), said) in MODELS.into_iter().zip(said) {
        let expected = json!({
            "text": format!("hello from {provider}"),
            "pieces": 3,
            "cities": ["Zürich", "Paris"],
            "last": "It says sun and rain.",
        });
        assert_eq!(said, expected);
    }
}
