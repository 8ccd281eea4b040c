//! Tavily's search (`api = "tavily"`).

use std::{borrow::Cow, time::Duration};

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{
    by_status,
    hits::{self, Hits, Raw},
    lacking, places,
};
use crate::{
    protocol::{Failure, Found, Freshness, SearchRequest},
    provider::wire::{
        Dialect, Encoded, Wire,
        error_body::ErrorBody,
        lenient::{self, Object, any},
        refusal::{self, Said},
    },
};

/// `POST {base}`, where the base URL is the whole endpoint.
pub(super) struct Tavily;

/// Most hits of one request.
const MOST: u32 = 20;

#[derive(Serialize)]
struct Request<'a> {
    query: &'a str,
    max_results: u32,
    include_answer: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_range: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'static str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    include_domains: &'a [String],
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    detail: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    answer: Option<Cow<'a, str>>,
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
    content: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    published_date: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "any")]
    score: Option<f64>,
}

/// What some of its errors say instead of a header.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    #[serde(deserialize_with = "any")]
    error: Option<Wait>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wait {
    #[serde(deserialize_with = "any")]
    retry_after_seconds: Option<u64>,
}

// === impl Tavily ===

impl Wire<SearchRequest> for Tavily {
    fn name(&self) -> &'static str {
        "tavily"
    }

    fn auth(&self) -> (&'static str, &'static str) {
        ("authorization", "Bearer ")
    }

    fn encode(
        &self,
        request: &SearchRequest,
        _model: &str,
        dialect: &Dialect,
    ) -> Result<Encoded, Failure> {
        let body = Request {
            query: &request.query,
            max_results: request.max_results.min(MOST),
            include_answer: request.include_answer.unwrap_or(dialect.include_answer),
            time_range: request.freshness.map(Freshness::word),
            country: request.country.as_deref().and_then(places::tavily_country),
            include_domains: &request.domains,
        };
        let encoded = Encoded::new(String::new(), &body, request.query.len() + 256)?;
        Ok(Encoded {
            dropped: dropped(request),
            ..encoded
        })
    }

    fn decode(&self, _: &SearchRequest, body: &[u8]) -> Result<Found, Failure> {
        let body = String::from_utf8_lossy(body);
        let answer: Answer<'_> = refusal::answer(&body, said)?;
        match (answer.results.0, answer.error.or(answer.detail)) {
            (_, Some(error)) => Err(refusal::late(&error, said)),
            (Some(hits), None) => Ok(Found {
                answer: hits::answer(answer.answer),
                hits,
            }),
            (None, None) => Err(refusal::unreadable(&body, said)),
        }
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        let text = String::from_utf8_lossy(body);
        let refused: Option<Refused> = lenient::read(&text).flatten();
        let wait = refused.and_then(|refused| refused.error?.retry_after_seconds);
        refusal::refusal(status, headers, body, |status, error| Said {
            delay: wait.map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT))),
            ..said(status, error)
        })
    }
}

fn dropped(request: &SearchRequest) -> Vec<Cow<'static, str>> {
    let country = request.country.as_deref();
    lacking([
        (
            "country",
            country.is_some(),
            country.and_then(places::tavily_country).is_none(),
        ),
        ("language", request.language.is_some(), true),
    ])
}

/// A day: no wait is longer.
const LONGEST_WAIT: u64 = 24 * 60 * 60;

/// Its statuses say it all: 432 is the plan's or the key's limit, 433 the pay-as-you-go limit.
fn said(status: u16, error: &ErrorBody<'_>) -> Said {
    Said {
        meaning: by_status(status),
        word: error.word(),
        delay: None,
    }
}

// === impl Page ===

impl<'a> From<Page<'a>> for Raw<'a> {
    fn from(page: Page<'a>) -> Self {
        Self {
            title: page.title,
            url: page.url,
            snippet: page.content,
            age: page.published_date,
            score: page.score,
        }
    }
}

impl<'de: 'a, 'a> Object<'de> for Answer<'a> {}
impl<'de: 'a, 'a> Object<'de> for Page<'a> {}
impl Object<'_> for Refused {}
impl Object<'_> for Wait {}
