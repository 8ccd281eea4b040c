//! Calls of a streamed answer, one behind the other: the format has one open block at a time, and some
//! vendors write several calls at once.

use std::collections::HashMap;

use serde::de::IgnoredAny;

use crate::streaming::Event;

/// The call whose block is open, and what waits for its end.
///
/// That end is known by arguments that are a whole object, or by the answer's. What is held here is
/// some of what one vendor sent: the pump takes 64 MiB of a stream at most.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: Option<Open>,
    /// In the order in which it will be written. All arguments of a call are one event behind it.
    waiting: Vec<Event>,
    /// Where in `waiting` the arguments of each call are.
    places: HashMap<usize, usize>,
    /// Something else than calls waits, too: all the rest does.
    until_end: bool,
}

#[derive(Debug)]
struct Open {
    index: usize,
    arguments: String,
}

// === impl Calls ===

impl Calls {
    /// Whether the event is written now, and what is written before it; `None` if it has to wait, or
    /// is of no call that goes on.
    pub(super) fn pass(&mut self, event: &Event) -> Option<Vec<Event>> {
        match event {
            Event::Raw(_) | Event::Started { .. } | Event::Usage(_) => Some(Vec::new()),
            Event::Text(text) | Event::Refusal(text) | Event::Thinking(text) if text.is_empty() => {
                None
            }
            Event::ToolCall { index, .. } => self.start(*index, event),
            Event::Arguments { index, fragment } => self.arguments(*index, fragment),
            Event::End { .. } => Some(self.release()),
            Event::Text(_)
            | Event::Refusal(_)
            | Event::Thinking(_)
            | Event::RedactedThinking(_)
            | Event::Image(_)
            | Event::Signature(_) => self.other(event),
        }
    }

    fn start(&mut self, index: usize, event: &Event) -> Option<Vec<Event>> {
        // As soon as one waits, the next does, so that no arguments are looked through for each call.
        let is_next = self.waiting.is_empty() && self.open.as_ref().is_none_or(Open::is_whole);
        if is_next {
            let arguments = String::new();
            self.open = Some(Open { index, arguments });
            return Some(Vec::new());
        }
        self.waiting.push(event.clone());
        self.places.insert(index, self.waiting.len());
        let fragment = String::new();
        self.waiting.push(Event::Arguments { index, fragment });
        None
    }

    fn arguments(&mut self, index: usize, more: &str) -> Option<Vec<Event>> {
        if let Some(open) = self.open.as_mut().filter(|open| open.index == index) {
            open.arguments.push_str(more);
            return Some(Vec::new());
        }
        // A call that is neither open nor waits was whole.
        let place = self.places.get(&index)?;
        if let Some(Event::Arguments { fragment, .. }) = self.waiting.get_mut(*place) {
            fragment.push_str(more);
        }
        None
    }

    /// What is no call ends the calls, unless one of them goes on behind it.
    fn other(&mut self, event: &Event) -> Option<Vec<Event>> {
        if !self.until_end && self.are_whole() {
            return Some(self.release());
        }
        self.until_end = true;
        self.waiting.push(event.clone());
        None
    }

    fn are_whole(&self) -> bool {
        let mut waiting = self.waiting.iter();
        self.open.as_ref().is_none_or(Open::is_whole)
            && waiting.all(|event| match event {
                Event::Arguments { fragment, .. } => is_whole(fragment),
                _ => true,
            })
    }

    fn release(&mut self) -> Vec<Event> {
        std::mem::take(self).waiting
    }
}

// === impl Open ===

impl Open {
    fn is_whole(&self) -> bool {
        is_whole(&self.arguments)
    }
}

/// Nothing can follow an object. A number may be the beginning of a longer one.
fn is_whole(arguments: &str) -> bool {
    arguments.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(arguments).is_ok()
}
