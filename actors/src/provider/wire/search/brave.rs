//! Brave's web search (`api = "brave"`).

use std::{borrow::Cow, time::Duration};

use http::HeaderMap;
use serde::Deserialize;

use super::{
    by_status,
    hits::{Hits, Raw},
    lacking, places, query,
};
use crate::{
    protocol::{Class, Failure, FailureKind, Found, Freshness, SearchRequest},
    provider::wire::{
        Dialect, Encoded, Wire,
        error_body::ErrorBody,
        lenient::{Object, any},
        refusal::{self, Said},
        words,
    },
};

/// `GET {base}?q=..`, where the base URL is the whole endpoint.
pub(super) struct Brave;

/// Most hits of one request.
const MOST: u32 = 20;
/// What a full second costs if the answer does not say.
const ONE_SECOND: Duration = Duration::from_secs(1);
/// Limits that reset later than this are no rate of requests any more, they are a plan's quota.
const RATE: f64 = 60.0;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow, rename = "type", deserialize_with = "any")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    web: Option<Web<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Web<'a> {
    #[serde(borrow, deserialize_with = "any")]
    results: Hits<Page<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Page<'a> {
    #[serde(borrow, deserialize_with = "any")]
    title: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    url: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    description: Option<Cow<'a, str>>,
    /// For people: `2 days ago`.
    #[serde(borrow, deserialize_with = "any")]
    age: Option<Cow<'a, str>>,
    /// `2026-11-20T09:00:00`
    #[serde(borrow, deserialize_with = "any")]
    page_age: Option<Cow<'a, str>>,
}

// === impl Brave ===

impl Wire<SearchRequest> for Brave {
    fn name(&self) -> &'static str {
        "brave"
    }

    fn auth(&self) -> (&'static str, &'static str) {
        ("x-subscription-token", "")
    }

    fn encode(
        &self,
        request: &SearchRequest,
        _model: &str,
        _dialect: &Dialect,
    ) -> Result<Encoded, Failure> {
        // One host is an operator within the words; there is no parameter for more.
        let words = match request.domains.as_slice() {
            [host] => format!("{} site:{host}", request.query),
            _ => request.query.clone(),
        };
        let count = request.max_results.min(MOST).to_string();
        let country = request.country.as_deref().and_then(places::brave_country);
        let language = request.language.as_deref().and_then(places::brave_language);
        Ok(Encoded {
            path: query([
                ("q", Some(words.as_str())),
                ("count", Some(&count)),
                ("result_filter", Some("web")),
                ("freshness", request.freshness.map(period)),
                ("country", country.as_deref()),
                ("search_lang", language),
            ]),
            body: None,
            dropped: dropped(request),
            raw: false,
        })
    }

    fn decode(&self, _: &SearchRequest, body: &[u8]) -> Result<Found, Failure> {
        let body = String::from_utf8_lossy(body);
        let answer: Answer<'_> = refusal::answer(&body, said)?;
        if let Some(error) = &answer.error {
            return Err(refusal::late(error, said));
        }
        match (answer.web, answer.kind.as_deref()) {
            (Some(web), _) => Ok(Found {
                answer: None,
                hits: web.results.0.ok_or_else(refusal::malformed)?,
            }),
            // Nothing was found on the web.
            (None, Some("search")) => Ok(Found::default()),
            (None, _) => Err(refusal::unreadable(&body, said)),
        }
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::refusal(status, headers, body, |status, error| {
            let said = said(status, error);
            if status != 429 || said.meaning.is_some() {
                return said;
            }
            match hit(headers) {
                Some(reset) if reset > RATE => Said {
                    meaning: Some((FailureKind::QuotaExhausted, Class::NextNow)),
                    ..said
                },
                reset => Said {
                    delay: Some(reset.map_or(ONE_SECOND, Duration::from_secs_f64)),
                    ..said
                },
            }
        })
    }
}

fn dropped(request: &SearchRequest) -> Vec<Cow<'static, str>> {
    let country = request.country.as_deref();
    let language = request.language.as_deref();
    lacking([
        ("include_answer", request.include_answer == Some(true), true),
        (
            "country",
            country.is_some(),
            country.and_then(places::brave_country).is_none(),
        ),
        (
            "language",
            language.is_some(),
            language.and_then(places::brave_language).is_none(),
        ),
        ("domains", request.domains.len() > 1, true),
    ])
}

/// When the longest of the limits that are used up is free again, in seconds. Both headers are lists
/// with an entry for each limit: for a second, for a month.
fn hit(headers: &HeaderMap) -> Option<f64> {
    let list = |name| headers.get(name)?.to_str().ok();
    let number = |entry: &str| {
        let number: u32 = entry.trim().parse().ok()?;
        Some(f64::from(number))
    };
    let remaining = list("x-ratelimit-remaining")?.split(',');
    let mut resets = list("x-ratelimit-reset").unwrap_or_default().split(',');
    remaining
        .enumerate()
        .filter_map(|(index, left)| {
            let reset = resets.next().and_then(number);
            // The first limit is the one for a second.
            let usual = if index == 0 { 1.0 } else { f64::INFINITY };
            (number(left)? == 0.0).then(|| reset.unwrap_or(usual))
        })
        .reduce(f64::max)
}

/// A token that is wrong, and a plan that lacks a feature, come as 422 or 400.
fn said(status: u16, error: &ErrorBody<'_>) -> Said {
    const NOT_ALLOWED: [&str; 3] = [
        "option_not_in_plan",
        "resource_not_allowed",
        "subscription_token_invalid",
    ];
    let word = error.code.word.as_deref().and_then(words::shouted);
    let next = |kind| Some((kind, Class::NextNow));
    let meaning = match word {
        Some("quota_limited") => next(FailureKind::QuotaExhausted),
        Some(word) if NOT_ALLOWED.contains(&word) => next(FailureKind::Unauthorized),
        _ => by_status(status),
    };
    Said {
        meaning,
        word,
        delay: None,
    }
}

fn period(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::Day => "pd",
        Freshness::Week => "pw",
        Freshness::Month => "pm",
        Freshness::Year => "py",
    }
}

// === impl Page ===

impl<'a> From<Page<'a>> for Raw<'a> {
    fn from(page: Page<'a>) -> Self {
        Self {
            title: page.title,
            url: page.url,
            snippet: page.description,
            age: page.age.or(page.page_age),
            score: None,
        }
    }
}

impl<'de: 'a, 'a> Object<'de> for Answer<'a> {}
impl<'de: 'a, 'a> Object<'de> for Page<'a> {}
impl<'de: 'a, 'a> Object<'de> for Web<'a> {}
