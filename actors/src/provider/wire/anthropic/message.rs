//! What was said, as Anthropic's format has it in a request.

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    conversation::{Content, Format, Media, Part, Role, Source},
    protocol::Failure,
    provider::wire::{arguments::Arguments, media, names, taken::Script},
};

#[derive(Serialize)]
pub(super) struct Said<'a> {
    role: &'static str,
    content: Words<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Words<'a> {
    Text(&'a str),
    Blocks(Vec<Block<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: &'a str,
    },
    Image {
        source: Where<'a>,
    },
    Document {
        source: Where<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        input: Arguments<'a>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        content: Words<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Where<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Text { media_type: &'a str, data: String },
    Url { url: &'a str },
    File { file_id: &'a str },
}

pub(super) fn system<'a>(script: &'a Script<'_>, later: &'a [String]) -> Option<Words<'a>> {
    let above = script.system.iter().copied();
    let texts: Vec<_> = above.chain(later.iter().map(String::as_str)).collect();
    match texts.as_slice() {
        [] => None,
        [text] => Some(Words::Text(text)),
        texts => {
            let blocks = texts.iter().map(|text| Block::Text { text });
            Some(Words::Blocks(blocks.collect()))
        }
    }
}

/// The turns, one for each change of speaker: the vendor wants all results of one turn in one message,
/// and in front. It takes no empty texts, and no turn without anything in it.
pub(super) fn messages<'a>(script: &'a Script<'_>) -> Result<Vec<Said<'a>>, Failure> {
    let mut turns: Vec<(Role, Vec<Block<'a>>)> = Vec::new();
    let said = script.messages.iter();
    for said in said.filter(|said| said.role != Role::System) {
        let mut blocks = blocks(&said.parts)?;
        if blocks.is_empty() {
            continue;
        }
        match turns.last_mut() {
            Some((role, before)) if *role == said.role => before.append(&mut blocks),
            _ => turns.push((said.role, blocks)),
        }
    }
    let turns = turns.into_iter().map(|(role, mut blocks)| {
        blocks
            .sort_by_key(|block| !matches!(block, Block::ToolResult { .. }) && role == Role::User);
        Said {
            role: if role == Role::User {
                "user"
            } else {
                "assistant"
            },
            content: match blocks.as_slice() {
                [Block::Text { text }] => Words::Text(text),
                _ => Words::Blocks(blocks),
            },
        }
    });
    Ok(turns.collect())
}

fn blocks(parts: &[Part]) -> Result<Vec<Block<'_>>, Failure> {
    let mut blocks = Vec::with_capacity(parts.len());
    for part in parts {
        blocks.extend(block(part)?);
    }
    Ok(blocks)
}

fn block(part: &Part) -> Result<Option<Block<'_>>, Failure> {
    let own = part
        .signature
        .as_ref()
        .filter(|signature| signature.format == Format::Anthropic);
    Ok(Some(match &part.content {
        Content::Text(text) | Content::Refusal(text) if text.trim().is_empty() => return Ok(None),
        Content::Text(text) | Content::Refusal(text) => Block::Text { text },
        Content::Image(image) => Block::Image {
            source: place(image)?,
        },
        Content::File(file) => Block::Document {
            source: place(file)?,
            title: file.name.as_deref(),
        },
        Content::Audio(_) => {
            return Err(media::untakeable("This provider takes no audio."));
        }
        // A thought that the vendor did not sign is not one of its own.
        Content::Thinking(text) => match own {
            Some(signature) => Block::Thinking {
                thinking: text,
                signature: &signature.text,
            },
            None => return Ok(None),
        },
        Content::RedactedThinking(data) => Block::RedactedThinking { data },
        Content::ToolCall(call) => Block::ToolUse {
            id: names::outer_id(&call.id),
            name: names::outer(&call.name),
            input: Arguments(&call.arguments),
        },
        Content::ToolResult(result) => Block::ToolResult {
            tool_use_id: names::outer_id(&result.id),
            content: match result.parts.as_slice() {
                [
                    Part {
                        content: Content::Text(text),
                        ..
                    },
                ] => Words::Text(text),
                parts => Words::Blocks(blocks(parts)?),
            },
            is_error: result.is_error,
        },
    }))
}

fn place(media: &Media) -> Result<Where<'_>, Failure> {
    Ok(match &media.source {
        Source::Inline { media_type, data } => match media_type.as_str() {
            "text/plain" => match media::text(data) {
                Some(data) => Where::Text { media_type, data },
                None => return Err(media::untakeable("A text file must be UTF-8 in base64.")),
            },
            _ => Where::Base64 { media_type, data },
        },
        Source::Url { url, .. } => Where::Url { url },
        Source::Id {
            format: Format::Anthropic,
            id,
        } => Where::File { file_id: id },
        Source::Id { .. } => {
            return Err(media::untakeable(
                "This provider does not know the file's id: send the file inside the request.",
            ));
        }
    })
}
