//! What is sent to a server that speaks Google's generateContent format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    config::{Config, config},
    message::{Turn, contents, system},
};
use crate::{
    conversation::{Format, Raw, Tool, ToolChoice},
    protocol::{Class, CompletionRequest, Failure, FailureKind},
    provider::wire::{Dialect, Encoded, names, taken::Taken, thinking},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Turn<'a>>,
    contents: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tools<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Config::is_empty")]
    generation_config: Config<'a>,
    #[serde(flatten)]
    rest: Option<Cow<'a, Map<String, Value>>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Tools<'a> {
    #[serde(rename_all = "camelCase")]
    Functions {
        function_declarations: Vec<Declaration<'a>>,
    },
    Vendors(&'a Value),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    function_calling_config: Calling<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Calling<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[Cow<'a, str>; 1]>,
}

/// The request for one answer of `model`.
pub(super) fn encode(
    request: &CompletionRequest,
    model: &str,
    dialect: &Dialect,
) -> Result<Encoded, Failure> {
    let model = path_segment(model)?;
    let path = if request.stream {
        format!("/models/{model}:streamGenerateContent?alt=sse")
    } else {
        format!("/models/{model}:generateContent")
    };
    let mut taken = Taken::new(dialect);
    if let Some(raw) = own(request.raw.as_deref(), &taken) {
        return Ok(Encoded {
            path,
            body: Some(raw.body.to_vec()),
            dropped: Vec::new(),
            raw: true,
        });
    }
    let conversation = &*request.conversation;
    let script = taken.script(conversation).with_a_turn();
    taken.leave_untold(conversation, Format::Gemini, false)?;
    let later = script.later_system(None);
    let signs = thinking::version(model).is_none_or(|(major, _)| major >= 3);
    let any_tools = !conversation.tools.is_empty();
    let vendor_tools = taken.vendor_tools(conversation.rest.as_ref(), Format::Gemini);
    taken.lacks("user", conversation.user.is_some());
    taken.lacks(
        "parallel_tool_calls",
        any_tools && conversation.parallel_tool_calls == Some(false),
    );
    let body = Body {
        system_instruction: system(&script, &later),
        contents: contents(&script, signs)?,
        tools: any_tools
            .then(|| Tools::Functions {
                function_declarations: conversation.tools.iter().map(declaration).collect(),
            })
            .into_iter()
            .chain(vendor_tools.iter().map(Tools::Vendors))
            .collect(),
        tool_config: conversation
            .tool_choice
            .as_ref()
            .filter(|_| any_tools)
            .map(tool_config),
        generation_config: config(&mut taken, conversation, model, request.max_tokens),
        rest: taken.rest(conversation.rest.as_ref(), Format::Gemini),
    };
    let encoded = Encoded::new(path, &body, script.size_hint())?;
    Ok(Encoded {
        dropped: taken.dropped,
        ..encoded
    })
}

/// No door speaks this format yet, but a body in it needs no change at all.
fn own<'a>(raw: Option<&'a Raw>, taken: &Taken<'_>) -> Option<&'a Raw> {
    raw.filter(|raw| raw.format == Format::Gemini && taken.takes("system"))
}

/// The model's name as a segment of the path, and nothing that could leave it.
pub(in crate::provider::wire) fn path_segment(model: &str) -> Result<&str, Failure> {
    let name = model.strip_prefix("models/").unwrap_or(model);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if matches!(name, "" | "." | "..") || !name.bytes().all(fits) {
        return Err(Failure::new(FailureKind::ModelNotFound, Class::NextNow));
    }
    Ok(name)
}

fn declaration(tool: &Tool) -> Declaration<'_> {
    Declaration {
        name: names::outer(&tool.name),
        description: tool.description.as_deref(),
        parameters_json_schema: tool.schema.as_ref(),
    }
}

fn tool_config(choice: &ToolChoice) -> ToolConfig<'_> {
    let (mode, allowed) = match choice {
        ToolChoice::Auto => ("AUTO", None),
        ToolChoice::None => ("NONE", None),
        ToolChoice::Any => ("ANY", None),
        ToolChoice::Named(name) => ("ANY", Some([names::outer(name)])),
    };
    ToolConfig {
        function_calling_config: Calling {
            mode,
            allowed_function_names: allowed,
        },
    }
}
