//! Many mistakes at once, and files that no one would write.

use std::collections::BTreeMap;

use super::{Settings, briefly, load_with};

const SHIPPED: &str = include_str!("../../../hub.pyfun");

#[test]
fn ten_different_mistakes_are_reported_at_once_each_with_line_and_help() {
    let text = r#"[HUB]
HUB_PORT = "eighty"
HUB_NAME = Mine
HUB_TRANSPORT = "websocket"
[HUB_END]
[LLM_PROVIDER.a]
base_url = "https://a.example/v1?key=x"
env_key = "sk-ant-0123456789ab"
default_model = "m"
fallback_to = "b"
[LLM_PROVIDER.a_END]
[LLM_PROVIDER.b]
base_url = "https://b.example/v1"
env_key = "B_KEY"
default_model = "m"
default_model = "n"
fallback_to = "a"
[LLM_PROVIDER.b_END]
[MODEL.m]
provider = "c"
[MODEL.m_END]
[TOOL.t]
description = "d"
default_provider = "x"
timeout = "5"
[TOOL.t_END]
[TOOL.u]
description = "d
[TOOL.u_END]
[DEBUG]
"#;
    let loaded = load_with(text, &[]);
    assert_eq!(
        briefly(&loaded),
        [
            "2 error: `HUB_PORT` is \"eighty\", not a whole number",
            "3 error: the value of `HUB_NAME` is not in double quotes",
            "4 error: `HUB_TRANSPORT` is \"websocket\"",
            "7 error: `base_url` has a query in it",
            "8 error: `env_key` looks like a key itself",
            "10 error: a fallback cycle: a -> b -> a",
            "16 error: `default_model` is set twice in `[LLM_PROVIDER.b]`",
            "20 error: `provider` is \"c\", and there is no such LLM provider",
            "24 error: `default_provider` is \"x\", and there is no such LLM provider",
            "25 warning: unknown key `timeout` in [TOOL.t]",
            "28 error: the quote of `description` is never closed: line 29 is not part of the value",
            "30 error: `[DEBUG]` is never closed",
        ]
    );
    let problems = loaded.unwrap_err();
    assert!(problems.iter().all(|problem| problem.help.is_some()));
}

#[test]
fn one_mistake_is_one_problem() {
    // Each of these breaks one thing in the shipped file; nothing else may be blamed for it.
    for (before, after, problem) in [
        (
            "HUB_PORT            = \"7860\"",
            "HUB_PORT = 7860",
            "not in double quotes",
        ),
        ("[TOOL.summarize]", "[TOOL.summarize", "`[` without `]`"),
        ("[DB_SYNC_END]", "[DB_SYNC_EN]", "does not end"),
        (
            "env_key         = \"BRAVE_API_KEY\"",
            "env_key = \"BRAVE_API_KEY",
            "never closed",
        ),
    ] {
        assert!(SHIPPED.contains(before), "{before}");
        let found = briefly(&load_with(&SHIPPED.replace(before, after), &[]));
        assert!(found[0].contains(problem), "{found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

/// Loads bytes, prints every problem, and checks that each stands where there is something.
fn survive(bytes: &[u8]) {
    let loaded = Settings::load("f", Some(bytes), &BTreeMap::new());
    let (Ok((_, problems)) | Err(problems)) = &loaded;
    let lines = bytes.split(|byte| *byte == b'\n').count();
    for problem in problems.iter() {
        if let crate::pyfun::Place::Line(line) = problem.place {
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
        }
    }
    assert!(problems.to_string().len() < 1 << 20);
    let _ = problems.to_json();
}

#[test]
fn truncated_anywhere_it_does_not_panic() {
    let bytes = SHIPPED.as_bytes();
    for end in (0..bytes.len()).step_by(101) {
        survive(&bytes[..end]);
        survive(&bytes[end..]);
    }
}

#[test]
fn mutated_anyhow_it_does_not_panic() {
    const PIECES: [&[u8]; 16] = [
        b"\"",
        b"[",
        b"]",
        b"=",
        b"#",
        b"\n",
        b"_END]",
        b"[HUB]",
        b"\xff",
        b"\r",
        b".",
        b"\0",
        b"\xef\xbb\xbf",
        b"[TOOL.x]\n",
        b"a = \"",
        "\u{1f600}".as_bytes(),
    ];
    // A fixed sequence (Knuth's MMIX generator), so that a failure can be repeated.
    let mut state = 0x5eed_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..150 {
        let mut bytes = SHIPPED.as_bytes().to_vec();
        for _ in 0..=random(8) {
            let at = random(bytes.len());
            match random(3) {
                0 => drop(bytes.splice(at..at, PIECES[random(PIECES.len())].iter().copied())),
                1 => bytes[at] = random(256) as u8,
                _ => {
                    let end = (at + random(200)).min(bytes.len());
                    drop(bytes.drain(at..end));
                }
            }
        }
        survive(&bytes);
    }
}

#[test]
fn odd_files_do_not_panic() {
    for text in [
        "[LLM_PROVIDER.x]\n[LLM_PROVIDER.x_END]",
        "[LLM_PROVIDER]\nx = \"1\"\n[LLM_PROVIDER.x]\n[LLM_PROVIDER.x_END]\n[LLM_PROVIDER_END]",
        "[X]\ny = \"1\"\n[X_END]\n[X.y]\nz = \"2\"\n[X.y_END]",
        "[X.y]\nz = \"2\"\n[X.y_END]\n[X]\ny = \"1\"\n[X_END]",
        "[HUB.HUB_PORT]\nx = \"1\"\n[HUB.HUB_PORT_END]",
        "[_END]",
        "[.]",
        "[a.b.c_END",
        "[MODEL._END]",
        "=",
        "\"",
        "[HUB]\n\" = \"\n[HUB_END]",
        "[PYFUN_FIL\u{e9} = x]",
    ] {
        survive(text.as_bytes());
    }
    survive("[A]\n".repeat(2_000).as_bytes());
    survive("a = \"\n".repeat(2_000).as_bytes());
}
