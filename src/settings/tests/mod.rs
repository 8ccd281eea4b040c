//! The settings, rule by rule.

mod chains;
mod hub;
mod keys;
mod models;
mod overrides;
mod providers;
mod readiness;
mod robustness;
mod shipped;
mod tiers;
mod tools;

use std::collections::BTreeMap;

use super::Settings;
use crate::pyfun::{Place, Problems};

/// A provider that is in order.
const GOOD: &str = "[LLM_PROVIDER.good]\nbase_url = \"https://good.example/v1\"\n\
                    env_key = \"GOOD_KEY\"\ndefault_model = \"m\"\n[LLM_PROVIDER.good_END]\n";

fn load_with(text: &str, overrides: &[(&str, &str)]) -> Result<(Settings, Problems), Problems> {
    let overrides: BTreeMap<String, String> = overrides
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Settings::load("f", Some(text.as_bytes()), &overrides)
}

/// The settings of a text that has no errors.
fn settings(text: &str) -> Settings {
    load_with(text, &[])
        .map(|(settings, _)| settings)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// `place severity: message`, in order.
fn briefly(loaded: &Result<(Settings, Problems), Problems>) -> Vec<String> {
    let problems = match loaded {
        Ok((_, problems)) | Err(problems) => problems,
    };
    problems
        .iter()
        .map(|problem| {
            let place = match &problem.place {
                Place::Line(line) => line.to_string(),
                Place::Variable(name) => name.clone(),
                Place::File => "file".to_owned(),
            };
            format!("{place} {}: {}", problem.severity.word(), problem.message)
        })
        .collect()
}

/// The text has exactly these problems.
fn check(text: &str, expected: &[&str]) {
    assert_eq!(briefly(&load_with(text, &[])), expected, "{text}");
}

/// A good provider and these lines in its block have exactly these problems. The first of the lines
/// is line 2.
fn check_provider(lines: &str, expected: &[&str]) {
    check(&provider(lines), expected);
}

/// `[LLM_PROVIDER.p]` with these lines, and what they leave out.
fn provider(lines: &str) -> String {
    let rest: String = [
        ("base_url", "https://p.example/v1"),
        ("env_key", "P_KEY"),
        ("default_model", "m"),
    ]
    .iter()
    .filter(|(key, _)| !lines.contains(&format!("{key} =")))
    .map(|(key, value)| format!("{key} = \"{value}\"\n"))
    .collect();
    format!("[LLM_PROVIDER.p]\n{lines}\n{rest}[LLM_PROVIDER.p_END]\n")
}

/// What the help of a text's problems says.
fn help(text: &str) -> String {
    let loaded = load_with(text, &[]);
    let (Ok((_, problems)) | Err(problems)) = loaded;
    problems
        .iter()
        .filter_map(|problem| problem.help.clone())
        .collect::<Vec<_>>()
        .join("\n")
}
