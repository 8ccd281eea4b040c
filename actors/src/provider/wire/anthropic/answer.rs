//! What a server that speaks Anthropic's Messages format answers in one piece.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, de::SeqAccess};
use serde_json::value::RawValue;

use super::{finish, said};
use crate::{
    conversation::{Content, Format, Part, Signature, ToolCall},
    protocol::{Completed, Completion, CompletionRequest, Failure, FinishReason, Usage},
    provider::wire::{
        arguments,
        error_body::ErrorBody,
        lenient::{self, Lenient, Object, any},
        model_name,
        names::Renamed,
        refusal,
    },
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer<'a> {
    #[serde(borrow, rename = "type", deserialize_with = "any")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    content: Option<Blocks<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) model: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    stop_sequence: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    stop_details: Option<StopDetails<'a>>,
    #[serde(deserialize_with = "any")]
    pub(super) usage: Option<Tokens>,
}

/// What more there is to say about a refusal.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct StopDetails<'a> {
    /// For people.
    #[serde(borrow, deserialize_with = "any")]
    explanation: Option<Cow<'a, str>>,
}

struct Blocks<'a>(Vec<Block<'a>>);

/// A block, or the beginning of one in a stream.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type", deserialize_with = "any")]
    pub(super) kind: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) thinking: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) signature: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) data: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

#[derive(Default, Clone, Copy, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    #[serde(deserialize_with = "any")]
    input_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    cache_read_input_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    output_tokens: Option<u64>,
}

/// The answer in a body.
pub(super) fn decode(request: &CompletionRequest, bytes: &[u8]) -> Result<Completed, Failure> {
    let body = String::from_utf8_lossy(bytes);
    let unreadable = || refusal::unreadable(&body, said);
    let answer: Answer<'_> = refusal::answer(&body, said)?;
    if answer.error.is_some() || answer.kind.as_deref() == Some("error") {
        let error = answer.error.unwrap_or_default();
        return Err(refusal::late(&error, said));
    }
    let Blocks(blocks) = answer.content.ok_or_else(unreadable)?;
    let tools = &Renamed::of(&request.conversation.tools);
    let mut parts: Vec<_> = blocks
        .into_iter()
        .filter_map(|block| block.part(tools))
        .collect();
    let finish = finish(answer.stop_reason.as_deref());
    let explanation = explanation(finish, answer.stop_details);
    parts.extend(explanation.map(|text| Content::Refusal(text).into()));
    Ok(Completed::Whole(Completion {
        parts,
        model: model_name(answer.model.as_deref()),
        usage: answer.usage.map(Usage::from).unwrap_or_default(),
        finish,
        stop_sequence: answer.stop_sequence.map(Cow::into_owned),
        raw: request.raw.as_ref().map(|_| Bytes::copy_from_slice(bytes)),
    }))
}

/// What the vendor says of a refusal, if it says anything.
pub(super) fn explanation(
    finish: FinishReason,
    details: Option<StopDetails<'_>>,
) -> Option<String> {
    let refused = details.filter(|_| finish == FinishReason::ContentFilter);
    let text = refused?.explanation.filter(|text| !text.is_empty())?;
    Some(text.into_owned())
}

/// What the vendor wants back with a thought.
pub(super) fn signature(text: Option<Cow<'_, str>>) -> Option<Signature> {
    let text = text.filter(|text| !text.is_empty())?;
    Some(Signature {
        format: Format::Anthropic,
        text: text.as_ref().into(),
    })
}

// === impl Block ===

impl Block<'_> {
    /// `None` for an empty text and for what the hub does not know, such as the vendor's own searches.
    fn part(self, tools: &Renamed) -> Option<Part> {
        let content = match self.kind.as_deref()? {
            "text" => {
                let text = self.text.filter(|text| !text.is_empty())?;
                Content::Text(text.into_owned())
            }
            "thinking" => Content::Thinking(self.thinking.unwrap_or_default().into_owned()),
            "redacted_thinking" => Content::RedactedThinking(self.data?.into_owned()),
            "tool_use" => Content::ToolCall(ToolCall {
                id: self.id.unwrap_or_default().into_owned(),
                name: tools.inner(self.name.as_deref().unwrap_or_default()),
                arguments: arguments::text(self.input).into_owned(),
            }),
            _ => return None,
        };
        Some(Part {
            signature: signature(self.signature),
            ..content.into()
        })
    }
}

// === impl Tokens ===

impl Tokens {
    /// Takes what `later` counts in place of what was counted before: a stream's counts are sums.
    pub(super) fn update(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.cache_creation_input_tokens = later
            .cache_creation_input_tokens
            .or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = later
            .cache_read_input_tokens
            .or(self.cache_read_input_tokens);
    }
}

// === impl Usage ===

impl From<Tokens> for Usage {
    /// Anthropic's `input_tokens` are those that no cache had to do with.
    fn from(tokens: Tokens) -> Self {
        let cached = tokens.cache_read_input_tokens.unwrap_or(0);
        let created = tokens.cache_creation_input_tokens.unwrap_or(0);
        Self {
            input_tokens: tokens.input_tokens.unwrap_or(0) + created + cached,
            output_tokens: tokens.output_tokens.unwrap_or(0),
            cached_input_tokens: Some(cached).filter(|&cached| cached > 0),
            reasoning_tokens: None,
            cost_usd: None,
        }
    }
}

// === impl Lenient ===

impl<'de: 'a, 'a> Lenient<'de> for Option<Blocks<'a>> {
    fn from_text(text: Cow<'de, str>) -> Self {
        Some(Blocks(vec![Block {
            kind: Some("text".into()),
            text: Some(text),
            ..Block::default()
        }]))
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut blocks = Vec::new();
        lenient::each(list, |block: Option<Block<'a>>| {
            blocks.extend(block.filter(|block| block.kind.is_some()));
        })?;
        Ok(Some(Blocks(blocks)))
    }
}

impl<'de: 'a, 'a> Object<'de> for Answer<'a> {}
impl<'de: 'a, 'a> Object<'de> for Block<'a> {}
impl<'de: 'a, 'a> Object<'de> for StopDetails<'a> {}
impl Object<'_> for Tokens {}
