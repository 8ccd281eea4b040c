//! What is wrong, what it is called, and what is read all the same.

use super::{briefly, check, read};
use crate::pyfun::{LARGEST_FILE, Severity};

// === warnings: files in the wild have these, and load ===

#[test]
fn an_end_marker_with_the_wrong_name() {
    check(
        "[MODEL.a]\nk = \"1\"\n[MODEL.b_END]\n[MODEL.c]\nk = \"2\"\n[MODEL.c_END]",
        &["3 warning: `[MODEL.b_END]` closes nothing: `[MODEL.a]` (line 1) is open"],
        &["model/a/k = 1 @ f:2", "model/c/k = 2 @ f:5"],
    );
}

#[test]
fn an_end_marker_with_nothing_to_end() {
    check(
        "[HUB]\na = \"1\"\n[HUB_END]\n[HUB_END]",
        &["4 warning: `[HUB_END]` closes nothing"],
        &["hub/a = 1 @ f:2"],
    );
    // A block's end written twice does not end the group around it.
    check(
        "[TOOLS]\n[TOOL.a]\n[TOOL.a_END]\n[TOOL.a_END]\n[TOOL.b]\nk=\"1\"\n[TOOL.b_END]\n[TOOLS_END]",
        &["4 warning: `[TOOL.a_END]` closes nothing"],
        &["tool/b/k = 1 @ f:6"],
    );
}

#[test]
fn a_value_in_a_group() {
    check(
        "[MODELS]\nk = \"1\"\n[MODELS_END]",
        &["2 warning: `k` stands in no named block, so it does nothing"],
        &[],
    );
}

// === errors ===

#[test]
fn a_key_outside_every_section() {
    check(
        "a = \"1\"\n[HUB]\n[HUB_END]\nb = \"2\"",
        &[
            "1 error: `a` stands outside every section",
            "4 error: `b` stands outside every section",
        ],
        &[],
    );
}

#[test]
fn a_block_without_its_name() {
    check(
        "[LLM_PROVIDER]\nactive = \"true\"\nk = \"1\"\n[LLM_PROVIDER_END]",
        &["1 error: `[LLM_PROVIDER]` has values and no name"],
        &[],
    );
    // As a group it is harmless, and files in the wild have it.
    check("[PARSER_PROVIDER]\n[PARSER_PROVIDER_END]", &[], &[]);
}

#[test]
fn a_key_twice() {
    check(
        "[TOOL.a]\nk = \"1\"\nK = \"2\"\na.k = \"3\"\n[TOOL.a_END]",
        &[
            "3 error: `K` is set twice in `[TOOL.a]`",
            "4 error: `a.k` is set twice in `[TOOL.a]`",
        ],
        &["tool/a/k = 1 @ f:2"],
    );
    let (_, problems) = read("[HUB]\nk = \"1\"\nk = \"2\"\n[HUB_END]");
    assert!(problems.to_string().contains("it is first set at line 2"));
}

#[test]
fn a_block_twice() {
    check(
        "[TOOL.a]\nk = \"1\"\n[TOOL.a_END]\n[TOOL.a]\nk = \"2\"\n[TOOL.a_END]",
        &["4 error: `[TOOL.a]` is there twice"],
        &["tool/a/k = 1 @ f:2"],
    );
    check(
        "[HUB]\nk = \"1\"\n[HUB_END]\n[hub]\n[hub_END]",
        &["4 error: `[hub]` is there twice"],
        &["hub/k = 1 @ f:2"],
    );
}

#[test]
fn a_section_that_is_never_closed() {
    check(
        "[TOOLS]\n[TOOL.a]\nk = \"1\"\n[TOOL.b]\n[TOOL.b_END]\n[TOOLS_END]\n[HUB]",
        &[
            "2 error: `[TOOL.a]` is never closed",
            "7 error: `[HUB]` is never closed",
        ],
        &["tool/a/k = 1 @ f:3"],
    );
    let (_, problems) = read("[TOOLS]\n[TOOL.a]\n[TOOLS_END]");
    assert!(
        problems
            .to_string()
            .contains("add `[TOOL.a_END]` before `[TOOLS_END]` (line 3)")
    );
}

