//! Who falls back to whom: the checks, and the walk.

use std::collections::{HashMap, HashSet};

use super::{LlmProvider, SearchProvider, nearest::suggestion};
use crate::pyfun::{Place, Problem};

/// A provider as a link of chains.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) name: &'a str,
    pub(super) active: bool,
    /// `fallback_to` and where it is written.
    pub(super) next: Option<(&'a str, Place)>,
}

/// A provider of either kind, as far as chains and keys go.
pub(super) trait Chained {
    /// What a sentence calls its kind.
    const KIND: &'static str;

    fn name(&self) -> &str;
    fn active(&self) -> bool;
    /// Whether the hub speaks its format.
    fn built(&self) -> bool;
    fn env_key(&self) -> Option<&str>;
    fn fallback_to(&self) -> Option<&str>;
}

/// Everything wrong with the chains among `links`.
pub(super) fn check(links: &[Link<'_>]) -> Vec<Problem> {
    let places: HashMap<&str, usize> = links
        .iter()
        .enumerate()
        .map(|(place, link)| (link.name, place))
        .collect();
    let find = |name: &str| places.get(name).and_then(|place| links.get(*place));
    let mut problems = Vec::new();
    for link in links {
        let Some((next, place)) = &link.next else {
            continue;
        };
        match find(next) {
            None => {
                let names: Vec<&str> = links.iter().map(|link| link.name).collect();
                let message = format!("`{}` falls back to `{next}`, which is not there", link.name);
                problems.push(Problem::error(place.clone(), message).help(suggestion(
                    next,
                    &names,
                    "providers in this file:",
                )));
            }
            Some(target) if link.active && !target.active => problems.push(
                Problem::warning(
                    place.clone(),
                    format!(
                        "`{}` falls back to `{next}`, which is not active",
                        link.name
                    ),
                )
                .help(format!(
                    "a dead end: set `active = \"true\"` in `{next}`, or name another"
                )),
            ),
            Some(_) => {}
        }
    }
    // Each link is walked over once, so each cycle is found once: from its first link in the file,
    // unless a chain leads into it.
    let mut walked: HashSet<&str> = HashSet::new();
    for first in links {
        let mut path: Vec<&Link<'_>> = Vec::new();
        let mut next = Some(first);
        while let Some(link) = next.filter(|link| walked.insert(link.name)) {
            path.push(link);
            next = link.next.as_ref().and_then(|(name, _)| find(name));
        }
        let back = next.and_then(|link| path.iter().position(|on| on.name == link.name));
        if let Some(cycle) = back.and_then(|start| path.get(start..)) {
            problems.extend(cycle_problem(cycle));
        }
    }
    problems
}

/// The providers that a call which starts at `first` tries, in order. Ends at the latest where it
/// would repeat itself.
pub(super) fn providers_from<'a, P: Chained>(providers: &'a [P], first: &str) -> Vec<&'a P> {
    let by_name = |name: &str| providers.iter().find(|provider| provider.name() == name);
    let mut chain: Vec<&P> = Vec::new();
    let mut next = by_name(first);
    while let Some(provider) = next {
        if chain.iter().any(|known| known.name() == provider.name()) {
            break;
        }
        chain.push(provider);
        next = provider.fallback_to().and_then(by_name);
    }
    chain
}

// === impl Chained ===

impl Chained for LlmProvider {
    const KIND: &'static str = "LLM";

    fn name(&self) -> &str {
        &self.name
    }

    fn active(&self) -> bool {
        self.active
    }

    fn built(&self) -> bool {
        true
    }

    fn env_key(&self) -> Option<&str> {
        self.env_key.as_deref()
    }

    fn fallback_to(&self) -> Option<&str> {
        self.fallback_to.as_deref()
    }
}

impl Chained for SearchProvider {
    const KIND: &'static str = "search";

    fn name(&self) -> &str {
        &self.name
    }

    fn active(&self) -> bool {
        self.active
    }

    fn built(&self) -> bool {
        self.api.is_some()
    }

    fn env_key(&self) -> Option<&str> {
        self.env_key.as_deref()
    }

    fn fallback_to(&self) -> Option<&str> {
        self.fallback_to.as_deref()
    }
}

fn cycle_problem(cycle: &[&Link<'_>]) -> Option<Problem> {
    let first = cycle.first()?;
    let (_, place) = first.next.as_ref()?;
    let names: Vec<&str> = cycle.iter().chain([first]).map(|link| link.name).collect();
    let message = format!("a fallback cycle: {}", names.join(" -> "));
    Some(Problem::error(place.clone(), message).help("set `fallback_to = \"\"` in one of them"))
}
