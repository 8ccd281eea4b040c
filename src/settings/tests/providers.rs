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
fn embedding_models() {
    let more = "default_model = \"a\"\nembedding_models = \"v, w, v\"";
    for api in ["openai", "gemini"] {
        let loaded = settings(&provider(&format!("api = \"{api}\"\n{more}")));
        assert_eq!(loaded.llm_providers[0].embedding_models, ["v", "w"]);
        assert_eq!(loaded.llm_providers[0].models, ["a"]);
    }
    check_provider(
        &format!("api = \"anthropic\"\n{more}"),
        &["4 error: the format `anthropic` has no vectors, so `embedding_models` cannot be asked"],
    );
    check_provider("api = \"anthropic\"\nembedding_models = \"\"", &[]);
    check_provider(
        "embeding_models = \"v\"",
        &["2 warning: unknown key `embeding_models` in [LLM_PROVIDER.p]"],
    );
    let described = provider(more) + "[MODEL.v]\nprovider = \"p\"\n[MODEL.v_END]\n";
    check(&described, &[]);
    check_provider(
        "default_model = \"a\"\nembedding_models = \"text-embedding-004\"",
        &[
            "3 warning: `text-embedding-004` is outdated: its vendor's retirement date is 2026-01-14",
        ],
    );
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
        &search(
            "env_key = \"S_KEY\"\nmax_results = \"500\"\nfallback_to = \"good\"\napi = \"tavily\"\n\
             base_url = \"https://s.example\"",
        ),
        &[
            "8 error: `max_results` is \"500\", out of range",
            "9 error: `s` falls back to `good`, which is not there",
        ],
    );
}

#[test]
fn search_formats() {
    let search = |name: &str, lines: &str| {
        format!(
            "{}[SEARCH_PROVIDER.{name}]\n{lines}\n[SEARCH_PROVIDER.{name}_END]\n",
            super::GOOD
        )
    };
    // Blocks named after a vendor mean its own.
    for (name, key, host) in [
        ("brave", Some("BRAVE_API_KEY"), "api.search.brave.com"),
        ("tavily", Some("TAVILY_API_KEY"), "api.tavily.com"),
        ("searxng", None, "127.0.0.1:8888"),
    ] {
        let text = search(name, "");
        check(&text, &[]);
        let provider = settings(&text).search_providers.remove(0);
        assert_eq!(provider.api.as_deref(), Some(name));
        assert_eq!(provider.env_key.as_deref(), key);
        assert!(provider.base_url.contains(host), "{}", provider.base_url);
        assert_eq!((provider.default_results, provider.max_results), (5, 20));
    }
    // The usual key goes to no other address.
    check(
        &search("brave", "base_url = \"https://other.example/q\""),
        &["6 warning: [SEARCH_PROVIDER.brave] has no `env_key`, so no key is sent"],
    );
    let mine = "env_key = \"\"\nbase_url = \"https://s.example/search\"\n";
    check(&search("mine", &format!("{mine}api = \"searxng\"")), &[]);
    check(
        &search("mine", mine),
        &["6 warning: [SEARCH_PROVIDER.mine] has no `api`, so it is not used"],
    );
    check(&search("mine", &format!("{mine}active = \"false\"")), &[]);
    check(
        &search("mine", &format!("{mine}api = \"google\"")),
        &["9 error: `api` is \"google\", no format the hub speaks"],
    );
    check(
        &search("mine", "env_key = \"\"\napi = \"searxng\""),
        &["6 error: [SEARCH_PROVIDER.mine] has no `base_url`"],
    );
    check(
        &search("brave", "default_results = \"9\"\nmax_results = \"3\""),
        &["7 warning: `default_results` is more than `max_results`, which is 3"],
    );
    check(
        &search(
            "brave",
            "env_key = \"B\"\nbase_url = \"http://plain.example\"",
        ),
        &["8 warning: the key would travel unencrypted over http"],
    );
    check(
        &search(
            "brave",
            "base_url = \"https://api.search.brave.com/x?key=1\"",
        ),
        &["7 error: `base_url` has a query in it"],
    );
}
