//! How problems look.

use serde_json::json;

use super::read;
use crate::pyfun::{Place, Problem, Problems};

#[test]
fn as_text() {
    let (_, problems) = read(
        "[MODEL.gemini-2.5-flash-lite]\n  [MODEL.gemini-2.0-flash-lite_END]\n[HUB]\na = 1\n[HUB_END]",
    );
    assert_eq!(
        problems.to_string(),
        "warning: f:2: `[MODEL.gemini-2.0-flash-lite_END]` closes nothing: \
         `[MODEL.gemini-2.5-flash-lite]` (line 1) is open\n\
         \x20   2 |   [MODEL.gemini-2.0-flash-lite_END]\n\
         \x20     = help: write `[MODEL.gemini-2.5-flash-lite_END]`\n\
         error: f:4: the value of `a` is not in double quotes\n\
         \x20   4 | a = 1\n\
         \x20     = help: write `a = \"..\"`, with straight double quotes"
    );
}

#[test]
fn without_a_line() {
    let mut problems = Problems::new("f", vec!["first".to_owned()]);
    problems.extend([
        Problem::note(Place::File, "empty").help("write\nthis"),
        Problem::warning(Place::Variable("HUB__X".to_owned()), "odd"),
        // A line that is not there, as an outdated origin could name it.
        Problem::error(Place::Line(7), "gone"),
    ]);
    assert_eq!(
        problems.to_string(),
        "error: f:7: gone\nwarning: HUB__X: odd\nnote: f: empty\n      = help: write\n        this"
    );
}

#[test]
fn as_json() {
    let mut problems = Problems::new("f", vec!["first".to_owned()]);
    problems.extend([
        Problem::error(Place::Line(1), "wrong").help("right"),
        Problem::warning(Place::Variable("HUB__X".to_owned()), "odd"),
    ]);
    assert_eq!(
        problems.to_json(),
        json!([
            {
                "severity": "error", "file": "f", "line": 1, "variable": null,
                "source": "first", "message": "wrong", "help": "right",
            },
            {
                "severity": "warning", "file": "f", "line": null, "variable": "HUB__X",
                "source": null, "message": "odd", "help": null,
            },
        ])
    );
}

#[test]
fn a_file_that_is_no_configuration_does_not_fill_the_screen() {
    let (_, problems) = read("x\n".repeat(1_000));
    let text = problems.to_string();
    assert!(text.ends_with("note: f: 800 more problems"), "{text}");
}

#[test]
fn escape_sequences_do_not_reach_the_terminal() {
    let (_, problems) = read("[HUB]\na = \u{1b}[31mred\n[HUB_END]");
    assert!(!problems.to_string().contains('\u{1b}'));
}

#[test]
fn long_lines_are_cut() {
    let (_, problems) = read(format!("[HUB]\na = {}\n[HUB_END]", "word ".repeat(100)));
    let longest = problems.to_string().lines().map(str::len).max().unwrap();
    assert!(longest < 200, "{longest}");
}
