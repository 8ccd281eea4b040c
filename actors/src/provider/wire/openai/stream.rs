//! What a server that speaks OpenAI's format answers bit by bit.

use std::borrow::Cow;

use serde::{Deserialize, de::SeqAccess};

use super::{
    answer::{Answered, Call},
    finish, said,
    usage::Tokens,
};
use crate::{
    protocol::{CompletionRequest, Failure, FinishReason, Usage},
    provider::wire::{
        ReadStream, arguments,
        error_body::ErrorBody,
        lenient::{self, Lenient, Object, any},
        model_name,
        names::{self, Renamed},
        refusal,
        sse::ServerSent,
    },
    streaming::Event,
};

/// Reads one stream.
pub(super) struct Stream {
    tools: Renamed,
    /// Events go on as they came; the usage is among them only if the caller wants it so.
    raw: Option<WantsUsage>,
    begun: bool,
    said: bool,
    refused: bool,
    answer: String,
    calls: Vec<Started>,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
}

type WantsUsage = bool;

/// A call that has begun.
struct Started {
    /// The vendor's number for it.
    index: u64,
    id: String,
    has_arguments: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Chunk<'a> {
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    choices: Choices<'a>,
    #[serde(deserialize_with = "any")]
    usage: Option<Tokens>,
}

#[derive(Default)]
struct Choices<'a>(Vec<Choice<'a>>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice<'a> {
    #[serde(deserialize_with = "any")]
    index: Option<u64>,
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    delta: Option<Answered<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    finish_reason: Option<Cow<'a, str>>,
}

// === impl Stream ===

impl Stream {
    pub(super) fn new(request: &CompletionRequest) -> Self {
        Self {
            tools: Renamed::of(&request.conversation.tools),
            raw: request.raw.as_ref().map(|raw| raw.wants_usage),
            begun: false,
            said: false,
            refused: false,
            answer: String::new(),
            calls: Vec::new(),
            usage: None,
            finish: None,
        }
    }

    fn delta(&mut self, mut delta: Answered<'_>, into: &mut Vec<Event>) {
        let thinking = std::mem::take(&mut delta.content.thinking.0);
        let reasoning = delta.take_reasoning().map(Cow::into_owned);
        for thinking in [Some(thinking), reasoning].into_iter().flatten() {
            if !thinking.is_empty() {
                into.push(Event::Thinking(thinking));
            }
        }
        let text = std::mem::take(&mut delta.content.text.0);
        if !text.is_empty() {
            self.said = true;
            into.push(Event::Text(text));
        }
        for image in std::mem::take(&mut delta.images.0) {
            self.said = true;
            into.push(Event::Image(image));
        }
        let function_call = delta.take_function_call();
        if let Some(refusal) = delta.refusal.filter(|refusal| !refusal.is_empty()) {
            self.refused = true;
            into.push(Event::Refusal(refusal.into_owned()));
        }
        for call in delta.tool_calls.0.into_iter().chain(function_call) {
            self.call(&call, into);
        }
    }

    fn call(&mut self, call: &Call<'_>, into: &mut Vec<Event>) {
        let Some(function) = &call.function else {
            return;
        };
        let at = match self.known(call) {
            Some(at) => at,
            None => {
                let at = self.calls.len();
                self.start(call, into);
                at
            }
        };
        let fragment = arguments::text(function.arguments).into_owned();
        if !fragment.is_empty() {
            if let Some(call) = self.calls.get_mut(at) {
                call.has_arguments = true;
            }
            into.push(Event::Arguments {
                index: at,
                fragment,
            });
        }
    }

    /// Which call a piece belongs to; `None` for a new one. Some vendors leave the number out, or give
    /// every call the same.
    fn known(&self, call: &Call<'_>) -> Option<usize> {
        let at = match call.index {
            Some(index) => self.calls.iter().rposition(|known| known.index == index)?,
            None => self.calls.len().checked_sub(1)?,
        };
        let known = self.calls.get(at)?;
        let other_id = call
            .id
            .as_deref()
            .is_some_and(|id| !id.is_empty() && id != known.id);
        (!other_id).then_some(at)
    }

