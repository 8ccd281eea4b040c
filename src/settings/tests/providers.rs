//! `[LLM_PROVIDER.x]`, `[SEARCH_PROVIDER.x]`.

use super::{check, check_provider, help, load_with, provider, settings};

#[test]
fn values() {
    let settings = settings(&provider(
        "active = \"true\"\nbase_url = \"https://p.example/v1/\"\nenv_key = \"P_KEY\"\n\
         api = \"anthropic\"\napi_version_header = \"2023-06-01\"\ndefault_model = \"b\"\n\
         models = \"a, b, , a,c,\"\nfallback_to = \"\"\n\
         extra_headers = \"X-IP-Token: $KEY, X-Title: My Hub\"\n\
         drop_params = \"temperature, system\"\nmax_tokens_field = \"max_completion_tokens\"",
    ));
    let provider = &settings.llm_providers[0];
    assert_eq!(provider.name, "p");
    assert!(provider.active);
    assert_eq!(provider.api, "anthropic");
    assert_eq!(provider.base_url, "https://p.example/v1");
    assert_eq!(provider.env_key.as_deref(), Some("P_KEY"));
    assert_eq!(provider.api_version.as_deref(), Some("2023-06-01"));
    assert_eq!(provider.default_model, "b");
    assert_eq!(provider.models, ["a", "b", "c"]);
    assert_eq!(provider.fallback_to, None);
    assert_eq!(
        provider.extra_headers,
        [
            ("x-ip-token".to_owned(), "$KEY".to_owned()),
            ("x-title".to_owned(), "My Hub".to_owned()),
        ]
    );
    assert_eq!(provider.drop_params, ["temperature", "system"]);
    assert!(provider.max_completion_tokens);
}

#[test]
fn known_vendors_need_little() {
    for (name, api, host, key) in [
        (
            "anthropic",
            "anthropic",
            "https://api.anthropic.com/v1",
            Some("ANTHROPIC_API_KEY"),
        ),
        (
            "gemini",
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta",
            Some("GEMINI_API_KEY"),
        ),
        (
            "openai",
            "openai",
            "https://api.openai.com/v1",
            Some("OPENAI_API_KEY"),
        ),
        (
            "groq",
            "openai",
            "https://api.groq.com/openai/v1",
            Some("GROQ_API_KEY"),
        ),
        ("ollama", "openai", "http://127.0.0.1:11434/v1", None),
    ] {
        let text =
            format!("[LLM_PROVIDER.{name}]\ndefault_model = \"m\"\n[LLM_PROVIDER.{name}_END]");
        check(&text, &[]);
        let settings = settings(&text);
        let provider = &settings.llm_providers[0];
        assert_eq!(provider.api, api);
        assert_eq!(provider.base_url, host);
        assert_eq!(provider.env_key.as_deref(), key);
        assert_eq!(provider.max_completion_tokens, name == "openai");
    }
}

#[test]
fn others_need_an_address() {
    check(
        "[LLM_PROVIDER.mine]\nenv_key = \"K\"\ndefault_model = \"m\"\n[LLM_PROVIDER.mine_END]",
        &["1 error: [LLM_PROVIDER.mine] has no `base_url`"],
    );
}

#[test]
fn addresses() {
    for url in [
        "https://h",
        "http://127.0.0.1:1234/v1",
        "http://localhost:8000",
        "http://[::1]:9/v1",
    ] {
        check_provider(&format!("base_url = \"{url}\""), &[]);
    }
    for (url, problem) in [
        (
            "p.example/v1",
            "2 error: `base_url` is no URL: relative URL without a base",
        ),
        ("ftp://h/v1", "2 error: `base_url` is no http or https URL"),
        (
            "https://u:p@h/v1",
            "2 error: `base_url` has a user or password in it",
        ),
        (
            "https://h/v1?key=x",
            "2 error: `base_url` has a query in it",
        ),
        ("https://h/v1#x", "2 error: `base_url` has a fragment in it"),
    ] {
        check_provider(&format!("base_url = \"{url}\""), &[problem]);
    }
}

#[test]
fn an_address_that_holds_a_secret_is_not_printed() {
    let problems = load_with(
        &provider("base_url = \"https://u:swordfish@h?key=marlin\""),
        &[],
    )
    .unwrap_err()
    .to_string();
    assert!(
        !problems.contains("swordfish") && !problems.contains("marlin"),
        "{problems}"
    );
    assert!(problems.contains("***"), "{problems}");
}

