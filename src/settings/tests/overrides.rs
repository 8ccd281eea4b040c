//! `HUB__` variables over the file over the defaults.

use super::{GOOD, briefly, load_with};

/// With these variables the good provider's text has exactly these problems.
fn check(overrides: &[(&str, &str)], expected: &[&str]) {
    let text = format!("{GOOD}[HUB]\nHUB_PORT = \"1\"\n[HUB_END]\n");
    assert_eq!(
        briefly(&load_with(&text, overrides)),
        expected,
        "{overrides:?}"
    );
}

#[test]
fn precedence() {
    let port =
        |text: &str, overrides: &[(&str, &str)]| load_with(text, overrides).unwrap().0.hub.port;
    let file = "[HUB]\nHUB_PORT = \"1\"\n[HUB_END]";
    assert_eq!(port("", &[]), 7860);
    assert_eq!(port(file, &[]), 1);
    assert_eq!(port(file, &[("HUB__HUB__HUB_PORT", "2")]), 2);
    assert_eq!(port("", &[("HUB__HUB__HUB_PORT", "2")]), 2);
    assert_eq!(port(file, &[("HUB__HUB__HUB_PORT", "")]), 1);
    assert_eq!(port(file, &[("HUB__HUB__HUB_PORT", " 2 ")]), 2);
}

#[test]
fn every_section_can_be_reached() {
    let (settings, problems) = load_with(
        GOOD,
        &[
            ("HUB__HUB_LIMITS__RETRY_COUNT", "7"),
            ("HUB__DEBUG__DEBUG", "on"),
            (
                "HUB__LLM_PROVIDER__GOOD__BASE_URL",
                "https://other.example/v2",
            ),
            (
                "HUB__LLM_PROVIDER__GOOD__MAX_TOKENS_FIELD",
                "max_completion_tokens",
            ),
        ],
    )
    .unwrap();
    assert_eq!(problems.iter().count(), 0, "{problems}");
    assert_eq!(settings.limits.retry_count, 7);
    assert_eq!(settings.debug.level.as_deref(), Some("debug"));
    let provider = &settings.llm_providers[0];
    assert_eq!(provider.base_url, "https://other.example/v2");
    assert!(provider.max_completion_tokens);
    assert_eq!(provider.env_key.as_deref(), Some("GOOD_KEY"));
}

#[test]
fn underscores_stand_for_what_a_variable_cannot_hold() {
    let text = GOOD.replace("\"m\"", "\"Meta-Llama/Llama-3.3:free\"")
        + "[MODEL.Meta-Llama/Llama-3.3:free]\nprovider = \"good\"\n\
           [MODEL.Meta-Llama/Llama-3.3:free_END]\n";
    let variable = "HUB__MODEL__META_LLAMA_LLAMA_3_3_FREE__CONTEXT_TOKENS";
    let (settings, problems) = load_with(&text, &[(variable, "5")]).unwrap();
    assert_eq!(problems.iter().count(), 0, "{problems}");
    assert_eq!(settings.models[0].context_tokens, Some(5));
}

#[test]
fn the_files_order_is_kept() {
    let other = GOOD.replace("good", "aaa");
    let (settings, _) = load_with(
        &format!("{GOOD}{other}"),
        &[("HUB__LLM_PROVIDER__AAA__DEFAULT_MODEL", "x")],
    )
    .unwrap();
    let names: Vec<&str> = settings
        .llm_providers
        .iter()
        .map(|provider| provider.name.as_str())
        .collect();
    assert_eq!(names, ["good", "aaa"]);
    assert_eq!(settings.llm_providers[1].default_model, "x");
}

#[test]
fn a_problem_names_the_variable() {
    check(
        &[("HUB__HUB__HUB_PORT", "abc")],
        &["HUB__HUB__HUB_PORT error: `HUB_PORT` is \"abc\", not a whole number"],
    );
    check(
        &[("HUB__LLM_PROVIDER__GOOD__FALLBACK_TO", "nobody")],
        &[
            "HUB__LLM_PROVIDER__GOOD__FALLBACK_TO error: `good` falls back to `nobody`, which is not \
             there",
        ],
    );
    check(
        &[("HUB__HUB__HUB_PROT", "2")],
        &["HUB__HUB__HUB_PROT warning: unknown key `HUB_PROT` in [HUB]"],
    );
}

#[test]
fn a_variable_that_matches_nothing() {
    let problem = |variable: &str| {
        format!("{variable} warning: this variable matches nothing in the configuration")
    };
    for variable in [
        "HUB__HUBB__HUB_PORT",
        "HUB__LLM_PROVIDER__GOOOD__BASE_URL",
        "HUB__LLM_PROVIDER__BASE_URL",
        "HUB__PORT",
        "HUB__",
        "HUB____",
    ] {
        check(&[(variable, "x")], &[&problem(variable)]);
    }
    let help = |variable: &str| {
        let (_, problems) = load_with(GOOD, &[(variable, "x")]).unwrap();
        problems.to_string()
    };
    assert!(help("HUB__HUBB__X").contains("did you mean `HUB__HUB__..`?"));
    assert!(
        help("HUB__LLM_PROVIDER__GOOOD__X")
            .contains("did you mean the block `[LLM_PROVIDER.good]`?")
    );
}

#[test]
fn a_variable_that_matches_two_blocks() {
    let text = format!(
        "{}{}",
        GOOD.replace("good", "a-b"),
        GOOD.replace("good", "a.b")
    );
    let loaded = load_with(&text, &[("HUB__LLM_PROVIDER__A_B__DEFAULT_MODEL", "x")]);
    assert!(
        briefly(&loaded)[0].contains("matches nothing"),
        "{:?}",
        briefly(&loaded)
    );
    assert!(loaded.unwrap().1.to_string().contains("a-b, a.b"));
}

#[test]
fn a_key_in_a_variable_is_not_printed() {
    let problems = load_with(
        GOOD,
        &[
            ("HUB__LLM_PROVIDER__GOOD__ENV_KEY", "sk-ant-swordfish-abc"),
            ("HUB__HUB__HUB_PORT", "sk-ant-swordfish-abc"),
        ],
    )
    .unwrap_err();
    assert_eq!(problems.iter().count(), 2);
    assert!(!problems.to_string().contains("swordfish"), "{problems}");
}
