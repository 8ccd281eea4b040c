//! What loads without a word.

use super::{briefly, read};

/// The text means these values and nothing is wrong with it.
fn means(text: &str, expected: &[&str]) {
    let (values, problems) = read(text);
    assert_eq!(briefly(&problems), [""; 0], "{text}");
    assert_eq!(values, expected, "{text}");
}

#[test]
fn sections_and_blocks() {
    means(
        "[HUB]\nHUB_NAME = \"x\"\n[HUB_END]\n\
         [TOOL.summarize]\nactive = \"true\"\n[TOOL.summarize_END]",
        &[
            "hub/hub_name = x @ f:2",
            "tool/summarize/active = true @ f:5",
        ],
    );
}

#[test]
fn nesting_is_decoration() {
    means(
        "[PROVIDERS]\n[LLM_PROVIDERS]\n  [LLM_PROVIDER.a]\n  k = \"1\"\n  [LLM_PROVIDER.a_END]\n\
         [LLM_PROVIDERS_END]\n[PROVIDERS_END]",
        &["llm_provider/a/k = 1 @ f:4"],
    );
    means(
        "[HUB]\n[TOOL.a]\nk = \"1\"\n[TOOL.a_END]\nl = \"2\"\n[HUB_END]",
        &["hub/l = 2 @ f:5", "tool/a/k = 1 @ f:3"],
    );
}

#[test]
fn containers_may_come_again() {
    means(
        "[TOOLS]\n[TOOL.a]\n[TOOL.a_END]\n[TOOLS_END]\n[TOOLS]\n[TOOL.b]\nk=\"1\"\n[TOOL.b_END]\n\
         [TOOLS_END]",
        &["tool/b/k = 1 @ f:7"],
    );
}

#[test]
fn names_hold_dots_slashes_colons_and_their_case() {
    means(
        "[MODEL.codey-lab/model.universal-mcp-hub]\nk = \"1\"\n\
         [MODEL.codey-lab/model.universal-mcp-hub_END]\n\
         [MODEL.Mistral-7B-Instruct-v0.3]\nk = \"2\"\n[MODEL.Mistral-7B-Instruct-v0.3_END]\n\
         [MODEL.openai/gpt-oss-20b:free]\nk = \"3\"\n[MODEL.openai/gpt-oss-20b:free_END]",
        &[
            "model/codey-lab/model.universal-mcp-hub/k = 1 @ f:2",
            "model/Mistral-7B-Instruct-v0.3/k = 2 @ f:5",
            "model/openai/gpt-oss-20b:free/k = 3 @ f:8",
        ],
    );
}

#[test]
fn the_files_order_is_kept() {
    means(
        "[TOOL.z]\nb=\"1\"\na=\"2\"\n[TOOL.z_END]\n[TOOL.a]\nk=\"3\"\n[TOOL.a_END]\n\
         [TOOL.m]\nk=\"4\"\n[TOOL.m_END]",
        &[
            "tool/z/b = 1 @ f:2",
            "tool/z/a = 2 @ f:3",
            "tool/a/k = 3 @ f:6",
            "tool/m/k = 4 @ f:9",
        ],
    );
}

#[test]
fn keys_are_lower_cased_and_kinds_known_in_any_case() {
    means(
        "[Hub]\nHub_Port = \"1\"\n[HUB_end]",
        &["hub/hub_port = 1 @ f:2"],
    );
}

#[test]
fn a_key_may_carry_the_blocks_own_name() {
    means(
        "[LLM_PROVIDER.anthropic]\nanthropic.base_url = \"u\"\nother.base_url = \"v\"\n\
         [LLM_PROVIDER.anthropic_END]",
        &[
            "llm_provider/anthropic/base_url = u @ f:2",
            "llm_provider/anthropic/other.base_url = v @ f:3",
        ],
    );
}

#[test]
fn comments_stand_alone_and_behind_values_and_headers() {
    means(
        "# one\n[HUB] # two\n  # three\na = \"1\" # four \"quoted\"\nb = \"2\"# five\n[HUB_END] # six",
        &["hub/a = 1 @ f:4", "hub/b = 2 @ f:5"],
    );
}

#[test]
fn a_hash_inside_quotes_is_part_of_the_value() {
    means(
        "[HUB]\na = \"C # major\" # a comment\n[HUB_END]",
        &["hub/a = C # major @ f:2"],
    );
}

#[test]
fn an_empty_value_is_kept() {
    means("[HUB]\na = \"\"\n[HUB_END]", &["hub/a =  @ f:2"]);
}

#[test]
fn values_are_stripped() {
    means("[HUB]\na = \"  x \"\n[HUB_END]", &["hub/a = x @ f:2"]);
}

#[test]
fn byte_order_mark_windows_line_ends_and_tabs_are_fine() {
    means(
        "\u{feff}[HUB]\r\n\ta\t=\t\"1\"\t# x\r\n[HUB_END]\r\n",
        &["hub/a = 1 @ f:2"],
    );
}

#[test]
fn the_identifier_is_ignored() {
    means("[PYFUN_FILE = .pyfun]\n[PYFUN_FILE=x]", &[]);
}

#[test]
fn nothing_is_fine() {
    means("", &[]);
    means("\n\n  \n# only words\n", &[]);
}

#[test]
fn other_letters_are_fine() {
    means(
        "[HUB]\nHUB_NAME = \"Zentrale für Übersetzung — 翻訳\"\n[HUB_END]",
        &["hub/hub_name = Zentrale für Übersetzung — 翻訳 @ f:2"],
    );
}
