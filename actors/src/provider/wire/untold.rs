//! Untold: what of a conversation has no words in a vendor's format.
//!
//! What the model said or thought, and what stands beside things, is left out and named by its path in the
//! client's own format, without places in lists: `messages.content.cache_control`, `messages.name`,
//! `tools.cache_control`. What the user says is never left out: it is told as a text, or the vendor is not
//! asked.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    media,
    taken::{Taken, shown},
};
use crate::{
    conversation::{
        Content, Conversation, Foreign, Format, Kept, Media, Message, Part, Place, Role, Source,
    },
    params::clip,
    protocol::Failure,
};

/// Most names of one request that a caller is told. What comes behind them has names like these.
const MOST: usize = 64;

/// The fields that a format has beside something, as it came in that format.
pub(super) fn beside(kept: Option<&Kept>, format: Format) -> Option<&Map<String, Value>> {
    let kept = kept.filter(|kept| kept.format == format)?;
    (!kept.fields.is_empty()).then_some(&kept.fields)
}

/// The same of an object inside of it.
pub(super) fn within<'a>(
    kept: Option<&'a Kept>,
    format: Format,
    name: &str,
) -> Option<&'a Map<String, Value>> {
    let kept = kept.filter(|kept| kept.format == format)?;
    kept.within.get(name)?.as_object()
}

/// Something of another format's own kind as a text, if it is one: Anthropic's `search_result`.
pub(super) fn as_text(foreign: &Foreign) -> Option<String> {
    if foreign.format != Format::Anthropic || foreign.kind() != "search_result" {
        return None;
    }
    let texts = foreign.value.get("content")?.as_array()?;
    let texts = texts.iter().filter_map(|block| block.get("text")?.as_str());
    let head = ["title", "source"].map(|name| foreign.text(name));
    let lines: Vec<_> = head.into_iter().flatten().chain(texts).collect();
    Some(lines.join("\n"))
}

// === impl Taken ===

