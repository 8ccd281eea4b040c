//! What is sent to a server that speaks OpenAI's format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::message::{Said, push};
use crate::{
    conversation::{Conversation, Format, OutputShape, Raw, ToolChoice},
    protocol::{CompletionRequest, Failure},
    provider::wire::{
        Dialect, Encoded, names,
        passthrough::{self, Edit},
        refusal,
        taken::Taken,
        thinking,
    },
};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Said<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Shape<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(flatten)]
    rest: Option<Cow<'a, Map<String, Value>>>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Offered<'a> {
    Function {
        r#type: &'static str,
        function: Function<'a>,
    },
    Vendors(&'a Value),
}

#[derive(Serialize)]
struct Function<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Function {
        r#type: &'static str,
        function: Named<'a>,
    },
}

#[derive(Serialize)]
struct Named<'a> {
    name: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Shape<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

const PATH: &str = "/chat/completions";

/// The request for one answer of `model`.
pub(super) fn encode(
    request: &CompletionRequest,
    model: &str,
    dialect: &Dialect,
) -> Result<Encoded, Failure> {
    let mut taken = Taken::new(dialect);
    if let Some(raw) = fitting(request, model, &taken) {
        return pass(raw, request, model, dialect, &mut taken);
    }
    let conversation = &*request.conversation;
    let script = taken.script(conversation);
    let google = speaks_google(model);
    let mut messages = Vec::with_capacity(script.system.len() + script.messages.len());
    let system = script.system.iter().map(|text| Said::text("system", *text));
    messages.extend(system);
    for said in script.messages.iter() {
        push(said, google, &mut messages)?;
    }
    let limit = request.max_tokens.filter(|_| taken.takes("max_tokens"));
    let sampling = &conversation.sampling;
    taken.lacks("top_k", sampling.top_k.is_some());
    let vendor_tools = taken.vendor_tools(conversation.rest.as_ref(), Format::OpenAi);
    let any_tools = !conversation.tools.is_empty() || !vendor_tools.is_empty();
    let body = Body {
        model,
        messages,
        max_tokens: limit.filter(|_| !dialect.max_completion_tokens),
        max_completion_tokens: limit.filter(|_| dialect.max_completion_tokens),
        temperature: taken.take("temperature", sampling.temperature),
        top_p: taken.take("top_p", sampling.top_p),
        seed: taken.take("seed", sampling.seed),
        frequency_penalty: taken.take("frequency_penalty", sampling.frequency_penalty),
        presence_penalty: taken.take("presence_penalty", sampling.presence_penalty),
        stop: taken.take("stop", some(&conversation.stop)),
        tools: conversation
            .tools
            .iter()
            .map(offered)
            .chain(vendor_tools.iter().map(Offered::Vendors))
            .collect(),
        tool_choice: conversation
            .tool_choice
            .as_ref()
            .filter(|_| any_tools)
            .map(choice),
        parallel_tool_calls: taken.take(
            "parallel_tool_calls",
            conversation.parallel_tool_calls.filter(|_| any_tools),
        ),
        response_format: taken.take("response_format", conversation.output.as_ref().map(shape)),
        reasoning_effort: taken.take("reasoning_effort", effort(conversation)),
        user: taken.take("user", conversation.user.as_deref()),
        stream: request.stream.then_some(true),
        stream_options: (request.stream && taken.takes("stream_options")).then_some(
            StreamOptions {
                include_usage: true,
            },
        ),
        rest: taken.rest(conversation.rest.as_ref(), Format::OpenAi),
    };
    let encoded = Encoded::new(PATH.to_owned(), &body, script.size_hint())?;
    Ok(Encoded {
        dropped: taken.dropped,
        ..encoded
    })
}

/// The request as it came, if this provider can have it so.
fn fitting<'a>(request: &'a CompletionRequest, model: &str, taken: &Taken<'_>) -> Option<&'a Raw> {
    let raw = request.raw.as_deref()?;
    let clean = !raw.holds_extras || speaks_google(model);
    (raw.format == Format::OpenAi && clean && taken.takes("system")).then_some(raw)
}

fn pass(
    raw: &Raw,
    request: &CompletionRequest,
    model: &str,
    dialect: &Dialect,
    taken: &mut Taken<'_>,
) -> Result<Encoded, Failure> {
    let mut edits = vec![Edit::Set("model", passthrough::quoted(model))];
    let (name, other) = match dialect.max_completion_tokens {
        true => ("max_completion_tokens", "max_tokens"),
        false => ("max_tokens", "max_completion_tokens"),
    };
    edits.push(Edit::Remove(other));
    edits.push(match request.max_tokens {
        Some(limit) if taken.takes("max_tokens") => Edit::Set(name, limit.to_string()),
        _ => Edit::Remove(name),
    });
    if request.stream && taken.takes("stream_options") && !raw.wants_usage {
        let options = r#"{"include_usage":true}"#;
        edits.push(Edit::Set("stream_options", options.to_owned()));
    }
    for name in passthrough::unwanted(&raw.body, dialect) {
        edits.push(Edit::Remove(name));
        taken.dropped.push(Cow::Owned(name.to_owned()));
    }
    let body = passthrough::edited(&raw.body, &edits)
        .ok_or_else(|| refusal::rejected("invalid_request_error"))?;
    Ok(Encoded {
        path: PATH.to_owned(),
        body: Some(body),
        dropped: std::mem::take(&mut taken.dropped),
        raw: true,
    })
}

/// Google's own endpoint of this format, and those that lead there, want thought signatures back.
fn speaks_google(model: &str) -> bool {
    model.contains("gemini")
}

fn some(list: &[String]) -> Option<&[String]> {
    (!list.is_empty()).then_some(list)
}

fn effort(conversation: &Conversation) -> Option<&'static str> {
    use crate::conversation::Effort;
    let effort = thinking::effort(&conversation.reasoning)?;
    // A budget of nothing is what a model without thinking does, and it knows no such parameter.
    let said = conversation.reasoning.effort.is_some();
    (said || effort != Effort::None).then(|| effort.min(Effort::XHigh).word())
}

fn offered(tool: &crate::conversation::Tool) -> Offered<'_> {
    Offered::Function {
        r#type: "function",
        function: Function {
            name: names::outer(&tool.name),
            description: tool.description.as_deref(),
            parameters: tool.schema.as_ref(),
            strict: tool.strict,
        },
    }
}

fn choice(choice: &ToolChoice) -> Choice<'_> {
    match choice {
        ToolChoice::Auto => Choice::Word("auto"),
        ToolChoice::None => Choice::Word("none"),
        ToolChoice::Any => Choice::Word("required"),
        ToolChoice::Named(name) => Choice::Function {
            r#type: "function",
            function: Named {
                name: names::outer(name),
            },
        },
    }
}

fn shape(output: &OutputShape) -> Shape<'_> {
    match output {
        OutputShape::JsonObject => Shape::JsonObject,
        OutputShape::JsonSchema {
            name,
            description,
            schema,
            strict,
        } => Shape::JsonSchema {
            json_schema: JsonSchema {
                name: name.as_deref().unwrap_or("answer"),
                description: description.as_deref(),
                schema,
                strict: *strict,
            },
        },
    }
}
