//! Hits: reading a vendor's list of results, whatever it holds.

use std::{borrow::Cow, marker::PhantomData};

use serde::de::SeqAccess;

use super::plain::plain;
use crate::{
    protocol::Hit,
    provider::wire::lenient::{self, Lenient, Object},
};

/// Most hits that are kept: more than any block's `max_results` allows.
const MOST: usize = 50;
/// Longest title, in characters.
const LONGEST_TITLE: usize = 500;
/// Longest snippet, in characters.
const LONGEST_SNIPPET: usize = 2_000;
/// Longest answer above the hits, in characters.
const LONGEST_ANSWER: usize = 8_000;
/// Longest date, in characters.
const LONGEST_AGE: usize = 60;
/// Longest address, in bytes: what browsers and servers agree on.
const LONGEST_URL: usize = 2_048;

/// One result as a vendor sends it.
#[derive(Default)]
pub(super) struct Raw<'a> {
    pub(super) title: Option<Cow<'a, str>>,
    pub(super) url: Option<Cow<'a, str>>,
    pub(super) snippet: Option<Cow<'a, str>>,
    pub(super) age: Option<Cow<'a, str>>,
    pub(super) score: Option<f64>,
}

/// The results of a list, if there was a list. `T` is the vendor's own shape of one.
pub(super) struct Hits<T>(pub(super) Option<Vec<Hit>>, PhantomData<T>);

/// An answer in plain words; none if nothing is left of it.
pub(super) fn answer(text: Option<Cow<'_, str>>) -> Option<String> {
    let answer = plain(&text?, LONGEST_ANSWER);
    (!answer.is_empty()).then_some(answer)
}

// === impl Raw ===

impl Raw<'_> {
    /// A hit without a web address is none.
    fn hit(self) -> Option<Hit> {
        let url = self.url.filter(|url| is_web(url))?;
        let title = plain(&self.title.unwrap_or_default(), LONGEST_TITLE);
        let age = plain(&self.age.unwrap_or_default(), LONGEST_AGE);
        Some(Hit {
            title: if title.is_empty() {
                url.to_string()
            } else {
                title
            },
            url: url.into_owned(),
            snippet: plain(&self.snippet.unwrap_or_default(), LONGEST_SNIPPET),
            age: (!age.is_empty()).then_some(age),
            score: self.score,
        })
    }
}

/// http or https, and nothing in it that could be taken for its end.
fn is_web(url: &str) -> bool {
    let scheme = |scheme: &str| {
        url.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let stray = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"');
    (scheme("https://") || scheme("http://")) && url.len() <= LONGEST_URL && !url.contains(stray)
}

// === impl Hits ===

impl<T> Default for Hits<T> {
    fn default() -> Self {
        Self(None, PhantomData)
    }
}

impl<'de, T> Lenient<'de> for Hits<T>
where
    T: Object<'de> + Into<Raw<'de>>,
{
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut hits = Vec::new();
        lenient::each(list, |result: Option<T>| {
            if hits.len() < MOST {
                hits.extend(result.and_then(|result| result.into().hit()));
            }
        })?;
        Ok(Self(Some(hits), PhantomData))
    }
}
