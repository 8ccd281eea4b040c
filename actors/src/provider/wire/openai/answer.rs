//! What a server that speaks OpenAI's format answers in one piece.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, de::SeqAccess};
use serde_json::value::RawValue;

use super::{finish, said, usage::Tokens};
use crate::{
    conversation::{Content, Format, Media, Part, Signature, ToolCall},
    protocol::{Completed, Completion, CompletionRequest, Failure, FinishReason, Usage},
    provider::wire::{
        arguments,
        error_body::ErrorBody,
        lenient::{self, First, Joined, Lenient, Object, any},
        media, model_name,
        names::{self, Renamed},
        refusal,
    },
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    choices: First<Choice<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    model: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "any")]
    usage: Option<Tokens>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice<'a> {
    /// OpenRouter: what broke the generation off.
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    message: Option<Answered<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    finish_reason: Option<Cow<'a, str>>,
}

/// A message, or a piece of one in a stream.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Answered<'a> {
    #[serde(deserialize_with = "any")]
    pub(super) content: Text,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) refusal: Option<Cow<'a, str>>,
    /// DeepSeek, vLLM, xAI and others.
    #[serde(borrow, deserialize_with = "any")]
    reasoning_content: Option<Cow<'a, str>>,
    /// OpenRouter, Ollama.
    #[serde(borrow, deserialize_with = "any")]
    reasoning: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) tool_calls: Calls<'a>,
    /// What servers of the first hour write for a call.
    #[serde(borrow, deserialize_with = "any")]
    function_call: Option<Function<'a>>,
    /// OpenRouter: what a model has drawn.
    #[serde(deserialize_with = "any")]
    pub(super) images: Images,
}

/// Pictures at addresses, most of them data URLs.
#[derive(Default)]
pub(super) struct Images(pub(super) Vec<Media>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Drawn<'a> {
    #[serde(borrow, deserialize_with = "any")]
    image_url: Option<Place<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Place<'a> {
    #[serde(borrow, deserialize_with = "any")]
    url: Option<Cow<'a, str>>,
}

/// A text, or the texts of a list of parts; nothing for `null`.
#[derive(Default)]
pub(super) struct Text {
    pub(super) text: Joined,
    /// Mistral has its thinking among the parts.
    pub(super) thinking: Joined,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Piece<'a> {
    #[serde(borrow, deserialize_with = "any")]
    text: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "any")]
    thinking: Text,
}

/// Calls of tools, or pieces of them in a stream.
#[derive(Default)]
pub(super) struct Calls<'a>(pub(super) Vec<Call<'a>>);

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Call<'a> {
    #[serde(deserialize_with = "any")]
    pub(super) index: Option<u64>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) function: Option<Function<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    extra_content: Option<Extra<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Function<'a> {
    #[serde(borrow, deserialize_with = "any")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extra<'a> {
    #[serde(borrow, deserialize_with = "any")]
    google: Option<Google<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Google<'a> {
    #[serde(borrow, deserialize_with = "any")]
    thought_signature: Option<Cow<'a, str>>,
}

/// The answer in a body.
pub(super) fn decode(request: &CompletionRequest, bytes: &[u8]) -> Result<Completed, Failure> {
    let body = String::from_utf8_lossy(bytes);
    let unreadable = || refusal::unreadable(&body, said);
    let answer: Answer<'_> = refusal::answer(&body, said)?;
    if let Some(error) = &answer.error {
        return Err(refusal::late(error, said));
    }
    let choice = answer.choices.0.ok_or_else(unreadable)?;
    if choice.error.is_some() || choice.finish_reason.as_deref() == Some("error") {
        let error = choice.error.unwrap_or_default();
        return Err(refusal::late(&error, said));
    }
    let mut finish = finish(choice.finish_reason.as_deref());
    let message = match (choice.message, finish) {
        (Some(message), _) => message,
        (None, FinishReason::ContentFilter) => Answered::default(),
        (None, _) => return Err(refusal::malformed()),
    };
    let tools = &Renamed::of(&request.conversation.tools);
    let id = answer.id.unwrap_or_default();
    let mut parts = Vec::with_capacity(1);
    let Answered {
        content,
        refusal,
        reasoning_content,
        reasoning,
        tool_calls: Calls(mut calls),
        function_call,
        images: Images(images),
    } = message;
    calls.extend(function_call.map(Call::from));
    let thinking = content.thinking.0;
    let thinking = match reasoning_content.or(reasoning) {
        Some(text) if thinking.is_empty() => text.into_owned(),
        _ => thinking,
    };
    if !thinking.is_empty() {
        parts.push(Content::Thinking(thinking).into());
    }
    let text = content.text.0;
    let said = !text.is_empty() || !images.is_empty();
    if !text.is_empty() {
        parts.push(Part::text(text));
    }
    let drawn = images.into_iter();
    parts.extend(drawn.map(|image| Content::Image(image).into()));
    if let Some(refusal) = refusal.filter(|refusal| !refusal.is_empty()) {
        parts.push(Content::Refusal(refusal.into_owned()).into());
        // Most say `stop`.
        if !said {
            finish = FinishReason::ContentFilter;
        }
    }
    for (index, call) in calls.into_iter().enumerate() {
        parts.push(call.part(&id, index, tools));
        // Some say `stop`.
        finish = FinishReason::ToolCalls;
    }
    Ok(Completed::Whole(Completion {
        parts,
        model: model_name(answer.model.as_deref()),
        usage: answer.usage.map(Usage::from).unwrap_or_default(),
        finish,
        stop_sequence: None,
        raw: request.raw.as_ref().map(|_| Bytes::copy_from_slice(bytes)),
    }))
}

