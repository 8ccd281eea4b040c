//! `/openapi.json` and `/docs`: every door is described, nothing else is, and answers are as it says.

use std::{collections::BTreeSet, fs, time::Duration};

use serde_json::{Value, json};

use hub_actors::transport::routes;

use crate::support::{FakeUpstream, Hub, Pyfun, Reply, http, packages::python, within};

const KEY: &str = "a-key-of-thirty-two-characters-x";
/// Longest time that Python has, once it is there.
const RUN: Duration = Duration::from_secs(60);

/// Holds a document against the specification, and answers against the document.
const VALIDATE: &str = r##"
import json, sys
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

given = json.load(open(sys.argv[1]))
document = given["document"]
OpenAPIV31SpecValidator(document).validate()
for name, fits, answer in given["answers"]:
    schema = {"$ref": "#/components/schemas/" + name, "components": document["components"]}
    errors = [error.message for error in Draft202012Validator(schema).iter_errors(answer)]
    assert (not errors) == fits, (name, answer, errors)
print("valid", len(given["answers"]))
"##;

async fn hub(upstream: &FakeUpstream, transport: &str) -> Hub {
    let hub = Hub::builder().pyfun(&Pyfun::three(upstream)).keys();
    let hub = hub.env("HUB_API_KEY", KEY);
    let mut hub = hub.env("HUB__HUB__HUB_TRANSPORT", transport).start().await;
    hub.key = Some(KEY.to_owned());
    hub
}

/// A door's pattern as OpenAPI has it.
fn template(pattern: &str) -> String {
    pattern.replace(":.+}", "}")
}

#[tokio::test]
async fn every_door_is_described_and_nothing_else() {
    let upstream = FakeUpstream::start().await;
    for (transport, sse) in [("streamable-http", false), ("sse", true)] {
        let hub = hub(&upstream, transport).await;
        let document = hub.get("/openapi.json").await.assert_ok().body.clone();
        let described: BTreeSet<_> = document["paths"].as_object().unwrap().keys().collect();
        let doors = routes::doors(sse);
        let there: Vec<_> = doors
            .iter()
            .filter(|door| !door.path.contains("{nowhere") && door.path != "/chat/completions")
            .map(|door| template(door.path))
            .collect();
        assert_eq!(described, there.iter().collect::<BTreeSet<_>>());
        for door in &doors {
            let item = &document["paths"][template(door.path)];
            for (method, is_public) in [("get", door.public), ("post", door.login)] {
                let operation = &item[method];
                if operation.is_null() {
                    continue;
                }
                let open = operation["security"] == json!([]);
                assert_eq!(open, is_public, "{method} {}: {operation}", door.path);
            }
        }
        let page = hub.get("/docs").await;
        let page = String::from_utf8(page.assert_ok().message.body.clone()).unwrap();
        for path in described {
            assert!(page.contains(&format!(" {path}</code>")), "{path}");
        }
    }
}

/// What was described answers to the methods that were described, and to no others.
#[tokio::test]
async fn doors_take_the_methods_that_are_described() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream, "streamable-http").await;
    let document = hub.get("/openapi.json").await.body;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "delete"] {
            if path == "/mcp" {
                continue; // Whether it takes a method depends on the session.
            }
            let content = [("Content-Type", "application/json")];
            let bytes = http::request(&method.to_uppercase(), path, &content, b"");
            let reply = hub.raw(&bytes).await;
            let taken = item.get(method).is_some();
            assert_eq!(reply.status != 405, taken, "{method} {path}: {reply}");
        }
    }
}

