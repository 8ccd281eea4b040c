//! What hardening is on, seen from inside (`hub doctor`) and from outside.

use std::{fs, path::Path, process::Stdio, time::Duration};

use landlock::{AccessFs, LandlockStatus, Ruleset, RulesetAttr};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{FakeUpstream, Hub, Program, Pyfun, eventually};

/// Somebody who is not root: to root, nothing is refused.
const NOBODY: u32 = 65_534;
const RUN: Duration = Duration::from_secs(20);

/// A user that is not root; `None` if this is one.
fn somebody() -> Option<u32> {
    rustix::process::geteuid().is_root().then_some(NOBODY)
}

/// Whether this kernel has Landlock: a thread confines itself and ends.
fn has_landlock() -> bool {
    let confined = std::thread::spawn(|| {
        let rules = Ruleset::default()
            .handle_access(AccessFs::MakeSock)
            .unwrap();
        rules.create().unwrap().restrict_self().unwrap().landlock
    });
    matches!(confined.join().unwrap(), LandlockStatus::Available { .. })
}

fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .find(|finding| finding["name"].as_str().unwrap().contains(name));
    found.unwrap_or_else(|| panic!("nothing about {name} in {report}"))
}

/// What it reports of a hub with these folders.
async fn doctor(keys: &Path, data: &str) -> Value {
    let program = Program::new([
        "doctor",
        "--json",
        "--config",
        "hub.pyfun",
        "--env-file",
        &keys.display().to_string(),
    ]);
    let text = format!(
        "[HUB]
HUB_DATA_DIR = \"{data}\"
[HUB_END]
[DEBUG]
LOG_FILE = \"hub.log\"
[DEBUG_END]
"
    );
    let finished = program.file("hub.pyfun", text).run().await;
    serde_json::from_str(&finished.assert_exit(0).stdout).unwrap()
}

#[tokio::test]
async fn the_sealed_process_can_neither_read_the_keys_nor_start_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join(".env");
    fs::write(&keys, "ANTHROPIC_API_KEY=x\n").unwrap();
    let report = doctor(&keys, "data").await;
    for name in ["core files", "debugger", "privileges", "environment"] {
        assert_eq!(finding(&report, name)["active"], true, "{report}");
    }
    let landlock = finding(&report, "Landlock");
    assert_eq!(landlock["active"], has_landlock(), "{report}");
    for name in ["the file with the keys", "no programs"] {
        assert_eq!(finding(&report, name)["active"], has_landlock(), "{report}");
    }
    // What is in a folder that the hub writes cannot be kept from it; the doctor says so.
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join(".env");
    fs::write(&keys, "ANTHROPIC_API_KEY=x\n").unwrap();
    let report = doctor(&keys, &folder.path().display().to_string()).await;
    assert_eq!(
        finding(&report, "the file with the keys")["active"],
        false,
        "{report}"
    );
}

#[tokio::test]
async fn the_doctor_prints_a_table() {
    let finished = Program::new(["doctor"]).run().await;
    let table = &finished.assert_exit(0).stdout;
    for word in [
        "HARDENING",
        "RLIMIT_CORE",
        "PR_SET_DUMPABLE",
        "PR_SET_NO_NEW_PRIVS",
        "Landlock",
    ] {
        assert!(table.contains(word), "`{word}` in\n{table}");
    }
}

#[tokio::test]
async fn a_confined_hub_does_all_its_work() {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::three(&upstream)
        .and("[DB_SYNC]\nSQLITE_PATH = \"data/state.db\"\nMAX_CACHE_ENTRIES = \"10\"\n[DB_SYNC_END]\n")
        .and("[DEBUG]\nDEBUG = \"on\"\nLOG_FILE = \"logs/hub.log\"\nLOG_REQUESTS = \"true\"\n[DEBUG_END]\n")
        .to_string()
        // A name, so that it is looked up.
        .replace("127.0.0.1:", "localhost:");
    let program = Program::new([
        "serve",
        "--config",
        "hub.pyfun",
        "--env-file",
        "secrets.env",
    ])
    .file("hub.pyfun", pyfun)
    .file("secrets.env", "ANTHROPIC_API_KEY=a\n")
    .env("PORT", 0);
    let hub = Hub::listening(program.spawn()).await;
    let log = hub.process.stderr.text();
    hub.prompt("hello").await.assert_ok();
    let kept = async || {
        let sql = json!({"sql": "SELECT prompt FROM tool_cache"});
        let rows = hub.call("db_query", sql).await;
        (rows.result()[0]["prompt"] == "hello").then_some(())
    };
    eventually(RUN, "the call in the state", kept).await;
    let folder = hub.process.folder.path().to_owned();
    let logged = async || {
        fs::read_to_string(folder.join("logs/hub.log"))
            .is_ok_and(|text| text.contains("llm_complete"))
            .then_some(())
    };
    eventually(RUN, "the call in the log file", logged).await;
    assert!(log.contains("landlock"), "{log}");
    if has_landlock() {
        assert!(log.contains("enforced"), "{log}");
    }
}

#[tokio::test]
async fn the_same_user_reads_neither_memory_nor_environment() {
    let upstream = FakeUpstream::start().await;
    let user = somebody();
    let hub = Hub::builder()
        .pyfun(&Pyfun::three(&upstream))
        .env_file("")
        .keys()
        .user(user);
    let hub = hub.start().await;
    let reader = |program: &str, arguments: &[String]| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command
    };
    let read = async |pid: u32, name: &str| {
        let file = format!("/proc/{pid}/{name}");
        let output = reader("head", &["-c".into(), "1".into(), file])
            .output()
            .await
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    // The same user may read what is not hardened: otherwise this test would see nothing.
    let mut open = reader("sleep", &["60".into()])
        .env("SHELL", "x")
        .spawn()
        .unwrap();
    let pid = open.id().unwrap();
    let readable = async || read(pid, "environ").await.0.then_some(());
    eventually(RUN, "the environment of another program", readable).await;
    for name in ["environ", "mem", "maps"] {
        let (done, said) = read(hub.process.pid(), name).await;
        assert!(!done && said.contains("ermission denied"), "{name}: {said}");
    }
    open.kill().await.unwrap();
    hub.prompt("hello").await.assert_ok();
}