#[test]
fn a_key_over_http_is_warned_of() {
    let problem = "2 warning: the key would travel unencrypted over http";
    check_provider("base_url = \"http://p.example/v1\"", &[problem]);
    check_provider("base_url = \"http://192.168.1.5:8000/v1\"", &[problem]);
    check_provider("base_url = \"http://p.example/v1\"\nenv_key = \"\"", &[]);
    check_provider("base_url = \"http://127.0.0.1/v1\"", &[]);
    check_provider("base_url = \"http://hub.localhost/v1\"", &[]);
}

#[test]
fn the_old_address_of_hugging_face_is_warned_of() {
    let line = "base_url = \"https://api-inference.huggingface.co/v1\"";
    check_provider(
        line,
        &["2 warning: `api-inference.huggingface.co` is outdated"],
    );
    assert!(help(&provider(line)).contains("https://router.huggingface.co/v1"));
}

#[test]
fn formats() {
    for api in ["anthropic", "gemini", "openai"] {
        check_provider(&format!("api = \"{api}\""), &[]);
    }
    check_provider(
        "api = \"opanai\"",
        &["2 error: `api` is \"opanai\", no format the hub speaks"],
    );
    assert!(help(&provider("api = \"x\"")).starts_with("it can be anthropic, gemini, openai"));
}

#[test]
fn names_of_key_variables() {
    for name in ["OPENAI_API_KEY", "openai_key", "HF_TOKEN", "_K1"] {
        check_provider(&format!("env_key = \"{name}\""), &[]);
    }
    check_provider("env_key = \"\"", &[]);
    for key in ["sk-ant-swordfish-abc", "hf_AbCdEfGhIjKl0123", "my-key"] {
        check_provider(
            &format!("env_key = \"{key}\""),
            &["2 error: `env_key` looks like a key itself"],
        );
    }
    check_provider(
        "env_key = \"MY KEY\"",
        &["2 error: `env_key` is no variable's name"],
    );
    check_provider(
        "env_key = \"$KEY\"",
        &["2 error: `env_key` is no variable's name"],
    );
}

#[test]
fn a_key_in_the_place_of_its_name_is_not_printed() {
    for key in [
        "sk-ant-swordfish-abc",
        "swordfish-key",
        "sword fish",
        "gsk_swordfish0123",
    ] {
        let problems =
            load_with(&provider(&format!("env_key = \"{key}\" # note")), &[]).unwrap_err();
        let text = format!("{problems}\n{}", problems.to_json());
        assert!(!text.contains(key) && !text.contains("swordfish"), "{text}");
        assert!(text.contains("env_key = \"***\""), "{text}");
        assert!(text.contains("\"P_API_KEY\""), "{text}");
    }
}

#[test]
fn the_hubs_own_secrets_are_no_providers_keys() {
    check_provider(
        "env_key = \"DATABASE_URL\"",
        &["2 error: `env_key` is `DATABASE_URL`, a secret of the hub itself"],
    );
}

#[test]
fn a_block_without_env_key_sends_no_key() {
    check(
        "[LLM_PROVIDER.mine]\nbase_url = \"https://h/v1\"\ndefault_model = \"m\"\n\
         [LLM_PROVIDER.mine_END]",
        &["1 warning: [LLM_PROVIDER.mine] has no `env_key`, so no key is sent"],
    );
    // A vendor's key goes to the vendor only.
    let text = "[LLM_PROVIDER.openai]\nbase_url = \"https://elsewhere.example/v1\"\n\
                default_model = \"m\"\n[LLM_PROVIDER.openai_END]";
    check(
        text,
        &["1 warning: [LLM_PROVIDER.openai] has no `env_key`, so no key is sent"],
    );
    assert_eq!(settings(text).llm_providers[0].env_key, None);
}

#[test]
fn models() {
    check_provider("default_model = \"a\"\nmodels = \"a, b\"", &[]);
    check_provider(
        "default_model = \"c\"\nmodels = \"a, b\"",
        &["2 warning: `default_model` `c` is not among `models`"],
    );
    let loaded = settings(&provider("default_model = \"c\"\nmodels = \"a, b\""));
    assert_eq!(loaded.llm_providers[0].models, ["c", "a", "b"]);
    let loaded = settings(&provider("default_model = \"\"\nmodels = \"a, b\""));
    assert_eq!(loaded.llm_providers[0].default_model, "a");
    let loaded = settings(&provider("default_model = \"a\""));
    assert_eq!(loaded.llm_providers[0].models, ["a"]);
    check_provider(
        "default_model = \"\"\nmodels = \" , \"",
        &["1 error: [LLM_PROVIDER.p] names no model"],
    );
}

