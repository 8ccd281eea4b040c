//! SearXNG's JSON (`api = "searxng"`): a search of one's own that asks other engines.
//!
//! The instance must allow it: `search.formats` in its settings.yml has to list `json`, else it
//! answers 403.

use std::borrow::Cow;

use http::HeaderMap;
use serde::{
    Deserialize,
    de::{MapAccess, SeqAccess, value::MapAccessDeserializer},
};

use super::{
    by_status,
    hits::{self, Hits, Raw},
    lacking, query,
};
use crate::{
    protocol::{Class, Failure, FailureKind, Found, Freshness, SearchRequest},
    provider::wire::{
        Dialect, Encoded, Wire,
        error_body::ErrorBody,
        lenient::{self, Lenient, Object, Presence, any},
        refusal::{self, Said},
    },
};

/// `GET {base}?q=..&format=json`, where the base URL ends with `/search`.
pub(super) struct Searxng;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow, deserialize_with = "any")]
    results: Hits<Page<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    answers: First<'a>,
    #[serde(deserialize_with = "any")]
    unresponsive_engines: Presence,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Page<'a> {
    #[serde(borrow, deserialize_with = "any")]
    title: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    url: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    content: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "publishedDate", deserialize_with = "any")]
    published: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "any")]
    score: Option<f64>,
}

/// The first of the answers: texts, or objects with a text in newer versions.
#[derive(Default)]
struct First<'a>(Option<Cow<'a, str>>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told<'a> {
    #[serde(borrow, deserialize_with = "any")]
    answer: Option<Cow<'a, str>>,
}

// === impl Searxng ===

impl Wire<SearchRequest> for Searxng {
    fn name(&self) -> &'static str {
        "searxng"
    }

    /// It knows no keys itself; what stands before it may.
    fn auth(&self) -> (&'static str, &'static str) {
        ("authorization", "Bearer ")
    }

    fn encode(
        &self,
        request: &SearchRequest,
        _model: &str,
        _dialect: &Dialect,
    ) -> Result<Encoded, Failure> {
        let language = request.language.as_deref().map(with_region);
        Ok(Encoded {
            path: query([
                ("q", Some(request.query.as_str())),
                ("format", Some("json")),
                ("time_range", request.freshness.and_then(range)),
                ("language", language.as_deref()),
            ]),
            body: None,
            dropped: dropped(request),
            raw: false,
        })
    }

    fn decode(&self, _: &SearchRequest, body: &[u8]) -> Result<Found, Failure> {
        let body = String::from_utf8_lossy(body);
        let answer: Answer<'_> = refusal::answer(&body, said)?;
        let Some(hits) = answer.results.0 else {
            return Err(refusal::unreadable(&body, said));
        };
        let found = Found {
            answer: hits::answer(answer.answers.0),
            hits,
        };
        // Nothing was found because nobody answered it: another provider may know more.
        if found == Found::default() && answer.unresponsive_engines.0 {
            return Err(Failure::new(FailureKind::ServerError, Class::NextNow));
        }
        Ok(found)
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::refusal(status, headers, body, said)
    }
}

fn dropped(request: &SearchRequest) -> Vec<Cow<'static, str>> {
    lacking([
        (
            "freshness",
            request.freshness.is_some(),
            request.freshness.and_then(range).is_none(),
        ),
        ("country", request.country.is_some(), true),
        ("domains", !request.domains.is_empty(), true),
    ])
}

fn said(status: u16, error: &ErrorBody<'_>) -> Said {
    Said {
        meaning: match status {
            // The instance does not give JSON away (`search.formats` of its settings). It is not about a
            // key, and not about the query: whoever asks can do nothing about it.
            403 => Some((FailureKind::ServerError, Class::NextNow)),
            _ => by_status(status),
        },
        word: error.word(),
        delay: None,
    }
}

/// It documents no week.
fn range(freshness: Freshness) -> Option<&'static str> {
    (freshness != Freshness::Week).then(|| freshness.word())
}

/// `pt-br` → `pt-BR`
fn with_region(language: &str) -> String {
    match language.split_once('-') {
        Some((language, region)) => format!("{language}-{}", region.to_ascii_uppercase()),
        None => language.to_owned(),
    }
}

// === impl Page ===

impl<'a> From<Page<'a>> for Raw<'a> {
    fn from(page: Page<'a>) -> Self {
        Self {
            title: page.title,
            url: page.url,
            snippet: page.content,
            age: page.published,
            score: page.score,
        }
    }
}

// === impl Lenient ===

impl<'de: 'a, 'a> Lenient<'de> for First<'a> {
    fn from_text(text: Cow<'de, str>) -> Self {
        Self(Some(text))
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut first = Self::default();
        lenient::each(list, |next: First<'de>| {
            first.0 = first.0.take().or(next.0);
        })?;
        Ok(first)
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        Told::deserialize(MapAccessDeserializer::new(object)).map(|told| Self(told.answer))
    }
}

impl<'de: 'a, 'a> Object<'de> for Answer<'a> {}
impl<'de: 'a, 'a> Object<'de> for Page<'a> {}
impl<'de: 'a, 'a> Object<'de> for Told<'a> {}
