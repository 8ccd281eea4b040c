//! LAZY, NORMAL, PRODUCTIVE, and nothing at all: each loads.

use std::{collections::BTreeMap, time::Duration};

use super::{GOOD, Settings, briefly, check, load_with, settings};

#[test]
fn a_missing_file() {
    let loaded = Settings::load("f", None, &BTreeMap::new());
    assert_eq!(
        briefly(&loaded),
        ["file note: there is no such file, so only the hub's own tools work"]
    );
    let (settings, problems) = loaded.unwrap();
    assert_eq!(settings.llm_providers.len(), 0);
    let tools: Vec<_> = settings
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(tools, ["llm_complete", "db_query", "persist_result"]);
    assert!(problems.to_string().contains("[LLM_PROVIDER.anthropic]"));
}

#[test]
fn an_empty_file() {
    let note = "file note: no LLM provider is active, so only the hub's own tools work";
    check("", &[note]);
    check("# nothing yet\n", &[note]);
    check(
        &GOOD.replace("base_url", "active = \"off\"\nbase_url"),
        &[note],
    );
}

#[test]
fn the_lines_that_the_note_recommends_are_enough() {
    let (_, problems) = load_with("", &[]).unwrap();
    let help = problems.iter().find_map(|problem| problem.help.clone());
    let (_, lines) = help.as_deref().unwrap().split_once('\n').unwrap();
    check(lines, &[]);
    let settings = settings(lines);
    assert_eq!(
        settings.llm_providers[0].env_key.as_deref(),
        Some("ANTHROPIC_API_KEY")
    );
}

#[test]
fn lazy() {
    let text = format!("[HUB]\nHUB_NAME = \"Mine\"\n[HUB_END]\n{GOOD}");
    check(&text, &[]);
    let settings = settings(&text);
    assert_eq!(settings.hub.name, "Mine");
    let tool = &settings.tools[0];
    assert_eq!(tool.name, "llm_complete");
    assert_eq!(tool.provider_type, "llm");
    assert!(tool.active);
    assert_eq!(tool.timeout, Duration::from_secs(55));
    assert!(!tool.description.is_empty());
}

#[test]
fn normal() {
    let text = format!(
        "{GOOD}[SEARCH_PROVIDER.brave]\nenv_key = \"BRAVE_API_KEY\"\n[SEARCH_PROVIDER.brave_END]\n\
         [MODEL.m]\nprovider = \"good\"\ncontext_tokens = \"1000\"\n[MODEL.m_END]\n"
    );
    check(&text, &[]);
    let settings = settings(&text);
    assert_eq!(settings.search_providers[0].name, "brave");
    assert_eq!(settings.models[0].context_tokens, Some(1000));
    let tools: Vec<_> = settings.tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(
        tools,
        ["llm_complete", "web_search", "db_query", "persist_result"]
    );
}

#[test]
fn productive() {
    let text = format!(
        "{GOOD}[HUB_LIMITS]\nRETRY_COUNT = \"3\"\n[HUB_LIMITS_END]\n\
         [DB_SYNC]\nSQLITE_PATH = \"x.db\"\n[DB_SYNC_END]\n\
         [TOOL.mine]\ndescription = \"d\"\n[TOOL.mine_END]\n"
    );
    check(&text, &[]);
    let settings = settings(&text);
    assert_eq!(settings.limits.retry_count, 3);
    let names: Vec<&str> = settings
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["mine", "llm_complete", "db_query", "persist_result"]
    );
}

#[test]
fn unknown_sections_are_warned_of() {
    check(
        &format!("{GOOD}[HUB_LIMIT]\na = \"1\"\n[HUB_LIMIT_END]\n[X.y]\nb = \"2\"\n[X.y_END]\n"),
        &[
            "6 warning: unknown section `[HUB_LIMIT]`",
            "9 warning: unknown section `[X]`",
        ],
    );
    assert!(super::help("[HUB_LIMIT]\n[HUB_LIMIT_END]").contains("did you mean `[HUB_LIMITS]`?"));
}

#[test]
fn a_section_takes_no_name() {
    check(
        &format!("{GOOD}[HUB]\n[HUB_END]\n[HUB.two]\nHUB_PORT = \"1\"\n[HUB.two_END]\n"),
        &["6 warning: [HUB] takes no name"],
    );
}

#[test]
fn what_is_not_built_is_warned_of_when_it_is_active() {
    check(
        &format!(
            "{GOOD}[WEB_PROVIDER.discord]\nactive = \"true\"\nbase_url = \"https://d.example\"\n\
             [WEB_PROVIDER.discord_END]\n\
             [WEB_PROVIDER.github]\nactive = \"false\"\n[WEB_PROVIDER.github_END]\n\
             [PARSER_PROVIDER]\n[PARSER_PROVIDER.x]\nactive = \"on\"\nanything = \"\"\n\
             [PARSER_PROVIDER.x_END]\n[PARSER_PROVIDER_END]\n"
        ),
        &[
            "6 warning: [WEB_PROVIDER.discord] is not built yet",
            "14 warning: [PARSER_PROVIDER.x] is not built yet",
        ],
    );
}
