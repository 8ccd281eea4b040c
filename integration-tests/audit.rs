//! The audit: a line for each call of any door and for each administrative act, and nothing of what was
//! asked or answered.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Canaries, FakeUpstream, Fault, Hub, Pyfun, eventually, mcp::call, pyfun::Provider,
};

async fn lines(hub: &Hub) -> Vec<Value> {
    let finished = hub.command(&["audit", "--json"]).await;
    let lines = finished.assert_exit(0).stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn calls_and_acts_are_put_down_and_what_was_asked_is_not() {
    let upstream = FakeUpstream::start().await;
    let mut canaries = Canaries::default();
    let (prompt, answer) = (canaries.hatch("the prompt"), canaries.hatch("the answer"));
    let model = "[MODEL.claude-fast-1]\nprovider = \"anthropic\"\ncost_input_per_1k = \"1\"\ncost_output_per_1k = \"1\"\n[MODEL.claude-fast-1_END]\n";
    let pyfun = Pyfun::three(&upstream).and(model);
    let hub = Hub::builder().pyfun(&pyfun).keys().data();
    let hub = hub.env("HUB__HUB__HUB_STATE_LAST_RESULTS", "false");
    let mut hub = hub.env("LOG_LEVEL", "trace").start().await;
    hub.key = Some(hub.add_key("me", &[]).await);
    upstream
        .anthropic
        .always(Fault::Answer(answer.clone().leak()));
    let answered = hub.prompt(&prompt).await;
    answered.assert_ok();
    upstream.anthropic.always(Fault::Status(400));
    hub.prompt(&prompt).await.assert_fails(400, "bad_request");
    let mcp = hub.mcp(&call(1, "health_check", json!({}))).await;
    mcp.assert_ok();
    hub.call("no_such_tool", json!({}))
        .await
        .assert_fails(404, "unknown_tool");
    let whole = async || {
        let lines = lines(&hub).await;
        (lines.len() == 5).then_some(lines)
    };
    let (lines, _) = eventually(Duration::from_secs(5), "five lines", whole).await;
    let brief: Vec<_> = lines
        .iter()
        .map(|line| {
            ["name", "door", "what", "outcome", "provider", "model"]
                .map(|field| line[field].as_str().unwrap())
                .join(" ")
        })
        .collect();
    assert_eq!(
        brief,
        [
            "local control key add me ok  ",
            "me api llm_complete ok anthropic claude-fast-1",
            "me api llm_complete bad_request  ",
            "me mcp health_check ok  ",
            "me api no_such_tool unknown_tool  ",
        ]
    );
    let call = &lines[1];
    assert_eq!(call["request_id"], answered.header("x-request-id"));
    assert_eq!(call["cost_usd"], answered.meta()["cost_usd"]);
    assert!(
        call["cost_usd"].as_f64().unwrap() > 0.0 && call["ms"].is_u64(),
        "{call}"
    );
    let table = hub.command(&["audit", "--since", "5m"]).await;
    assert!(
        table.stdout.contains("anthropic (claude-fast-1)"),
        "{}",
        table.stdout
    );
    let none = hub.command(&["audit", "--since", "0s", "--json"]).await;
    assert_eq!(none.assert_exit(0).stdout, "");
    // The log has the line, too.
    let log = hub.process.stderr.text();
    let line = log
        .lines()
        .find(|line| line.contains("calls: answered"))
        .unwrap();
    assert!(
        line.contains("principal=\"me\"") && line.contains("cost_usd="),
        "{line}"
    );
    for (place, bytes) in hub.traces() {
        canaries.assert_absent(&place, &bytes);
    }
}

#[tokio::test]
async fn a_stop_writes_what_waits_and_a_crash_goes_on() {
    let upstream = FakeUpstream::start().await;
    let steady = Provider::openrouter(&upstream.url());
    let pyfun = Pyfun::chain([Provider::fragile(), steady]);
    let data = tempfile::tempdir().unwrap();
    let hub = Hub::builder().pyfun(&pyfun).keys();
    let hub = hub.env("HUB_DATA_DIR", data.path().display()).start().await;
    hub.prompt("kill audit").await;
    for _ in 0..100 {
        hub.call("health_check", json!({})).await.assert_ok();
    }
    let health = hub.health_of("audit").await;
    assert_eq!(health["restarts"], 1, "{health}");
    hub.terminate();
    hub.finish(Duration::from_secs(10)).await.assert_exit(0);
    let audit = rusqlite::Connection::open(data.path().join("audit.db")).unwrap();
    let count = "SELECT count(*) FROM audit WHERE what = 'health_check' AND outcome = 'ok'";
    let count: i64 = audit.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 101);
    assert!(!data.path().join("control.sock").exists());
}

#[tokio::test]
async fn a_file_that_is_locked_holds_up_no_call() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys().data();
    let hub = hub.start().await;
    hub.prompt("hello").await.assert_ok();
    let file = hub.process.folder.path().join("data/audit.db");
    let lock = rusqlite::Connection::open(file).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for _ in 0..20 {
        let reply = hub.prompt("hello").await;
        assert!(
            reply.assert_ok().elapsed < Duration::from_secs(1),
            "{reply}"
        );
    }
    lock.execute_batch("COMMIT").unwrap();
    let look = async || (lines(&hub).await.len() == 21).then_some(());
    eventually(Duration::from_secs(10), "every line", look).await;
}
