//! What is not printed.

use crate::pyfun::redact::{is_variable_name, line, looks_like_key, words};

#[test]
fn keys_are_recognised() {
    for key in [
        "sk-ant-api03-abcdefghijkl",
        "sk-abcdefghijklmnop",
        "sk-or-v1-0123456789abcdef",
        "hf_AbCdEfGhIjKl0123",
        "gsk_0123456789abcdef",
        "xai-0123456789abcdef",
        "AIzaSyA0123456789abcdefghijk",
        "tvly-dev-0123456789ab",
        "9f86d081884c7d659a2feaa0c55ad015",
    ] {
        assert!(looks_like_key(key), "{key}");
    }
    for name in [
        "ANTHROPIC_API_KEY",
        "HF_TOKEN",
        "hf_token_of_the_team",
        "claude-haiku-4-5-20251001",
        "mistralai/Mistral-7B-Instruct-v0.3",
        "codey-lab/model.universal-mcp-hub",
        "CODEY_LAB_2_SPACES_API_TOKEN_2026",
        "2023-06-01",
        "sk-short",
        "",
    ] {
        assert!(!looks_like_key(name), "{name}");
    }
}

#[test]
fn names_of_variables() {
    for name in ["HF_TOKEN", "_x", "a1", "openai_key"] {
        assert!(is_variable_name(name), "{name}");
    }
    for name in ["", "1A", "A-B", "A B", "A=B", "$A", "Ä"] {
        assert!(!is_variable_name(name), "{name}");
    }
}

#[test]
fn lines_of_the_file() {
    let check = |text: &str, shown: &str| assert_eq!(line(text), shown, "{text}");
    check(
        "  env_key = \"ANTHROPIC_API_KEY\" # the name",
        "  env_key = \"ANTHROPIC_API_KEY\" # the name",
    );
    check("env_key = \"my-secret\"", "env_key = \"***\"");
    check("env_key = sk-ant-abcdefghijkl", "env_key = \"***\"");
    check(
        "anthropic.env_key = \"p@ss\"",
        "anthropic.env_key = \"***\"",
    );
    check(
        "extra_headers = \"X-Token: abc\"",
        "extra_headers = \"***\"",
    );
    check("api_key = \"abc\"", "api_key = \"***\"");
    check("PASSWORD = \"abc\" # def", "PASSWORD = \"***\"");
    check(
        "max_output_tokens = \"200k\"",
        "max_output_tokens = \"200k\"",
    );
    check(
        "base_url = \"https://me:pw@host/v1?key=abc\"",
        "base_url = \"https://***@host/v1?***\"",
    );
    check(
        "base_url = \"https://host/v1\"",
        "base_url = \"https://host/v1\"",
    );
    check(
        "fallback_to = \"sk-ant-abcdefghijkl\"",
        "fallback_to = \"***\"",
    );
    check("env_key = \"\"", "env_key = \"\"");
}

#[test]
fn messages() {
    assert_eq!(
        words("`a` is \"sk-ant-abcdefghijkl\", no number"),
        "`a` is \"***\", no number"
    );
    assert_eq!(
        words("see https://a:b@c and http://d?e=f"),
        "see https://***@c and http://d?***"
    );
    assert_eq!(words("one\ntwo\u{7}"), "one\ntwo\\u{7}");
}
