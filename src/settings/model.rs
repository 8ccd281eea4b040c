//! `[MODEL.x]`: limits, rates and prices of a model.

use super::{
    Model,
    nearest::suggestion,
    provider::LlmBlock,
    section::{Section, quoted},
    vendors,
};
use crate::pyfun::{Place, Problem};

/// Most tokens that any limit can say; larger figures are slips.
const MOST_TOKENS: u64 = 100_000_000;

/// Most US dollars for 1,000 tokens that a price can say.
const MOST_DOLLARS: f64 = 1_000.0;

/// From here on a price is rather one for a million tokens.
const SUSPICIOUS_DOLLARS: f64 = 1.0;

/// Reads `[MODEL.name]`.
pub(super) fn model(
    name: &str,
    providers: &[LlmBlock],
    mut section: Section<'_>,
    problems: &mut Vec<Problem>,
) -> Model {
    let provider = provider(name, providers, &mut section);
    let model = Model {
        name: name.to_owned(),
        provider,
        calls: section.text("model").map(|text| text.value.to_owned()),
        context_tokens: section.whole("context_tokens", 1..=MOST_TOKENS, "tokens"),
        max_output_tokens: section
            .whole("max_output_tokens", 1..=MOST_TOKENS, "tokens")
            .and_then(|tokens| u32::try_from(tokens).ok()),
        requests_per_min: section.whole("requests_per_min", 1..=1_000_000_000, "requests"),
        requests_per_day: section.whole("requests_per_day", 1..=1_000_000_000, "requests"),
        cost_input_per_1k: price(&mut section, "cost_input_per_1k"),
        cost_output_per_1k: price(&mut section, "cost_output_per_1k"),
        cost_cached_input_per_1k: price(&mut section, "cost_cached_input_per_1k"),
        capabilities: section
            .list("capabilities")
            .map(|(words, _)| words)
            .unwrap_or_default(),
    };
    check_price(&model, &mut section);
    problems.extend(section.finish());
    model
}

/// Warns of models that their vendors retire: at the providers that list them, else at their own block.
pub(super) fn check_retired(
    providers: &[LlmBlock],
    blocks: &[(Model, Place)],
    problems: &mut Vec<Problem>,
) {
    let mut warn = |model: &str, place: &Place| {
        let Some(retired) = vendors::retirement(model) else {
            return;
        };
        let message = format!(
            "`{model}` is outdated: its vendor's retirement date is {}",
            retired.date
        );
        problems.push(
            Problem::warning(place.clone(), message)
                .help(format!("the vendor recommends `{}`", retired.instead)),
        );
    };
    let mut listed: Vec<&str> = Vec::new();
    for block in providers {
        for model in &block.provider.models {
            listed.push(model);
            warn(model, &block.models);
        }
        for model in &block.provider.embedding_models {
            listed.push(model);
            warn(model, &block.embedding_models);
        }
    }
    for (model, place) in blocks {
        if !listed.contains(&model.name.as_str()) {
            warn(&model.name, place);
        }
    }
}

fn provider(name: &str, providers: &[LlmBlock], section: &mut Section<'_>) -> String {
    let Some(text) = section.text("provider") else {
        let message = format!("{} does not say whose model it is", section.title());
        section.report(
            Problem::error(section.place(), message)
                .help("write `provider = \"..\"`: the name of an `[LLM_PROVIDER.name]`"),
        );
        return String::new();
    };
    let owner = providers
        .iter()
        .map(|block| &block.provider)
        .find(|provider| provider.name == text.value);
    match owner {
        None => {
            let names: Vec<&str> = providers
                .iter()
                .map(|block| block.provider.name.as_str())
                .collect();
            let message = format!(
                "`provider` is {}, and there is no such LLM provider",
                quoted(text.value)
            );
            section.report(Problem::error(text.place, message).help(suggestion(
                text.value,
                &names,
                "LLM providers in this file:",
            )));
        }
        Some(owner) => {
            let calls = section.text("model").map_or(name, |text| text.value);
            let all = || owner.models.iter().chain(&owner.embedding_models);
            if !all().any(|model| model == calls) {
                let message = format!(
                    "`{}` does not list `{calls}` in its `models`, so {} does nothing",
                    owner.name,
                    section.title()
                );
                let help = unlisted_help(calls, all());
                section.report(Problem::warning(section.place(), message).help(help));
            }
        }
    }
    text.value.to_owned()
}

/// Blocks are often named by the last part of the model's name alone.
fn unlisted_help<'a>(name: &str, mut models: impl Iterator<Item = &'a String>) -> String {
    let last = |model: &str| {
        let path = model.rsplit('/').next().unwrap_or_default();
        path.split(':').next().unwrap_or_default().to_lowercase()
    };
    match models.find(|model| last(model) == last(name)) {
        Some(model) => {
            format!("did you mean `[MODEL.{model}]`? names must be the same letter for letter")
        }
        None => "add the model to `models`, or remove the block".to_owned(),
    }
}

fn price(section: &mut Section<'_>, key: &'static str) -> Option<f64> {
    let unit = "US dollars for 1,000 tokens";
    let dollars = section.decimal(key, 0.0..=MOST_DOLLARS, unit)?;
    if dollars > SUSPICIOUS_DOLLARS
        && let Some(text) = section.text(key)
    {
        section.report(
            Problem::warning(text.place, format!("`{key}` is {dollars} {unit}"))
                .help("vendors list prices for a million tokens: divide those by 1,000"),
        );
    }
    Some(dollars)
}

fn check_price(model: &Model, section: &mut Section<'_>) {
    let (Some(input), Some(output)) = (model.cost_input_per_1k, model.cost_output_per_1k) else {
        return;
    };
    let Some((list_input, list_output)) = vendors::wrong_price(&model.name, input, output) else {
        return;
    };
    let Some(text) = section.text("cost_input_per_1k") else {
        return;
    };
    let message = format!(
        "{} says {input} and {output} dollars for 1,000 tokens; its vendor's list says {list_input} \
         and {list_output}",
        section.title()
    );
    section.report(Problem::warning(text.place, message).help(format!(
        "write `cost_input_per_1k = \"{list_input}\"` and `cost_output_per_1k = \
             \"{list_output}\"` (list of {})",
        vendors::AS_OF
    )));
}
