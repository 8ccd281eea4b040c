//! Taken: what of a request a provider takes, and what is said about the rest.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Dialect, anthropic::BETA};
use crate::conversation::{Content, Conversation, Format, Message, Part, Rest, Role, joined};

/// Most bytes of a caller's own word that is named as dropped: it goes into a header.
const LONGEST: usize = 64;

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
            self.lacks(BETA, rest.betas.is_some());
            return None;
        }
        if rest.fields.keys().all(|name| self.takes(name)) {
            return Some(Cow::Borrowed(&rest.fields));
        }
        let mut fields = rest.fields.clone();
        let unwanted: Vec<_> = fields
            .keys()
            .filter(|name| !self.takes(name))
            .cloned()
            .collect();
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
        if system.is_empty() || self.takes("system") {
            return Script {
                system,
                messages: Cow::Borrowed(&conversation.messages),
            };
        }
        let above = format!("{}\n\n", system.join("\n\n"));
        let mut messages = conversation.messages.clone();
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

// === impl Script ===

impl Script<'_> {
    /// The same for formats in which somebody has to speak: if nobody does, the system's texts are what
    /// the user says.
    pub(super) fn with_a_turn(self) -> Self {
        let spoken = self.messages.iter().any(|said| said.role != Role::System);
        let later = self.later_system();
        let texts: Vec<_> = self
            .system
            .iter()
            .copied()
            .chain(later.iter().map(String::as_str))
            .collect();
        if spoken || texts.is_empty() {
            return self;
        }
        Self {
            messages: Cow::Owned(vec![Message::user(texts.join("\n\n"))]),
            system: Vec::new(),
        }
    }

    /// The texts of system messages in the middle, for formats that have them only above.
    pub(super) fn later_system(&self) -> Vec<String> {
        let later = self
            .messages
            .iter()
            .filter(|said| said.role == Role::System);
        later.map(|said| joined(&said.parts)).collect()
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
