//! `[TOOL.x]`: what clients can call.

use std::time::Duration;

use hub_actors::table::Table;

use super::{
    LlmProvider, SearchProvider, Tool,
    nearest::suggestion,
    section::{Section, Text, quoted},
};
use crate::pyfun::Problem;

/// Longest time for one call. Existing clients give up after 60 s, so a call that takes longer
/// answers nobody; longer times in a file are cut to this without a word, because every older file
/// says 60.
const LONGEST: Duration = Duration::from_secs(55);

/// Longest time for which an answer is kept, in seconds: 30 days.
const LONGEST_CACHED: u64 = 30 * 24 * 3_600;

/// The tools that are always there. No block can take their names.
pub const SYSTEM_TOOLS: [&str; 3] = ["list_active_tools", "health_check", "get_model_info"];

/// What a tool can be made of.
const PROVIDER_TYPES: [&str; 4] = ["llm", "search", "db", "persist"];

/// What means something to tools of some kinds alone.
const OF_SOME_KINDS: [(&str, &[&str]); 5] = [
    ("system_prompt", &["llm"]),
    ("default_results", &["search"]),
    ("cache_ttl_sec", &["llm", "search"]),
    ("target_table", &["persist"]),
    ("state_read_key", &["persist"]),
];

/// What the tools of older files are, where the block does not say it.
const KNOWN: [(&str, &str, &str); 7] = [
    (
        "llm_complete",
        "llm",
        "Send a prompt to any configured LLM provider",
    ),
    (
        "code_review",
        "llm",
        "Review code for bugs, security issues and improvements",
    ),
    (
        "summarize",
        "llm",
        "Summarize text into concise bullet points",
    ),
    (
        "translate",
        "llm",
        "Translate text; the source language is detected",
    ),
    ("web_search", "search", "Search the web"),
    (
        "db_query",
        "db",
        "Run a read-only SELECT on the hub's own state",
    ),
    ("persist_result", "persist", "Keep data in PostgreSQL"),
];

/// The tools that are there unless the file has its own of the name: one that asks, one that looks into
/// the hub's own state, one that keeps data, and one that searches if there is anybody to search with.
pub(super) fn built_in(searches: bool) -> impl Iterator<Item = Tool> {
    let built_in = |(name, provider_type, description): &(&str, &str, &str)| Tool {
        name: (*name).to_owned(),
        active: true,
        description: (*description).to_owned(),
        provider_type: (*provider_type).to_owned(),
        default_provider: None,
        timeout: LONGEST,
        system_prompt: None,
        default_results: None,
        cache_ttl: None,
        target_table: Table::hub_results(),
        state_read_key: None,
    };
    let wanted = move |(name, ..): &&(&str, &str, &str)| match *name {
        "llm_complete" | "db_query" | "persist_result" => true,
        "web_search" => searches,
        _ => false,
    };
    KNOWN.iter().filter(wanted).map(built_in)
}

/// Reads `[TOOL.name]`.
pub(super) fn tool(
    name: &str,
    llm: &[LlmProvider],
    search: &[SearchProvider],
    mut section: Section<'_>,
    problems: &mut Vec<Problem>,
) -> Tool {
    check_name(name, &mut section);
    let known = KNOWN.iter().find(|(known, _, _)| *known == name);
    let active = section.flag("active").unwrap_or(true);
    let provider_type = section.text("provider_type");
    let kind = provider_type.as_ref().map_or_else(
        || known.map_or("llm", |(_, kind, _)| kind),
        |text| text.value,
    );
    if let Some(text) = provider_type.filter(|text| active && !PROVIDER_TYPES.contains(&text.value))
    {
        let message = format!(
            "`provider_type` is {}, so the tool stays inactive",
            quoted(text.value)
        );
        section.report(Problem::warning(text.place, message).help(suggestion(
            text.value,
            &PROVIDER_TYPES,
            "it can be",
        )));
    }
    let default_provider = section.text("default_provider");
    if let Some(text) = &default_provider {
        let llm = llm.iter().map(|p| (p.name.as_str(), p.active));
        let search = search.iter().map(|p| (p.name.as_str(), p.active));
        match kind {
            "llm" => check_provider(text, "LLM", active, llm.collect(), &mut section),
            "search" => check_provider(text, "search", active, search.collect(), &mut section),
            _ => {}
        }
    }
    let tool = Tool {
        name: name.to_owned(),
        active,
        description: description(name, known.map(|(_, _, words)| *words), &mut section),
        provider_type: kind.to_owned(),
        default_provider: default_provider.map(|text| text.value.to_owned()),
        timeout: section
            .seconds("timeout_sec", 0.01..=86_400.0)
            .map_or(LONGEST, |timeout| timeout.min(LONGEST)),
        system_prompt: section
            .text("system_prompt")
            .map(|text| text.value.to_owned()),
        default_results: section
            .whole("default_results", 1..=50, "results")
            .and_then(|count| u32::try_from(count).ok()),
        cache_ttl: cache_ttl(kind, &mut section),
        target_table: table(&mut section),
        state_read_key: section
            .text("state_read_key")
            .map(|text| text.value.to_owned()),
    };
    check_kind(kind, &mut section);
    // db_query only ever reads.
    section.flag("readonly");
    problems.extend(section.finish());
    tool
}

