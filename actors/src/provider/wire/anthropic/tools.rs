//! Tools, as Anthropic's format offers them to a model.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    conversation::{Content, Conversation, Format, Tool, ToolChoice},
    provider::wire::{names, untold},
};

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Offered<'a> {
    Tool {
        name: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Cow<'a, Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
        #[serde(flatten)]
        kept: Option<&'a Map<String, Value>>,
    },
    Vendors(&'a Value),
}

#[derive(Serialize)]
pub(super) struct Choice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

/// What is offered, and what the model is to do with it.
///
/// A conversation in which tools were called has to offer some, even where the caller offers none any
/// more: those that were called are, and the model may call none.
pub(super) fn tools<'a>(
    conversation: &'a Conversation,
    vendors: &'a [Value],
) -> (Vec<Offered<'a>>, Option<Choice<'a>>) {
    let own = conversation.tools.iter().map(offered);
    let tools: Vec<_> = own.chain(vendors.iter().map(Offered::Vendors)).collect();
    if !tools.is_empty() {
        return (tools, choice(conversation));
    }
    let called = called(conversation);
    let choice = (!called.is_empty()).then_some(Choice {
        r#type: "none",
        name: None,
        disable_parallel_tool_use: None,
        kept: None,
    });
    (called.into_iter().map(remembered).collect(), choice)
}

/// The names of the tools that were called, each once.
fn called(conversation: &Conversation) -> Vec<&str> {
    let mut names = Vec::new();
    for part in conversation.messages.iter().flat_map(|said| &said.parts) {
        match &part.content {
            Content::ToolCall(call) if !names.contains(&call.name.as_str()) => {
                names.push(call.name.as_str());
            }
            _ => {}
        }
    }
    names
}

fn remembered(name: &str) -> Offered<'_> {
    Offered::Tool {
        name: names::outer(name),
        description: None,
        input_schema: Cow::Owned(json!({"type": "object"})),
        strict: None,
        kept: None,
    }
}

fn offered(tool: &Tool) -> Offered<'_> {
    let schema = match &tool.schema {
        Some(Value::Object(fields)) if fields.contains_key("type") => None,
        Some(Value::Object(fields)) => Some(fields.clone()),
        _ => Some(Map::new()),
    };
    Offered::Tool {
        name: names::outer(&tool.name),
        description: tool.description.as_deref(),
        input_schema: match (schema, &tool.schema) {
            (None, Some(schema)) => Cow::Borrowed(schema),
            // The vendor insists on a type.
            (fields, _) => {
                let mut fields = fields.unwrap_or_default();
                fields.insert("type".to_owned(), json!("object"));
                Cow::Owned(Value::Object(fields))
            }
        },
        strict: tool.strict,
        kept: untold::beside(tool.kept.as_deref(), Format::Anthropic),
    }
}

fn choice(conversation: &Conversation) -> Option<Choice<'_>> {
    let one = conversation.parallel_tool_calls.map(|parallel| !parallel);
    let chosen = match (&conversation.tool_choice, one) {
        (None, None) => return None,
        (None, Some(_)) => &ToolChoice::Auto,
        (Some(chosen), _) => chosen,
    };
    let (kind, name) = match chosen {
        ToolChoice::Auto => ("auto", None),
        ToolChoice::Any => ("any", None),
        ToolChoice::None => ("none", None),
        ToolChoice::Named(name) => ("tool", Some(names::outer(name))),
    };
    Some(Choice {
        r#type: kind,
        name,
        disable_parallel_tool_use: one.filter(|_| *chosen != ToolChoice::None),
        kept: conversation
            .rest
            .as_ref()
            .and_then(|rest| rest.within(Format::Anthropic, "tool_choice")),
    })
}
