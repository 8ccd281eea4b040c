//! API keys: how they are made, what a start does without one, and how fast they end.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    mcp_sse::Client,
    support::{
        FakeUpstream, Fault, Hub, Program, Pyfun, eventually, http,
        mcp::{call, initialize},
        secret_of, within,
    },
};

/// How soon a revoked key is none.
const SECOND: Duration = Duration::from_secs(1);

async fn hub(upstream: &FakeUpstream) -> Hub {
    let hub = Hub::builder().pyfun(&Pyfun::three(upstream)).keys().data();
    hub.start().await
}

#[tokio::test]
async fn the_first_key_closes_an_open_hub_at_once() {
    let upstream = FakeUpstream::start().await;
    let mut hub = hub(&upstream).await;
    let summary = hub.process.stderr.text();
    assert!(
        summary.contains("open to every program of this machine"),
        "{summary}"
    );
    hub.prompt("hello").await.assert_ok();
    let key = hub.add_key("me", &[]).await;
    assert!(key.starts_with("hub_") && key.len() > 50, "{key}");
    // The doors knew before the command had its answer.
    hub.prompt("hello").await.assert_fails(401, "unauthorized");
    hub.call_with(&key, "llm_complete", json!({"prompt": "hello"}))
        .await
        .assert_ok();
    let almost = format!(
        "{}{}",
        &key[..key.len() - 1],
        if key.ends_with('A') { "B" } else { "A" }
    );
    hub.call_with(&almost, "health_check", json!({}))
        .await
        .assert_fails(401, "unauthorized");

    let list = hub.command(&["key", "list"]).await;
    let table = &list.assert_exit(0).stdout;
    assert!(table.contains("me") && table.contains("valid"), "{table}");
    // Who revokes the last key does not open the hub by that.
    hub.command(&["key", "revoke", "me"]).await.assert_exit(0);
    hub.call_with(&key, "health_check", json!({}))
        .await
        .assert_fails(401, "unauthorized");
    hub.prompt("hello").await.assert_fails(401, "unauthorized");

    let folder = hub.process.folder.path().join("data");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for name in ["guardian.db", "audit.db", "control.sock"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
    // Shown once, kept nowhere.
    let secret = secret_of(&key);
    for (place, bytes) in hub.traces() {
        let found = bytes
            .windows(12)
            .any(|part| secret.as_bytes().windows(12).any(|s| s == part));
        assert!(!found, "a part of the key is in {place}");
    }
    hub.key = Some(key);
    hub.terminate();
    hub.finish(Duration::from_secs(10)).await.assert_exit(0);
}

#[tokio::test]
async fn a_revoked_key_stops_everywhere_within_a_second() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys().data();
    let hub = hub
        .env("HUB__HUB__HUB_TRANSPORT", "sse")
        .env("HUB__HUB__HUB_STATELESS", "false");
    let mut hub = hub.start().await;
    for through_the_files in [false, true] {
        upstream.anthropic.always(Fault::Answer("hello"));
        let name = format!("victim-{through_the_files}");
        let admin = hub
            .add_key(&format!("other-{through_the_files}"), &[])
            .await;
        hub.key = Some(hub.add_key(&name, &[]).await);
        hub.prompt("hello").await.assert_ok();
        let session = hub.mcp(&initialize("2025-11-25")).await;
        let session = session.assert_ok().header("mcp-session-id").to_owned();
        let mut client = Client::open(&hub, "/sse").await;
        client.ask(&initialize("2024-11-05")).await;
        upstream.anthropic.always(Fault::Hang);
        let seen = upstream.anthropic.seen().len();
        let in_flight = hub.prompt("hello");
        let revoke = async {
            upstream.anthropic.arrival(seen).await;
            if through_the_files {
                // A command that does not find the hub changes the file alone.
                fs::remove_file(hub.process.folder.path().join("data/control.sock")).unwrap();
            }
            hub.command(&["key", "revoke", &name]).await.assert_exit(0);
            Instant::now()
        };
        let (cut_off, revoked) = within(Duration::from_secs(20), "the end of the call", async {
            tokio::join!(in_flight, revoke)
        })
        .await;
        cut_off.assert_fails(401, "unauthorized");
        let refused = async || {
            let api = hub.call("health_check", json!({})).await;
            let mcp = hub.mcp(&call(1, "health_check", json!({}))).await;
            let own = ("Mcp-Session-Id", session.as_str());
            let session = hub
                .mcp_with(&[own], &call(1, "health_check", json!({})).to_string())
                .await;
            let sse = hub.raw(&http::request("GET", "/sse", &[], b"")).await;
            let all = [api.status, mcp.status, session.status, sse.status];
            (all == [401; 4]).then_some(())
        };
        eventually(SECOND, "401 everywhere", refused).await;
        // The stream that was open ends.
        within(
            SECOND,
            "the end of the stream",
            client.events.until("0\r\n\r\n"),
        )
        .await;
        assert!(revoked.elapsed() < SECOND * 3, "{:?}", revoked.elapsed());
        // Others are not concerned.
        upstream.anthropic.always(Fault::Answer("hello"));
        hub.call_with(&admin, "health_check", json!({}))
            .await
            .assert_ok();
    }
}

