//! Google's generateContent format (`api = "gemini"`), v1beta.

use std::borrow::Cow;

use http::HeaderMap;
use serde::{Deserialize, Serialize, de::SeqAccess};

use super::{
    Dialect, Encoded, Wire, delay,
    error_body::ErrorBody,
    lenient::{self, First, Joined, Lenient, Object, Presence, any},
    model_name,
    parameters::{self, Parameters},
    refusal::{self, Said},
    words,
};
use crate::protocol::{
    Class, Completed, Completion, CompletionRequest, Failure, FailureKind, FinishReason, Usage,
};

/// `POST {base}/models/{model}:generateContent`
#[derive(Debug)]
pub(super) struct Gemini;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    contents: [Content<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<GenerationConfig>,
}

#[derive(Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: [Text<'a>; 1],
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    candidates: First<Candidate<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(deserialize_with = "any")]
    usage_metadata: Option<Tokens>,
    #[serde(borrow, deserialize_with = "any")]
    model_version: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(deserialize_with = "any")]
    content: Option<Answered>,
    #[serde(borrow, deserialize_with = "any")]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answered {
    #[serde(deserialize_with = "any")]
    parts: Parts,
}

/// What the parts hold together; thinking is left out.
#[derive(Default)]
struct Parts {
    text: Joined,
    calls_function: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow, deserialize_with = "any")]
    text: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "any")]
    thought: bool,
    #[serde(deserialize_with = "any")]
    function_call: Presence,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PromptFeedback<'a> {
    #[serde(borrow, deserialize_with = "any")]
    block_reason: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Tokens {
    #[serde(deserialize_with = "any")]
    prompt_token_count: Option<u64>,
    #[serde(deserialize_with = "any")]
    tool_use_prompt_token_count: Option<u64>,
    #[serde(deserialize_with = "any")]
    cached_content_token_count: Option<u64>,
    #[serde(deserialize_with = "any")]
    candidates_token_count: Option<u64>,
    #[serde(deserialize_with = "any")]
    thoughts_token_count: Option<u64>,
}

// === impl Gemini ===

impl Wire for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    /// Never `?key=`: addresses reach logs.
    fn auth(&self) -> (&'static str, &'static str) {
        ("x-goog-api-key", "")
    }

    fn encode(
        &self,
        request: &CompletionRequest,
        model: &str,
        dialect: &Dialect,
    ) -> Result<Encoded, Failure> {
        let model = path_segment(model)?;
        let parameters = Parameters::new(request, dialect);
        let content = |role, text| Content {
            role,
            parts: [Text { text }],
        };
        let limits = parameters.max_tokens.is_some() || parameters.temperature.is_some();
        let body = Request {
            system_instruction: parameters.system.map(|system| content(None, system)),
            contents: [content(Some("user"), &parameters.prompt)],
            generation_config: limits.then_some(GenerationConfig {
                max_output_tokens: parameters.max_tokens,
                temperature: parameters.temperature,
            }),
        };
        let path = format!("/models/{model}:generateContent");
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
        let feedback = answer.prompt_feedback.unwrap_or_default();
        let blocked = feedback
            .block_reason
            .is_some_and(|reason| reason != "BLOCK_REASON_UNSPECIFIED");
        let candidate = match answer.candidates.0 {
            Some(candidate) if candidate.content.is_some() || candidate.finish_reason.is_some() => {
                candidate
            }
            _ if blocked => Candidate::default(),
            _ => return Err(unreadable()),
        };
        let parts = candidate.content.unwrap_or_default().parts;
        let text = parts.text.0;
        let finish = match candidate.finish_reason.as_deref() {
            _ if blocked => FinishReason::ContentFilter,
            Some(reason) if is_filter(reason) => FinishReason::ContentFilter,
            Some("MAX_TOKENS") => FinishReason::Length,
            _ if parts.calls_function => FinishReason::ToolCalls,
            None | Some("STOP" | "FINISH_REASON_UNSPECIFIED") => FinishReason::Stop,
            // The model broke off without a word (`MALFORMED_RESPONSE`, `LANGUAGE`, `OTHER`, ..).
            Some(reason) if text.is_empty() => {
                return Err(Failure {
                    word: words::shouted(reason),
                    ..refusal::malformed()
                });
            }
            Some(_) => FinishReason::Stop,
        };
        if finish == FinishReason::ContentFilter && text.is_empty() {
            return Err(refusal::rejected("content_filter"));
        }
        Ok(Completed::Whole(Completion {
            parts: vec![crate::conversation::Part::text(text)],
            model: model_name(answer.model_version.as_deref()),
            usage: answer.usage_metadata.map(Usage::from).unwrap_or_default(),
            finish,
            ..Completion::default()
        }))
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::refusal(status, headers, body, said)
    }
}

