//! Prompts: each LLM tool's system prompt, for clients that want to use it with their own model.

use std::sync::Arc;

use rmcp::{
    ErrorData,
    model::{GetPromptRequestParams, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role},
};
use serde_json::Value;

use super::tools::title;
use crate::{
    catalogue::{Catalogue, Tool, ToolKind},
    params::clip,
};

/// The one argument.
const TEXT: &str = "text";

/// The prompts of the tools that can be called.
pub fn prompts(catalogue: &Catalogue) -> Vec<Prompt> {
    catalogue
        .active_tools()
        .filter(|tool| system(tool).is_some())
        .map(|tool| {
            let text = PromptArgument::new(TEXT)
                .with_title("Text")
                .with_description("The text to work on.")
                .with_required(true);
            Prompt::new(
                tool.name.to_string(),
                Some(tool.description.clone()),
                Some(vec![text]),
            )
            .with_title(title(&tool.name))
        })
        .collect()
}

/// One prompt with its argument filled in. MCP knows no system role, so both parts are the user's.
///
/// # Errors
/// Invalid params, for a prompt that there is not and for arguments it does not take.
pub fn prompt(
    catalogue: &Catalogue,
    request: GetPromptRequestParams,
) -> Result<GetPromptResult, ErrorData> {
    let found = catalogue
        .active_tools()
        .find(|tool| *tool.name == *request.name)
        .and_then(|tool| Some((tool, system(tool)?)));
    let Some((tool, system)) = found else {
        return Err(ErrorData::invalid_params(
            format!("There is no prompt `{}`.", clip(&request.name)),
            None,
        ));
    };
    let mut arguments = request.arguments.unwrap_or_default();
    let text = match arguments.remove(TEXT) {
        Some(Value::String(text)) => text,
        _ => {
            return Err(ErrorData::invalid_params(
                format!("`{}` needs the argument `{TEXT}`, a string.", tool.name),
                None,
            ));
        }
    };
    if let Some(unknown) = arguments.keys().next() {
        return Err(ErrorData::invalid_params(
            format!(
                "`{}` has no argument `{}`. It takes `{TEXT}`.",
                tool.name,
                clip(unknown)
            ),
            None,
        ));
    }
    Ok(GetPromptResult::new(vec![
        PromptMessage::new_text(Role::User, system.to_string()),
        PromptMessage::new_text(Role::User, text),
    ])
    .with_description(tool.description.clone()))
}

fn system(tool: &Tool) -> Option<&Arc<str>> {
    match &tool.kind {
        ToolKind::Llm { system, .. } => system.as_ref(),
        _ => None,
    }
}