#[tokio::test]
async fn keys_are_made_in_the_files_when_no_hub_runs() {
    let upstream = FakeUpstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let command = async |arguments: &[&str]| {
        let program =
            Program::new(arguments).file("hub.pyfun", Pyfun::three(&upstream).to_string());
        program.env("HUB_DATA_DIR", data.display()).run().await
    };
    let added = command(&[
        "key", "add", "--name", "me", "--rpm", "100", "--tools", "llm_*",
    ])
    .await;
    let key = added.assert_exit(0).stdout.trim().to_owned();
    command(&["key", "add", "--name", "gone"])
        .await
        .assert_exit(0);
    command(&["key", "revoke", "gone"]).await.assert_exit(0);
    let list = command(&["key", "list", "--json"]).await;
    let list: Value = serde_json::from_str(&list.assert_exit(0).stdout).unwrap();
    let states: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["state"].as_str())
        .collect();
    assert_eq!(states, [Some("valid"), Some("revoked")]);
    assert_eq!(
        (&list[0]["tools"], &list[0]["limits"]["rpm"]),
        (&json!("llm_*"), &json!(100))
    );
    assert!(list[0].get("hash").is_none(), "{list}");
    let check = command(&["check"]).await;
    assert!(
        check.stdout.contains("with a key; 1 can be used"),
        "{}",
        check.stdout
    );

    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys();
    let hub = hub.env("HUB_DATA_DIR", data.display()).start().await;
    hub.prompt("hello").await.assert_fails(401, "unauthorized");
    hub.call_with(&key, "llm_complete", json!({"prompt": "hello"}))
        .await
        .assert_ok();
    // What was done to the files is in the audit.
    let audit = command(&["audit", "--since", "1h", "--json"]).await;
    for act in ["key add me", "key add gone", "key revoke gone"] {
        assert!(
            audit.assert_exit(0).stdout.contains(act),
            "{act}: {}",
            audit.stdout
        );
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    hub.add_key("me", &[]).await;
    for (arguments, code, words) in [
        (&["key", "add", "--name", "me"][..], 1, "already"),
        (&["key", "add", "--name", " x"], 1, "name"),
        (
            &["key", "add", "--name", "HUB_API_KEY"],
            1,
            "choose another",
        ),
        (
            &["key", "add", "--name", "x", "--expires", "0s"],
            1,
            "expired",
        ),
        (
            &["key", "add", "--name", "x", "--expires", "soon"],
            64,
            "12h",
        ),
        (&["key", "add", "--name", "x", "--tools", "a*b"], 64, "`*`"),
        (&["key", "add", "--name", "x", "--rpm", "0"], 64, "rpm"),
        (&["key", "revoke", "nobody"], 1, "hub key list"),
        (&["key", "add"], 64, "--name"),
    ] {
        let finished = hub.command(arguments).await;
        let said = &finished.assert_exit(code).stderr;
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let nowhere = Program::new(["key", "list"]).run().await;
    assert!(nowhere.assert_exit(78).stderr.contains("HUB_DATA_DIR"));
}

#[tokio::test]
async fn an_expired_key_is_none() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let key = hub.add_key("short", &["--expires", "2s"]).await;
    let call = async || hub.call_with(&key, "health_check", json!({})).await.status;
    assert_eq!(call().await, 200);
    // It was remembered, and ends all the same.
    let look = async || (call().await == 401).then_some(());
    eventually(Duration::from_secs(5), "its end", look).await;
    let list = hub.command(&["key", "list"]).await;
    assert!(list.stdout.contains("expired"), "{}", list.stdout);
}

