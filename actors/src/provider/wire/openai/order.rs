//! Order: where in its turn the model thought.
//!
//! The format has one text and one list of calls, and what was thought stands beside them
//! (`thinking_blocks`). Its vendor takes a thought back where it was and nowhere else, so one that is not the
//! first thing in the turn says what stands before it.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::{
    conversation::{Content, Part},
    provider::wire::fields::Fields,
};

/// How the place is called.
const AFTER: &str = "after";

/// What of a message stands before something in it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes of its text, in UTF-8.
    content: usize,
    /// Calls of tools.
    tool_calls: usize,
}

/// The parts of a turn. A text is cut where somebody thought; where nobody did, texts stand before calls.
pub(super) fn in_order(
    thoughts: Vec<(Place, Part)>,
    contents: Vec<Part>,
    calls: Vec<Part>,
) -> Vec<Part> {
    let mut parts = Vec::with_capacity(2 * thoughts.len() + contents.len() + calls.len());
    let mut contents = VecDeque::from(contents);
    let mut calls = calls.into_iter();
    let mut passed = Place::default();
    for (place, thought) in thoughts {
        while passed.content < place.content
            && let Some(part) = contents.pop_front()
        {
            let (part, rest) = cut(part, place.content - passed.content);
            // The place may be within a character, if it is not ours: then it is before it.
            passed.content = match rest {
                Some(rest) => {
                    contents.push_front(rest);
                    place.content
                }
                None => passed.content + length(&part.content),
            };
            parts.push(part);
        }
        let more = place.tool_calls.saturating_sub(passed.tool_calls);
        passed.tool_calls += more;
        parts.extend(calls.by_ref().take(more));
        parts.push(thought);
    }
    parts.extend(contents);
    parts.extend(calls);
    parts
}

/// A part up to so many bytes of its text, and what is left of it.
fn cut(part: Part, most: usize) -> (Part, Option<Part>) {
    match &part.content {
        Content::Text(text) if text.len() > most => {
            let (before, behind) = text.split_at(text.floor_char_boundary(most));
            let before = Part::text(before);
            let rest = Content::Text(behind.to_owned());
            let rest = Part {
                content: rest,
                ..part
            };
            (before, Some(rest))
        }
        _ => (part, None),
    }
}

fn length(content: &Content) -> usize {
    match content {
        Content::Text(text) => text.len(),
        _ => 0,
    }
}

// === impl Place ===

impl Place {
    /// The place behind a part too.
    pub(super) fn pass(&mut self, content: &Content) {
        self.pass_text(length(content));
        self.tool_calls += usize::from(matches!(content, Content::ToolCall(_)));
    }

    /// The same for so many bytes of a text.
    pub(super) fn pass_text(&mut self, bytes: usize) {
        self.content += bytes;
    }

    /// The same for a call.
    pub(super) fn pass_call(&mut self) {
        self.tool_calls += 1;
    }

    /// Says it of a thought, unless that is the first thing.
    pub(super) fn mark(self, mut thought: Value) -> Value {
        if self != Self::default()
            && let Some(fields) = thought.as_object_mut()
        {
            let place = json!({"content": self.content, "tool_calls": self.tool_calls});
            fields.insert(AFTER.to_owned(), place);
        }
        thought
    }

    /// What a thought says; the beginning if it says nothing.
    pub(super) fn read(thought: &mut Fields) -> Self {
        let place = thought.take(AFTER).unwrap_or_default();
        let count = |name: &str| {
            let count = place.get(name).and_then(Value::as_u64);
            count.and_then(|count| usize::try_from(count).ok())
        };
        Self {
            content: count("content").unwrap_or(0),
            tool_calls: count("tool_calls").unwrap_or(0),
        }
    }
}
