//! What a server that speaks Google's generateContent format answers, in one piece or in several.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, de::SeqAccess};
use serde_json::value::RawValue;

use super::{is_filter, message::FOREIGN, said, usage::Tokens};
use crate::{
    conversation::{Content, Format, Media, Part, Signature, Source, ToolCall},
    protocol::{Completed, Completion, CompletionRequest, Failure, FinishReason, Usage},
    provider::wire::{
        arguments,
        error_body::ErrorBody,
        lenient::{self, First, Lenient, Object, any},
        model_name,
        names::{self, Renamed},
        refusal, words,
    },
};

/// An answer, or a piece of one in a stream.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Answer<'a> {
    #[serde(borrow, deserialize_with = "any")]
    pub(super) error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) candidates: First<Candidate<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(deserialize_with = "any")]
    pub(super) usage_metadata: Option<Tokens>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) model_version: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) response_id: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(borrow, deserialize_with = "any")]
    pub(super) content: Option<Answered<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    pub(super) finish_reason: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Answered<'a> {
    #[serde(borrow, deserialize_with = "any")]
    pub(super) parts: Pieces<'a>,
}

#[derive(Default)]
pub(super) struct Pieces<'a>(pub(super) Vec<Piece<'a>>);

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Piece<'a> {
    #[serde(borrow, deserialize_with = "any")]
    text: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "any")]
    thought: bool,
    #[serde(borrow, deserialize_with = "any")]
    inline_data: Option<InlineData<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    function_call: Option<FunctionCall<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    thought_signature: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct InlineData<'a> {
    #[serde(borrow, deserialize_with = "any")]
    mime_type: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    data: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FunctionCall<'a> {
    #[serde(borrow, deserialize_with = "any")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PromptFeedback<'a> {
    #[serde(borrow, deserialize_with = "any")]
    block_reason: Option<Cow<'a, str>>,
}

/// What an answer has in it besides thinking.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Made {
    text: bool,
    calls: bool,
    images: bool,
}

/// The answer in a body.
pub(super) fn decode(request: &CompletionRequest, bytes: &[u8]) -> Result<Completed, Failure> {
    let body = String::from_utf8_lossy(bytes);
    let unreadable = || refusal::unreadable(&body, said);
    let answer: Answer<'_> = refusal::answer(&body, said)?;
    if let Some(error) = &answer.error {
        return Err(refusal::late(error, said));
    }
    let blocked = answer.is_blocked();
    let candidate = match answer.candidates.0 {
        Some(candidate) if candidate.content.is_some() || candidate.finish_reason.is_some() => {
            candidate
        }
        _ if blocked => Candidate::default(),
        _ => return Err(unreadable()),
    };
    let tools = &Renamed::of(&request.conversation.tools);
    let id = answer.response_id.unwrap_or_default();
    let mut parts: Vec<Part> = Vec::new();
    let mut calls = 0;
    for piece in candidate.content.unwrap_or_default().parts.0 {
        let part = piece.part(&id, calls, tools);
        calls += usize::from(matches!(part.content, Content::ToolCall(_)));
        push(&mut parts, part);
    }
    let reason = candidate.finish_reason.as_deref();
    if reason.is_some_and(is_broken) {
        // The vendor does not stand by its calls.
        parts.retain(|part| !matches!(part.content, Content::ToolCall(_)));
    }
    let mut made = Made::default();
    parts.iter().for_each(|part| made.see(&part.content));
    let finish = finish(reason, blocked, made)?;
    Ok(Completed::Whole(Completion {
        parts,
        model: model_name(answer.model_version.as_deref()),
        usage: answer.usage_metadata.map(Usage::from).unwrap_or_default(),
        finish,
        stop_sequence: None,
        raw: request.raw.as_ref().map(|_| Bytes::copy_from_slice(bytes)),
    }))
}

/// What went wrong in the model: there is no answer, or not all of it.
fn is_broken(reason: &str) -> bool {
    matches!(
        reason,
        "MALFORMED_FUNCTION_CALL"
            | "MALFORMED_RESPONSE"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
    )
}

/// Why an answer ends where it ends.
///
/// # Errors
/// If there is none, and no filter says so: the model broke off without a word.
pub(super) fn finish(
    reason: Option<&str>,
    blocked: bool,
    made: Made,
) -> Result<FinishReason, Failure> {
    let broken = |reason| Failure {
        word: words::shouted(reason),
        ..refusal::malformed()
    };
    match reason {
        _ if blocked => Ok(FinishReason::ContentFilter),
        Some(reason) if is_filter(reason) => Ok(FinishReason::ContentFilter),
        // A text is told for what it is, a part of one.
        Some(reason) if is_broken(reason) => match made.text && !made.calls {
            true => Ok(FinishReason::Length),
            false => Err(broken(reason)),
        },
        Some("MAX_TOKENS") => Ok(FinishReason::Length),
        _ if made.calls => Ok(FinishReason::ToolCalls),
        None | Some("STOP" | "FINISH_REASON_UNSPECIFIED") => Ok(FinishReason::Stop),
        // `LANGUAGE`, `OTHER`, ..
        Some(reason) if made == Made::default() => Err(broken(reason)),
        // Cut by the vendor, for a reason of its own.
        Some("LANGUAGE" | "OTHER" | "IMAGE_OTHER") => Ok(FinishReason::ContentFilter),
        Some(_) => Ok(FinishReason::Stop),
    }
}

