//! Search: one call of a search tool, from its parameters to a text that people and models can read.

mod params;

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

pub use self::params::SearchParams;
use crate::{
    catalogue::{Catalogue, Provider, Tool},
    error::CallError,
    plan::{Asker, Hop, Plan, chain, named},
    protocol::{Found, Hit, SearchRequest},
};

/// What a search says besides its text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Findings {
    /// The vendor's own short answer, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The pages, best first.
    pub results: Vec<Hit>,
    /// Parameters that the caller set and this provider does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub dropped_params: Vec<Cow<'static, str>>,
}

// === impl Plan ===

impl Plan<SearchRequest> {
    /// Plans a call of a search tool that came in at `now`.
    ///
    /// The chain starts at the provider that the caller names, else at `start`, else at the first
    /// that can be used. `usual` is how many hits there are if the caller does not say; without it
    /// each provider's own number counts.
    ///
    /// # Errors
    /// [`CallError::BadRequest`], [`CallError::NotConfigured`].
    pub fn search(
        catalogue: &Catalogue,
        tool: &Tool,
        start: Option<&str>,
        usual: Option<u32>,
        params: SearchParams,
        now: Instant,
    ) -> Result<Self, CallError> {
        let SearchParams {
            provider,
            max_results,
            mut request,
            cache: _,
        } = params;
        let first = first(catalogue, provider.as_deref(), start)?;
        let wanted = max_results.or(usual);
        let limit = |provider: &Provider<SearchRequest>| {
            let offer = provider.info.offer;
            wanted.unwrap_or(offer.default).min(offer.most)
        };
        request.max_results = limit(first);
        let asker = Asker {
            name: &tool.name,
            inactive: tool.inactive.as_deref(),
        };
        let hops = chain(&catalogue.searchers, first, asker, "a search provider")?
            .into_iter()
            .map(|provider| Hop {
                provider: provider.info.clone(),
                up: provider.up.clone(),
                model: "".into(),
                limit: limit(provider),
            })
            .collect();
        Ok(Self {
            request: Arc::new(request),
            hops,
            deadline: now + tool.timeout,
            timeout: tool.timeout,
            hop_timeout: catalogue.hub.search_timeout,
        })
    }
}

fn first<'a>(
    catalogue: &'a Catalogue,
    asked: Option<&str>,
    start: Option<&str>,
) -> Result<&'a Provider<SearchRequest>, CallError> {
    if let Some(name) = asked {
        return named(&catalogue.searchers, name);
    }
    start
        .and_then(|name| named(&catalogue.searchers, name).ok())
        .or_else(|| catalogue.usable_searchers().next())
        .or_else(|| catalogue.searchers.first())
        .ok_or_else(|| {
            CallError::NotConfigured(
                "No search provider is configured. Add a [SEARCH_PROVIDER.name] block to \
                 hub.pyfun."
                    .to_owned(),
            )
        })
}

// === impl Findings ===

impl Findings {
    /// What was found, at most `limit` hits of it: some vendors know no limit.
    pub fn new(found: Found, limit: u32, dropped_params: Vec<Cow<'static, str>>) -> Self {
        let mut results = found.hits;
        results.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Self {
            answer: found.answer,
            results,
            dropped_params,
        }
    }

    /// The answer first, then the numbered hits with address and snippet.
    pub fn text(&self) -> String {
        let mut text = self.answer.clone().unwrap_or_default();
        for (index, hit) in self.results.iter().enumerate() {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "{}. {}\n   {}", index + 1, hit.title, hit.url);
            if let Some(age) = &hit.age {
                let _ = write!(text, " ({age})");
            }
            if !hit.snippet.is_empty() {
                let _ = write!(text, "\n   {}", hit.snippet);
            }
        }
        if text.is_empty() {
            text.push_str("Nothing was found.");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(title: &str, snippet: &str, age: Option<&str>) -> Hit {
        Hit {
            title: title.to_owned(),
            url: format!("https://{title}.example/"),
            snippet: snippet.to_owned(),
            age: age.map(str::to_owned),
            score: None,
        }
    }

    #[test]
    fn the_answer_comes_first_and_hits_are_numbered() {
        let found = Found {
            answer: Some("Blue.".to_owned()),
            hits: vec![
                hit("one", "first", Some("2 days ago")),
                hit("two", "", None),
                hit("three", "", None),
            ],
        };
        let findings = Findings::new(found, 2, vec!["country".into()]);
        assert_eq!(
            findings.text(),
            "Blue.\n\n1. one\n   https://one.example/ (2 days ago)\n   first\n\n\
             2. two\n   https://two.example/"
        );
        assert_eq!(findings.results.len(), 2);
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        let findings = Findings::new(Found::default(), 5, Vec::new());
        assert_eq!(findings.text(), "Nothing was found.");
        assert_eq!(
            serde_json::to_value(&findings).expect("serializes"),
            serde_json::json!({"results": []})
        );
    }
}