fn wide(upstream: &FakeUpstream) -> crate::support::hub::HubBuilder {
    let hub = Hub::builder().pyfun(&Pyfun::three(upstream)).keys();
    hub.env("HOST", "0.0.0.0")
}

async fn started(hub: crate::support::hub::HubBuilder) -> Hub {
    let mut hub = hub.start().await;
    hub.address.set_ip([127, 0, 0, 1].into());
    hub
}

/// The key in what a start has printed.
fn shown(summary: &str) -> Option<String> {
    let word = summary
        .split_whitespace()
        .find(|word| word.starts_with("hub_"));
    word.map(str::to_owned)
}

#[tokio::test]
async fn a_wide_address_is_closed_and_the_first_start_shows_a_key_once() {
    let upstream = FakeUpstream::start().await;
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("hub.log");
    let pyfun = Pyfun::three(&upstream).and(&format!(
        "[DEBUG]\nDEBUG = \"on\"\nLOG_FILE = \"{}\"\n[DEBUG_END]\n",
        log.display()
    ));
    let start = async || {
        started(
            wide(&upstream)
                .pyfun(&pyfun)
                .env("HUB_DATA_DIR", data.path().display()),
        )
        .await
    };
    let hub = start().await;
    let summary = hub.process.stderr.text();
    let key = shown(&summary).unwrap_or_else(|| panic!("no key in\n{summary}"));
    assert_eq!(summary.matches(&key).count(), 1);
    hub.prompt("hello").await.assert_fails(401, "unauthorized");
    hub.get("/healthz").await.assert_ok();
    hub.call_with(&key, "llm_complete", json!({"prompt": "hello"}))
        .await
        .assert_ok();
    // Nobody asked for it, and it is put down all the same.
    let look = async || {
        let audit = rusqlite::Connection::open(data.path().join("audit.db")).ok()?;
        let first =
            "SELECT count(*) FROM audit WHERE door = 'control' AND what LIKE 'key add admin%'";
        let count: i64 = audit.query_row(first, [], |row| row.get(0)).ok()?;
        (count == 1).then_some(())
    };
    eventually(Duration::from_secs(10), "the first key in the audit", look).await;
    drop(hub);
    let again = start().await;
    let summary = again.process.stderr.text();
    assert_eq!(shown(&summary), None, "{summary}");
    assert!(summary.contains("one key"), "{summary}");
    again
        .call_with(&key, "health_check", json!({}))
        .await
        .assert_ok();
    let logged = fs::read_to_string(log).unwrap_or_default();
    assert!(!logged.contains(&key), "the key is in the log");
}

#[tokio::test]
async fn without_a_folder_each_start_has_its_own_key() {
    let upstream = FakeUpstream::start().await;
    let hub = started(wide(&upstream)).await;
    let summary = hub.process.stderr.text();
    assert!(summary.contains("HUB_DATA_DIR"), "{summary}");
    let key = shown(&summary).expect("is shown");
    hub.prompt("hello").await.assert_fails(401, "unauthorized");
    hub.call_with(&key, "health_check", json!({}))
        .await
        .assert_ok();
}

