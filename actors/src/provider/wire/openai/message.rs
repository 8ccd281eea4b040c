//! What was said, as OpenAI's format has it in a request.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    memory::Memory,
    piece::{Known, Piece, Words, piece, words},
    write::refusal,
};
use crate::{
    conversation::{self, Content, Format, Part, Place, Role, ToolCall},
    protocol::Failure,
    provider::wire::{names, untold},
};

/// A message, or one of a role that only its format knows, as it came.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Message<'a> {
    Said(Said<'a>),
    Foreign(&'a Map<String, Value>),
}

#[derive(Serialize)]
pub(super) struct Said<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    content: Words<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Called<'a>>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Called<'a> {
    Function {
        id: &'a str,
        r#type: &'static str,
        function: CalledFunction<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        extra_content: Option<Value>,
        #[serde(flatten)]
        kept: Option<&'a Map<String, Value>>,
    },
    Foreign(&'a Map<String, Value>),
}

#[derive(Serialize)]
struct CalledFunction<'a> {
    name: Cow<'a, str>,
    arguments: &'a str,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

pub(super) fn push<'a>(
    said: &'a conversation::Message,
    memory: Memory,
    into: &mut Vec<Message<'a>>,
) -> Result<(), Failure> {
    let kept = untold::beside(said.kept.as_deref(), Format::OpenAi);
    match said.role {
        Role::System => into.push(Message::Said(Said {
            kept,
            ..Said::new("system", words(&said.parts)?)
        })),
        Role::User => push_user(said, kept, into)?,
        Role::Assistant => into.push(Message::Said(assistant(said, kept, memory)?)),
    }
    Ok(())
}

/// Results of tools come first, each as a message of its own. Pictures in them follow as the user's, but
/// for those that came in such a message: not everyone who speaks the format takes them there.
fn push_user<'a>(
    said: &'a conversation::Message,
    kept: Option<&'a Map<String, Value>>,
    into: &mut Vec<Message<'a>>,
) -> Result<(), Failure> {
    let mut pieces = Vec::new();
    for part in &said.parts {
        match &part.content {
            Content::ToolResult(result) => {
                let stays = |part: &&Part| {
                    let own = part.kept.as_ref().map(|kept| kept.format);
                    matches!(part.content, Content::Text(_)) || own == Some(Format::OpenAi)
                };
                for other in result.parts.iter().filter(|part| !stays(part)) {
                    pieces.extend(piece(other)?);
                }
                into.push(Message::Said(Said {
                    tool_call_id: Some(&result.id),
                    kept: untold::beside(part.kept.as_deref(), Format::OpenAi),
                    ..Said::new("tool", words(result.parts.iter().filter(stays))?)
                }));
            }
            Content::Foreign(foreign)
                if foreign.place == Place::Message && foreign.format == Format::OpenAi =>
            {
                into.push(Message::Foreign(&foreign.value));
            }
            _ => pieces.extend(piece(part)?),
        }
    }
    let content = match pieces.as_mut_slice() {
        [] => return Ok(()),
        [
            Piece::Known {
                known: Known::Text { text },
                kept: None,
            },
        ] => Words::Text(std::mem::take(text)),
        _ => Words::Parts(pieces),
    };
    into.push(Message::Said(Said {
        kept,
        ..Said::new("user", content)
    }));
    Ok(())
}

/// Thinking stays with the vendor that thought, unless it wants it back: the format itself has no place
/// for it in a request.
fn assistant<'a>(
    said: &'a conversation::Message,
    kept: Option<&'a Map<String, Value>>,
    memory: Memory,
) -> Result<Said<'a>, Failure> {
    let mut tool_calls = Vec::new();
    let mut thoughts = String::new();
    for part in &said.parts {
        match &part.content {
            Content::ToolCall(call) => tool_calls.push(called(call, part, memory)),
            Content::Foreign(foreign)
                if foreign.place == Place::Calls && foreign.format == Format::OpenAi =>
            {
                tool_calls.push(Called::Foreign(&foreign.value));
            }
            Content::Thinking(text) if memory.aloud && part.signature.is_none() => {
                thoughts.push_str(text);
            }
            _ => {}
        }
    }
    let refusal = refusal(&said.parts);
    let content = match words(&said.parts)? {
        Words::Text(text)
            if text.is_empty()
                && (!tool_calls.is_empty() || refusal.is_some() || kept.is_some()) =>
        {
            Words::Nothing
        }
        words => words,
    };
    Ok(Said {
        refusal,
        reasoning_content: (!thoughts.is_empty()).then_some(thoughts),
        tool_calls,
        kept,
        ..Said::new("assistant", content)
    })
}

fn called<'a>(call: &'a ToolCall, part: &'a Part, memory: Memory) -> Called<'a> {
    let kept = part.kept.as_deref();
    let signature = part.signature.as_ref();
    let signature =
        signature.filter(|signature| memory.google && signature.format == Format::Gemini);
    let extra = untold::within(kept, Format::OpenAi, "extra_content");
    let mut extra_content = extra.map(|extra| Value::Object(extra.clone()));
    if let Some(signature) = signature {
        let google = untold::within(kept, Format::OpenAi, "extra_content.google");
        let mut google = google.cloned().unwrap_or_default();
        google.insert("thought_signature".to_owned(), (*signature.text).into());
        let extra = extra_content.get_or_insert_with(|| json!({}));
        extra["google"] = Value::Object(google);
    }
    Called::Function {
        id: &call.id,
        r#type: "function",
        function: CalledFunction {
            name: names::outer(&call.name),
            arguments: if call.arguments.is_empty() {
                "{}"
            } else {
                &call.arguments
            },
            kept: untold::within(kept, Format::OpenAi, "function"),
        },
        extra_content,
        kept: untold::beside(kept, Format::OpenAi),
    }
}

// === impl Said ===

impl<'a> Said<'a> {
    fn new(role: &'static str, content: Words<'a>) -> Self {
        Self {
            role,
            tool_call_id: None,
            content,
            refusal: None,
            reasoning_content: None,
            tool_calls: Vec::new(),
            kept: None,
        }
    }

    pub(super) fn text(role: &'static str, text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(role, Words::Text(text.into()))
    }
}