/// Adds a part. The vendor cuts texts as it likes; one that has nothing to bring back goes on in the
/// next.
fn push(parts: &mut Vec<Part>, part: Part) {
    let last = parts.last_mut().filter(|last| last.signature.is_none());
    match (last.map(|last| &mut last.content), part) {
        (
            Some(Content::Text(text)),
            Part {
                content: Content::Text(more),
                signature: None,
                ..
            },
        ) => {
            text.push_str(&more);
        }
        (
            Some(Content::Thinking(text)),
            Part {
                content: Content::Thinking(more),
                signature: None,
                ..
            },
        ) => text.push_str(&more),
        (
            _,
            Part {
                content: Content::Text(text) | Content::Thinking(text),
                signature: None,
                ..
            },
        ) if text.is_empty() => {}
        (_, part) => parts.push(part),
    }
}

// === impl Made ===

impl Made {
    pub(super) fn see(&mut self, content: &Content) {
        match content {
            Content::Text(text) => self.text |= !text.is_empty(),
            Content::ToolCall(_) => self.calls = true,
            Content::Image(_) => self.images = true,
            _ => {}
        }
    }
}

// === impl Answer ===

impl Answer<'_> {
    /// The prompt was filtered: there is no answer.
    pub(super) fn is_blocked(&self) -> bool {
        let feedback = self.prompt_feedback.as_ref();
        feedback
            .and_then(|feedback| feedback.block_reason.as_deref())
            .is_some_and(|reason| reason != "BLOCK_REASON_UNSPECIFIED")
    }
}

// === impl Piece ===

impl Piece<'_> {
    /// `answer` and `index` make an id for a call that has none.
    pub(super) fn part(self, answer: &str, index: usize, tools: &Renamed) -> Part {
        let image = self.drawn().map(|(media_type, data)| {
            let (media_type, data) = (media_type.to_owned(), data.to_owned());
            Media::new(Source::Inline { media_type, data })
        });
        let signature = self
            .thought_signature
            .filter(|text| !text.is_empty() && text != FOREIGN)
            .map(|text| Signature {
                format: Format::Gemini,
                text: text.as_ref().into(),
            });
        let content = match (self.function_call, image, self.text) {
            (Some(call), ..) => {
                let name = tools.inner(call.name.as_deref().unwrap_or_default());
                let arguments = match arguments::text(call.args) {
                    Cow::Borrowed("") => "{}".to_owned(),
                    arguments => arguments.into_owned(),
                };
                let given = call.id.filter(|id| !id.is_empty()).map(Cow::into_owned);
                Content::ToolCall(ToolCall {
                    id: given.unwrap_or_else(|| names::call_id(answer, index, &name, &arguments)),
                    name,
                    arguments,
                })
            }
            (None, Some(image), _) => Content::Image(image),
            (None, None, text) => {
                let text = text.unwrap_or_default().into_owned();
                if self.thought {
                    Content::Thinking(text)
                } else {
                    Content::Text(text)
                }
            }
        };
        Part {
            signature,
            ..content.into()
        }
    }
}

// === impl Lenient ===

impl<'de: 'a, 'a> Lenient<'de> for Pieces<'a> {
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut pieces = Vec::new();
        lenient::each(list, |piece: Option<Piece<'a>>| {
            pieces.extend(piece.filter(Piece::holds_something));
        })?;
        Ok(Self(pieces))
    }
}

impl Piece<'_> {
    fn holds_something(&self) -> bool {
        let signed = self.thought_signature.is_some();
        self.text
            .as_ref()
            .is_some_and(|text| signed || !text.is_empty())
            || self.function_call.is_some()
            || self.drawn().is_some()
            || signed
    }

    /// A picture that the model made: its type, and base64. One that it only thought of is not shown.
    fn drawn(&self) -> Option<(&str, &str)> {
        let inline = self.inline_data.as_ref().filter(|_| !self.thought)?;
        let media_type = inline.mime_type.as_deref()?;
        let data = inline.data.as_deref()?;
        let is_image = media_type.starts_with("image/") && !data.is_empty();
        is_image.then_some((media_type, data))
    }
}

impl<'de: 'a, 'a> Object<'de> for Answer<'a> {}
impl<'de: 'a, 'a> Object<'de> for Answered<'a> {}
impl<'de: 'a, 'a> Object<'de> for Candidate<'a> {}
impl<'de: 'a, 'a> Object<'de> for FunctionCall<'a> {}
impl<'de: 'a, 'a> Object<'de> for InlineData<'a> {}
impl<'de: 'a, 'a> Object<'de> for Piece<'a> {}
impl<'de: 'a, 'a> Object<'de> for PromptFeedback<'a> {}