impl Taken<'_> {
    /// Names what of `conversation` is not told in `format`. Thoughts without a signature are told if
    /// `aloud`.
    ///
    /// # Errors
    /// [`Rejected`](crate::protocol::FailureKind::Rejected) if that is something that a user says.
    pub(super) fn leave_untold(
        &mut self,
        conversation: &Conversation,
        format: Format,
        aloud: bool,
    ) -> Result<(), Failure> {
        let mut calls = Vec::new();
        for said in &conversation.messages {
            self.name_beside(said.kept.as_deref(), format, "messages");
            for part in &said.parts {
                self.name_beside(part.kept.as_deref(), format, place(said, part));
                match said.role {
                    Role::Assistant => self.of_the_model(part, format, aloud, &mut calls),
                    Role::User => self.of_the_user(part, format, &calls)?,
                    Role::System => self.of_the_system(part, format)?,
                }
            }
        }
        for tool in &conversation.tools {
            self.name_beside(tool.kept.as_deref(), format, "tools");
        }
        Ok(())
    }

    /// Calls that are left out are remembered: their results are nobody's then.
    fn of_the_model<'c>(
        &mut self,
        part: &'c Part,
        format: Format,
        aloud: bool,
        calls: &mut Vec<(&'c str, &'c Foreign)>,
    ) {
        let own = part.signature.as_ref().map(|signature| signature.format);
        let kind = match &part.content {
            Content::Thinking(_) if own == Some(format) || (aloud && own.is_none()) => return,
            Content::Thinking(_) => "thinking",
            Content::RedactedThinking(_) if format != Format::Anthropic => "redacted_thinking",
            Content::Foreign(foreign) if foreign.format != format => {
                calls.extend(foreign.text("id").map(|id| (id, &**foreign)));
                if foreign.place == Place::Calls {
                    self.name("messages.tool_calls", foreign.kind());
                    return;
                }
                foreign.kind()
            }
            content if !tells_of_the_model(content, format) => match content {
                Content::Image(_) => "image",
                Content::Audio(_) => "audio",
                _ => "document",
            },
            _ => return,
        };
        self.name("messages.content", kind);
    }

    fn of_the_user(
        &mut self,
        part: &Part,
        format: Format,
        calls: &[(&str, &Foreign)],
    ) -> Result<(), Failure> {
        match &part.content {
            Content::Foreign(foreign) if foreign.format != format => {
                if as_text(foreign).is_none() {
                    return Err(unsayable(format, foreign));
                }
                for name in foreign.value.keys() {
                    if !["type", "title", "source", "content"].contains(&&**name) {
                        self.name("messages.content", name);
                    }
                }
            }
            Content::ToolResult(result) => {
                let call = calls.iter().find(|(id, _)| *id == result.id);
                if let Some((_, call)) = call {
                    return Err(unsayable(format, call));
                }
                if result.is_error && format == Format::OpenAi {
                    self.name("messages.content", "is_error");
                }
                for inner in &result.parts {
                    self.name_beside(inner.kept.as_deref(), format, "messages.content");
                    self.of_the_user(inner, format, calls)?;
                }
            }
            Content::Image(image) if format != Format::OpenAi => {
                let detail = image.detail.as_deref();
                if detail.is_some_and(|detail| detail != "auto") {
                    self.name("messages.content.image_url", "detail");
                }
            }
            Content::File(file) if format == Format::Gemini && file.name.is_some() => {
                self.name("messages.content", "filename");
            }
            _ => {}
        }
        Ok(())
    }

    /// Where the system's texts stand above all, there is nothing but texts.
    fn of_the_system(&mut self, part: &Part, format: Format) -> Result<(), Failure> {
        match &part.content {
            Content::Text(_) => Ok(()),
            Content::Foreign(foreign) if foreign.format == format => Ok(()),
            Content::Foreign(foreign) => Err(unsayable(format, foreign)),
            _ if format == Format::OpenAi => Ok(()),
            _ => Err(media::untakeable(
                "This provider takes nothing but texts from the system: say the rest as the user.",
            )),
        }
    }

    fn name_beside(&mut self, kept: Option<&Kept>, format: Format, place: &str) {
        let Some(kept) = kept.filter(|kept| kept.format != format) else {
            return;
        };
        // A `type` beside things says what they are, which the language says too.
        for name in kept.fields.keys().filter(|name| *name != "type") {
            self.name(place, name);
        }
        self.name_within(&kept.within, place);
    }

    /// Names fields of objects inside of something.
    pub(super) fn name_within(&mut self, within: &Map<String, Value>, place: &str) {
        for (inner, fields) in within {
            for name in fields.as_object().into_iter().flat_map(Map::keys) {
                let place = match place {
                    "" => inner.clone(),
                    place => format!("{place}.{inner}"),
                };
                self.name(&place, name);
            }
        }
    }

    fn name(&mut self, place: &str, name: &str) {
        if self.dropped.len() >= MOST {
            return;
        }
        let path = Cow::Owned(shown(&format!("{place}.{name}")));
        if !self.dropped.contains(&path) {
            self.dropped.push(path);
        }
    }
}

/// Whether a format has it in a turn of the model's.
pub(super) fn tells_of_the_model(content: &Content, format: Format) -> bool {
    let (Content::Image(media) | Content::Audio(media) | Content::File(media)) = content else {
        return true;
    };
    let Media { source, .. } = media;
    match format {
        Format::Anthropic => false,
        Format::Gemini => matches!(source, Source::Inline { .. }),
        Format::OpenAi => true,
    }
}

/// Where the client's own format has what stands beside a part.
fn place(said: &Message, part: &Part) -> &'static str {
    let own = part.kept.as_ref().map(|kept| kept.format);
    match (&part.content, own) {
        (Content::ToolResult(_), Some(Format::OpenAi)) => "messages",
        (Content::ToolCall(_), Some(Format::OpenAi)) => "messages.tool_calls",
        (_, Some(Format::Anthropic)) if said.role == Role::System && said.kept.is_none() => {
            "system"
        }
        _ => "messages.content",
    }
}

fn unsayable(format: Format, foreign: &Foreign) -> Failure {
    let vendor = match format {
        Format::Anthropic => "Anthropic",
        Format::Gemini => "Google",
        Format::OpenAi => "OpenAI",
    };
    let what = match foreign.place {
        Place::Message => "messages of the role",
        Place::Content => "parts of the kind",
        Place::Calls => "tool calls of the kind",
    };
    let kind = clip(&shown(foreign.kind()));
    media::untakeable(format!(
        "{vendor}'s format has no {what} `{kind}`, so a provider that speaks it was not asked."
    ))
}
