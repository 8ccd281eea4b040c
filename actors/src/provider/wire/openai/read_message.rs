//! What was said, as a client of OpenAI's format has it in its request.

use std::sync::Arc;

use serde_json::Value;

use super::order::{Place, in_order};
use crate::{
    conversation::{
        Content, Conversation, Format, Media, Message, Part, Role, Signature, Source, ToolCall,
        ToolResult, joined,
    },
    provider::wire::{
        fields::{BadRequest, Fields},
        media,
    },
};

const CONTENT: &str = "a string or a list of parts";

/// Reads a list of messages alone: what stands above them, and who said what.
///
/// # Errors
/// The part that is not in the format.
pub fn read_messages(messages: Value) -> Result<(Vec<Arc<str>>, Vec<Message>), BadRequest> {
    let mut conversation = Conversation::default();
    let whole = [("messages".to_owned(), messages)].into_iter().collect();
    let mut fields = Fields::of(String::new(), Value::Object(whole))?;
    for said in fields.objects("messages")? {
        message(said, &mut conversation, &mut false)?;
    }
    Ok((conversation.system, conversation.messages))
}

pub(super) fn message(
    mut said: Fields,
    into: &mut Conversation,
    extras: &mut bool,
) -> Result<(), BadRequest> {
    let role = said.needed("role")?;
    match role.as_str() {
        "system" | "developer" => {
            let parts = content(&mut said, "content")?;
            if into.messages.is_empty() {
                into.system.push(joined(&parts).into());
            } else {
                let role = Role::System;
                into.messages.push(Message { role, parts });
            }
        }
        "user" => {
            let parts = content(&mut said, "content")?;
            let role = Role::User;
            into.messages.push(Message { role, parts });
        }
        "assistant" => {
            let parts = assistant(said, extras)?;
            let role = Role::Assistant;
            into.messages.push(Message { role, parts });
        }
        "tool" => {
            let result = Content::ToolResult(ToolResult {
                id: said.needed("tool_call_id")?,
                parts: content(&mut said, "content")?,
                is_error: false,
            });
            // All results of one turn are one message.
            match into.messages.last_mut() {
                Some(last) if is_results(last) => last.parts.push(result.into()),
                _ => into.messages.push(Message {
                    role: Role::User,
                    parts: vec![result.into()],
                }),
            }
        }
        _ => {
            return Err(said.wrong("role", "one of system, developer, user, assistant, tool"));
        }
    }
    Ok(())
}

fn is_results(said: &Message) -> bool {
    let is_result = |part: &Part| matches!(part.content, Content::ToolResult(_));
    said.role == Role::User && !said.parts.is_empty() && said.parts.iter().all(is_result)
}

fn assistant(mut said: Fields, extras: &mut bool) -> Result<Vec<Part>, BadRequest> {
    let mut thoughts = Vec::new();
    let reasoning = said.text("reasoning_content")?;
    for mut thought in said.objects("thinking_blocks")? {
        let place = Place::read(&mut thought);
        thoughts.push((place, thinking(thought)?));
    }
    *extras |= reasoning.is_some() || !thoughts.is_empty();
    match (thoughts.is_empty(), reasoning) {
        (true, Some(text)) => thoughts.push((Place::default(), Content::Thinking(text).into())),
        (false, Some(text)) => told_beside(&mut thoughts, text),
        (_, None) => {}
    }
    let mut contents = content(&mut said, "content")?;
    let refusal = said.text("refusal")?.filter(|text| !text.is_empty());
    contents.extend(refusal.map(|text| Content::Refusal(text).into()));
    let mut calls = Vec::new();
    for call in said.objects("tool_calls")? {
        calls.push(tool_call(call, extras)?);
    }
    Ok(in_order(thoughts, contents, calls))
}

