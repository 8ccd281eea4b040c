//! Who falls back to whom.

use super::super::chain::providers_from;
use super::{check, help, settings};

/// Providers as `name>next`, `-name>next` for an inactive one; `fallback_to` is the block's fifth
/// line, blocks have six.
fn chain(links: &[&str]) -> String {
    links
        .iter()
        .map(|link| {
            let (name, next) = link.split_once('>').unwrap();
            let active = !name.starts_with('-');
            let name = name.trim_start_matches('-');
            format!(
                "[LLM_PROVIDER.{name}]\nactive = \"{active}\"\nbase_url = \"https://h/v1\"\n\
                 env_key = \"K\"\nfallback_to = \"{next}\"\ndefault_model = \"m\"\n\
                 [LLM_PROVIDER.{name}_END]\n"
            )
        })
        .collect()
}

#[test]
fn chains_in_order() {
    check(&chain(&["a>b", "b>c", "c>"]), &[]);
    check(&chain(&["a>c", "b>c", "c>"]), &[]);
}

#[test]
fn a_cycle_is_named_whole_and_once() {
    check(
        &chain(&["a>b", "b>c", "c>a"]),
        &["5 error: a fallback cycle: a -> b -> c -> a"],
    );
    check(&chain(&["a>a"]), &["5 error: a fallback cycle: a -> a"]);
    check(
        &chain(&["x>a", "a>b", "b>a"]),
        &["12 error: a fallback cycle: a -> b -> a"],
    );
    check(
        &chain(&["a>b", "b>a", "c>d", "d>c"]),
        &[
            "5 error: a fallback cycle: a -> b -> a",
            "19 error: a fallback cycle: c -> d -> c",
        ],
    );
}

#[test]
fn a_long_chain_is_checked_in_no_time() {
    let links: Vec<String> = (0..2_000)
        .map(|number| format!("p{number}>p{}", (number + 1) % 2_000))
        .collect();
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    let loaded = super::load_with(&chain(&links), &[]);
    assert_eq!(super::briefly(&loaded).len(), 1);
}

#[test]
fn an_unknown_provider() {
    let text = chain(&["alpha>betta", "beta>"]);
    check(
        &text,
        &["5 error: `alpha` falls back to `betta`, which is not there"],
    );
    assert_eq!(help(&text), "did you mean `beta`?");
}

#[test]
fn a_dead_end() {
    check(
        &chain(&["a>b", "-b>"]),
        &["5 warning: `a` falls back to `b`, which is not active"],
    );
    check(&chain(&["-a>b", "-b>", "c>"]), &[]);
}

#[test]
fn the_walk_ends() {
    let loaded = settings(&chain(&["a>b", "b>c", "c>"]));
    let names = |first: &str| -> Vec<&str> {
        providers_from(&loaded.llm_providers, first)
            .iter()
            .map(|provider| provider.name.as_str())
            .collect()
    };
    assert_eq!(names("a"), ["a", "b", "c"]);
    assert_eq!(names("c"), ["c"]);
    assert_eq!(names("x"), [""; 0]);
    let mut round = loaded.clone();
    round.llm_providers[2].fallback_to = Some("a".to_owned());
    assert_eq!(providers_from(&round.llm_providers, "b").len(), 3);
}