    fn start(&mut self, call: &Call<'_>, into: &mut Vec<Event>) {
        let index = self.calls.len();
        let name = call
            .function
            .as_ref()
            .and_then(|function| function.name.as_deref());
        let name = self.tools.inner(name.unwrap_or_default());
        let given = call.id.as_deref().filter(|id| !id.is_empty());
        let id = given.map_or_else(
            || names::call_id(&self.answer, index, &name, ""),
            str::to_owned,
        );
        self.said = true;
        self.calls.push(Started {
            index: call.index.unwrap_or(index as u64),
            id: id.clone(),
            has_arguments: false,
        });
        into.push(Event::ToolCall {
            index,
            id,
            name,
            signature: call.signature(),
        });
    }

    fn done(&mut self, into: &mut Vec<Event>) {
        // Most say `stop`.
        let finish = match self.refused && !self.said {
            true => FinishReason::ContentFilter,
            false => self.finish.unwrap_or_default(),
        };
        let empty = |(_, call): &(usize, &Started)| !call.has_arguments;
        for (index, _) in self.calls.iter().enumerate().filter(empty) {
            let fragment = "{}".to_owned();
            into.push(Event::Arguments { index, fragment });
        }
        into.extend(self.usage.take().map(Event::Usage));
        into.push(Event::End {
            finish: if self.calls.is_empty() {
                finish
            } else {
                FinishReason::ToolCalls
            },
            stop_sequence: None,
        });
    }
}

impl ReadStream for Stream {
    fn is_raw(&self) -> bool {
        self.raw.is_some()
    }

    fn read(&mut self, event: &ServerSent, into: &mut Vec<Event>) -> Result<(), Failure> {
        if event.data.trim() == "[DONE]" {
            if self.raw.is_some() {
                into.push(Event::Raw(event.raw.clone()));
            }
            self.done(into);
            return Ok(());
        }
        let chunk: Chunk<'_> = refusal::answer(&event.data, said)?;
        if let Some(error) = &chunk.error {
            return Err(refusal::late(error, said));
        }
        let choices = chunk.choices.0;
        if let Some(broken) = choices.iter().find(|choice| choice.is_broken()) {
            let error = broken.error.as_ref();
            return Err(error.map_or_else(
                || refusal::late(&ErrorBody::default(), said),
                |error| refusal::late(error, said),
            ));
        }
        let about_usage = choices.is_empty() && chunk.usage.is_some();
        if let Some(wants_usage) = self.raw
            && (wants_usage || !about_usage)
        {
            into.push(Event::Raw(event.raw.clone()));
        }
        if !self.begun {
            self.begun = true;
            self.answer = chunk.id.unwrap_or_default().into_owned();
            into.push(Event::Started {
                model: model_name(chunk.model.as_deref()),
            });
        }
        if let Some(tokens) = chunk.usage {
            self.usage = Some(tokens.into());
        }
        for choice in choices
            .into_iter()
            .filter(|choice| choice.index.unwrap_or(0) == 0)
        {
            if let Some(delta) = choice.delta {
                self.delta(delta, into);
            }
            if choice.finish_reason.is_some() {
                self.finish = Some(finish(choice.finish_reason.as_deref()));
            }
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<Event>) -> Result<(), Failure> {
        Err(refusal::broken_off())
    }
}

// === impl Choice ===

impl Choice<'_> {
    fn is_broken(&self) -> bool {
        self.error.is_some() || self.finish_reason.as_deref() == Some("error")
    }
}

// === impl Lenient ===

impl<'de: 'a, 'a> Lenient<'de> for Choices<'a> {
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut choices = Vec::new();
        lenient::each(list, |choice: Option<Choice<'a>>| choices.extend(choice))?;
        Ok(Self(choices))
    }
}

impl<'de: 'a, 'a> Object<'de> for Choice<'a> {}
impl<'de: 'a, 'a> Object<'de> for Chunk<'a> {}
