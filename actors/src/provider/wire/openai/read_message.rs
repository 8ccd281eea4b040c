//! What was said, as a client of OpenAI's format has it in its request.

use std::sync::Arc;

use serde_json::Value;

use super::order::{self, in_order};
use crate::{
    conversation::{
        Content, Conversation, Format, Kept, Media, Message, Part, Place, Role, Signature, Source,
        ToolCall, ToolResult, joined,
    },
    provider::wire::{asked::BadRequest, fields::Fields, media},
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
        message(said, &mut conversation)?;
    }
    Ok((conversation.system, conversation.messages))
}

pub(super) fn message(mut said: Fields, into: &mut Conversation) -> Result<(), BadRequest> {
    let role = said.needed("role")?;
    let (role, parts) = match role.as_str() {
        "system" | "developer" => (Role::System, content(&mut said, "content")?),
        "user" => (Role::User, content(&mut said, "content")?),
        "assistant" => (Role::Assistant, assistant(&mut said)?),
        "tool" => {
            result(said, into)?;
            return Ok(());
        }
        // What a function answered before there were tools. The vendor takes it still, and no other role.
        "function" => {
            let foreign = said.foreign(Format::OpenAi, Place::Message, "role", role);
            let message = Message::new(Role::User, vec![foreign.into()]);
            into.messages.push(message);
            return Ok(());
        }
        _ => {
            return Err(said.wrong("role", "one of system, developer, user, assistant, tool"));
        }
    };
    let kept = said.kept(Format::OpenAi);
    let is_text = |part: &Part| matches!(part.content, Content::Text(_)) && part.kept.is_none();
    let is_plain = kept.is_none() && parts.iter().all(is_text);
    if role == Role::System && into.messages.is_empty() && is_plain {
        into.system.push(joined(&parts).into());
    } else {
        into.messages.push(Message { role, parts, kept });
    }
    Ok(())
}

/// All results of one turn are one message.
fn result(mut said: Fields, into: &mut Conversation) -> Result<(), BadRequest> {
    let id = said.needed("tool_call_id")?;
    let mut parts = content(&mut said, "content")?;
    for part in &mut parts {
        // So that a picture stays where its own format has it.
        if !matches!(part.content, Content::Text(_)) && part.kept.is_none() {
            part.kept = Some(Kept::nothing(Format::OpenAi));
        }
    }
    let result = Part {
        kept: said.kept(Format::OpenAi),
        ..Content::ToolResult(ToolResult {
            id,
            parts,
            is_error: false,
        })
        .into()
    };
    match into.messages.last_mut() {
        Some(last) if is_results(last) => last.parts.push(result),
        _ => into.messages.push(Message::new(Role::User, vec![result])),
    }
    Ok(())
}

fn is_results(said: &Message) -> bool {
    let is_result = |part: &Part| matches!(part.content, Content::ToolResult(_));
    said.role == Role::User && !said.parts.is_empty() && said.parts.iter().all(is_result)
}

fn assistant(said: &mut Fields) -> Result<Vec<Part>, BadRequest> {
    let mut thoughts = Vec::new();
    let reasoning = said.text("reasoning_content")?;
    for mut thought in said.objects("thinking_blocks")? {
        let place = order::Place::read(&mut thought);
        thoughts.push((place, thinking(thought)?));
    }
    match (thoughts.is_empty(), reasoning) {
        (true, Some(text)) => {
            thoughts.push((order::Place::default(), Content::Thinking(text).into()))
        }
        (false, Some(text)) => told_beside(&mut thoughts, text),
        (_, None) => {}
    }
    let mut contents = content(said, "content")?;
    let refusal = said.text("refusal")?.filter(|text| !text.is_empty());
    contents.extend(refusal.map(|text| Content::Refusal(text).into()));
    let mut calls = Vec::new();
    for call in said.objects("tool_calls")? {
        calls.push(tool_call(call)?);
    }
    Ok(in_order(thoughts, contents, calls))
}

