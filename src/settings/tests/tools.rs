//! `[TOOL.x]`.

use std::time::Duration;

use super::{GOOD, check, help, settings};

/// `[TOOL.t]` with these lines, the first of them at line 7.
fn tool(lines: &str) -> String {
    format!("{GOOD}[TOOL.t]\n{lines}\ndescription = \"d\"\n[TOOL.t_END]\n")
}

#[test]
fn values() {
    let text = tool(
        "active = \"false\"\nprovider_type = \"llm\"\ndefault_provider = \"good\"\n\
         timeout_sec = \"0.5\"\nsystem_prompt = \"Be brief.\"",
    );
    check(&text, &[]);
    let loaded = settings(&text);
    let tool = &loaded.tools[0];
    assert_eq!(tool.name, "t");
    assert!(!tool.active);
    assert_eq!(tool.description, "d");
    assert_eq!(tool.provider_type, "llm");
    assert_eq!(tool.default_provider.as_deref(), Some("good"));
    assert_eq!(tool.timeout, Duration::from_millis(500));
    assert_eq!(tool.system_prompt.as_deref(), Some("Be brief."));
}

#[test]
fn what_is_left_out() {
    let loaded = settings(&tool(""));
    let tool = &loaded.tools[0];
    assert!(tool.active);
    assert_eq!(tool.provider_type, "llm");
    assert_eq!(tool.default_provider, None);
    assert_eq!(tool.timeout, Duration::from_secs(55));
    assert_eq!(tool.system_prompt, None);
}

#[test]
fn known_tools_know_what_they_are() {
    for (name, kind) in [
        ("summarize", "llm"),
        ("web_search", "search"),
        ("db_query", "db"),
        ("persist_result", "persist"),
    ] {
        let text = format!("{GOOD}[TOOL.{name}]\n[TOOL.{name}_END]\n");
        check(&text, &[]);
        let loaded = settings(&text);
        assert_eq!(loaded.tools[0].provider_type, kind);
        assert!(!loaded.tools[0].description.is_empty());
    }
}

#[test]
fn a_table_is_a_name() {
    let text = tool("provider_type = \"persist\"\ntarget_table = \"archive.results\"");
    check(&text, &[]);
    assert_eq!(
        settings(&text).tools[0].target_table.as_str(),
        "archive.results"
    );
    assert_eq!(
        settings(&tool("")).tools[0].target_table.as_str(),
        "hub_results"
    );
    check(
        &tool("provider_type = \"persist\"\ntarget_table = \"x; drop table\""),
        &["8 error: `target_table` is \"x; drop table\", no table"],
    );
}

#[test]
fn older_keys_of_tools_are_known() {
    check(
        &tool(
            "provider_type = \"persist\"\nreadonly = \"true\"\nstate_read_key = \"\"\n\
             target_table = \"hub_results\"",
        ),
        &[],
    );
    check(
        &tool("provider_type = \"search\"\ndefault_results = \"5\""),
        &[],
    );
    check(
        &tool("shellmaster_agent_url = \"x\""),
        &["7 warning: unknown key `shellmaster_agent_url` in [TOOL.t]"],
    );
}

#[test]
fn a_longer_timeout_counts_as_55_seconds_without_a_word() {
    for seconds in ["56", "60", "120"] {
        let text = tool(&format!("timeout_sec = \"{seconds}\""));
        check(&text, &[]);
        assert_eq!(settings(&text).tools[0].timeout, Duration::from_secs(55));
    }
    check(
        &tool("timeout_sec = \"0\""),
        &["7 error: `timeout_sec` is \"0\", out of range"],
    );
}

