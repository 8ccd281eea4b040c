//! The search vendors' formats: pure functions between their JSON and [`SearchRequest`], [`Found`](crate::protocol::Found).
//!
//! A new one is a new file here that implements [`Wire`], and a line in [`ALL`].
//!
//! What they share: `hits` (reading results), `plain` with `markup` (text without it), `places` (countries and
//! languages in the vendors' words).

mod brave;
mod hits;
mod markup;
mod places;
mod plain;
mod searxng;
mod tavily;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Wire;
use crate::protocol::{Class, FailureKind, SearchRequest};

/// Everything but what RFC 3986 calls unreserved (section 2.3): no value can end its parameter.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Every format there is.
pub static ALL: [&dyn Wire<SearchRequest>; 3] = [&brave::Brave, &searxng::Searxng, &tavily::Tavily];

/// The format that `api = name` means.
pub fn by_name(name: &str) -> Option<&'static dyn Wire<SearchRequest>> {
    ALL.into_iter().find(|wire| wire.name() == name)
}

/// `?name=value&..`, percent-encoded. A parameter without a value is left out.
fn query<'a>(pairs: impl IntoIterator<Item = (&'static str, Option<&'a str>)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if let Some(value) = value {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(name);
            query.push('=');
            query.extend(utf8_percent_encode(value, RESERVED));
        }
    }
    query
}

/// Names of the parameters that the caller set (first) and the vendor does not have (second).
fn lacking<const N: usize>(params: [(&'static str, bool, bool); N]) -> Vec<Cow<'static, str>> {
    params
        .into_iter()
        .filter(|(_, set, lacks)| *set && *lacks)
        .map(|(name, _, _)| name.into())
        .collect()
}

/// What a status means of a search vendor, where it is not what it means of an LLM: nothing is at an
/// address that says 404, and no model is missing.
fn by_status(status: u16) -> Option<(FailureKind, Class)> {
    (status == 404).then_some((FailureKind::ServerError, Class::NextNow))
}