#[tokio::test]
async fn the_document_is_valid_and_answers_are_as_it_says() {
    let upstream = FakeUpstream::start().await;
    let mut hub = hub(&upstream, "sse").await;
    let document = hub.get("/openapi.json").await.assert_ok().body.clone();
    assert_eq!(document["openapi"], "3.1.0");
    let said = hub.prompt("hello").await.assert_ok().body.clone();
    let state = hub.call("health_check", json!({})).await;
    let rows = json!({"sql": "SELECT 1 AS one"});
    let rows = hub.call("db_query", rows).await;
    let wrong = hub.call("llm_complete", json!({"promt": "hello"})).await;
    wrong.assert_fails(400, "bad_request");
    let unknown = hub.call("no_such_tool", json!({})).await;
    unknown.assert_fails(404, "unknown_tool");
    let me = hub.get("/auth/me").await;
    let root = hub.get("/").await;
    let ready = hub.get("/readyz").await;
    hub.key = None;
    let refused = hub.prompt("hello").await;
    refused.assert_fails(401, "unauthorized");
    let mut answers = vec![
        json!(["Success", true, said]),
        json!(["Provenance", true, said["meta"]]),
    ];
    let is = |name: &str, reply: &Reply| json!([name, true, reply.body]);
    for reply in [&state, &rows] {
        answers.push(is("Success", reply.assert_ok()));
    }
    for reply in [&wrong, &unknown, &refused] {
        answers.push(is("Error", reply));
    }
    answers.push(is("Me", me.assert_ok()));
    answers.push(is("Identity", root.assert_ok()));
    answers.push(is("Status", ready.assert_ok()));
    for request in [
        json!({"tool": "health_check"}),
        json!({"tool": "summarize", "params": {"prompt": "x"}, "stream": true}),
    ] {
        answers.push(json!(["Call", true, request]));
    }
    // What is otherwise does not fit.
    let less = |value: &Value, name: &str| {
        let mut less = value.clone();
        less.as_object_mut().unwrap().remove(name).unwrap();
        less
    };
    for (name, answer) in [
        ("Call", json!({"tool": "x", "parameters": {}})),
        ("Call", json!({"params": {}})),
        ("Success", less(&said, "meta")),
        (
            "Success",
            json!({"result": said["result"], "meta": less(&said["meta"], "usage")}),
        ),
        (
            "Success",
            json!({"result": said["result"], "meta": less(&said["meta"], "request_id")}),
        ),
        ("Error", less(&wrong.body, "code")),
    ] {
        answers.push(json!([name, false, answer]));
    }
    // Every example is one.
    let media = "application/json";
    let api = &document["paths"]["/api"]["post"];
    answers.push(json!([
        "Call",
        true,
        api["requestBody"]["content"][media]["example"]
    ]));
    answers.push(json!([
        "Success",
        true,
        api["responses"]["200"]["content"][media]["example"]
    ]));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("given.json");
    let given = json!({"document": document, "answers": answers});
    fs::write(&file, given.to_string()).unwrap();
    let mut validated = python();
    validated.arg("-c").arg(VALIDATE).arg(&file);
    let validated = within(RUN, "the validator", validated.output())
        .await
        .unwrap();
    assert!(validated.status.success(), "{validated:?}");
    let said = String::from_utf8(validated.stdout).unwrap();
    assert_eq!(said.trim(), format!("valid {}", answers.len()));
}

#[tokio::test]
async fn both_are_for_those_with_a_key_and_sent_once() {
    let upstream = FakeUpstream::start().await;
    let mut hub = hub(&upstream, "streamable-http").await;
    for path in ["/openapi.json", "/docs"] {
        let whole = hub.get(path).await;
        let tag = whole.assert_ok().header("etag").to_owned();
        assert!(tag.len() > 16, "{whole}");
        let known = http::request("GET", path, &[("If-None-Match", &tag)], b"");
        let again = hub.raw(&known).await;
        assert_eq!(
            (again.status, again.message.body.len()),
            (304, 0),
            "{again}"
        );
        let other = http::request("GET", path, &[("If-None-Match", "\"other\"")], b"");
        let again = hub.raw(&other).await;
        assert_eq!(again.assert_ok().message.body, whole.message.body);
    }
    hub.key = None;
    for path in ["/openapi.json", "/docs"] {
        let any = http::request("GET", path, &[("If-None-Match", "*")], b"");
        for reply in [hub.get(path).await, hub.raw(&any).await] {
            assert_eq!(reply.status, 401, "{reply}");
        }
    }
}

#[tokio::test]
async fn the_page_runs_nothing_and_loads_nothing() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream, "streamable-http").await;
    let reply = hub.get("/docs").await;
    let policy = reply.assert_ok().header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains("script"),
        "{policy}"
    );
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    let page = String::from_utf8(reply.message.body.clone()).unwrap();
    for never in [
        "<script",
        "<link",
        "<img",
        "<iframe",
        " src=",
        " style=",
        "javascript:",
        " onclick",
    ] {
        assert!(!page.contains(never), "{never}");
    }
    // The policy lets the style in that is there.
    let style = page
        .split("<style>")
        .nth(1)
        .unwrap()
        .split("</style>")
        .next()
        .unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, style.as_bytes());
    let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest);
    assert!(policy.contains(&format!("'sha256-{digest}'")), "{policy}");
    for word in [
        "unknown_tool",
        "deadline_exceeded",
        "X-Hub-Key",
        "max_tokens",
    ] {
        assert!(page.contains(word), "{word}");
    }
}
