//! Values and their quotes: none, too many, and one that is never closed.

use super::check;

#[test]
fn a_value_over_several_lines() {
    check(
        "[TOOL.a]\np = \"You are X.\n        ALWAYS back up. # keep\n\n   {json}\" # done\nq = \"1\"\n\
         [TOOL.a_END]",
        &["2 warning: the value of `p` runs on to line 5"],
        &[
            "tool/a/p = You are X.\nALWAYS back up. # keep\n\n{json} @ f:2",
            "tool/a/q = 1 @ f:6",
        ],
    );
}

#[test]
fn a_value_without_quotes() {
    let problem = "2 error: the value of `a` is not in double quotes";
    check(
        "[HUB]\na = 8080 # x\n[HUB_END]",
        &[problem],
        &["hub/a = 8080 @ f:2"],
    );
    check(
        "[HUB]\na = 'x'\n[HUB_END]",
        &[problem],
        &["hub/a = x @ f:2"],
    );
    check(
        "[HUB]\na = “x”\n[HUB_END]",
        &[problem],
        &["hub/a = x @ f:2"],
    );
    let none = "2 error: `a` has no value";
    check("[HUB]\na =\n[HUB_END]", &[none], &["hub/a =  @ f:2"]);
    check(
        "[HUB]\na = # later\n[HUB_END]",
        &[none],
        &["hub/a =  @ f:2"],
    );
}

#[test]
fn text_after_the_closing_quote() {
    let problem = "2 error: text after the closing quote of `a`";
    check(
        "[HUB]\na = \"1\" x\n[HUB_END]",
        &[problem],
        &["hub/a = 1 @ f:2"],
    );
    check(
        "[HUB]\na = \"say \"hi\" now\"\n[HUB_END]",
        &[problem],
        &["hub/a = say @ f:2"],
    );
}

#[test]
fn a_quote_that_swallows_what_follows_is_reported_where_it_opens() {
    let never = |line: usize, next: usize| {
        format!(
            "{line} error: the quote of `a` is never closed: line {next} is not part of the value"
        )
    };
    check(
        "[HUB]\na = \"1   # oops\nb = \"2\"\n[HUB_END]",
        &[&never(2, 3)],
        &["hub/a = 1 @ f:2", "hub/b = 2 @ f:3"],
    );
    check(
        "[HUB]\n\na = \"1\n\n# comment\n[HUB_END]\n[DEBUG]\nb = \"2\"\n[DEBUG_END]",
        &[&never(3, 6)],
        &["hub/a = 1 @ f:3", "debug/b = 2 @ f:8"],
    );
    check(
        "[TOOL.a]\na = \"1\n[TOOL.b]\n[TOOL.b_END]\n[TOOL.a_END]",
        &[&never(2, 3)],
        &["tool/a/a = 1 @ f:2"],
    );
}

#[test]
fn a_quote_that_is_open_at_the_end_of_the_file() {
    check(
        "[HUB]\na = \"1\n  some words\n  and more",
        &["2 error: the quote of `a` is never closed"],
        &["hub/a = 1 @ f:2"],
    );
}

#[test]
fn text_after_the_end_of_a_long_value() {
    check(
        "[HUB]\na = \"x\ny\" z\n[HUB_END]",
        &[
            "2 warning: the value of `a` runs on to line 3",
            "3 error: text after the closing quote of `a` (line 2)",
        ],
        &["hub/a = x\ny @ f:2"],
    );
}
