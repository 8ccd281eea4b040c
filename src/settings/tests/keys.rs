//! Keys: their variables' names, the headers that carry them, and that none is printed.

use super::{check, check_provider, load_with, provider, settings};

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
