//! `[SEARCH_PROVIDER.x]`

use super::{
    SearchProvider,
    chain::Link,
    env_key,
    section::{Section, quoted},
    url, vendors,
};
use crate::pyfun::{Place, Problem};

/// Hits if neither the call nor the block says how many.
const DEFAULT_RESULTS: u32 = 5;
/// Most hits if the block does not say.
const MAX_RESULTS: u32 = 20;

/// A block and where its `fallback_to` is written.
#[derive(Debug)]
pub(super) struct SearchBlock {
    pub(super) provider: SearchProvider,
    pub(super) fallback: Option<Place>,
}

/// Reads `[SEARCH_PROVIDER.name]`; `apis` are the wire formats there are.
pub(super) fn search(
    name: &str,
    apis: &[&str],
    mut section: Section<'_>,
    problems: &mut Vec<Problem>,
) -> SearchBlock {
    let vendor = vendors::search_by_name(name);
    let active = section.flag("active").unwrap_or(true);
    let api = api(name, apis, active, &mut section);
    let base_url = base_url(name, active && api.is_some(), &mut section);
    let env_key = env_key::read(name, vendor, &base_url, &mut section);
    url::check_exposure(&base_url, env_key.as_deref(), &mut section);
    let (default_results, max_results) = results(&mut section);
    let fallback = section.text("fallback_to");
    let provider = SearchProvider {
        name: name.to_owned(),
        active,
        api,
        base_url,
        env_key,
        default_results,
        max_results,
        include_answer: section.flag("include_answer").unwrap_or_default(),
        fallback_to: fallback.as_ref().map(|text| text.value.to_owned()),
    };
    problems.extend(section.finish());
    SearchBlock {
        provider,
        fallback: fallback.map(|text| text.place),
    }
}

// === impl SearchBlock ===

impl SearchBlock {
    pub(super) fn link(&self) -> Link<'_> {
        let next = self.provider.fallback_to.as_deref();
        Link {
            name: &self.provider.name,
            active: self.provider.active,
            next: next.zip(self.fallback.clone()),
        }
    }
}

/// The format. Files of the Python hub have blocks of vendors that it did not know either, so one
/// without a format is left out, and no error.
fn api(name: &str, apis: &[&str], active: bool, section: &mut Section<'_>) -> Option<String> {
    let Some(text) = section.text("api") else {
        let vendor = vendors::search_by_name(name);
        if vendor.is_none() && active {
            let message = format!("{} has no `api`, so it is not used", section.title());
            section.report(Problem::warning(section.place(), message).help(format!(
                "write `api = \"..\"`: {}; or set `active = \"false\"`",
                apis.join(", ")
            )));
        }
        return vendor.map(|vendor| vendor.api.to_owned());
    };
    if !apis.contains(&text.value) {
        let message = format!("`api` is {}, no format the hub speaks", quoted(text.value));
        section.report(
            Problem::error(text.place, message).help(format!("it can be {}", apis.join(", "))),
        );
    }
    Some(text.value.to_owned())
}

fn base_url(name: &str, needed: bool, section: &mut Section<'_>) -> String {
    let written = section.text("base_url").is_some();
    if let Some((address, _)) = url::base_url(section) {
        return address;
    }
    let known = vendors::search_by_name(name);
    if needed && !written && known.is_none() {
        let message = format!("{} has no `base_url`", section.title());
        section.report(
            Problem::error(section.place(), message)
                .help("write the whole endpoint, as in `base_url = \"https://host/search\"`"),
        );
    }
    known
        .map(|vendor| vendor.base_url.to_owned())
        .unwrap_or_default()
}

/// `default_results` and `max_results`.
fn results(section: &mut Section<'_>) -> (u32, u32) {
    let mut count = |key| {
        let count = section.whole(key, 1..=50, "results")?;
        u32::try_from(count).ok()
    };
    let most = count("max_results").unwrap_or(MAX_RESULTS);
    let Some(default) = count("default_results") else {
        return (DEFAULT_RESULTS.min(most), most);
    };
    if default > most
        && let Some(text) = section.text("default_results")
    {
        section.report(
            Problem::warning(
                text.place,
                format!("`default_results` is more than `max_results`, which is {most}"),
            )
            .help("the smaller of both counts"),
        );
    }
    (default.min(most), most)
}
