//! What the web is searched for, and what is found.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to search the web for, in no vendor's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRequest {
    /// The words to search for.
    pub query: String,
    /// Most hits; already within the provider's own limit.
    pub max_results: u32,
    /// An answer above the hits; if the caller does not say, the provider's block does.
    pub include_answer: Option<bool>,
    /// No older pages than this.
    pub freshness: Option<Freshness>,
    /// Where the hits come from: two lower-case letters (ISO 3166-1).
    pub country: Option<String>,
    /// Which language they are in, in lower case: `de`, `pt-br` (BCP 47).
    pub language: Option<String>,
    /// Hits from these hosts alone, in lower case; from everywhere if empty.
    pub domains: Vec<String>,
}

/// How old a page may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 31 days.
    Month,
    /// 365 days.
    Year,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// A short answer in the vendor's own words, if it gives one.
    pub answer: Option<String>,
    /// The pages, best first.
    pub hits: Vec<Hit>,
}

/// One page. All texts are plain: no markup, no control characters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// Its title; its address if it has none.
    pub title: String,
    /// Its address: http or https.
    pub url: String,
    /// What it says about the query; may be empty.
    pub snippet: String,
    /// When it was published, as the vendor puts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<String>,
    /// How well it fits; comparable within one answer only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}
