//! A model, as the configuration describes it.

use std::sync::Arc;

use crate::protocol::Usage;

/// What the configuration says of a model.
#[derive(Debug, Clone)]
pub struct ModelInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Who offers it.
    pub provider: Arc<str>,
    /// What its provider calls it, if the name is a name of the configuration's own.
    pub calls: Option<Arc<str>>,
    /// Longest prompt and answer together.
    pub context_tokens: Option<u64>,
    /// Longest answer.
    pub max_output_tokens: Option<u32>,
    /// The vendor's limit.
    pub requests_per_min: Option<u64>,
    /// The vendor's limit.
    pub requests_per_day: Option<u64>,
    /// US dollars per 1,000 tokens.
    pub cost_input_per_1k: Option<f64>,
    /// US dollars per 1,000 tokens.
    pub cost_output_per_1k: Option<f64>,
    /// US dollars per 1,000 tokens read from the vendor's cache.
    pub cost_cached_input_per_1k: Option<f64>,
    /// What it can do, in the configuration's words.
    pub capabilities: Vec<String>,
}

// === impl ModelInfo ===

impl ModelInfo {
    /// What a call cost in US dollars, if the configuration knows the prices.
    ///
    /// The cached part of the input costs its own price where one is configured, else the full one:
    /// rather too much than too little.
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        let (input, output) = (self.cost_input_per_1k?, self.cost_output_per_1k?);
        let cached = usage
            .cached_input_tokens
            .unwrap_or(0)
            .min(usage.input_tokens);
        let cached_price = self.cost_cached_input_per_1k.unwrap_or(input);
        let thousandths = (usage.input_tokens - cached) as f64 * input
            + cached as f64 * cached_price
            + usage.output_tokens as f64 * output;
        Some(thousandths / 1000.0)
    }
}