/// For tools that ask somebody for money.
fn cache_ttl(kind: &str, section: &mut Section<'_>) -> Option<Duration> {
    let seconds = section.whole("cache_ttl_sec", 1..=LONGEST_CACHED, "seconds")?;
    matches!(kind, "llm" | "search").then_some(Duration::from_secs(seconds))
}

/// Warns of what is set and does nothing.
fn check_kind(kind: &str, section: &mut Section<'_>) {
    for (key, kinds) in OF_SOME_KINDS {
        if kinds.contains(&kind) || !PROVIDER_TYPES.contains(&kind) {
            continue;
        }
        if let Some(text) = section.text(key) {
            let kinds = kinds.join(" or ");
            section.report(
                Problem::warning(text.place, format!("`{key}` does nothing here"))
                    .help(format!("it is for tools with provider_type {kinds}")),
            );
        }
    }
}

fn table(section: &mut Section<'_>) -> Table {
    let Some(text) = section.text("target_table") else {
        return Table::hub_results();
    };
    Table::new(text.value).unwrap_or_else(|error| {
        let message = format!("`target_table` is {}, no table", quoted(text.value));
        section.report(Problem::error(text.place, message).help(error.to_string()));
        Table::hub_results()
    })
}

fn check_name(name: &str, section: &mut Section<'_>) {
    if SYSTEM_TOOLS.contains(&name) {
        section.report(
            Problem::error(section.place(), format!("`{name}` is the hub's own tool"))
                .help("give the block another name; this tool needs none"),
        );
    }
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.chars().all(word) || name.len() > 64 {
        section.report(
            Problem::warning(
                section.place(),
                format!("MCP clients do not accept the tool name `{name}`"),
            )
            .help("use at most 64 letters, digits, `_` and `-`"),
        );
    }
}

fn check_provider(
    text: &Text<'_>,
    kind: &str,
    tool_active: bool,
    providers: Vec<(&str, bool)>,
    section: &mut Section<'_>,
) {
    let problem = match providers.iter().find(|(name, _)| *name == text.value) {
        None => {
            let names: Vec<&str> = providers.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "`default_provider` is {}, and there is no such {kind} provider",
                quoted(text.value)
            );
            let help = suggestion(
                text.value,
                &names,
                &format!("{kind} providers in this file:"),
            );
            Problem::error(text.place.clone(), message).help(help)
        }
        Some((name, false)) if tool_active => Problem::warning(
            text.place.clone(),
            format!("`default_provider` `{name}` is not active"),
        )
        .help(format!(
            "set `active = \"true\"` in `{name}`, or name another"
        )),
        Some(_) => return,
    };
    section.report(problem);
}

fn description(name: &str, known: Option<&str>, section: &mut Section<'_>) -> String {
    match (section.text("description"), known) {
        (Some(text), _) => text.value.to_owned(),
        (None, Some(known)) => known.to_owned(),
        (None, None) => {
            let message = format!("{} has no `description`", section.title());
            section.report(
                Problem::warning(section.place(), message)
                    .help("say what it does in a sentence: clients choose tools by it"),
            );
            name.to_owned()
        }
    }
}
