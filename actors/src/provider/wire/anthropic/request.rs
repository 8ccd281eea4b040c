//! What is sent to a server that speaks Anthropic's Messages format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    message::{Said, Words, messages, system},
    think::{Thinking, think},
    tools::{Choice, Offered, tools},
};
use crate::{
    conversation::{Content, Conversation, Format, OutputShape, Raw},
    protocol::{CompletionRequest, Failure},
    provider::wire::{
        Dialect, Encoded,
        passthrough::{self, Edit},
        refusal,
        taken::Taken,
    },
};

/// What is sent as `max_tokens` if the caller did not say and nobody knows the model's limit: as much
/// as every model takes.
const USUAL_LIMIT: u32 = 4096;

/// The highest temperature that the vendor takes: others take twice as much.
const HOTTEST: f64 = 1.0;

/// What a caller is told of a higher one: it is asked for as the highest.
const HOTTER: &str = "temperature>1";

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Words<'a>>,
    messages: Vec<Said<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thought<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(flatten)]
    rest: Option<Cow<'a, Map<String, Value>>>,
}

#[derive(Serialize)]
struct Thought<'a> {
    #[serde(flatten)]
    thinking: Thinking,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<OutputFormat<'a>>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct OutputFormat<'a> {
    r#type: &'static str,
    schema: &'a Value,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

const PATH: &str = "/messages";

/// The request for one answer of `model`.
pub(super) fn encode(
    request: &CompletionRequest,
    model: &str,
    dialect: &Dialect,
) -> Result<Encoded, Failure> {
    let mut taken = Taken::new(dialect);
    let raw = request.raw.as_deref().filter(|raw| {
        let clean = !holds_extras(&request.conversation);
        raw.format == Format::Anthropic && clean && taken.takes("system")
    });
    if let Some(raw) = raw {
        return pass(raw, request, model, dialect, &mut taken);
    }
    let conversation = &*request.conversation;
    let script = taken.script(conversation).with_a_turn();
    let later = script.later_system(Some(Format::Anthropic));
    taken.leave_untold(conversation, Format::Anthropic, false)?;
    let rest = conversation.rest.as_ref();
    let within = |path| rest.and_then(|rest| rest.within(Format::Anthropic, path));
    let says = |name| rest.is_some_and(|rest| rest.says(Format::Anthropic, name));
    let max_tokens = request
        .max_tokens
        .unwrap_or_else(|| known(request.ceiling).unwrap_or(USUAL_LIMIT));
    let sampling = &conversation.sampling;
    let (thinking, effort) = think(&mut taken, conversation, model, max_tokens);
    taken.lacks("seed", sampling.seed.is_some());
    taken.lacks("frequency_penalty", sampling.frequency_penalty.is_some());
    taken.lacks("presence_penalty", sampling.presence_penalty.is_some());
    let vendor_tools = taken.vendor_tools(conversation.rest.as_ref(), Format::Anthropic);
    let (offered, tool_choice) = tools(conversation, vendor_tools);
    let stop_sequences = stop_sequences(&mut taken, &conversation.stop);
    let thinks = matches!(
        thinking,
        Some(Thinking::Enabled { .. } | Thinking::Adaptive)
    );
    // With thinking, the vendor takes neither.
    taken.lacks("temperature", thinks && sampling.temperature.is_some());
    taken.lacks("top_k", thinks && sampling.top_k.is_some());
    let temperature = sampling.temperature.filter(|_| !thinks);
    let temperature = taken.take("temperature", temperature);
    taken.lacks(
        HOTTER,
        temperature.is_some_and(|temperature| temperature > HOTTEST),
    );
    let body = Body {
        model,
        max_tokens: Some(max_tokens).filter(|_| !says("max_tokens")),
        system: system(&script, &later),
        messages: messages(&script)?,
        temperature: temperature.map(|temperature| temperature.min(HOTTEST)),
        top_p: taken.take("top_p", sampling.top_p),
        top_k: taken.take("top_k", sampling.top_k.filter(|_| !thinks)),
        stop_sequences,
        tools: offered,
        tool_choice: tool_choice.filter(|_| !says("tool_choice")),
        thinking: thinking
            .filter(|_| !says("thinking"))
            .map(|thinking| Thought {
                thinking,
                kept: within("thinking"),
            }),
        output_config: output(&mut taken, conversation, effort),
        metadata: metadata(&mut taken, conversation),
        stream: request.stream.then_some(true),
        rest: taken.rest(conversation.rest.as_ref(), Format::Anthropic),
    };
    let encoded = Encoded::new(PATH.to_owned(), &body, script.size_hint())?;
    Ok(Encoded {
        dropped: taken.dropped,
        ..encoded
    })
}

fn pass(
    raw: &Raw,
    request: &CompletionRequest,
    model: &str,
    dialect: &Dialect,
    taken: &mut Taken<'_>,
) -> Result<Encoded, Failure> {
    let mut edits = vec![Edit::Set("model", passthrough::quoted(model))];
    let limit = request.max_tokens.or(known(request.ceiling));
    let limit = limit.unwrap_or(USUAL_LIMIT);
    let rest = request.conversation.rest.as_ref();
    if !rest.is_some_and(|rest| rest.says(Format::Anthropic, "max_tokens")) {
        edits.push(Edit::Set("max_tokens", limit.to_string()));
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

/// Whether it holds what the vendor never said, and does not take: another's signatures, and thoughts
/// without its own.
fn holds_extras(conversation: &Conversation) -> bool {
    let mut parts = conversation.messages.iter().flat_map(|said| &said.parts);
    parts.any(|part| {
        let own = part.signature.as_ref().map(|signature| signature.format);
        match part.content {
            Content::Thinking(_) => own != Some(Format::Anthropic),
            _ => own.is_some_and(|own| own != Format::Anthropic),
        }
    })
}

fn metadata<'a>(taken: &mut Taken<'_>, conversation: &'a Conversation) -> Option<Metadata<'a>> {
    let rest = conversation.rest.as_ref();
    let user_id = taken.take("user", conversation.user.as_deref());
    let kept = rest.and_then(|rest| rest.within(Format::Anthropic, "metadata"));
    (user_id.is_some() || kept.is_some()).then_some(Metadata { user_id, kept })
}

fn known(ceiling: u32) -> Option<u32> {
    (ceiling != u32::MAX).then_some(ceiling)
}

/// The vendor takes no white space for a text that ends an answer, and refuses all of such a request.
fn stop_sequences<'a>(taken: &mut Taken<'_>, stop: &'a [String]) -> Vec<&'a str> {
    if !taken.takes("stop") {
        taken.lacks("stop", !stop.is_empty());
        return Vec::new();
    }
    let texts = stop.iter().map(String::as_str);
    let seen: Vec<_> = texts.filter(|text| !text.trim().is_empty()).collect();
    taken.lacks("stop", seen.len() < stop.len());
    seen
}

fn output<'a>(
    taken: &mut Taken<'_>,
    conversation: &'a Conversation,
    effort: Option<&'static str>,
) -> Option<OutputConfig<'a>> {
    let rest = conversation.rest.as_ref();
    let within = |path| rest.and_then(|rest| rest.within(Format::Anthropic, path));
    let format = match &conversation.output {
        Some(OutputShape::JsonSchema { schema, .. }) => {
            let schema = taken.take("response_format", Some(schema));
            schema.map(|schema| OutputFormat {
                r#type: "json_schema",
                schema,
                kept: within("output_config.format"),
            })
        }
        // The vendor has no JSON without a schema.
        Some(OutputShape::JsonObject) => {
            taken.lacks("response_format", true);
            None
        }
        None => None,
    };
    let kept = within("output_config");
    let any = effort.is_some() || format.is_some() || kept.is_some();
    any.then_some(OutputConfig {
        effort,
        format,
        kept,
    })
}