#[tokio::test]
async fn an_open_hub_on_a_wide_address_warns_at_every_start() {
    let upstream = FakeUpstream::start().await;
    let data = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let hub = wide(&upstream).env("HUB_AUTH", "open");
        let hub = started(hub.env("HUB_DATA_DIR", data.path().display())).await;
        let summary = hub.process.stderr.text();
        assert!(
            summary.contains("WARNING") && summary.contains("HUB_AUTH"),
            "{summary}"
        );
        assert_eq!(shown(&summary), None);
        hub.prompt("hello").await.assert_ok();
    }
}

#[tokio::test]
async fn a_hub_behind_something_else_warns_if_it_asks_nobody() {
    let upstream = FakeUpstream::start().await;
    let start = async |auth: &str| {
        let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys();
        let hub = hub.env("HUB__HUB__HUB_ALLOWED_HOSTS", "hub.example.com");
        hub.env("HUB_AUTH", auth)
            .start()
            .await
            .process
            .stderr
            .text()
    };
    assert!(start("auto").await.contains("WARNING"));
    assert!(!start("required").await.contains("WARNING"));
}

#[tokio::test]
async fn required_asks_on_the_loopback_too() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&Pyfun::three(&upstream)).keys();
    let hub = hub.env("HUB__HUB__HUB_AUTH", "required").start().await;
    hub.prompt("hello").await.assert_fails(401, "unauthorized");
    let key = shown(&hub.process.stderr.text()).expect("is shown");
    hub.call_with(&key, "health_check", json!({}))
        .await
        .assert_ok();
}

#[tokio::test]
async fn a_key_from_outside_must_be_fit_to_keep_others_out() {
    let upstream = FakeUpstream::start().await;
    for (key, fit) in [
        ("short", false),
        ("with spaces in between it", false),
        ("schlüssel-schlüssel", false),
        ("0123456789abcdef", true),
    ] {
        let hub = Program::new(["serve", "--config", "hub.pyfun"])
            .file("hub.pyfun", Pyfun::three(&upstream).to_string())
            .env("PORT", 0)
            .env("HUB_API_KEY", key);
        if fit {
            let hub = Hub::listening(hub.spawn()).await;
            hub.prompt("hello").await.assert_fails(401, "unauthorized");
            hub.call_with(key, "health_check", json!({}))
                .await
                .assert_ok();
        } else {
            let finished = hub.run().await;
            let said = &finished.assert_exit(78).stderr;
            assert!(
                said.contains("HUB_API_KEY") && !said.contains(key),
                "{said}"
            );
        }
    }
    let wrong = Program::new(["serve"])
        .env("HUB_AUTH", "none")
        .env("PORT", 0);
    assert!(
        wrong
            .run()
            .await
            .assert_exit(78)
            .stderr
            .contains("auto, required, open")
    );
}

#[tokio::test]
async fn keys_that_cannot_be_read_keep_the_hub_from_starting() {
    let upstream = FakeUpstream::start().await;
    let start = async |data: &std::path::Path| {
        Program::new(["serve"])
            .file("hub.pyfun", Pyfun::three(&upstream).to_string())
            .env("PORT", 0)
            .env("HUB_DATA_DIR", data.display())
            .run()
            .await
    };
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("guardian.db");
    fs::write(&file, "this is no database, and it was one once").unwrap();
    let finished = start(data.path()).await;
    assert!(
        finished.assert_exit(78).stderr.contains("guardian.db"),
        "{}",
        finished.stderr
    );
    assert!(file.exists(), "it is not moved aside");
    // Somebody else decides where this leads.
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/null", &file).unwrap();
    start(data.path()).await.assert_exit(78);
}
