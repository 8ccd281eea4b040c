//! What was said, as Google's format has it in a request.

use std::{borrow::Cow, collections::HashMap};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    conversation::{Content, Format, Media, Message, Part, Role, Source, ToolResult, joined},
    protocol::Failure,
    provider::wire::{
        arguments::Arguments,
        media, names,
        taken::{Above, Script},
        untold,
    },
};

/// What stands for the signature of a call that no Gemini made; the vendor takes it for one.
pub(super) const FOREIGN: &str = "skip_thought_signature_validator";

#[derive(Serialize)]
pub(super) struct Turn<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<Piece<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Piece<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
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

pub(super) fn system<'a>(script: &'a Script<'_>, later: &'a [Above<'_>]) -> Option<Turn<'a>> {
    let texts = script.system.iter().copied();
    let texts = texts.chain(later.iter().map(|above| &*above.text));
    let parts: Vec<_> = texts.map(Piece::text).collect();
    (!parts.is_empty()).then_some(Turn { role: None, parts })
}

pub(super) fn contents<'a>(script: &'a Script<'_>, signs: bool) -> Result<Vec<Turn<'a>>, Failure> {
    let messages = &script.messages;
    let called = called(messages);
    let mut turns: Vec<Turn<'a>> = Vec::with_capacity(messages.len());
    for said in messages.iter() {
        let (role, parts) = match said.role {
            Role::System => continue,
            Role::User => ("user", user(said, &called)?),
            Role::Assistant => ("model", model_turn(said, signs)?),
        };
        // The vendor wants all results of one turn in one.
        if let Some(last) = turns.last_mut()
            && are_results(last.parts.as_slice())
            && parts.first().is_some_and(Piece::is_result)
        {
            last.parts.extend(parts);
        } else if !parts.is_empty() {
            turns.push(Turn {
                role: Some(role),
                parts,
            });
        }
    }
    Ok(turns)
}

fn are_results(parts: &[Piece<'_>]) -> bool {
    !parts.is_empty() && parts.iter().all(Piece::is_result)
}

/// The name of each call that was made, by its id.
fn called(messages: &[Message]) -> HashMap<&str, &str> {
    let parts = messages.iter().flat_map(|said| &said.parts);
    let calls = parts.filter_map(|part| match &part.content {
        Content::ToolCall(call) => Some((call.id.as_str(), call.name.as_str())),
        _ => None,
    });
    calls.collect()
}

fn user<'a>(
    said: &'a Message,
    called: &HashMap<&'a str, &'a str>,
) -> Result<Vec<Piece<'a>>, Failure> {
    let mut pieces = Vec::with_capacity(said.parts.len());
    for part in &said.parts {
        match &part.content {
            Content::ToolResult(result) => {
                pieces.push(response(result, called));
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
        Content::Foreign(foreign) => untold::as_text(foreign).map(Piece::text),
        Content::Image(media) => Some(place(media, media::no_image_urls)?),
        Content::Audio(media) | Content::File(media) => Some(place(media, media::no_urls)?),
        // No part of a user's turn.
        _ => None,
    })
}

fn place(media: &Media, unread: fn() -> Failure) -> Result<Piece<'_>, Failure> {
    match &media.source {
        Source::Inline { media_type, data } => Ok(Piece {
            inline_data: Some(InlineData {
                mime_type: media_type,
                data,
            }),
            ..Piece::default()
        }),
        Source::Url { url, media_type } if media::reads(Format::Gemini, url) => Ok(Piece {
            file_data: Some(FileData {
                mime_type: media_type.as_deref(),
                file_uri: url,
            }),
            ..Piece::default()
        }),
        Source::Url { .. } => Err(unread()),
        Source::Id { .. } => Err(media::untakeable(
            "This provider does not know the file's id: send the file inside the request.",
        )),
    }
}

/// The result under the name of the call that it answers: the format knows results by name.
fn response<'a>(result: &'a ToolResult, called: &HashMap<&'a str, &'a str>) -> Piece<'a> {
    let name = called.get(&*result.id).copied().unwrap_or("unknown");
    let text = joined(&result.parts);
    let object = || serde_json::from_str::<Map<String, Value>>(&text).ok();
    let response = match (result.is_error, object()) {
        (false, Some(object)) => Value::Object(object),
        (false, None) => json!({"result": text}),
        (true, _) => json!({"error": text}),
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
fn model_turn(said: &Message, signs: bool) -> Result<Vec<Piece<'_>>, Failure> {
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
            Content::Text(text) | Content::Refusal(text)
                if text.is_empty() && thought_signature.is_none() =>
            {
                continue;
            }
            Content::Text(text) | Content::Refusal(text) => Piece::text(text),
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
            content @ (Content::Image(media) | Content::Audio(media) | Content::File(media))
                if untold::tells_of_the_model(content, Format::Gemini) =>
            {
                place(media, media::no_urls)?
            }
            _ => continue,
        };
        pieces.push(Piece {
            thought_signature,
            ..piece
        });
    }
    Ok(pieces)
}

fn own_signature(part: &Part) -> Option<&str> {
    let signature = part.signature.as_ref()?;
    (signature.format == Format::Gemini).then_some(&*signature.text)
}

// === impl Piece ===

impl<'a> Piece<'a> {
    fn is_result(&self) -> bool {
        self.function_response.is_some()
    }

    fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }
}