#[test]
fn an_end_marker_with_a_slip_of_the_finger() {
    for end in ["[DB_SYNC_EN]", "[DB_SYNC_ENDE]", "[DB_SYNC_EMD]"] {
        check(
            format!("[DB_SYNC]\na = \"1\"\n{end}\n[HUB]\nb = \"2\"\n[HUB_END]"),
            &[&format!("3 error: `{end}` does not end `[DB_SYNC]`")],
            &["db_sync/a = 1 @ f:2", "hub/b = 2 @ f:5"],
        );
    }
    check(
        "[HUB]\n[HUB_END]\n[HUB_LIMITS]\n[HUB_LIMITS_END]\n[TOOL.a]\n[TOOL.a_END]\n[TOOL.a_en]\n\
         [TOOL.a_en_END]",
        &[],
        &[],
    );
}

#[test]
fn a_header_that_is_none() {
    check(
        "[HUB\na = \"1\"\n[HUB_END]",
        &["1 error: `[` without `]`"],
        &["hub/a = 1 @ f:2"],
    );
    check("[]", &["1 error: `[]` is no header"], &[]);
    check("[my tool]", &["1 error: `[my tool]` is no header"], &[]);
    check("[TOOL.]", &["1 error: `[TOOL.]` is no header"], &[]);
    check(
        "[HUB] a = \"1\"\n[HUB_END]",
        &["1 error: text after the header"],
        &[],
    );
}

#[test]
fn a_line_that_is_nothing() {
    check(
        "[HUB]\nwords\n[HUB_END]",
        &["2 error: this line cannot be read"],
        &[],
    );
    let no_word = "2 error: no single word stands before `=`";
    check("[HUB]\n= \"1\"\n[HUB_END]", &[no_word], &[]);
    check("[HUB]\ntwo words = \"1\"\n[HUB_END]", &[no_word], &[]);
}

#[test]
fn what_is_not_utf_8() {
    check(
        b"[HUB]\na = \"caf\xe9\"\nb = \"1\"\nc = \"\xff\"\n[HUB_END]",
        &[
            "2 error: this line is not UTF-8",
            "4 error: this line is not UTF-8",
        ],
        &[
            "hub/a = caf\u{fffd} @ f:2",
            "hub/b = 1 @ f:3",
            "hub/c = \u{fffd} @ f:4",
        ],
    );
    check(b"\xff\xfe[\0H\0", &["file error: the file is UTF-16"], &[]);
}

#[test]
fn control_characters() {
    check(
        "[HUB]\na = \"x\u{1b}[2J\"\n[HUB_END]",
        &["2 error: a control character (\\u{1b})"],
        &["hub/a = x\u{1b}[2J @ f:2"],
    );
}

#[test]
fn a_file_that_is_too_large() {
    let comment = "#".repeat(LARGEST_FILE);
    check(&comment, &[], &[]);
    check(
        format!("{comment}\n"),
        &["file error: the file is larger than 1 MiB"],
        &[],
    );
}

#[test]
fn all_at_once_and_in_order() {
    let (_, problems) = read(
        "stray = \"1\"\n[HUB]\na = bare\na = \"2\"\nnonsense\nb = \"x\" y\n[HUB_END]\n[HUB]\n[HUB_END]\n\
         [bad header]\n[TOOL.a]\nc = \"open\n[TOOL.b_END]\n[MODEL.m]",
    );
    let lines: Vec<String> = briefly(&problems)
        .iter()
        .map(|problem| problem.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        lines,
        [
            "1 error",
            "3 error",
            "4 error",
            "5 error",
            "6 error",
            "8 error",
            "10 error",
            "12 error",
            "13 warning",
            "14 error",
        ]
    );
    assert_eq!(problems.count(Severity::Error), 9);
}
