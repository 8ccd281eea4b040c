//! What is sent to a server that speaks Google's generateContent format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    conversation::{
        Content, Conversation, Effort, Format, Media, Message, OutputShape, Part, Raw, Role,
        Sampling, Signature, Source, ThinkingBudget, Tool, ToolChoice, ToolResult, joined,
    },
    protocol::{Class, CompletionRequest, Failure, FailureKind},
    provider::wire::{
        Dialect, Encoded,
        arguments::Arguments,
        media, names,
        taken::{Script, Taken},
        thinking,
    },
};

/// What stands for the signature of a call that no Gemini made; the vendor takes it for one.
pub(super) const FOREIGN: &str = "skip_thought_signature_validator";

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
struct Turn<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<Piece<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Piece<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_data: Option<InlineData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<FileData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_response: Option<FunctionResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InlineData<'a> {
    mime_type: &'a str,
    data: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    file_uri: &'a str,
}

#[derive(Serialize)]
struct FunctionCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: Cow<'a, str>,
    args: Arguments<'a>,
}

#[derive(Serialize)]
struct FunctionResponse<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: Cow<'a, str>,
    response: Value,
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

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
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
    stop_sequences: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_thoughts: Option<bool>,
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
    let script = taken.script(conversation);
    let later = script.later_system();
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
fn path_segment(model: &str) -> Result<&str, Failure> {
    let name = model.strip_prefix("models/").unwrap_or(model);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if matches!(name, "" | "." | "..") || !name.bytes().all(fits) {
        return Err(Failure::new(FailureKind::ModelNotFound, Class::NextNow));
    }
    Ok(name)
}

fn system<'a>(script: &'a Script<'_>, later: &'a [String]) -> Option<Turn<'a>> {
    let texts = script.system.iter().copied();
    let texts = texts.chain(later.iter().map(String::as_str));
    let parts: Vec<_> = texts.map(Piece::text).collect();
    (!parts.is_empty()).then_some(Turn { role: None, parts })
}

fn contents<'a>(script: &'a Script<'_>, signs: bool) -> Result<Vec<Turn<'a>>, Failure> {
    let messages = &script.messages;
    let mut turns = Vec::with_capacity(messages.len());
    for (index, said) in messages.iter().enumerate() {
        let before = messages.get(..index).unwrap_or_default();
        let (role, parts) = match said.role {
            Role::System => continue,
            Role::User => ("user", user(said, before)?),
            Role::Assistant => ("model", model_turn(said, signs)),
        };
        if !parts.is_empty() {
            turns.push(Turn {
                role: Some(role),
                parts,
            });
        }
    }
    Ok(turns)
}

fn user<'a>(said: &'a Message, before: &'a [Message]) -> Result<Vec<Piece<'a>>, Failure> {
    let mut pieces = Vec::with_capacity(said.parts.len());
    for part in &said.parts {
        match &part.content {
            Content::ToolResult(result) => {
                pieces.push(response(result, before));
                let others = result.parts.iter();
                for other in others.filter(|part| !matches!(part.content, Content::Text(_))) {
                    pieces.extend(shown(other)?);
                }
            }
            _ => pieces.extend(shown(part)?),
        }
    }
    Ok(pieces)
}

fn shown(part: &Part) -> Result<Option<Piece<'_>>, Failure> {
    Ok(match &part.content {
        Content::Text(text) => Some(Piece::text(text)),
        Content::Image(media) | Content::Audio(media) | Content::File(media) => Some(place(media)?),
        // No part of a user's turn.
        _ => None,
    })
}

fn place(media: &Media) -> Result<Piece<'_>, Failure> {
    match &media.source {
        Source::Inline { media_type, data } => Ok(Piece {
            inline_data: Some(InlineData {
                mime_type: media_type,
                data,
            }),
            ..Piece::default()
        }),
        Source::Url { url, media_type } if is_googles(url) => Ok(Piece {
            file_data: Some(FileData {
                mime_type: media_type.as_deref(),
                file_uri: url,
            }),
            ..Piece::default()
        }),
        Source::Url { .. } => Err(media::no_urls()),
        Source::Id { .. } => Err(media::untakeable(
            "This provider does not know the file's id: send the file inside the request.",
        )),
    }
}

/// Addresses that the vendor reads: its own files, its storage, and YouTube.
fn is_googles(url: &str) -> bool {
    const PLACES: [&str; 5] = [
        "https://generativelanguage.googleapis.com/",
        "gs://",
        "https://www.youtube.com/",
        "https://youtube.com/",
        "https://youtu.be/",
    ];
    PLACES.iter().any(|place| url.starts_with(place))
}

/// The result under the name of the call that it answers: the format knows results by name.
fn response<'a>(result: &'a ToolResult, before: &'a [Message]) -> Piece<'a> {
    let parts = before.iter().rev().flat_map(|said| &said.parts);
    let mut calls = parts.filter_map(|part| match &part.content {
        Content::ToolCall(call) if call.id == result.id => Some(call),
        _ => None,
    });
    let name = calls.next().map_or("unknown", |call| &call.name);
    let text = joined(&result.parts);
    let object = || serde_json::from_str::<Map<String, Value>>(&text).ok();
    let response = match (result.is_error, object()) {
        (false, Some(object)) => Value::Object(object),
        (false, None) => serde_json::json!({"result": text}),
        (true, _) => serde_json::json!({"error": text}),
    };
    Piece {
        function_response: Some(FunctionResponse {
            id: known_id(&result.id),
            name: names::outer(name),
            response,
        }),
        ..Piece::default()
    }
}

