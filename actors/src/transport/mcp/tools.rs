//! Tools: the catalogue's tools as MCP describes them.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool as Listed, ToolAnnotations};

use super::schema;
use crate::catalogue::{Catalogue, Tool, ToolKind};

/// Longest name that clients accept.
const LONGEST_NAME: usize = 64;

/// The tools that can be called, in the configuration's order. A tool whose name clients would
/// reject is left out: one such name can make them reject the whole list.
pub fn tools(catalogue: &Catalogue) -> Vec<Listed> {
    catalogue
        .active_tools()
        .filter(|tool| is_name(&tool.name))
        .filter_map(|tool| listed(catalogue, tool))
        .collect()
}

fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(word)
}

fn listed(catalogue: &Catalogue, tool: &Tool) -> Option<Listed> {
    let (input, output) = match &tool.kind {
        ToolKind::Llm { .. } => (schema::llm_input(catalogue), None),
        ToolKind::Search { .. } => (
            schema::search_input(catalogue),
            Some(schema::search_output()),
        ),
        ToolKind::ListActiveTools => (schema::no_input(), Some(schema::active_tools_output())),
        ToolKind::HealthCheck => (schema::no_input(), Some(schema::health_output())),
        ToolKind::GetModelInfo => (schema::model_input(catalogue), Some(schema::model_output())),
        ToolKind::DbQuery => (schema::query_input(), Some(schema::query_output())),
        ToolKind::Persist { state_key, .. } => (
            schema::persist_input(state_key.as_deref()),
            Some(schema::persist_output()),
        ),
        ToolKind::NotBuilt => return None,
    };
    let asks = matches!(tool.kind, ToolKind::Llm { .. } | ToolKind::Search { .. });
    let keeps = matches!(tool.kind, ToolKind::Persist { .. });
    let listed = Listed::new(
        tool.name.to_string(),
        tool.description.clone(),
        object(input),
    )
    .with_title(title(&tool.name))
    .with_annotations(
        ToolAnnotations::new()
            .read_only(!keeps)
            .destructive(false)
            // The same question has a new answer each time, and the same data makes a new row.
            .idempotent(!asks && !keeps)
            .open_world(asks),
    );
    Some(match output {
        Some(output) => listed.with_raw_output_schema(Arc::new(object(output))),
        None => listed,
    })
}

fn object(schema: serde_json::Value) -> JsonObject {
    match schema {
        serde_json::Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}

/// `code_review` → `Code review`, `llm_complete` → `LLM complete`, `db_query` → `DB query`
pub fn title(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    for initials in ["llm", "db"] {
        if let Some(rest) = words.strip_prefix(initials).filter(|r| r.starts_with(' ')) {
            return format!("{}{rest}", initials.to_uppercase());
        }
    }
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_for_people() {
        assert_eq!(title("llm_complete"), "LLM complete");
        assert_eq!(title("db_query"), "DB query");
        assert_eq!(title("dbase"), "Dbase");
        assert_eq!(title("code-review"), "Code review");
        assert_eq!(title("übersetzen"), "Übersetzen");
    }

    #[test]
    fn names_are_what_clients_accept() {
        assert!(is_name("llm_complete-2"));
        assert!(is_name(&"a".repeat(64)));
        for name in ["", "a b", "a.b", "ä", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
