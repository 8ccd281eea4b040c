//! What a server that speaks OpenAI's format answers in one piece.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, de::SeqAccess};
use serde_json::value::RawValue;

use super::{finish, said};
use crate::{
    conversation::{Content, Format, Part, Signature, Tool, ToolCall},
    protocol::{Completed, Completion, CompletionRequest, Failure, FinishReason, Usage},
    provider::wire::{
        arguments,
        error_body::ErrorBody,
        lenient::{self, First, Joined, Lenient, Object, any},
        model_name, names, refusal,
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

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    #[serde(deserialize_with = "any")]
    prompt_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    completion_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    total_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    prompt_tokens_details: Option<PromptTokens>,
    #[serde(deserialize_with = "any")]
    completion_tokens_details: Option<CompletionTokens>,
    /// OpenRouter: US dollars.
    #[serde(deserialize_with = "any")]
    cost: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PromptTokens {
    #[serde(deserialize_with = "any")]
    cached_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CompletionTokens {
    #[serde(deserialize_with = "any")]
    reasoning_tokens: Option<u64>,
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
    let message = choice.message.ok_or_else(refusal::malformed)?;
    let refused = message.refusal.is_some_and(|refusal| !refusal.is_empty());
    let tools = &request.conversation.tools;
    let id = answer.id.unwrap_or_default();
    let mut parts = Vec::with_capacity(1);
    let thinking = message.content.thinking.0;
    let thinking = match message.reasoning_content.or(message.reasoning) {
        Some(text) if thinking.is_empty() => text.into_owned(),
        _ => thinking,
    };
    if !thinking.is_empty() {
        parts.push(Content::Thinking(thinking).into());
    }
    let text = message.content.text.0;
    let mut finish = finish(choice.finish_reason.as_deref());
    match finish {
        _ if !text.is_empty() => parts.push(Part::text(text)),
        _ if refused => return Err(refusal::rejected("refusal")),
        FinishReason::ContentFilter => return Err(refusal::rejected("content_filter")),
        _ => {}
    }
    for (index, call) in message.tool_calls.0.into_iter().enumerate() {
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
    /// The thinking outside the content.
    pub(super) fn take_reasoning(&mut self) -> Option<Cow<'a, str>> {
        self.reasoning_content.take().or(self.reasoning.take())
    }
}

// === impl Call ===

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

    fn part(self, answer: &str, index: usize, tools: &[Tool]) -> Part {
        let signature = self.signature();
        let function = self.function.unwrap_or_default();
        let name = names::inner(tools, function.name.as_deref().unwrap_or_default());
        let arguments = arguments::text(function.arguments).into_owned();
        let given = self.id.filter(|id| !id.is_empty()).map(Cow::into_owned);
        let id = given.unwrap_or_else(|| names::call_id(answer, index, &name, &arguments));
        let call = ToolCall {
            id,
            name,
            arguments,
        };
        Part {
            content: Content::ToolCall(call),
            signature,
        }
    }
}

// === impl Usage ===

impl From<Tokens> for Usage {
    /// Some count thinking in the total alone (xAI, Gemini's compatible endpoint), so what the
    /// total holds beyond the prompt is output.
    fn from(tokens: Tokens) -> Self {
        let input_tokens = tokens.prompt_tokens.unwrap_or(0);
        let completion = tokens.completion_tokens.unwrap_or(0);
        let beyond_prompt = match (tokens.prompt_tokens, tokens.total_tokens) {
            (Some(prompt), Some(total)) => total.saturating_sub(prompt),
            _ => 0,
        };
        let cached = tokens.prompt_tokens_details.unwrap_or_default();
        let reasoning = tokens.completion_tokens_details.unwrap_or_default();
        Self {
            input_tokens,
            output_tokens: completion.max(beyond_prompt),
            cached_input_tokens: cached.cached_tokens.filter(|&count| count > 0),
            reasoning_tokens: reasoning.reasoning_tokens.filter(|&count| count > 0),
            cost_usd: tokens.cost,
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

impl<'de: 'a, 'a> Object<'de> for Answer<'a> {}
impl<'de: 'a, 'a> Object<'de> for Answered<'a> {}
impl<'de: 'a, 'a> Object<'de> for Call<'a> {}
impl<'de: 'a, 'a> Object<'de> for Choice<'a> {}
impl Object<'_> for CompletionTokens {}
impl<'de: 'a, 'a> Object<'de> for Extra<'a> {}
impl<'de: 'a, 'a> Object<'de> for Function<'a> {}
impl<'de: 'a, 'a> Object<'de> for Google<'a> {}
impl<'de: 'a, 'a> Object<'de> for Piece<'a> {}
impl Object<'_> for PromptTokens {}
impl Object<'_> for Tokens {}
