//! The licences of everything that is built in: those that deny.toml allows, and no other.
//!
//! `make deny` asks cargo-deny, which also reads licence files and knows sources and bans. This holds
//! the list between two such runs, in every run of the tests.

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::Value;

/// Where the project is.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The strings of the `allow` list.
fn allowed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(Path::new(ROOT).join("deny.toml")).unwrap();
    let list = text
        .split("allow = [")
        .nth(1)
        .unwrap()
        .split(']')
        .next()
        .unwrap();
    list.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Whether an SPDX expression without parentheses deeper than one level can be met from `allowed`.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    // `/` is how old manifests write OR.
    let expression = expression.replace('/', " OR ");
    let any_of = |alternatives: &str| {
        let mut alternatives = alternatives.split(" OR ");
        alternatives.any(|licence| allowed.contains(licence.trim()))
    };
    let mut clauses = expression.split(" AND ");
    clauses.all(|clause| any_of(clause.trim().trim_matches(['(', ')'])))
}

#[test]
fn every_licence_is_allowed() {
    let allowed = allowed();
    assert!(allowed.contains("Apache-2.0"), "{allowed:?}");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version", "1"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let refused: Vec<_> = packages
        .iter()
        .filter(|package| {
            !package["license"]
                .as_str()
                .is_some_and(|l| is_met(l, &allowed))
        })
        .map(|package| format!("{} {}", package["name"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "not allowed: {refused:#?}");
}

#[test]
fn a_licence_that_is_not_on_the_list_is_refused() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Apache-2.0".to_owned()]);
    assert!(is_met("MIT/Apache-2.0", &allowed));
    assert!(is_met("(GPL-3.0 OR MIT) AND Apache-2.0", &allowed));
    assert!(!is_met("GPL-3.0", &allowed));
    assert!(!is_met("MIT AND GPL-3.0", &allowed));
}
