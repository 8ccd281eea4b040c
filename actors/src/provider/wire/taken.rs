//! Taken: what of a request a provider takes, and what is said about the rest.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Dialect, anthropic::BETA};
use crate::conversation::{Content, Conversation, Format, Kept, Message, Part, Rest, Role, joined};

/// Most bytes of a caller's own word that is named as dropped: it goes into a header.
const LONGEST: usize = 64;

/// How many answers OpenAI's format asks for. Of those in the hub's own words there is one, and nobody
/// shall pay for more.
const ANSWERS: &str = "n";

/// Leaves out what a provider does not take, and remembers what was asked for in vain.
pub(super) struct Taken<'a> {
    dialect: &'a Dialect,
    /// What to tell the caller.
    pub(super) dropped: Vec<Cow<'static, str>>,
}

/// The system's texts, and the conversation without them.
pub(super) struct Script<'a> {
    /// None of them is empty.
    pub(super) system: Vec<&'a str>,
    /// In order.
    pub(super) messages: Cow<'a, [Message]>,
}

/// A text of the system's from among the messages.
pub(super) struct Above<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) kept: Option<&'a Kept>,
}

// === impl Taken ===

impl<'a> Taken<'a> {
    pub(super) fn new(dialect: &'a Dialect) -> Self {
        Self {
            dialect,
            dropped: Vec::new(),
        }
    }

    /// Whether the provider takes a parameter at all.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.dialect
            .drop_params
            .iter()
            .all(|dropped| dropped != name)
    }

    /// The value, if the provider takes such a parameter.
    pub(super) fn take<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        let taken = self.takes(name);
        self.lacks(name, value.is_some() && !taken);
        value.filter(|_| taken)
    }

    /// Says that a parameter is dropped, if it was set.
    pub(super) fn lacks(&mut self, name: &'static str, set: bool) {
        if set && !self.dropped.iter().any(|known| known == name) {
            self.dropped.push(name.into());
        }
    }

    /// The fields that the hub does not know, if they are this format's.
    pub(super) fn rest<'r>(
        &mut self,
        rest: Option<&'r Rest>,
        format: Format,
    ) -> Option<Cow<'r, Map<String, Value>>> {
        let rest = rest?;
        if rest.format != format {
            let names = rest.fields.keys().map(|name| Cow::Owned(shown(name)));
            self.dropped.extend(names);
            self.name_within(&rest.within, "");
            self.lacks(BETA, rest.betas.is_some());
            return None;
        }
        let unwanted = |name: &&String| !self.takes(name) || *name == ANSWERS;
        let unwanted: Vec<_> = rest.fields.keys().filter(unwanted).cloned().collect();
        if unwanted.is_empty() {
            return Some(Cow::Borrowed(&rest.fields));
        }
        let mut fields = rest.fields.clone();
        for name in unwanted {
            fields.remove(&name);
            self.dropped.push(Cow::Owned(shown(&name)));
        }
        Some(Cow::Owned(fields))
    }

    /// The tools that the vendor itself runs, if they are this vendor's.
    pub(super) fn vendor_tools<'r>(
        &mut self,
        rest: Option<&'r Rest>,
        format: Format,
    ) -> &'r [Value] {
        let tools = rest.map_or([].as_slice(), |rest| &rest.tools);
        let own = rest.is_some_and(|rest| rest.format == format);
        self.lacks("tools", !own && !tools.is_empty());
        if own { tools } else { &[] }
    }

    /// The conversation as the provider takes it: a system text that it has no role for stands before
    /// the first thing the user says, so that it is not lost.
    pub(super) fn script<'c>(&self, conversation: &'c Conversation) -> Script<'c> {
        let system = conversation.system.iter().map(|text| &**text);
        let system: Vec<_> = system.filter(|text| !text.is_empty()).collect();
        let is_above = |said: &Message| said.role == Role::System;
        let none = system.is_empty() && !conversation.messages.iter().any(is_above);
        if none || self.takes("system") {
            return Script {
                system,
                messages: Cow::Borrowed(&conversation.messages),
            };
        }
        let mut messages = conversation.messages.clone();
        for said in messages.iter_mut().filter(|said| is_above(said)) {
            said.role = Role::User;
        }
        if system.is_empty() {
            return Script {
                system,
                messages: Cow::Owned(messages),
            };
        }
        let above = format!("{}\n\n", system.join("\n\n"));
        match messages.iter_mut().find(|said| said.role == Role::User) {
            Some(first) => match first.parts.first_mut().map(|part| &mut part.content) {
                Some(Content::Text(text)) => text.insert_str(0, &above),
                _ => first.parts.insert(0, Part::text(above)),
            },
            None => messages.insert(0, Message::user(above)),
        }
        Script {
            system: Vec::new(),
            messages: Cow::Owned(messages),
        }
    }
}

