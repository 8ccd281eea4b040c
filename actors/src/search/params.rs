//! What a search tool takes.

use crate::{
    error::CallError,
    params::{Params, clip, wrong},
    protocol::{Freshness, SearchRequest},
};

/// Longest query, in characters. Vendors take less, and say so; a query travels in URLs.
const LONGEST_QUERY: usize = 2_000;
/// Most hosts to search on.
const MOST_DOMAINS: usize = 20;
/// Longest name of a host (RFC 1035, section 2.3.4).
const LONGEST_HOST: usize = 253;

/// The parameters of one search.
#[derive(Debug, PartialEq, Eq)]
pub struct SearchParams {
    /// `provider` or `provider_name`.
    pub provider: Option<String>,
    /// `max_results`, at least 1.
    pub max_results: Option<u32>,
    /// `cache`: false asks a provider whatever the cache has.
    pub cache: Option<bool>,
    /// The rest; its `max_results` is not filled in yet.
    pub request: SearchRequest,
}

// === impl Params ===

impl Params {
    /// Everything a search tool takes.
    ///
    /// # Errors
    /// [`CallError::BadRequest`] naming the parameter that is wrong or missing.
    pub fn search(mut self) -> Result<SearchParams, CallError> {
        let query = self.text(&["query", "prompt", "text"])?.unwrap_or_default();
        let params = SearchParams {
            provider: self.text(&["provider", "provider_name"])?,
            max_results: self.count("max_results")?,
            cache: self.flag("cache")?,
            request: SearchRequest {
                query: query.trim().to_owned(),
                max_results: 0,
                include_answer: self.flag("include_answer")?,
                freshness: freshness(self.text(&["freshness"])?)?,
                country: country(self.text(&["country"])?)?,
                language: language(self.text(&["language"])?)?,
                domains: domains(self.list("domains")?)?,
            },
        };
        let tool = self.tool().to_owned();
        self.finish()?;
        let query = &params.request.query;
        if query.is_empty() {
            return Err(CallError::BadRequest(format!(
                "`{tool}` needs a `query`: the words to search for."
            )));
        }
        if query.chars().nth(LONGEST_QUERY).is_some() {
            return Err(wrong(
                "query",
                &format!("at most {LONGEST_QUERY} characters long"),
            ));
        }
        if query.contains('\0') {
            return Err(wrong("query", "text, without control characters"));
        }
        Ok(params)
    }
}

fn freshness(word: Option<String>) -> Result<Option<Freshness>, CallError> {
    let Some(word) = word else { return Ok(None) };
    match Freshness::read(&word) {
        Some(freshness) => Ok(Some(freshness)),
        None => Err(wrong(
            "freshness",
            &format!("one of {}", Freshness::WORDS.join(", ")),
        )),
    }
}

fn country(code: Option<String>) -> Result<Option<String>, CallError> {
    let Some(code) = code else { return Ok(None) };
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(Some(code.to_ascii_lowercase()));
    }
    Err(wrong(
        "country",
        "a country's two letters, as in \"de\" or \"us\"",
    ))
}

