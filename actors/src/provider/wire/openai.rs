//! OpenAI's chat completions format (`api = "openai"`) and what its many speakers make of it.

use std::borrow::Cow;

use http::HeaderMap;
use serde::{Deserialize, Serialize, de::SeqAccess};

use super::{
    Dialect, Encoded, Wire,
    error_body::ErrorBody,
    lenient::{self, First, Joined, Lenient, Object, any},
    model_name,
    parameters::{self, Parameters},
    refusal::{self, Said},
    words,
};
use crate::protocol::{
    Class, Completed, Completion, CompletionRequest, Failure, FailureKind, FinishReason, Usage,
};

/// `POST {base}/chat/completions`
#[derive(Debug)]
pub(super) struct OpenAi;

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
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
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answered<'a> {
    #[serde(deserialize_with = "any")]
    content: Content,
    #[serde(borrow, deserialize_with = "any")]
    refusal: Option<Cow<'a, str>>,
}

/// A text, or the texts of a list of parts; nothing for `null`.
#[derive(Default)]
struct Content(Joined);

/// A part of the content. Mistral's `thinking` parts have no `text`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow, deserialize_with = "any")]
    text: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens {
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

// === impl OpenAi ===

impl Wire for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn auth(&self) -> (&'static str, &'static str) {
        ("authorization", "Bearer ")
    }

    fn encode(
        &self,
        request: &CompletionRequest,
        model: &str,
        dialect: &Dialect,
    ) -> Result<Encoded, Failure> {
        let parameters = Parameters::new(request, dialect);
        let (limit, new_name) = (parameters.max_tokens, dialect.max_completion_tokens);
        let message = |role, content| Message { role, content };
        let system = parameters.system.map(|system| message("system", system));
        let user = message("user", &parameters.prompt);
        let body = Request {
            model,
            messages: system.into_iter().chain([user]).collect(),
            max_tokens: limit.filter(|_| !new_name),
            max_completion_tokens: limit.filter(|_| new_name),
            temperature: parameters.temperature,
        };
        let path = "/chat/completions".to_owned();
        let encoded = Encoded::new(path, &body, parameters.size_hint())?;
        let dropped = parameters::dropped(request, dialect);
        Ok(Encoded { dropped, ..encoded })
    }

    fn decode(&self, _: &CompletionRequest, body: &[u8]) -> Result<Completed, Failure> {
        let body = String::from_utf8_lossy(body);
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
        let text = message.content.0.0;
        let finish = finish(choice.finish_reason.as_deref());
        let refused = message.refusal.is_some_and(|refusal| !refusal.is_empty());
        match finish {
            _ if !text.is_empty() => {}
            _ if refused => return Err(refusal::rejected("refusal")),
            FinishReason::ContentFilter => return Err(refusal::rejected("content_filter")),
            _ => {}
        }
        Ok(Completed::Whole(Completion {
            parts: vec![crate::conversation::Part::text(text)],
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

/// Mistral says `model_length` for a full context window.
fn finish(reason: Option<&str>) -> FinishReason {
    match reason {
        Some("length" | "model_length" | "max_tokens") => FinishReason::Length,
        Some("tool_calls" | "function_call") => FinishReason::ToolCalls,
        Some("content_filter") => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

fn said(status: u16, error: &ErrorBody<'_>) -> Said {
    const USED_UP: [&str; 9] = [
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_exhausted",
        "insufficient_balance",
        "insufficient_credits",
        "insufficient_quota",
        "organization_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "project_spend_limit_exceeded",
    ];
    const BAD_KEY: [&str; 3] = ["incorrect api key", "invalid api key", "api key not valid"];

    let metadata = &error.metadata;
    let sentence = error.sentence();
    let next = |kind| Some((kind, Class::NextNow));
    let meaning = match status {
        _ if error.is_any_of(&USED_UP) => next(FailureKind::QuotaExhausted),
        400 | 403 | 404 | 422 if refusal::knows_no_model(error) => next(FailureKind::ModelNotFound),
        400 if error.is_any_of(&["invalid_api_key"])
            || BAD_KEY.iter().any(|phrase| sentence.contains(phrase)) =>
        {
            next(FailureKind::Unauthorized)
        }
        402 if metadata.is_in_flight_budget() => Some((FailureKind::RateLimited, Class::RetrySame)),
        403 if metadata.is_moderation() => Some((FailureKind::Rejected, Class::Stop)),
        _ => None,
    };
    let moderation = meaning == Some((FailureKind::Rejected, Class::Stop));
    let word = error
        .word()
        .or_else(|| words::known(metadata.error_type.as_deref()?))
        .or_else(|| moderation.then_some("moderation"));
    Said {
        meaning,
        word,
        delay: None,
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

impl<'de> Lenient<'de> for Content {
    fn from_text(text: Cow<'de, str>) -> Self {
        Self(Joined(text.into_owned()))
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut joined = Joined::default();
        lenient::each(list, |part: Option<Part<'de>>| {
            if let Some(more) = part.and_then(|part| part.text) {
                joined.push(more);
            }
        })?;
        Ok(Self(joined))
    }
}

impl<'de: 'a, 'a> Object<'de> for Answer<'a> {}
impl<'de: 'a, 'a> Object<'de> for Answered<'a> {}
impl<'de: 'a, 'a> Object<'de> for Choice<'a> {}
impl Object<'_> for CompletionTokens {}
impl<'de: 'a, 'a> Object<'de> for Part<'a> {}
impl Object<'_> for PromptTokens {}
impl Object<'_> for Tokens {}
