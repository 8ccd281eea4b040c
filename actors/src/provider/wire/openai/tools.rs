//! Tools, as OpenAI's format offers them to a model.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    conversation::{Format, Tool, ToolChoice},
    provider::wire::{names, untold},
};

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Offered<'a> {
    Function {
        r#type: &'static str,
        function: Function<'a>,
        #[serde(flatten)]
        kept: Option<&'a Map<String, Value>>,
    },
    Vendors(&'a Value),
}

#[derive(Serialize)]
pub(super) struct Function<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Choice<'a> {
    Word(&'static str),
    Function {
        r#type: &'static str,
        function: Named<'a>,
        #[serde(flatten)]
        kept: Option<&'a Map<String, Value>>,
    },
}

#[derive(Serialize)]
pub(super) struct Named<'a> {
    name: Cow<'a, str>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

pub(super) fn offered(tool: &Tool) -> Offered<'_> {
    let kept = tool.kept.as_deref();
    Offered::Function {
        r#type: "function",
        function: Function {
            name: names::outer(&tool.name),
            description: tool.description.as_deref(),
            parameters: tool.schema.as_ref(),
            strict: tool.strict,
            kept: untold::within(kept, Format::OpenAi, "function"),
        },
        kept: untold::beside(kept, Format::OpenAi),
    }
}

pub(super) fn chosen<'a>(
    choice: &'a ToolChoice,
    within: &impl Fn(&'static str) -> Option<&'a Map<String, Value>>,
) -> Choice<'a> {
    match choice {
        ToolChoice::Auto => Choice::Word("auto"),
        ToolChoice::None => Choice::Word("none"),
        ToolChoice::Any => Choice::Word("required"),
        ToolChoice::Named(name) => Choice::Function {
            r#type: "function",
            function: Named {
                name: names::outer(name),
                kept: within("tool_choice.function"),
            },
            kept: within("tool_choice"),
        },
    }
}