/// `de`, `pt-BR`, `zh-Hans`
fn language(tag: Option<String>) -> Result<Option<String>, CallError> {
    let Some(tag) = tag else { return Ok(None) };
    let part = |part: &str, most| {
        (2..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let fits = match tag.split_once('-') {
        Some((language, region)) => part(language, 3) && part(region, 8),
        None => part(&tag, 3),
    };
    if fits {
        return Ok(Some(tag.to_ascii_lowercase()));
    }
    Err(wrong(
        "language",
        "a language's code, as in \"de\" or \"pt-br\"",
    ))
}

fn domains(names: Vec<String>) -> Result<Vec<String>, CallError> {
    let mut domains: Vec<String> = Vec::new();
    for name in names {
        let domain = name.trim().to_ascii_lowercase();
        if domain.is_empty() || domains.contains(&domain) {
            continue;
        }
        if !is_host(&domain) {
            return Err(CallError::BadRequest(format!(
                "`domains` has `{}`, no host's name. It looks like \"example.com\".",
                clip(&name)
            )));
        }
        domains.push(domain);
    }
    if domains.len() > MOST_DOMAINS {
        return Err(wrong("domains", &format!("at most {MOST_DOMAINS} names")));
    }
    Ok(domains)
}

/// Letters, digits and hyphens between dots: nothing that means something to a vendor's query.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && !label.starts_with('-') && label.bytes().all(inner)
    };
    name.len() <= LONGEST_HOST && name.contains('.') && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(params: Value) -> Result<SearchParams, String> {
        Params::new("web_search", Some(params))
            .and_then(Params::search)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn everything_is_read() {
        let params = read(json!({
            "query": " rust ", "provider_name": "tavily", "max_results": "3",
            "include_answer": true, "freshness": "Week", "country": "DE", "language": "pt-BR",
            "domains": ["Docs.rs", "docs.rs", ""], "cache": "false",
        }));
        let expected = SearchParams {
            provider: Some("tavily".to_owned()),
            max_results: Some(3),
            cache: Some(false),
            request: SearchRequest {
                query: "rust".to_owned(),
                max_results: 0,
                include_answer: Some(true),
                freshness: Some(Freshness::Week),
                country: Some("de".to_owned()),
                language: Some("pt-br".to_owned()),
                domains: vec!["docs.rs".to_owned()],
            },
        };
        assert_eq!(params, Ok(expected));
    }

    #[test]
    fn what_is_empty_is_not_given() {
        for name in ["query", "prompt", "text"] {
            let params = read(json!({
                name: "rust", "provider": "", "max_results": "", "include_answer": "",
                "freshness": "", "country": null, "language": "", "domains": "",
            }));
            let request = params.expect("is right").request;
            assert_eq!(
                (request.query.as_str(), request.include_answer),
                ("rust", None)
            );
            assert!(request.domains.is_empty());
        }
        let list = read(json!({"query": "a", "domains": "a.example, b.example,"}));
        assert_eq!(
            list.expect("is right").request.domains,
            ["a.example", "b.example"]
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = "a".repeat(LONGEST_QUERY + 1);
        let many: Vec<_> = (0..=MOST_DOMAINS).map(|n| format!("{n}.example")).collect();
        for (params, expected) in [
            (json!({}), "needs a `query`"),
            (json!({"query": "  "}), "needs a `query`"),
            (json!({"query": 5}), "`query` must be a string"),
            (json!({"query": long}), "`query` must be at most"),
            (json!({"query": "a\0b"}), "`query` must be text"),
            (json!({"query": "a", "max_results": 0}), "`max_results`"),
            (
                json!({"query": "a", "include_answer": "maybe"}),
                "`include_answer`",
            ),
            (
                json!({"query": "a", "freshness": "hour"}),
                "day, week, month, year",
            ),
            (json!({"query": "a", "country": "Germany"}), "`country`"),
            (json!({"query": "a", "country": "d&"}), "`country`"),
            (json!({"query": "a", "language": "de_DE"}), "`language`"),
            (json!({"query": "a", "language": "de&q=x"}), "`language`"),
            (
                json!({"query": "a", "domains": "a b.example"}),
                "`a b.example`",
            ),
            (
                json!({"query": "a", "domains": ["x.example OR y"]}),
                "no host",
            ),
            (
                json!({"query": "a", "domains": ["https://x.example"]}),
                "no host",
            ),
            (json!({"query": "a", "domains": [5]}), "`domains` must be"),
            (json!({"query": "a", "domains": many}), "at most 20 names"),
            (json!({"query": "a", "model": "m"}), "no parameter `model`"),
            (
                json!({"query": "a", "prompt": "b"}),
                "mean the same and differ",
            ),
        ] {
            let sentence = read(params.clone()).expect_err("is wrong");
            assert!(sentence.contains(expected), "{params}: {sentence}");
        }
    }
}
