//! What was said, as OpenAI's format has it in a request.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::write::refusal;
use crate::{
    conversation::{Content, Format, Media, Message, Part, Role, Source, joined},
    protocol::Failure,
    provider::wire::{media, names},
};

#[derive(Serialize)]
pub(super) struct Said<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    content: Words<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
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
    Text { text: Cow<'a, str> },
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

pub(super) fn push<'a>(
    said: &'a Message,
    google: bool,
    into: &mut Vec<Said<'a>>,
) -> Result<(), Failure> {
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
            refusal: None,
            tool_calls: Vec::new(),
        });
    }
    let content = match pieces.as_mut_slice() {
        [] => return Ok(()),
        [Piece::Text { text }] => Words::Text(std::mem::take(text)),
        _ => Words::Parts(pieces),
    };
    into.push(Said {
        role: "user",
        tool_call_id: None,
        content,
        refusal: None,
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
    let refusal = refusal(&said.parts);
    let is_more = !tool_calls.is_empty() || refusal.is_some();
    Said {
        role: "assistant",
        tool_call_id: None,
        content: if text.is_empty() && is_more {
            Words::Nothing
        } else {
            Words::Text(text)
        },
        refusal,
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
        Content::Text(text) => Piece::Text { text: text.into() },
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
        Content::File(file) => match written(file) {
            Some(text) => Piece::Text { text: text.into() },
            None => Piece::File {
                file: document(file)?,
            },
        },
        // No part of a user's turn.
        Content::Thinking(_)
        | Content::RedactedThinking(_)
        | Content::Refusal(_)
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

/// A document that is a text, under its title: the vendor's files are others (PDF).
fn written(file: &Media) -> Option<String> {
    let Source::Inline { media_type, data } = &file.source else {
        return None;
    };
    let text = media_type
        .starts_with("text/")
        .then(|| media::text(data))??;
    Some(match &file.name {
        Some(title) => format!("{title}\n\n{text}"),
        None => text,
    })
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

// === impl Said ===

impl<'a> Said<'a> {
    pub(super) fn text(role: &'static str, text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            role,
            tool_call_id: None,
            content: Words::Text(text.into()),
            refusal: None,
            tool_calls: Vec::new(),
        }
    }
}
