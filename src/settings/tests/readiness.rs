//! What works with which keys.

use super::super::readiness::{ProviderState, needed_variables, provider_status, tool_status};
use super::settings;

const TEXT: &str = "[LLM_PROVIDER.a]\nbase_url = \"https://a\"\nenv_key = \"A_KEY\"\n\
    default_model = \"m\"\nfallback_to = \"b\"\n[LLM_PROVIDER.a_END]\n\
    [LLM_PROVIDER.b]\nbase_url = \"https://b\"\nenv_key = \"B_KEY\"\ndefault_model = \"m\"\n\
    models = \"m, n\"\n[LLM_PROVIDER.b_END]\n\
    [LLM_PROVIDER.off]\nactive = \"false\"\nbase_url = \"https://c\"\nenv_key = \"C_KEY\"\n\
    default_model = \"m\"\n[LLM_PROVIDER.off_END]\n\
    [SEARCH_PROVIDER.s]\napi = \"tavily\"\nbase_url = \"https://s\"\nenv_key = \"S_KEY\"\n[SEARCH_PROVIDER.s_END]\n\
    [TOOL.one]\ndescription = \"d\"\ndefault_provider = \"a\"\n[TOOL.one_END]\n\
    [TOOL.two]\ndescription = \"d\"\ndefault_provider = \"b\"\n[TOOL.two_END]\n\
    [TOOL.off]\nactive = \"false\"\ndescription = \"d\"\n[TOOL.off_END]\n\
    [TOOL.web_search]\n[TOOL.web_search_END]\n\
    [TOOL.picture]\nprovider_type = \"image\"\ndescription = \"d\"\n[TOOL.picture_END]\n";

/// Each tool as `name: chain` or `name: reason (missing)`.
fn tools(text: &str, set: &[&str]) -> Vec<String> {
    tool_status(&settings(text), &|name| set.contains(&name))
        .iter()
        .map(|tool| match &tool.reason {
            None => format!("{}: {}", tool.name, tool.chain.join(" -> ")),
            Some(reason) => format!("{}: {reason} ({})", tool.name, tool.missing.join(", ")),
        })
        .collect()
}

#[test]
fn one_key_is_enough_for_every_tool_of_its_kind() {
    let expected = |search| {
        [
            "one: a -> b",
            "two: b",
            "off: active is false ()",
            search,
            "picture: its provider_type is not known ()",
            "llm_complete: a -> b",
            "db_query: ",
            "persist_result: no database is named (DATABASE_URL)",
        ]
    };
    let without = expected("web_search: no search provider has its key (S_KEY)");
    assert_eq!(tools(TEXT, &["A_KEY"]), without);
    assert_eq!(tools(TEXT, &["B_KEY", "S_KEY"]), expected("web_search: s"));
}

#[test]
fn without_a_key_the_useful_variables_are_named_the_chains_first() {
    let found = tools(TEXT, &["C_KEY"]);
    assert_eq!(found[0], "one: no LLM provider has its key (A_KEY, B_KEY)");
    assert_eq!(found[1], "two: no LLM provider has its key (B_KEY, A_KEY)");
}

#[test]
fn a_provider_without_a_key_is_ready() {
    let text = "[LLM_PROVIDER.ollama]\ndefault_model = \"m\"\n[LLM_PROVIDER.ollama_END]";
    let found = tools(text, &["DATABASE_URL"]);
    assert_eq!(
        found,
        ["llm_complete: ollama", "db_query: ", "persist_result: "]
    );
}

#[test]
fn without_a_provider_only_the_hubs_own_state_can_be_asked() {
    assert_eq!(
        tools("", &[]),
        [
            "llm_complete: no LLM provider is active ()",
            "db_query: ",
            "persist_result: no database is named (DATABASE_URL)",
        ]
    );
}

#[test]
fn providers() {
    let found = provider_status(&settings(TEXT), &|name| name == "B_KEY");
    let states: Vec<(&str, ProviderState, bool)> = found
        .iter()
        .map(|provider| (provider.name.as_str(), provider.state, provider.key_set))
        .collect();
    assert_eq!(
        states,
        [
            ("a", ProviderState::NoKey, false),
            ("b", ProviderState::Ready, true),
            ("off", ProviderState::Inactive, false),
            ("s", ProviderState::NoKey, false),
        ]
    );
    assert_eq!(found[0].falls_back_to.as_deref(), Some("b"));
    assert_eq!(found[1].models, 2);
}

#[test]
fn only_the_keys_of_active_providers_are_needed() {
    let needed = |text: &str| -> Vec<String> {
        let settings = settings(text);
        let needed = needed_variables(&settings).into_iter();
        needed.map(str::to_owned).collect()
    };
    let database = "DATABASE_URL";
    assert_eq!(needed(TEXT), ["A_KEY", "B_KEY", database, "S_KEY"]);
    let off = TEXT.replace("api = \"tavily\"", "active = \"false\"");
    assert_eq!(needed(&off), ["A_KEY", "B_KEY", database]);
    let unspoken = TEXT.replace("api = \"tavily\"\n", "");
    assert_eq!(needed(&unspoken), ["A_KEY", "B_KEY", database]);
    let keeps_nothing =
        format!("{off}[TOOL.persist_result]\nactive = \"false\"\n[TOOL.persist_result_END]\n");
    assert_eq!(needed(&keeps_nothing), ["A_KEY", "B_KEY"]);
}

#[test]
fn a_search_provider_without_a_format_is_not_used() {
    let text = TEXT.replace("api = \"tavily\"\n", "");
    let found = provider_status(&settings(&text), &|_| true);
    assert_eq!(found[3].state, ProviderState::NotBuilt);
    let tools = tools(&text, &["S_KEY"]);
    assert_eq!(tools[3], "web_search: no search provider is active ()");
}

#[test]
fn a_search_provider_without_a_key_is_ready() {
    let text = "[SEARCH_PROVIDER.searxng]\n[SEARCH_PROVIDER.searxng_END]";
    assert_eq!(tools(text, &[])[1], "web_search: searxng");
}
