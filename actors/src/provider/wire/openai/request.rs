//! What is sent to a server that speaks OpenAI's format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    memory::{Memory, holds_extras},
    message::{Message, Said, push},
    tools::{Choice, Offered, chosen, offered},
};
use crate::{
    conversation::{Conversation, Format, OutputShape, Raw},
    protocol::{CompletionRequest, Failure},
    provider::wire::{
        Dialect, Encoded,
        passthrough::{self, Edit},
        refusal,
        taken::Taken,
        thinking,
    },
};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
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
    stream_options: Option<StreamOptions<'a>>,
    #[serde(flatten)]
    rest: Option<Cow<'a, Map<String, Value>>>,
}

#[derive(Serialize)]
struct StreamOptions<'a> {
    include_usage: bool,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct Shape<'a> {
    #[serde(flatten)]
    shape: Kind<'a>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Kind<'a> {
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
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
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
    let memory = Memory::of(model);
    taken.leave_untold(conversation, Format::OpenAi, memory.aloud)?;
    let rest = conversation.rest.as_ref();
    let own = rest.is_some_and(|rest| rest.format == Format::OpenAi);
    let within = |path| rest.and_then(|rest| rest.within(Format::OpenAi, path));
    let mut messages = Vec::with_capacity(script.system.len() + script.messages.len());
    let system = script.system.iter().map(|text| Said::text("system", *text));
    let system = system.map(Message::Said);
    messages.extend(system);
    for said in script.messages.iter() {
        push(said, memory, &mut messages)?;
    }
    let limit = request.max_tokens.filter(|_| taken.takes("max_tokens"));
    let sampling = &conversation.sampling;
    // OpenAI itself does not know it, and a client that asks for it knows whom it asks.
    taken.lacks("top_k", sampling.top_k.is_some() && !own);
    let vendor_tools = taken.vendor_tools(rest, Format::OpenAi);
    let any_tools = !conversation.tools.is_empty() || !vendor_tools.is_empty();
    let body = Body {
        model,
        messages,
        max_tokens: limit.filter(|_| !dialect.max_completion_tokens),
        max_completion_tokens: limit.filter(|_| dialect.max_completion_tokens),
        temperature: taken.take("temperature", sampling.temperature),
        top_p: taken.take("top_p", sampling.top_p),
        top_k: taken.take("top_k", sampling.top_k.filter(|_| own)),
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
            .map(|choice| chosen(choice, &within)),
        parallel_tool_calls: taken.take(
            "parallel_tool_calls",
            conversation.parallel_tool_calls.filter(|_| any_tools),
        ),
        response_format: taken.take(
            "response_format",
            conversation
                .output
                .as_ref()
                .map(|output| shape(output, &within)),
        ),
        reasoning_effort: taken.take("reasoning_effort", effort(conversation)),
        user: taken.take("user", conversation.user.as_deref()),
        stream: request.stream.then_some(true),
        stream_options: (request.stream && taken.takes("stream_options")).then_some(
            StreamOptions {
                include_usage: true,
                kept: within("stream_options"),
            },
        ),
        rest: taken.rest(rest, Format::OpenAi),
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
    let clean = !holds_extras(&request.conversation, model);
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
    let limit = request.max_tokens.filter(|_| taken.takes("max_tokens"));
    let rest = request.conversation.rest.as_ref();
    // A limit that is none to the hub may be one to the provider.
    let own = |name: &&str| {
        taken.takes("max_tokens") && rest.is_some_and(|rest| rest.says(Format::OpenAi, name))
    };
    match limit {
        Some(limit) => {
            edits.push(Edit::Remove(other));
            edits.push(Edit::Set(name, limit.to_string()));
        }
        None => edits.extend(
            [other, name]
                .into_iter()
                .filter(|name| !own(name))
                .map(Edit::Remove),
        ),
    }
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

fn shape<'a>(
    output: &'a OutputShape,
    within: &impl Fn(&'static str) -> Option<&'a Map<String, Value>>,
) -> Shape<'a> {
    let shape = match output {
        OutputShape::JsonObject => Kind::JsonObject,
        OutputShape::JsonSchema {
            name,
            description,
            schema,
            strict,
        } => Kind::JsonSchema {
            json_schema: JsonSchema {
                name: name.as_deref().unwrap_or("answer"),
                description: description.as_deref(),
                schema,
                strict: *strict,
                kept: within("response_format.json_schema"),
            },
        },
    };
    Shape {
        shape,
        kept: within("response_format"),
    }
}
