//! hub.pyfun as an operator meets it: every problem at once, with its line and a help; files that
//! are small, old or not there.

use serde_json::{Value, json};

use crate::support::{FakeUpstream, Hub, Program, Pyfun, program::Finished};

/// Ten mistakes, none like another.
const TEN_MISTAKES: &str = r#"[PYFUN_FILE = .pyfun]
STRAY = "outside of every section"
[HUB]
HUB_NAME = without quotes
HUB_PORT = "7860"
HUB_PORT = "7861"
[HUB_END]
[HUB_LIMITS]
MAX_PARALLEL_REQUESTS = "many"
[HUB_LIMITS_END]
[LLM_PROVIDER.one]
base_url = "ftp://127.0.0.1/v1"
env_key = "ONE_KEY"
default_model = "m1"
[LLM_PROVIDER.one_END]
[LLM_PROVIDER.two]
api = "carrier-pigeon"
base_url = "http://127.0.0.1/v1"
env_key = "TWO_KEY"
default_model = "m2"
fallback_to = "nobody"
[LLM_PROVIDER.two_END]
[LLM_PROVIDER.three]
base_url = "http://127.0.0.1/v1"
env_key = "THREE_KEY"
default_model = "m3"
fallback_to = "three"
[LLM_PROVIDER.three_END]
[TOOL.llm_complete]
provider_type = "llm"
default_provider = "somebody"
[TOOL.llm_complete_END]
[DEBUG]
DEBUG = "off"
"#;

/// Where each of them is, and a word that the message has to say, in any case.
const THEIR_LINES: [(usize, &str); 10] = [
    (2, "stray"),
    (4, "hub_name"),
    (6, "hub_port"),
    (9, "many"),
    (12, "base_url"),
    (17, "carrier-pigeon"),
    (21, "nobody"),
    (27, "three"),
    (31, "somebody"),
    (33, "[debug]"),
];

/// Faults that real files have and that the Python hub let pass.
const TOLERATED: &str = r#"[HUB]
HUB_NAME = "Old Hub"          # a comment
HUB_COLOUR = "blue"
[HUB_END]
[LLM_PROVIDERS]
  [LLM_PROVIDER.anthropic]
  active = "true"
  base_url = "http://127.0.0.1:9/v1"
  env_key = "ANTHROPIC_API_KEY"
  default_model = "claude-fast-1"
  models = "claude-fast-1, "
  [LLM_PROVIDER.antropic_END]
[LLM_PROVIDERS_END]
[TOOLS]
  [TOOL.shellmaster]
  active = "true"
  provider_type = "llm"
  system_prompt = "You are # one.
                   Be careful."
  [TOOL.shellmaster_END]
[TOOLS_END]
"#;

/// `hub check` on this text.
async fn check(text: &str, more: &[&str]) -> Finished {
    let arguments = [
        "check",
        "--config",
        "hub.pyfun",
        "--env-file",
        "secrets.env",
    ];
    let arguments = arguments.iter().chain(more);
    Program::new(arguments).file("hub.pyfun", text).run().await
}

#[track_caller]
fn assert_reports_all_ten(finished: &Finished) {
    let output = finished.assert_exit(78).output();
    for (line, word) in THEIR_LINES {
        let place = format!("hub.pyfun:{line}:");
        let message = output.lines().find(|text| text.contains(&place));
        let message = message.unwrap_or_else(|| panic!("nothing at {place}\n{output}"));
        assert!(
            message.to_lowercase().contains(word),
            "`{word}` in {message}"
        );
    }
    let helps = output
        .lines()
        .filter(|line| line.trim_start().starts_with("= help:"))
        .count();
    assert!(helps >= THEIR_LINES.len(), "{helps} helps\n{output}");
}

#[tokio::test]
async fn ten_mistakes_are_ten_reports() {
    assert_reports_all_ten(&check(TEN_MISTAKES, &[]).await);
}

#[tokio::test]
async fn a_hub_does_not_start_on_mistakes_and_says_them_all() {
    let program = Program::new(["serve", "--config", "hub.pyfun"]).env("PORT", 0);
    let finished = program.file("hub.pyfun", TEN_MISTAKES).run().await;
    assert_reports_all_ten(&finished);
}

#[tokio::test]
async fn check_shows_the_line_itself() {
    let finished = check(TEN_MISTAKES, &[]).await;
    assert!(
        finished
            .output()
            .contains("9 | MAX_PARALLEL_REQUESTS = \"many\""),
        "{}",
        finished.output()
    );
}

