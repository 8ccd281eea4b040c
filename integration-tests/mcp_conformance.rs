//! The official conformance suite, both requirement sets, against a hub with and without sessions.

use std::{collections::BTreeSet, time::Duration};

use crate::support::{Hub, packages::Node, within};

/// Longest run of one requirement set.
const RUN: Duration = Duration::from_secs(180);

/// What needs requests from server to client, for which 2025-11-25 needs a session.
const NEED_SESSIONS: [&str; 4] = [
    "tools-call-sampling",
    "tools-call-elicitation",
    "elicitation-sep1034-defaults",
    "elicitation-sep1330-enums",
];

/// Scenarios of an extension that is not built: they are run, and not required.
const EXTENSION: &str = "tasks-";

/// What became of each scenario that counts.
#[derive(Debug, Default)]
struct Score {
    passed: BTreeSet<String>,
    failed: BTreeSet<String>,
}

async fn run(stateless: bool, requirements: &str) -> Score {
    let text = format!(
        "[HUB]\nHUB_STATELESS = \"{stateless}\"\n[HUB_END]\n\
         [TOOL.conformance]\nprovider_type = \"conformance\"\n[TOOL.conformance_END]\n"
    );
    let hub = Hub::builder().pyfun_text(&text).start().await;
    let node = Node::get();
    let results = tempfile::tempdir().unwrap();
    let url = format!("http://{}/mcp", hub.address);
    let mut command = node.command();
    command
        .arg(node.conformance())
        .args([
            "server",
            "--url",
            &url,
            "--requirements",
            requirements,
            "-o",
        ])
        .arg(results.path());
    let output = within(RUN, "the conformance suite", command.output()).await;
    let log = String::from_utf8(output.unwrap().stdout).unwrap();
    let score = Score::read(&log);
    eprintln!("{log}");
    score
}

// === impl Score ===

impl Score {
    fn read(log: &str) -> Self {
        let (_, summary) = log.split_once("=== SUMMARY ===").expect("a summary");
        let (counted, others) = summary
            .split_once("Not scored for")
            .unwrap_or((summary, ""));
        let names = |text: &str, mark: char| -> BTreeSet<String> {
            let lines = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix(mark));
            lines
                .filter_map(|line| line.trim().split([':', ' ']).next())
                .map(str::to_owned)
                .collect()
        };
        let unscored: BTreeSet<_> = names(others, '✓')
            .into_iter()
            .chain(names(others, '✗'))
            .collect();
        let scored = |mark| {
            names(counted, mark)
                .difference(&unscored)
                .cloned()
                .collect()
        };
        let pending = names(others, '✗');
        assert!(
            pending.iter().all(|name| name.starts_with(EXTENSION)),
            "what is not required passes, too: {pending:?}"
        );
        Self {
            passed: scored('✓'),
            failed: scored('✗'),
        }
    }

    fn assert(&self, passed: usize, failed: &[&str]) {
        let failed: BTreeSet<String> = failed.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(self.failed, failed);
        assert_eq!(self.passed.len(), passed, "{:?}", self.passed);
    }
}

#[tokio::test]
async fn with_sessions_all_of_2025_11_25() {
    run(false, "2025-11-25").await.assert(30, &[]);
}

#[tokio::test]
async fn with_sessions_all_of_2026_07_28() {
    run(false, "2026-07-28").await.assert(37, &[]);
}

#[tokio::test]
async fn without_sessions_all_of_2025_11_25_but_what_asks_the_client() {
    run(true, "2025-11-25").await.assert(26, &NEED_SESSIONS);
}

#[tokio::test]
async fn without_sessions_all_of_2026_07_28() {
    run(true, "2026-07-28").await.assert(37, &[]);
}