#[test]
fn how_long_answers_are_kept() {
    let kept = |lines: &str| settings(&tool(lines)).tools[0].cache_ttl;
    assert_eq!(kept(""), None);
    assert_eq!(kept("cache_ttl_sec = \"\""), None);
    for kind in ["llm", "search"] {
        let text = format!("cache_ttl_sec = \"90\"\nprovider_type = \"{kind}\"");
        check(&tool(&text), &[]);
        assert_eq!(kept(&text), Some(Duration::from_secs(90)));
    }
    for (seconds, problem) in [
        ("0", "out of range"),
        ("2592001", "out of range"),
        ("1.5", "not a whole number"),
        ("1h", "not a whole number"),
    ] {
        let expected = format!("7 error: `cache_ttl_sec` is \"{seconds}\", {problem}");
        check(
            &tool(&format!("cache_ttl_sec = \"{seconds}\"")),
            &[&expected],
        );
    }
    for kind in ["db", "persist"] {
        assert_eq!(
            kept(&format!(
                "cache_ttl_sec = \"90\"\nprovider_type = \"{kind}\""
            )),
            None
        );
    }
}

#[test]
fn what_a_kind_of_tool_does_not_have_is_warned_of() {
    for (key, kinds) in [
        ("system_prompt", &["llm"][..]),
        ("default_results", &["search"]),
        ("cache_ttl_sec", &["llm", "search"]),
        ("target_table", &["persist"]),
        ("state_read_key", &["persist"]),
    ] {
        let warning = format!("7 warning: `{key}` does nothing here");
        for kind in ["llm", "search", "db", "persist"] {
            let text = tool(&format!("{key} = \"7\"\nprovider_type = \"{kind}\""));
            // A table's name does not begin with a digit.
            let text = text.replace("target_table = \"7\"", "target_table = \"seven\"");
            match kinds.contains(&kind) {
                true => check(&text, &[]),
                false => check(&text, &[&warning]),
            }
        }
    }
}

#[test]
fn an_unknown_provider() {
    let unknown = "7 error: `default_provider` is \"goood\", and there is no such LLM provider";
    check(&tool("default_provider = \"goood\""), &[unknown]);
    assert_eq!(
        help(&tool("default_provider = \"goood\"")),
        "did you mean `good`?"
    );
    check(
        &tool("default_provider = \"good\"\nprovider_type = \"search\""),
        &["7 error: `default_provider` is \"good\", and there is no such search provider"],
    );
    check(&tool("default_provider = \"\""), &[]);
    check(
        &tool("default_provider = \"x\"\nprovider_type = \"db\""),
        &[],
    );
}

#[test]
fn a_provider_that_is_not_active() {
    let off = "[LLM_PROVIDER.off]\nactive = \"false\"\nbase_url = \"https://h\"\nenv_key = \"\"\n\
               default_model = \"m\"\n[LLM_PROVIDER.off_END]\n";
    check(
        &format!("{}{off}", tool("default_provider = \"off\"")),
        &["7 warning: `default_provider` `off` is not active"],
    );
    check(
        &format!(
            "{}{off}",
            tool("active = \"false\"\ndefault_provider = \"off\"")
        ),
        &[],
    );
}

#[test]
fn an_unknown_type() {
    check(
        &tool("provider_type = \"image\""),
        &["7 warning: `provider_type` is \"image\", so the tool stays inactive"],
    );
    check(&tool("provider_type = \"image\"\nactive = \"false\""), &[]);
    assert_eq!(
        help(&tool("provider_type = \"serch\"")),
        "did you mean `search`?"
    );
}

#[test]
fn names() {
    check(
        &format!("{GOOD}[TOOL.health_check]\ndescription = \"d\"\n[TOOL.health_check_END]\n"),
        &["6 error: `health_check` is the hub's own tool"],
    );
    check(
        &format!("{GOOD}[TOOL.my.tool]\ndescription = \"d\"\n[TOOL.my.tool_END]\n"),
        &["6 warning: MCP clients do not accept the tool name `my.tool`"],
    );
}

#[test]
fn a_tool_of_ones_own_describes_itself() {
    check(
        &format!("{GOOD}[TOOL.mine]\n[TOOL.mine_END]\n"),
        &["6 warning: [TOOL.mine] has no `description`"],
    );
}
