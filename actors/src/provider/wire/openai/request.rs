//! What is sent to a server that speaks OpenAI's format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    conversation::{
        Content, Conversation, Format, Media, Message, OutputShape, Part, Raw, Role, Source,
        ToolChoice, joined,
    },
    protocol::{CompletionRequest, Failure},
    provider::wire::{
        Dialect, Encoded, media, names,
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
struct Said<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    content: Words<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Called<'a>>,
}

/// What was said in one turn.
#[derive(Serialize)]
#[serde(untagged)]
enum Words<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Piece<'a>>),
    Nothing,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
    InputAudio { input_audio: InputAudio<'a> },
    File { file: File<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Serialize)]
struct InputAudio<'a> {
    data: &'a str,
    format: &'static str,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Called<'a> {
    id: &'a str,
    r#type: &'static str,
    function: CalledFunction<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Value>,
}

#[derive(Serialize)]
struct CalledFunction<'a> {
    name: Cow<'a, str>,
    arguments: &'a str,
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
    for name in &dialect.drop_params {
        let known = ["max_tokens", "system", "model", "messages", "stream"];
        if !known.contains(&name.as_str()) && passthrough::names(&raw.body).contains(name) {
            edits.push(Edit::Remove(name));
            taken.dropped.push(Cow::Owned(name.clone()));
        }
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

fn push<'a>(said: &'a Message, google: bool, into: &mut Vec<Said<'a>>) -> Result<(), Failure> {
    match said.role {
        Role::System => into.push(Said::text("system", joined(&said.parts))),
        Role::User => push_user(said, into)?,
        Role::Assistant => into.push(assistant(said, google)),
    }
    Ok(())
}

/// Results of tools come first, each as a message of its own. Pictures in them follow as the user's:
/// the format has no other place for them.
fn push_user<'a>(said: &'a Message, into: &mut Vec<Said<'a>>) -> Result<(), Failure> {
    let mut pieces = Vec::new();
    for part in &said.parts {
        let Content::ToolResult(result) = &part.content else {
            pieces.extend(piece(part)?);
            continue;
        };
        let is_text = |part: &&Part| matches!(part.content, Content::Text(_));
        for other in result.parts.iter().filter(|part| !is_text(part)) {
            pieces.extend(piece(other)?);
        }
        into.push(Said {
            role: "tool",
            tool_call_id: Some(&result.id),
            content: Words::Text(one_text(&result.parts)),
            tool_calls: Vec::new(),
        });
    }
    let content = match pieces.as_slice() {
        [] => return Ok(()),
        [Piece::Text { text }] => Words::Text(Cow::Borrowed(*text)),
        _ => Words::Parts(pieces),
    };
    into.push(Said {
        role: "user",
        tool_call_id: None,
        content,
        tool_calls: Vec::new(),
    });
    Ok(())
}

/// Thinking stays with the vendor that thought: this format has no place for it in a request.
fn assistant(said: &Message, google: bool) -> Said<'_> {
    let calls = said.parts.iter().filter_map(|part| match &part.content {
        Content::ToolCall(call) => Some((call, part.signature.as_ref())),
        _ => None,
    });
    let tool_calls: Vec<_> = calls
        .map(|(call, signature)| Called {
            id: &call.id,
            r#type: "function",
            function: CalledFunction {
                name: names::outer(&call.name),
                arguments: if call.arguments.is_empty() {
                    "{}"
                } else {
                    &call.arguments
                },
            },
            extra_content: signature
                .filter(|signature| google && signature.format == Format::Gemini)
                .map(|signature| super::extra_content(&signature.text)),
        })
        .collect();
    let text = one_text(&said.parts);
    Said {
        role: "assistant",
        tool_call_id: None,
        content: if text.is_empty() && !tool_calls.is_empty() {
            Words::Nothing
        } else {
            Words::Text(text)
        },
        tool_calls,
    }
}

fn one_text(parts: &[Part]) -> Cow<'_, str> {
    match parts {
        [
            Part {
                content: Content::Text(text),
                ..
            },
        ] => Cow::Borrowed(text),
        parts => Cow::Owned(joined(parts)),
    }
}

fn piece(part: &Part) -> Result<Option<Piece<'_>>, Failure> {
    Ok(Some(match &part.content {
        Content::Text(text) => Piece::Text { text },
        Content::Image(image) => Piece::ImageUrl {
            image_url: ImageUrl {
                url: media::url(&image.source).ok_or_else(|| {
                    media::untakeable("This provider does not know the image's id: send the image.")
                })?,
                detail: image.detail.as_deref(),
            },
        },
        Content::Audio(audio) => Piece::InputAudio {
            input_audio: sound(audio).ok_or_else(|| {
                media::untakeable("This provider takes audio as wav or mp3, inside the request.")
            })?,
        },
        Content::File(file) => Piece::File {
            file: document(file)?,
        },
        // No part of a user's turn.
        Content::Thinking(_)
        | Content::RedactedThinking(_)
        | Content::ToolCall(_)
        | Content::ToolResult(_) => return Ok(None),
    }))
}

fn sound(audio: &Media) -> Option<InputAudio<'_>> {
    let Source::Inline { media_type, data } = &audio.source else {
        return None;
    };
    let format = match media_type.as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        _ => return None,
    };
    Some(InputAudio { data, format })
}

fn document(file: &Media) -> Result<File<'_>, Failure> {
    let mut sent = File {
        filename: file.name.as_deref(),
        file_data: None,
        file_id: None,
    };
    match &file.source {
        Source::Inline { .. } => sent.file_data = media::url(&file.source),
        Source::Id {
            format: Format::OpenAi,
            id,
        } => sent.file_id = Some(id),
        Source::Url { .. } | Source::Id { .. } => {
            return Err(media::untakeable(
                "This provider takes no file addresses: send the file inside the request.",
            ));
        }
    }
    Ok(sent)
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

// === impl Said ===

impl<'a> Said<'a> {
    fn text(role: &'static str, text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            role,
            tool_call_id: None,
            content: Words::Text(text.into()),
            tool_calls: Vec::new(),
        }
    }
}
