//! What a server that speaks Google's generateContent format answers bit by bit: whole answers, one
//! after the other, and then nothing more.

use super::{
    answer::{Answer, Made, finish},
    said,
};
use crate::{
    conversation::{Content, Part},
    protocol::{CompletionRequest, Failure, Usage},
    provider::wire::{ReadStream, model_name, names::Renamed, refusal, sse::ServerSent},
    streaming::Event,
};

/// Reads one stream.
pub(super) struct Stream {
    tools: Renamed,
    raw: bool,
    begun: bool,
    made: Made,
    blocked: bool,
    answer: String,
    calls: usize,
    usage: Option<Usage>,
    reason: Option<String>,
}

// === impl Stream ===

impl Stream {
    pub(super) fn new(request: &CompletionRequest) -> Self {
        Self {
            tools: Renamed::of(&request.conversation.tools),
            raw: request.raw.is_some(),
            begun: false,
            made: Made::default(),
            blocked: false,
            answer: String::new(),
            calls: 0,
            usage: None,
            reason: None,
        }
    }

    fn part(
        &mut self,
        Part {
            content, signature, ..
        }: Part,
        into: &mut Vec<Event>,
    ) {
        self.made.see(&content);
        match content {
            Content::ToolCall(call) => {
                let index = self.calls;
                self.calls += 1;
                into.push(Event::ToolCall {
                    index,
                    id: call.id,
                    name: call.name,
                    signature,
                });
                into.push(Event::Arguments {
                    index,
                    fragment: call.arguments,
                });
                return;
            }
            Content::Thinking(text) => into.push(Event::Thinking(text)),
            Content::Text(text) => into.push(Event::Text(text)),
            Content::Image(image) => into.push(Event::Image(image)),
            // A model answers with none of these.
            _ => return,
        }
        into.extend(signature.map(Event::Signature));
    }
}

impl ReadStream for Stream {
    fn is_raw(&self) -> bool {
        self.raw
    }

    fn read(&mut self, event: &ServerSent, into: &mut Vec<Event>) -> Result<(), Failure> {
        let answer: Answer<'_> = refusal::answer(&event.data, said)?;
        if let Some(error) = &answer.error {
            return Err(refusal::late(error, said));
        }
        if self.raw {
            into.push(Event::Raw(event.raw.clone()));
        }
        self.blocked |= answer.is_blocked();
        if !self.begun {
            self.begun = true;
            self.answer = answer.response_id.unwrap_or_default().into_owned();
            into.push(Event::Started {
                model: model_name(answer.model_version.as_deref()),
            });
        }
        if let Some(tokens) = answer.usage_metadata {
            self.usage = Some(tokens.into());
        }
        let candidate = answer.candidates.0.unwrap_or_default();
        for piece in candidate.content.unwrap_or_default().parts.0 {
            let part = piece.part(&self.answer, self.calls, &self.tools);
            self.part(part, into);
        }
        if let Some(reason) = candidate.finish_reason {
            self.reason = Some(reason.into_owned());
        }
        Ok(())
    }

    /// The end has no marker: an answer is complete if it says why it ends.
    fn end(&mut self, into: &mut Vec<Event>) -> Result<(), Failure> {
        if self.reason.is_none() && !self.blocked {
            return Err(refusal::broken_off());
        }
        let reason = self.reason.as_deref();
        let finish = finish(reason, self.blocked, self.made)?;
        into.extend(self.usage.map(Event::Usage));
        into.push(Event::End {
            finish,
            stop_sequence: None,
        });
        Ok(())
    }
}
