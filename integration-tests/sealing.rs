//! The sealed process: where keys come from, and that they are nowhere to be read.

use std::{collections::BTreeSet, fs};

use crate::{
    secrets::{canary_hub, separate},
    support::{Canaries, FakeUpstream, Hub, Program},
};

/// Names that may be in the environment of the running hub. None of them is a secret's.
const HARMLESS: [&str; 11] = [
    "HUB_SEALED_FD",
    "LANG",
    "LC_ALL",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "RUST_BACKTRACE",
    "SQLITE_TMPDIR",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
];

#[tokio::test]
async fn the_environment_of_the_running_hub_is_empty_of_secrets() {
    let upstream = FakeUpstream::start().await;
    let mut canaries = Canaries::default();
    let hub = canary_hub(&mut canaries)
        .pyfun(&separate(&upstream))
        .env("TZ", "UTC")
        .env("HUB__HUB__HUB_NAME", canaries.hatch("an override"))
        .start()
        .await;
    // Refused to everyone but root: the process is not dumpable.
    if let Ok(environment) = fs::read(hub.process.proc_file("environ")) {
        canaries.assert_absent("/proc/PID/environ", &environment);
        let text = String::from_utf8_lossy(&environment).into_owned();
        let variables = text.split('\0').filter(|variable| !variable.is_empty());
        let names: BTreeSet<_> = variables
            .map(|variable| variable.split('=').next().unwrap_or_default())
            .collect();
        let known = BTreeSet::from(HARMLESS);
        assert!(names.is_subset(&known), "{names:?} are not all harmless");
    }
    let command_line = fs::read(hub.process.proc_file("cmdline")).unwrap();
    canaries.assert_absent("/proc/PID/cmdline", &command_line);
    let status = fs::read_to_string(hub.process.proc_file("status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let limits = fs::read_to_string(hub.process.proc_file("limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().filter(|word| *word == "0").count(),
        2,
        "{core}"
    );
    // The keys arrived all the same.
    hub.prompt_at("anthropic", "hello").await;
    assert_eq!(
        canaries
            .found_in(upstream.anthropic.only().head().as_bytes())
            .len(),
        1
    );
}

#[tokio::test]
async fn keys_come_from_the_env_file_too_and_the_process_wins() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder()
        .pyfun(&separate(&upstream))
        .env_file(
            "# keys\nANTHROPIC_API_KEY=from-file\nexport GEMINI_API_KEY=\"from file, quoted\"\n",
        )
        .env("ANTHROPIC_API_KEY", "from-process")
        .start()
        .await;
    hub.prompt_at("anthropic", "hello").await.assert_ok();
    hub.prompt_at("gemini", "hello").await.assert_ok();
    assert_eq!(
        upstream.anthropic.only().header("x-api-key"),
        Some("from-process")
    );
    assert_eq!(
        upstream.gemini.only().header("x-goog-api-key"),
        Some("from file, quoted")
    );
}

#[tokio::test]
async fn an_env_file_that_is_wrong_is_not_printed() {
    let mut canaries = Canaries::default();
    let secret = canaries.hatch("a line of the file");
    let file = format!("ANTHROPIC_API_KEY='{secret}\nthis is {secret} no line\n");
    let finished = Program::new([
        "check",
        "--config",
        "hub.pyfun",
        "--env-file",
        "secrets.env",
    ])
    .file("hub.pyfun", "[HUB]\n[HUB_END]\n")
    .file("secrets.env", file)
    .run()
    .await;
    canaries.assert_absent("the output", finished.output().as_bytes());
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_named_and_not_printed() {
    let upstream = FakeUpstream::start().await;
    let mut canaries = Canaries::default();
    let secret = format!(
        "{}\u{1}{}",
        canaries.hatch("one half"),
        canaries.hatch("the other")
    );
    let finished = Program::new(["serve", "--config", "hub.pyfun"])
        .file("hub.pyfun", separate(&upstream).to_string())
        .env("ANTHROPIC_API_KEY", secret)
        .run()
        .await;
    let output = finished.assert_exit(78).output();
    assert!(output.contains("ANTHROPIC_API_KEY"), "{output}");
    canaries.assert_absent("the output", output.as_bytes());
}