// === impl Answered ===

impl<'a> Answered<'a> {
    /// A call as it was written in the beginning.
    pub(super) fn take_function_call(&mut self) -> Option<Call<'a>> {
        self.function_call.take().map(Call::from)
    }

    /// The thinking outside the content.
    pub(super) fn take_reasoning(&mut self) -> Option<Cow<'a, str>> {
        self.reasoning_content.take().or(self.reasoning.take())
    }
}

// === impl Call ===

impl<'a> From<Function<'a>> for Call<'a> {
    fn from(function: Function<'a>) -> Self {
        Self {
            function: Some(function),
            ..Self::default()
        }
    }
}

impl Call<'_> {
    /// What has to come back with the call.
    pub(super) fn signature(&self) -> Option<Signature> {
        let extra = self.extra_content.as_ref()?.google.as_ref()?;
        let text = extra.thought_signature.as_deref()?;
        Some(Signature {
            format: Format::Gemini,
            text: text.into(),
        })
    }

    fn part(self, answer: &str, index: usize, tools: &Renamed) -> Part {
        let signature = self.signature();
        let function = self.function.unwrap_or_default();
        let name = tools.inner(function.name.as_deref().unwrap_or_default());
        let arguments = arguments::text(function.arguments).into_owned();
        let given = self.id.filter(|id| !id.is_empty()).map(Cow::into_owned);
        let id = given.unwrap_or_else(|| names::call_id(answer, index, &name, &arguments));
        let call = ToolCall {
            id,
            name,
            arguments,
        };
        Part {
            signature,
            ..Content::ToolCall(call).into()
        }
    }
}

// === impl Lenient ===

impl<'de> Lenient<'de> for Text {
    fn from_text(text: Cow<'de, str>) -> Self {
        Self {
            text: Joined(text.into_owned()),
            thinking: Joined::default(),
        }
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut texts = Self::default();
        lenient::each(list, |piece: Option<Piece<'de>>| {
            let piece = piece.unwrap_or_default();
            texts.thinking.push(piece.thinking.text.0.into());
            if let Some(more) = piece.text {
                texts.text.push(more);
            }
        })?;
        Ok(texts)
    }
}

impl<'de: 'a, 'a> Lenient<'de> for Calls<'a> {
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut calls = Vec::new();
        lenient::each(list, |call: Option<Call<'a>>| {
            calls.extend(call.filter(|call| call.function.is_some()));
        })?;
        Ok(Self(calls))
    }
}

impl<'de> Lenient<'de> for Images {
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut images = Vec::new();
        lenient::each(list, |drawn: Option<Drawn<'de>>| {
            let place = drawn.and_then(|drawn| drawn.image_url);
            let url = place.and_then(|place| place.url);
            let shown = url.filter(|url| url.starts_with("data:") || url.starts_with("https://"));
            images.extend(shown.map(|url| Media::new(media::at(url.into_owned()))));
        })?;
        Ok(Self(images))
    }
}

impl<'de: 'a, 'a> Object<'de> for Answer<'a> {}
impl<'de: 'a, 'a> Object<'de> for Answered<'a> {}
impl<'de: 'a, 'a> Object<'de> for Call<'a> {}
impl<'de: 'a, 'a> Object<'de> for Choice<'a> {}
impl<'de: 'a, 'a> Object<'de> for Drawn<'a> {}
impl<'de: 'a, 'a> Object<'de> for Extra<'a> {}
impl<'de: 'a, 'a> Object<'de> for Function<'a> {}
impl<'de: 'a, 'a> Object<'de> for Google<'a> {}
impl<'de: 'a, 'a> Object<'de> for Piece<'a> {}
impl<'de: 'a, 'a> Object<'de> for Place<'a> {}
