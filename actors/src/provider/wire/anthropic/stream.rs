//! What a server that speaks Anthropic's Messages format answers bit by bit.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    answer::{Answer, Block, StopDetails, Tokens, explanation, signature},
    finish, said,
};
use crate::{
    protocol::{CompletionRequest, Failure, FinishReason, Usage},
    provider::wire::{
        ReadStream, arguments,
        error_body::ErrorBody,
        lenient::{Object, any},
        model_name,
        names::Renamed,
        refusal,
        sse::ServerSent,
    },
    streaming::Event,
};

/// Reads one stream.
pub(super) struct Stream {
    tools: Renamed,
    raw: bool,
    begun: bool,
    usage: Option<Tokens>,
    finish: FinishReason,
    stop_sequence: Option<String>,
    /// The block that is being written.
    open: Open,
    /// How many calls there were.
    calls: usize,
}

/// A block that is being written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// A text, a thought, or something that the hub does not know.
    Other,
    /// A call, and whether it has arguments.
    Call(bool),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow, rename = "type", deserialize_with = "any")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    message: Option<Answer<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    content_block: Option<Block<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    delta: Option<Delta<'a>>,
    #[serde(deserialize_with = "any")]
    usage: Option<Tokens>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta<'a> {
    #[serde(borrow, deserialize_with = "any")]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    partial_json: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    stop_sequence: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    stop_details: Option<StopDetails<'a>>,
}

// === impl Stream ===

impl Stream {
    pub(super) fn new(request: &CompletionRequest) -> Self {
        Self {
            tools: Renamed::of(&request.conversation.tools),
            raw: request.raw.is_some(),
            begun: false,
            usage: None,
            finish: FinishReason::Stop,
            stop_sequence: None,
            open: Open::Other,
            calls: 0,
        }
    }

    fn start(&mut self, block: Block<'_>, into: &mut Vec<Event>) {
        self.open = Open::Other;
        match block.kind.as_deref() {
            Some("text") => say(block.text, into),
            Some("thinking") => {
                think(block.thinking, into);
                into.extend(signature(block.signature).map(Event::Signature));
            }
            Some("redacted_thinking") => {
                into.extend(
                    block
                        .data
                        .map(|data| Event::RedactedThinking(data.into_owned())),
                );
            }
            Some("tool_use") => {
                let name = block.name.unwrap_or_default();
                into.push(Event::ToolCall {
                    index: self.calls,
                    id: block.id.unwrap_or_default().into_owned(),
                    name: self.tools.inner(&name),
                    signature: None,
                });
                self.open = Open::Call(false);
                self.calls += 1;
                // Whole already, with some servers; `{}` only says that fragments follow.
                let input = arguments::text(block.input);
                if !input.trim_matches(['{', '}', ' ']).is_empty() {
                    self.arguments(&input, into);
                }
            }
            _ => {}
        }
    }

    fn delta(&mut self, delta: Delta<'_>, into: &mut Vec<Event>) {
        say(delta.text, into);
        think(delta.thinking, into);
        into.extend(signature(delta.signature).map(Event::Signature));
        if let Some(fragment) = delta.partial_json {
            self.arguments(&fragment, into);
        }
    }

    fn arguments(&mut self, fragment: &str, into: &mut Vec<Event>) {
        // Not of a call of ours: the vendor's own tools write arguments, too.
        if self.open == Open::Other || fragment.is_empty() {
            return;
        }
        self.open = Open::Call(true);
        into.push(Event::Arguments {
            index: self.calls.saturating_sub(1),
            fragment: fragment.to_owned(),
        });
    }

    fn stop(&mut self, into: &mut Vec<Event>) {
        if self.open == Open::Call(false) {
            self.arguments("{}", into);
        }
        self.open = Open::Other;
    }

    fn count(&mut self, tokens: Option<Tokens>) {
        if let Some(tokens) = tokens {
            self.usage.get_or_insert_default().update(tokens);
        }
    }

    fn done(&mut self, into: &mut Vec<Event>) {
        into.extend(self.usage.map(|tokens| Event::Usage(Usage::from(tokens))));
        into.push(Event::End {
            finish: self.finish,
            stop_sequence: self.stop_sequence.take(),
        });
    }
}

impl ReadStream for Stream {
    fn is_raw(&self) -> bool {
        self.raw
    }

    fn read(&mut self, event: &ServerSent, into: &mut Vec<Event>) -> Result<(), Failure> {
        let data: Data<'_> = refusal::answer(&event.data, said)?;
        let kind = data.kind.as_deref().unwrap_or_default();
        if kind == "error" || data.error.is_some() {
            return Err(refusal::late(&data.error.unwrap_or_default(), said));
        }
        // The hub tells its own clients that it lives.
        if kind == "ping" {
            return Ok(());
        }
        if self.raw {
            into.push(Event::Raw(event.raw.clone()));
        }
        match kind {
            "message_start" => {
                let message = data.message.unwrap_or_default();
                self.count(message.usage);
                if !self.begun {
                    self.begun = true;
                    into.push(Event::Started {
                        model: model_name(message.model.as_deref()),
                    });
                }
            }
            "content_block_start" => self.start(data.content_block.unwrap_or_default(), into),
            "content_block_delta" => self.delta(data.delta.unwrap_or_default(), into),
            "content_block_stop" => self.stop(into),
            "message_delta" => {
                let delta = data.delta.unwrap_or_default();
                self.count(data.usage);
                if delta.stop_reason.is_some() {
                    self.finish = finish(delta.stop_reason.as_deref());
                    self.stop_sequence = delta.stop_sequence.map(Cow::into_owned);
                    let explanation = explanation(self.finish, delta.stop_details);
                    into.extend(explanation.map(Event::Refusal));
                }
            }
            "message_stop" => self.done(into),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<Event>) -> Result<(), Failure> {
        Err(refusal::broken_off())
    }
}

fn say(text: Option<Cow<'_, str>>, into: &mut Vec<Event>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        into.push(Event::Text(text.into_owned()));
    }
}

fn think(text: Option<Cow<'_, str>>, into: &mut Vec<Event>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        into.push(Event::Thinking(text.into_owned()));
    }
}

impl<'de: 'a, 'a> Object<'de> for Data<'a> {}
impl<'de: 'a, 'a> Object<'de> for Delta<'a> {}