#[tokio::test]
async fn check_tells_a_machine_the_same() {
    let finished = check(TEN_MISTAKES, &["--json"]).await;
    let report: Value = serde_json::from_str(&finished.assert_exit(78).stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}", finished.output()));
    let problems = report["problems"]
        .as_array()
        .unwrap_or_else(|| panic!("{report:#}"));
    for (line, _) in THEIR_LINES {
        let at =
            |problem: &&Value| problem["line"] == json!(line) && problem["severity"] == "error";
        let problem = problems
            .iter()
            .find(at)
            .unwrap_or_else(|| panic!("{line}: {report:#}"));
        assert!(
            problem["message"].is_string() && problem["help"].is_string(),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn faults_of_real_files_are_warnings_that_name_the_line() {
    let finished = check(TOLERATED, &[]).await;
    let output = finished.assert_exit(0).output();
    for (line, word) in [(3, "hub_colour"), (12, "antropic"), (18, "system_prompt")] {
        let place = format!("hub.pyfun:{line}:");
        let message = output.lines().find(|text| text.contains(&place));
        let message = message.unwrap_or_else(|| panic!("nothing at {place}\n{output}"));
        assert!(
            message.to_lowercase().contains(word),
            "`{word}` in {message}"
        );
    }
    check(TOLERATED, &["--strict"]).await.assert_exit(1);
}

#[tokio::test]
async fn strict_is_content_with_a_good_file() {
    let upstream = FakeUpstream::start().await;
    let text = Pyfun::three(&upstream).to_string();
    check(&text, &["--strict"]).await.assert_exit(0);
}

#[tokio::test]
async fn check_says_what_would_run_and_which_variable_is_missing() {
    let upstream = FakeUpstream::start().await;
    let text = Pyfun::three(&upstream).to_string();
    let run = |json: &'static [&'static str]| {
        let arguments = [
            "check",
            "--config",
            "hub.pyfun",
            "--env-file",
            "secrets.env",
        ];
        Program::new(arguments.iter().chain(json))
            .file("hub.pyfun", &text)
            .file("secrets.env", "GEMINI_API_KEY=key-of-gemini\n")
            .run()
    };
    let table = run(&[]).await;
    let table = &table.assert_exit(0).stdout;
    for word in [
        "llm_complete",
        "web_search",
        "anthropic",
        "ANTHROPIC_API_KEY",
        "gemini",
    ] {
        assert!(table.contains(word), "`{word}` in\n{table}");
    }
    assert!(!table.contains("key-of-gemini"), "{table}");
    let report = run(&["--json"]).await;
    let report: Value = serde_json::from_str(&report.assert_exit(0).stdout).unwrap();
    assert!(
        report.to_string().contains("OPENROUTER_API_KEY"),
        "{report:#}"
    );
}

#[tokio::test]
async fn the_shipped_file_is_without_fault() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/hub.pyfun");
    let finished = Program::new(["check", "--strict", "--config", path])
        .run()
        .await;
    let table = &finished.assert_exit(0).stdout;
    for tool in [
        "llm_complete",
        "code_review",
        "summarize",
        "translate",
        "web_search",
        "db_query",
        "persist_result",
    ] {
        assert!(table.contains(tool), "`{tool}` in\n{table}");
    }
    for provider in [
        "smollm",
        "anthropic",
        "gemini",
        "openrouter",
        "huggingface",
        "openai",
        "mistral",
        "xai",
        "groq",
        "deepseek",
        "ollama",
    ] {
        assert!(table.contains(provider), "`{provider}` in\n{table}");
    }
}

#[tokio::test]
async fn the_system_prompt_over_several_lines_arrives_whole() {
    let upstream = FakeUpstream::start().await;
    let text = TOLERATED.replace("http://127.0.0.1:9", &upstream.url());
    let hub = Hub::builder().pyfun_text(&text).keys().start().await;
    hub.call("shellmaster", json!({"prompt": "ls"}))
        .await
        .assert_ok();
    assert_eq!(
        upstream.anthropic.only().body["system"],
        "You are # one.\nBe careful."
    );
}

#[tokio::test]
async fn an_override_that_is_wrong_is_a_mistake_that_names_the_variable() {
    let upstream = FakeUpstream::start().await;
    let finished = Program::new(["check", "--config", "hub.pyfun"])
        .file("hub.pyfun", Pyfun::three(&upstream).to_string())
        .env("HUB__HUB_LIMITS__RETRY_COUNT", "often")
        .run()
        .await;
    let output = finished.assert_exit(78).output();
    assert!(output.contains("HUB__HUB_LIMITS__RETRY_COUNT"), "{output}");
}