/// Histories of earlier streams have a thought's text beside its block only. Whose it is, is known if
/// there is one thought.
fn told_beside(thoughts: &mut [(order::Place, Part)], text: String) {
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
        signature: signature.map(|text| Signature {
            format: Format::Anthropic,
            text: text.into(),
        }),
        ..Content::Thinking(text).into()
    })
}

fn tool_call(mut call: Fields) -> Result<Part, BadRequest> {
    match call.text("type")? {
        Some(kind) if kind != "function" => {
            let foreign = call.foreign(Format::OpenAi, Place::Calls, "type", kind);
            return Ok(foreign.into());
        }
        _ => {}
    }
    let id = call.needed("id")?;
    // Of the stream that it came in: SDKs leave it there when they put a message together.
    call.take("index");
    let signature = call.google_signature()?;
    let Some(mut function) = call.object("function")? else {
        return Err(call.wrong("function", "an object"));
    };
    let content = Content::ToolCall(ToolCall {
        id,
        name: function.needed("name")?,
        arguments: function.text("arguments")?.unwrap_or_default(),
    });
    call.put_by("function", function);
    Ok(Part {
        content,
        signature,
        kept: call.kept(Format::OpenAi),
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
    let content = match kind.as_str() {
        "text" => Content::Text(piece.needed("text")?),
        "refusal" => Content::Refusal(piece.needed("refusal")?),
        // Some who speak the format take the bare address, too.
        "image_url" if piece.see("image_url").is_some_and(Value::is_string) => {
            Content::Image(Media::new(media::at(piece.needed("image_url")?)))
        }
        "image_url" => {
            let mut image = inner(&mut piece, "image_url")?;
            let mut media = Media::new(media::at(image.needed("url")?));
            media.detail = image.text("detail")?;
            piece.put_by("image_url", image);
            Content::Image(media)
        }
        "input_audio" if sounds(&piece).is_some() => {
            let media_type = sounds(&piece).unwrap_or_default().to_owned();
            let mut audio = inner(&mut piece, "input_audio")?;
            audio.take("format");
            let data = audio.needed("data")?;
            piece.put_by("input_audio", audio);
            Content::Audio(Media::new(Source::Inline { media_type, data }))
        }
        "file" if holds_file(&piece) => {
            let mut file = inner(&mut piece, "file")?;
            let source = match file.text("file_data")?.as_deref().and_then(media::data_url) {
                Some(data) => data,
                None => Source::Id {
                    format: Format::OpenAi,
                    id: file.needed("file_id")?,
                },
            };
            let mut media = Media::new(source);
            media.name = file.text("filename")?;
            piece.put_by("file", file);
            Content::File(media)
        }
        _ => {
            let foreign = piece.foreign(Format::OpenAi, Place::Content, "type", kind);
            return Ok(foreign.into());
        }
    };
    let mut kept = piece.kept(Format::OpenAi);
    if matches!(content, Content::Refusal(_)) {
        // It is one of the parts: there is another place for it, beside them.
        kept.get_or_insert_with(|| Kept::nothing(Format::OpenAi));
    }
    Ok(Part {
        kept,
        ..content.into()
    })
}

fn inner(piece: &mut Fields, name: &str) -> Result<Fields, BadRequest> {
    let inner = piece.object(name)?;
    inner.ok_or_else(|| piece.wrong(name, "an object"))
}

/// The media type of what is to be heard, if it is one that the language can say.
fn sounds(piece: &Fields) -> Option<&'static str> {
    match piece.see("input_audio")?.get("format")?.as_str()? {
        "wav" => Some("audio/wav"),
        "mp3" => Some("audio/mpeg"),
        _ => None,
    }
}

/// Whether a file is right here or at the vendor. Some who speak the format take addresses, too.
fn holds_file(piece: &Fields) -> bool {
    let text = |name: &str| piece.see("file")?.get(name)?.as_str();
    match text("file_data") {
        Some(data) => media::is_data_url(data),
        None => text("file_id").is_some(),
    }
}