// === impl Message ===

impl Message {
    /// Whether it came in that format, with something beside it.
    pub(super) fn stays(&self, format: Option<Format>) -> bool {
        let own = self.kept.as_ref().map(|kept| kept.format);
        own.is_some() && own == format
    }
}

// === impl Script ===

impl Script<'_> {
    /// The same for formats in which somebody has to speak: if nobody does, the system's texts are what
    /// the user says.
    pub(super) fn with_a_turn(self) -> Self {
        if self.messages.iter().any(|said| said.role != Role::System) {
            return self;
        }
        let text = {
            let later = self.later_system(None);
            let above = self.system.iter().copied();
            let texts: Vec<_> = above
                .chain(later.iter().map(|above| &*above.text))
                .collect();
            texts.join("\n\n")
        };
        if text.is_empty() {
            return self;
        }
        Self {
            messages: Cow::Owned(vec![Message::user(text)]),
            system: Vec::new(),
        }
    }

    /// The texts of system messages in the middle, for formats that have them only above. Those that came
    /// in the middle in the format `own` stay there.
    pub(super) fn later_system(&self, own: Option<Format>) -> Vec<Above<'_>> {
        let mut texts = Vec::new();
        let is_above = |said: &&Message| said.role == Role::System && !said.stays(own);
        for said in self.messages.iter().filter(is_above) {
            if said.parts.iter().all(|part| part.kept.is_none()) {
                let (text, kept) = (joined(&said.parts).into(), None);
                texts.push(Above { text, kept });
                continue;
            }
            texts.extend(said.parts.iter().filter_map(|part| match &part.content {
                Content::Text(text) => Some(Above {
                    text: text.into(),
                    kept: part.kept.as_deref(),
                }),
                _ => None,
            }));
        }
        texts.retain(|above| !above.text.is_empty());
        texts
    }

    /// Room for the body: most of it is text, which escapes make a little longer.
    pub(super) fn size_hint(&self) -> usize {
        let parts = self.messages.iter().flat_map(|said| &said.parts);
        let said: usize = parts.map(|part| size(&part.content)).sum();
        let system: usize = self.system.iter().map(|text| text.len()).sum();
        let text = said + system;
        text + text / 8 + 256
    }
}

fn size(content: &Content) -> usize {
    match content {
        Content::Text(text)
        | Content::Refusal(text)
        | Content::Thinking(text)
        | Content::RedactedThinking(text) => text.len(),
        Content::Image(media) | Content::Audio(media) | Content::File(media) => {
            media.source.text().len()
        }
        Content::ToolCall(call) => call.arguments.len() + call.name.len() + 64,
        Content::ToolResult(result) => {
            let parts = result.parts.iter().map(|part| size(&part.content));
            parts.sum::<usize>() + 64
        }
        Content::Foreign(_) => 256,
    }
}

/// A field's name, fit for a header.
pub(super) fn shown(name: &str) -> String {
    let plain = name.chars().map(|c| {
        if c.is_ascii_graphic() && c != ',' {
            c
        } else {
            '?'
        }
    });
    plain.take(LONGEST).collect()
}