fn known_id(id: &str) -> Option<&str> {
    (!names::is_made_up(id)).then_some(id)
}

/// A turn of the model. Of the calls in one turn the first carries the signature, so a turn that
/// another vendor made gets the word for that there.
fn model_turn(said: &Message, signs: bool) -> Vec<Piece<'_>> {
    let is_call = |part: &Part| matches!(part.content, Content::ToolCall(_));
    let mut foreign = signs
        && !said
            .parts
            .iter()
            .any(|part| is_call(part) && own_signature(part).is_some());
    let mut pieces = Vec::with_capacity(said.parts.len());
    for part in &said.parts {
        let mut thought_signature = own_signature(part);
        let piece = match &part.content {
            Content::Text(text) if text.is_empty() && thought_signature.is_none() => continue,
            Content::Text(text) => Piece::text(text),
            Content::ToolCall(call) => {
                if std::mem::take(&mut foreign) {
                    thought_signature = Some(FOREIGN);
                }
                Piece {
                    function_call: Some(FunctionCall {
                        id: known_id(&call.id),
                        name: names::outer(&call.name),
                        args: Arguments(&call.arguments),
                    }),
                    ..Piece::default()
                }
            }
            // A thought that the vendor did not sign is not one of its own.
            Content::Thinking(text) if thought_signature.is_some() => Piece {
                thought: true,
                ..Piece::text(text)
            },
            _ => continue,
        };
        pieces.push(Piece {
            thought_signature,
            ..piece
        });
    }
    pieces
}

fn own_signature(part: &Part) -> Option<&str> {
    let signature: &Signature = part.signature.as_ref()?;
    (signature.format == Format::Gemini).then_some(&*signature.text)
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

fn config<'a>(
    taken: &mut Taken<'_>,
    conversation: &'a Conversation,
    model: &str,
    max_tokens: Option<u32>,
) -> Config<'a> {
    let Sampling {
        temperature,
        top_p,
        top_k,
        seed,
        frequency_penalty,
        presence_penalty,
    } = conversation.sampling;
    let (response_mime_type, response_json_schema) = match taken
        .take("response_format", conversation.output.as_ref())
    {
        None => (None, None),
        Some(OutputShape::JsonObject) => (Some("application/json"), None),
        Some(OutputShape::JsonSchema { schema, .. }) => (Some("application/json"), Some(schema)),
    };
    let stop = (!conversation.stop.is_empty()).then_some(conversation.stop.as_slice());
    Config {
        max_output_tokens: max_tokens.filter(|_| taken.takes("max_tokens")),
        temperature: taken.take("temperature", temperature),
        top_p: taken.take("top_p", top_p),
        top_k: taken.take("top_k", top_k),
        seed: taken.take("seed", seed),
        frequency_penalty: taken.take("frequency_penalty", frequency_penalty),
        presence_penalty: taken.take("presence_penalty", presence_penalty),
        stop_sequences: taken.take("stop", stop),
        response_mime_type,
        response_json_schema,
        thinking_config: taken.take("reasoning_effort", think(conversation, model)),
    }
}

/// How the model is told to think. From version 3 on it is told in words, before in tokens.
fn think(conversation: &Conversation, model: &str) -> Option<ThinkingConfig> {
    let reasoning = conversation.reasoning;
    let by_words = thinking::version(model).is_some_and(|(major, _)| major >= 3);
    let mut config = ThinkingConfig {
        include_thoughts: reasoning.shown,
        ..ThinkingConfig::default()
    };
    match (reasoning.budget, reasoning.effort) {
        (Some(ThinkingBudget::Off), _) => config.thinking_budget = Some(0),
        (Some(ThinkingBudget::Adaptive), _) => config.thinking_budget = Some(-1),
        (Some(ThinkingBudget::Tokens(tokens)), _) => config.thinking_budget = Some(tokens.into()),
        (None, Some(effort)) if by_words => {
            config.thinking_level = Some(match effort {
                Effort::None | Effort::Minimal => "minimal",
                Effort::Low => "low",
                Effort::Medium => "medium",
                Effort::High | Effort::XHigh | Effort::Max => "high",
            });
        }
        (None, Some(effort)) => {
            let tokens = thinking::tokens(effort).unwrap_or(0);
            config.thinking_budget = Some(tokens.min(MOST_THINKING).into());
        }
        (None, None) => {}
    }
    (config != ThinkingConfig::default()).then_some(config)
}

/// Most thinking that all models of version 2.5 take.
const MOST_THINKING: u32 = 24_576;

// === impl Piece ===

impl<'a> Piece<'a> {
    fn text(text: &'a str) -> Self {
        Self {
            text: Some(text),
            ..Self::default()
        }
    }
}

// === impl Config ===

impl Config<'_> {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
