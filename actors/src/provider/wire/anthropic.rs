//! Anthropic's Messages format (`api = "anthropic"`), version 2023-06-01.

use std::borrow::Cow;

use http::HeaderMap;
use serde::{Deserialize, Serialize, de::SeqAccess};

use super::{
    Dialect, Encoded, Wire,
    error_body::ErrorBody,
    lenient::{self, Joined, Lenient, Object, any},
    model_name,
    parameters::{self, Parameters},
    refusal::{self, Said},
    words,
};
use crate::conversation::Part;
use crate::protocol::{
    Class, Completed, Completion, CompletionRequest, Failure, FailureKind, FinishReason, Usage,
};

/// `POST {base}/messages`
#[derive(Debug)]
pub(super) struct Anthropic;

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    messages: [Message<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow, rename = "type", deserialize_with = "any")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(deserialize_with = "any")]
    content: Option<Content>,
    #[serde(borrow, deserialize_with = "any")]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "any")]
    usage: Option<Tokens>,
}

/// The text of all text blocks.
struct Content(String);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Block<'a> {
    #[serde(borrow, rename = "type", deserialize_with = "any")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    text: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens {
    #[serde(deserialize_with = "any")]
    input_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    cache_read_input_tokens: Option<u64>,
    #[serde(deserialize_with = "any")]
    output_tokens: Option<u64>,
}

// === impl Anthropic ===

impl Wire for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn auth(&self) -> (&'static str, &'static str) {
        ("x-api-key", "")
    }

    fn version(&self) -> Option<(&'static str, &'static str)> {
        Some(("anthropic-version", "2023-06-01"))
    }

    fn encode(
        &self,
        request: &CompletionRequest,
        model: &str,
        dialect: &Dialect,
    ) -> Result<Encoded, Failure> {
        let parameters = Parameters::new(request, dialect);
        let body = Request {
            model,
            max_tokens: request.max_tokens.unwrap_or(4096),
            system: parameters.system,
            messages: [Message {
                role: "user",
                content: &parameters.prompt,
            }],
            temperature: parameters.temperature,
        };
        let encoded = Encoded::new("/messages".to_owned(), &body, parameters.size_hint())?;
        let dropped = parameters::dropped(request, dialect);
        Ok(Encoded { dropped, ..encoded })
    }

    fn decode(&self, _: &CompletionRequest, body: &[u8]) -> Result<Completed, Failure> {
        let body = String::from_utf8_lossy(body);
        let unreadable = || refusal::unreadable(&body, said);
        let answer: Answer<'_> = refusal::answer(&body, said)?;
        if answer.error.is_some() || answer.kind.as_deref() == Some("error") {
            let error = answer.error.unwrap_or_default();
            return Err(refusal::late(&error, said));
        }
        let Content(text) = answer.content.ok_or_else(unreadable)?;
        let finish = finish(answer.stop_reason.as_deref());
        if finish == FinishReason::ContentFilter && text.is_empty() {
            return Err(refusal::rejected("refusal"));
        }
        Ok(Completed::Whole(Completion {
            parts: vec![Part::text(text)],
            model: model_name(answer.model.as_deref()),
            usage: answer.usage.map(Usage::from).unwrap_or_default(),
            finish,
            ..Completion::default()
        }))
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::refusal(status, headers, body, said)
    }
}

fn finish(stop_reason: Option<&str>) -> FinishReason {
    match stop_reason {
        Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
        Some("tool_use") => FinishReason::ToolCalls,
        Some("refusal") => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

fn said(status: u16, error: &ErrorBody<'_>) -> Said {
    const SPENT: [&str; 2] = [
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
    ];
    let used_up = (FailureKind::QuotaExhausted, Class::NextNow);
    // A spend limit comes as a 429 without a delay, an empty balance as a 400.
    let (meaning, word) = if error.is_any_of(&SPENT) {
        let word = error.details.error_code.as_deref().and_then(words::known);
        (Some(used_up), word)
    } else if status == 400 && error.sentence().contains("credit balance") {
        (Some(used_up), None)
    } else if status == 400 && refusal::knows_no_model(error) {
        (Some((FailureKind::ModelNotFound, Class::NextNow)), None)
    } else {
        (None, None)
    };
    Said {
        meaning,
        word: word.or_else(|| error.word()),
        delay: None,
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

impl<'de> Lenient<'de> for Option<Content> {
    fn from_text(text: Cow<'de, str>) -> Self {
        Some(Content(text.into_owned()))
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut text = Joined::default();
        lenient::each(list, |block: Option<Block<'de>>| {
            let block = block.unwrap_or_default();
            if let (Some("text"), Some(more)) = (block.kind.as_deref(), block.text) {
                text.push(more);
            }
        })?;
        Ok(Some(Content(text.0)))
    }
}

impl<'de: 'a, 'a> Object<'de> for Answer<'a> {}
impl<'de: 'a, 'a> Object<'de> for Block<'a> {}
impl Object<'_> for Tokens {}