/// The model's name as a segment of the path, and nothing that could leave it.
fn path_segment(model: &str) -> Result<&str, Failure> {
    let name = model.strip_prefix("models/").unwrap_or(model);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if matches!(name, "" | "." | "..") || !name.bytes().all(fits) {
        return Err(Failure::new(FailureKind::ModelNotFound, Class::NextNow));
    }
    Ok(name)
}

fn is_filter(reason: &str) -> bool {
    matches!(
        reason.strip_prefix("IMAGE_").unwrap_or(reason),
        "SAFETY" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "RECITATION"
    )
}

fn said(status: u16, error: &ErrorBody<'_>) -> Said {
    let details = &error.details;
    let sentence = error.sentence();
    let reason = details.reason.as_deref().unwrap_or_default();
    // A bad key is a 400, too; so is a country or a project that may not use the service.
    let bad_key = reason.starts_with("API_KEY_")
        || sentence.contains("api key not valid")
        || sentence.contains("api key expired");
    let bad_account = error.status.as_deref() == Some("FAILED_PRECONDITION");
    let used_up = details.used_up || names_zero_limit(&sentence);
    let kind = match status {
        400 if bad_key || bad_account => Some(FailureKind::Unauthorized),
        400 if refusal::knows_no_model(error) => Some(FailureKind::ModelNotFound),
        429 if used_up => Some(FailureKind::QuotaExhausted),
        _ => None,
    };
    let key_word = if bad_key {
        words::shouted(reason)
    } else {
        None
    };
    Said {
        meaning: kind.map(|kind| (kind, Class::NextNow)),
        word: key_word.or_else(|| error.word()),
        delay: details.retry_delay.as_deref().and_then(delay::duration),
    }
}

/// `limit: 0` in a quota's sentence: the plan has none of it, and waiting brings none.
fn names_zero_limit(sentence: &str) -> bool {
    let mut after = sentence.split("limit: 0").skip(1);
    after.any(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

// === impl Usage ===

impl From<Tokens> for Usage {
    /// Gemini counts the cached part within the prompt, and thinking beside the answer.
    fn from(tokens: Tokens) -> Self {
        let thoughts = tokens.thoughts_token_count.unwrap_or(0);
        let tool_use = tokens.tool_use_prompt_token_count.unwrap_or(0);
        Self {
            input_tokens: tokens.prompt_token_count.unwrap_or(0) + tool_use,
            output_tokens: tokens.candidates_token_count.unwrap_or(0) + thoughts,
            cached_input_tokens: tokens.cached_content_token_count.filter(|&count| count > 0),
            reasoning_tokens: Some(thoughts).filter(|&count| count > 0),
            cost_usd: None,
        }
    }
}

// === impl Lenient ===

impl<'de> Lenient<'de> for Parts {
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut parts = Self::default();
        lenient::each(list, |part: Option<Part<'de>>| {
            let part = part.unwrap_or_default();
            parts.calls_function |= part.function_call.0;
            if let (Some(more), false) = (part.text, part.thought) {
                parts.text.push(more);
            }
        })?;
        Ok(parts)
    }
}

impl<'de: 'a, 'a> Object<'de> for Answer<'a> {}
impl Object<'_> for Answered {}
impl<'de: 'a, 'a> Object<'de> for Candidate<'a> {}
impl<'de: 'a, 'a> Object<'de> for Part<'a> {}
impl<'de: 'a, 'a> Object<'de> for PromptFeedback<'a> {}
impl Object<'_> for Tokens {}
