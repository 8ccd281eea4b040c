//! Who falls back to whom: the checks, and the walk.

use super::{LlmProvider, nearest::suggestion};
use crate::pyfun::{Place, Problem};

/// A provider as a link of chains.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) name: &'a str,
    pub(super) active: bool,
    /// `fallback_to` and where it is written.
    pub(super) next: Option<(&'a str, Place)>,
}

/// Everything wrong with the chains among `links`.
pub(super) fn check(links: &[Link<'_>]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for link in links {
        let Some((next, place)) = &link.next else {
            continue;
        };
        match find(links, next) {
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
    problems.extend(links.iter().filter_map(|link| cycle(links, link)));
    problems
}

/// The providers that a call which starts at `first` tries, in order. Ends at the latest where it
/// would repeat itself.
pub fn providers_from<'a>(providers: &'a [LlmProvider], first: &str) -> Vec<&'a LlmProvider> {
    let by_name = |name: &str| providers.iter().find(|provider| provider.name == name);
    let mut chain: Vec<&LlmProvider> = Vec::new();
    let mut next = by_name(first);
    while let Some(provider) = next {
        if chain.iter().any(|known| known.name == provider.name) {
            break;
        }
        chain.push(provider);
        next = provider.fallback_to.as_deref().and_then(by_name);
    }
    chain
}

/// The cycle that `link` is on, if it is the first of it in the file: so each is reported once.
fn cycle(links: &[Link<'_>], link: &Link<'_>) -> Option<Problem> {
    let (first, place) = link.next.as_ref()?;
    let mut names = vec![link.name];
    let mut next = find(links, first);
    while let Some(on) = next {
        if on.name == link.name {
            names.push(on.name);
            let message = format!("a fallback cycle: {}", names.join(" -> "));
            return Some(
                Problem::error(place.clone(), message)
                    .help("set `fallback_to = \"\"` in one of them"),
            );
        }
        if names.contains(&on.name) || position(links, on) < position(links, link) {
            return None;
        }
        names.push(on.name);
        next = on.next.as_ref().and_then(|(name, _)| find(links, name));
    }
    None
}

fn find<'l, 'a>(links: &'l [Link<'a>], name: &str) -> Option<&'l Link<'a>> {
    links.iter().find(|link| link.name == name)
}

fn position(links: &[Link<'_>], link: &Link<'_>) -> Option<usize> {
    links.iter().position(|known| known.name == link.name)
}
