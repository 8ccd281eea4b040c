//! What was said, as Anthropic's format has it in a request.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    conversation::{Content, Format, Kept, Media, Part, Role, Source},
    protocol::Failure,
    provider::wire::{
        arguments::Arguments,
        media, names,
        taken::{Above, Script},
        untold,
    },
};

#[derive(Serialize)]
pub(super) struct Said<'a> {
    role: &'static str,
    content: Words<'a>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

/// All that one side says before the other does.
struct Turn<'a> {
    role: Role,
    blocks: Vec<Block<'a>>,
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Words<'a> {
    Text(Cow<'a, str>),
    Blocks(Vec<Block<'a>>),
}

/// A block, and what stands beside it; or one that only its vendor knows, as it came.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Block<'a> {
    Known {
        #[serde(flatten)]
        known: Known<'a>,
        #[serde(flatten)]
        kept: Option<&'a Map<String, Value>>,
    },
    Foreign(&'a Map<String, Value>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Known<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: Place<'a>,
    },
    Document {
        source: Place<'a>,
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
pub(super) struct Place<'a> {
    #[serde(flatten)]
    at: Where<'a>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Where<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Text { media_type: &'a str, data: String },
    Url { url: &'a str },
    File { file_id: &'a str },
}

pub(super) fn system<'a>(script: &'a Script<'_>, later: &'a [Above<'_>]) -> Option<Words<'a>> {
    let own = |above: &'a Above<'_>| untold::beside(above.kept, Format::Anthropic);
    let above = script.system.iter().map(|text| (*text, None));
    let later = later.iter().map(|above| (&*above.text, own(above)));
    let texts: Vec<_> = above.chain(later).collect();
    match texts.as_slice() {
        [] => None,
        [(text, None)] => Some(Words::Text(Cow::Borrowed(text))),
        texts => {
            let blocks = texts.iter().map(|(text, kept)| Block::Known {
                known: Known::Text {
                    text: Cow::Borrowed(text),
                },
                kept: *kept,
            });
            Some(Words::Blocks(blocks.collect()))
        }
    }
}

/// The turns, one for each change of speaker: the vendor wants all results of one turn in one message,
/// and in front. It takes no empty texts, and no turn without anything in it.
pub(super) fn messages<'a>(script: &'a Script<'_>) -> Result<Vec<Said<'a>>, Failure> {
    let mut turns: Vec<Turn<'a>> = Vec::new();
    for said in script.messages.iter() {
        if said.role == Role::System && !said.stays(Some(Format::Anthropic)) {
            continue;
        }
        let mut blocks = blocks(&said.parts, said.role)?;
        let kept = untold::beside(said.kept.as_deref(), Format::Anthropic);
        if blocks.is_empty() {
            continue;
        }
        match turns.last_mut() {
            Some(last) if last.role == said.role && last.kept.is_none() && kept.is_none() => {
                last.blocks.append(&mut blocks);
            }
            _ => turns.push(Turn {
                role: said.role,
                blocks,
                kept,
            }),
        }
    }
    Ok(turns.into_iter().map(Said::from).collect())
}

fn blocks(parts: &[Part], role: Role) -> Result<Vec<Block<'_>>, Failure> {
    let mut blocks = Vec::with_capacity(parts.len());
    for part in parts {
        let content = &part.content;
        if role == Role::Assistant && !untold::tells_of_the_model(content, Format::Anthropic) {
            continue;
        }
        if let Content::Foreign(foreign) = content
            && foreign.format == Format::Anthropic
        {
            blocks.push(Block::Foreign(&foreign.value));
            continue;
        }
        blocks.extend(known(part)?.map(|known| Block::Known {
            known,
            kept: untold::beside(part.kept.as_deref(), Format::Anthropic),
        }));
    }
    Ok(blocks)
}

fn known(part: &Part) -> Result<Option<Known<'_>>, Failure> {
    let kept = part.kept.as_deref();
    let own = part
        .signature
        .as_ref()
        .filter(|signature| signature.format == Format::Anthropic);
    Ok(Some(match &part.content {
        Content::Text(text) | Content::Refusal(text) if text.trim().is_empty() => return Ok(None),
        Content::Text(text) | Content::Refusal(text) => Known::Text { text: text.into() },
        Content::Image(image) => Known::Image {
            source: place(image, kept)?,
        },
        Content::File(file) => Known::Document {
            source: place(file, kept)?,
            title: file.name.as_deref(),
        },
        Content::Foreign(foreign) => match untold::as_text(foreign) {
            Some(text) => Known::Text { text: text.into() },
            None => return Ok(None),
        },
        Content::Audio(_) => {
            return Err(media::untakeable("This provider takes no audio."));
        }
        // A thought that the vendor did not sign is not one of its own.
        Content::Thinking(text) => match own {
            Some(signature) => Known::Thinking {
                thinking: text,
                signature: &signature.text,
            },
            None => return Ok(None),
        },
        Content::RedactedThinking(data) => Known::RedactedThinking { data },
        Content::ToolCall(call) => Known::ToolUse {
            id: names::outer_id(&call.id),
            name: names::outer(&call.name),
            input: Arguments(&call.arguments),
        },
        Content::ToolResult(result) => Known::ToolResult {
            tool_use_id: names::outer_id(&result.id),
            content: match result.parts.as_slice() {
                [
                    Part {
                        content: Content::Text(text),
                        kept: None,
                        ..
                    },
                ] => Words::Text(text.into()),
                parts => Words::Blocks(blocks(parts, Role::User)?),
            },
            is_error: result.is_error,
        },
    }))
}

fn place<'a>(media: &'a Media, kept: Option<&'a Kept>) -> Result<Place<'a>, Failure> {
    Ok(Place {
        at: whereabouts(media)?,
        kept: untold::within(kept, Format::Anthropic, "source"),
    })
}

fn whereabouts(media: &Media) -> Result<Where<'_>, Failure> {
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

// === impl Said ===

impl<'a> From<Turn<'a>> for Said<'a> {
    fn from(turn: Turn<'a>) -> Self {
        let mut blocks = turn.blocks;
        if turn.role == Role::User {
            blocks.sort_by_key(|block| !block.is_result());
        }
        Self {
            role: match turn.role {
                Role::User => "user",
                Role::Assistant => "assistant",
                Role::System => "system",
            },
            content: match blocks.as_mut_slice() {
                [
                    Block::Known {
                        known: Known::Text { text },
                        kept: None,
                    },
                ] => Words::Text(std::mem::take(text)),
                _ => Words::Blocks(blocks),
            },
            kept: turn.kept,
        }
    }
}

// === impl Block ===

impl Block<'_> {
    fn is_result(&self) -> bool {
        let Self::Known { known, .. } = self else {
            return false;
        };
        matches!(known, Known::ToolResult { .. })
    }
}
