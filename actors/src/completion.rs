//! Completion: an answer of a model, whole, put together from its events, or taken apart into them.

use std::collections::VecDeque;

use crate::{
    conversation::{Content, Media, Part, ToolCall, joined},
    protocol::{Completed, Completion, Usage},
    streaming::{Event, Streaming},
};

/// The pictures among these parts.
pub(crate) fn pictures(parts: &[Part]) -> impl Iterator<Item = &Media> {
    parts.iter().filter_map(|part| match &part.content {
        Content::Image(media) => Some(media),
        _ => None,
    })
}

// === impl Completion ===

impl Completion {
    /// What a request comes to that only asks how many tokens it has.
    pub fn counted(input_tokens: u64) -> Self {
        Self {
            usage: Usage {
                input_tokens,
                ..Usage::default()
            },
            ..Self::default()
        }
    }

    /// All its texts, joined. Thinking and refusals are left out.
    pub fn text(&self) -> String {
        joined(&self.parts)
    }

    /// The same, for those who need nothing else.
    pub fn into_text(mut self) -> String {
        match self.parts.as_mut_slice() {
            [
                Part {
                    content: Content::Text(text),
                    ..
                },
            ] => std::mem::take(text),
            parts => joined(parts),
        }
    }

    /// The pictures in it.
    pub fn images(&self) -> impl Iterator<Item = &Media> {
        pictures(&self.parts)
    }

    /// Whether one of its texts is what `sought` looks for.
    pub fn says(&self, sought: &dyn Fn(&str) -> bool) -> bool {
        let texts = self.parts.iter().flat_map(|part| {
            let signature = part.signature.as_ref().map(|signature| &*signature.text);
            let [first, second, third] = match &part.content {
                Content::Text(text)
                | Content::Refusal(text)
                | Content::Thinking(text)
                | Content::RedactedThinking(text) => [Some(text.as_str()), None, None],
                Content::ToolCall(call) => {
                    [Some(&*call.id), Some(&call.name), Some(&call.arguments)]
                }
                Content::Image(media) => [Some(media.source.text()), None, None],
                // A model answers with none of these.
                Content::Audio(_)
                | Content::File(_)
                | Content::ToolResult(_)
                | Content::Foreign(_) => [None; 3],
            };
            [first, second, third, signature]
        });
        let about = [self.model.as_deref(), self.stop_sequence.as_deref()];
        let mut texts = texts.chain(about).flatten();
        texts.any(sought)
    }

    /// Takes in the next event of a stream. What is in place at [`Event::End`] is what the vendor
    /// would have said in one piece.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Raw(_) => {}
            Event::Started { model } => self.model = model,
            Event::Text(more) => match self.open_part() {
                Some(Content::Text(text)) => text.push_str(&more),
                _ => self.parts.push(Part::text(more)),
            },
            Event::Refusal(more) => match self.open_part() {
                Some(Content::Refusal(text)) => text.push_str(&more),
                _ => self.parts.push(Content::Refusal(more).into()),
            },
            Event::Thinking(more) => match self.open_part() {
                Some(Content::Thinking(text)) => text.push_str(&more),
                _ => self.parts.push(Content::Thinking(more).into()),
            },
            Event::RedactedThinking(data) => {
                self.parts.push(Content::RedactedThinking(data).into());
            }
            Event::Image(media) => self.parts.push(Content::Image(media).into()),
            Event::Signature(signature) => {
                if let Some(part) = self.parts.last_mut() {
                    part.signature = Some(signature);
                }
            }
            Event::ToolCall {
                id,
                name,
                signature,
                ..
            } => {
                let arguments = String::new();
                let call = ToolCall {
                    id,
                    name,
                    arguments,
                };
                self.parts.push(Part {
                    signature,
                    ..Content::ToolCall(call).into()
                });
            }
            Event::Arguments { index, fragment } => {
                let mut calls = self
                    .parts
                    .iter_mut()
                    .filter_map(|part| match &mut part.content {
                        Content::ToolCall(call) => Some(call),
                        _ => None,
                    });
                if let Some(call) = calls.nth(index) {
                    call.arguments.push_str(&fragment);
                }
            }
            Event::Usage(usage) => self.usage = usage,
            Event::End {
                finish,
                stop_sequence,
            } => {
                self.finish = finish;
                self.stop_sequence = stop_sequence;
            }
        }
    }

    /// The events that [`take`](Self::take) puts together to this. The vendor's own body is left out: it
    /// is no event of the vendor's.
    pub fn into_events(self) -> VecDeque<Event> {
        let mut events = VecDeque::with_capacity(self.parts.len() + 4);
        events.push_back(Event::Started { model: self.model });
        let mut index = 0;
        for part in self.parts {
            let signature = part.signature;
            match part.content {
                Content::ToolCall(call) => {
                    events.push_back(Event::ToolCall {
                        index,
                        id: call.id,
                        name: call.name,
                        signature,
                    });
                    let fragment = call.arguments;
                    events.push_back(Event::Arguments { index, fragment });
                    index += 1;
                    continue;
                }
                Content::Text(text) => events.push_back(Event::Text(text)),
                Content::Refusal(text) => events.push_back(Event::Refusal(text)),
                Content::Thinking(text) => events.push_back(Event::Thinking(text)),
                Content::RedactedThinking(data) => {
                    events.push_back(Event::RedactedThinking(data));
                }
                Content::Image(media) => events.push_back(Event::Image(media)),
                // A model answers with none of these.
                Content::Audio(_)
                | Content::File(_)
                | Content::ToolResult(_)
                | Content::Foreign(_) => {}
            }
            events.extend(signature.map(Event::Signature));
        }
        events.push_back(Event::Usage(self.usage));
        events.push_back(Event::End {
            finish: self.finish,
            stop_sequence: self.stop_sequence,
        });
        events
    }

    /// The last part, as long as nothing closes it: a signature does.
    fn open_part(&mut self) -> Option<&mut Content> {
        let last = self.parts.last_mut()?;
        last.signature.is_none().then_some(&mut last.content)
    }
}

// === impl Completed ===

impl Completed {
    /// The whole answer, if it is one.
    pub fn whole(self) -> Option<Completion> {
        match self {
            Self::Whole(completion) => Some(completion),
            Self::Streaming(_) => None,
        }
    }

    /// The stream, also of an answer that came whole.
    pub fn streaming(self) -> Streaming {
        match self {
            Self::Whole(completion) => Streaming::whole(completion),
            Self::Streaming(stream) => stream,
        }
    }
}