#[test]
fn a_version_belongs_to_the_anthropic_format() {
    check_provider(
        "api_version_header = \"2023-06-01\"",
        &["2 warning: `api_version_header` does nothing with the format `openai`"],
    );
    check_provider(
        "api_version_header = \"a b\"\napi = \"anthropic\"",
        &["2 error: `api_version_header` is \"a b\", no version"],
    );
}

#[test]
fn extra_headers() {
    let wrong = |value: &str, problem: &str| {
        check_provider(
            &format!("extra_headers = \"{value}\""),
            &[&format!("2 error: {problem}")],
        );
    };
    check_provider("extra_headers = \"X-A: Bearer $KEY\"", &[]);
    wrong("X-A", "`extra_headers` has a part without `:`");
    wrong(
        "X A: b",
        "`extra_headers` has a name that no header can have",
    );
    wrong(
        "X-A:",
        "the value of `x-a` in `extra_headers` cannot be sent",
    );
    wrong("X-A: 1, x-a: 2", "`extra_headers` has `x-a` twice");
    wrong(
        "X-A: $TOKEN",
        "the value of `x-a` has a `$` in it that is not `$KEY`",
    );
    for name in [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "TE",
        "Upgrade",
    ] {
        wrong(
            &format!("{name}: x"),
            &format!("`extra_headers` cannot set `{}`", name.to_lowercase()),
        );
    }
    check_provider(
        "extra_headers = \"X-A: $KEY\"\nenv_key = \"\"",
        &["2 error: the value of `x-a` is `$KEY`, and there is no key"],
    );
    check_provider(
        "extra_headers = \"X-A: sk-0123456789abcdef\"",
        &["2 warning: the value of `x-a` looks like a key"],
    );
}

#[test]
fn values_of_extra_headers_are_not_printed() {
    let text = provider("extra_headers = \"X-A: swordfish, Host: marlin, no colon: $X tuna\"");
    let problems = load_with(&text, &[]).unwrap_err().to_string();
    for secret in ["swordfish", "marlin", "tuna"] {
        assert!(!problems.contains(secret), "{problems}");
    }
}

#[test]
fn dialects() {
    check_provider("drop_params = \"temperature, max_tokens, system\"", &[]);
    check_provider(
        "drop_params = \"temprature\"",
        &["2 warning: `drop_params` names \"temprature\", no parameter of ours"],
    );
    assert_eq!(
        help(&provider("drop_params = \"temprature\"")),
        "did you mean `temperature`?"
    );
    check_provider("max_tokens_field = \"max_tokens\"", &[]);
    check_provider(
        "max_tokens_field = \"tokens\"",
        &["2 error: `max_tokens_field` is \"tokens\""],
    );
}

#[test]
fn an_unknown_key() {
    check_provider(
        "base-url = \"x\"",
        &["2 warning: unknown key `base-url` in [LLM_PROVIDER.p]"],
    );
    assert_eq!(
        help(&provider("fallback = \"x\"")),
        "did you mean `fallback_to`?"
    );
}

#[test]
fn search_providers() {
    let search = |lines: &str| {
        format!(
            "{}[SEARCH_PROVIDER.s]\n{lines}\n[SEARCH_PROVIDER.s_END]\n",
            super::GOOD
        )
    };
    let text = search(
        "active = \"false\"\nbase_url = \"https://s.example/q\"\nenv_key = \"S_KEY\"\n\
         default_results = \"5\"\nmax_results = \"20\"\ninclude_answer = \"true\"\nfallback_to = \"\"",
    );
    check(&text, &[]);
    let loaded = settings(&text);
    assert!(!loaded.search_providers[0].active);
    assert_eq!(loaded.search_providers[0].env_key.as_deref(), Some("S_KEY"));
    check(
        &search("env_key = \"S_KEY\"\nmax_results = \"500\"\nfallback_to = \"good\""),
        &[
            "8 error: `max_results` is \"500\", out of range",
            "9 error: `s` falls back to `good`, which is not there",
        ],
    );
}