/// Histories of earlier streams have a thought's text beside its block only. Whose it is, is known if
/// there is one thought.
fn told_beside(thoughts: &mut [(Place, Part)], text: String) {
    let mut thoughts = thoughts
        .iter_mut()
        .filter_map(|(_, part)| match &mut part.content {
            Content::Thinking(thought) => Some(thought),
            _ => None,
        });
    if let (Some(thought), None) = (thoughts.next(), thoughts.next())
        && thought.is_empty()
    {
        *thought = text;
    }
}

/// A thought that the hub told in this format's way.
fn thinking(mut thought: Fields) -> Result<Part, BadRequest> {
    if thought.text("type")?.as_deref() == Some("redacted_thinking") {
        return Ok(Content::RedactedThinking(thought.needed("data")?).into());
    }
    let text = thought.text("thinking")?.unwrap_or_default();
    let signature = thought.text("signature")?.filter(|text| !text.is_empty());
    Ok(Part {
        content: Content::Thinking(text),
        signature: signature.map(|text| Signature {
            format: Format::Anthropic,
            text: text.into(),
        }),
    })
}

fn tool_call(mut call: Fields, extras: &mut bool) -> Result<Part, BadRequest> {
    let id = call.needed("id")?;
    let extra = call.object("extra_content")?;
    *extras |= extra.is_some();
    let Some(mut function) = call.object("function")? else {
        return Err(call.wrong("function", "an object"));
    };
    let signature = match extra {
        Some(mut extra) => match extra.object("google")? {
            Some(mut google) => google.text("thought_signature")?,
            None => None,
        },
        None => None,
    };
    Ok(Part {
        content: Content::ToolCall(ToolCall {
            id,
            name: function.needed("name")?,
            arguments: function.text("arguments")?.unwrap_or_default(),
        }),
        signature: signature.map(|text| Signature {
            format: Format::Gemini,
            text: text.into(),
        }),
    })
}

/// A text, parts, or nothing.
fn content(said: &mut Fields, name: &str) -> Result<Vec<Part>, BadRequest> {
    let path = said.at(name);
    match said.take(name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(items)) => {
            let piece = |(index, item)| piece(Fields::of(format!("{path}[{index}]"), item)?);
            items.into_iter().enumerate().map(piece).collect()
        }
        Some(_) => Err(said.wrong(name, CONTENT)),
    }
}

fn piece(mut piece: Fields) -> Result<Part, BadRequest> {
    let kind = piece.needed("type")?;
    let needed = |piece: &mut Fields, name: &str| {
        let inner = piece.object(name)?;
        inner.ok_or_else(|| piece.wrong(name, "an object"))
    };
    Ok(match kind.as_str() {
        "text" => Part::text(piece.needed("text")?),
        "refusal" => Content::Refusal(piece.needed("refusal")?).into(),
        "image_url" => {
            let mut image = needed(&mut piece, "image_url")?;
            let mut media = Media::new(media::at(image.needed("url")?));
            media.detail = image.text("detail")?;
            Content::Image(media).into()
        }
        "input_audio" => {
            let mut audio = needed(&mut piece, "input_audio")?;
            let media_type = match audio.needed("format")?.as_str() {
                "wav" => "audio/wav",
                "mp3" => "audio/mpeg",
                _ => return Err(audio.wrong("format", "wav or mp3")),
            };
            let media_type = media_type.to_owned();
            let data = audio.needed("data")?;
            Content::Audio(Media::new(Source::Inline { media_type, data })).into()
        }
        "file" => {
            let mut file = needed(&mut piece, "file")?;
            let source = match (file.text("file_data")?, file.text("file_id")?) {
                (Some(data), _) => media::data_url(&data)
                    .ok_or_else(|| file.wrong("file_data", "a data URL in base64"))?,
                (None, Some(id)) => Source::Id {
                    format: Format::OpenAi,
                    id,
                },
                (None, None) => return Err(file.wrong("file_data", "a data URL in base64")),
            };
            let mut media = Media::new(source);
            media.name = file.text("filename")?;
            Content::File(media).into()
        }
        _ => return Err(piece.wrong("type", "one of text, image_url, input_audio, file")),
    })
}
