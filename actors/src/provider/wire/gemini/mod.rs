//! Google's generateContent format (`api = "gemini"`), v1beta.

mod answer;
mod config;
mod count;
mod message;
pub(super) mod request;
mod stream;
pub(super) mod usage;

use http::HeaderMap;

use super::{
    Dialect, Encoded, ReadStream, Wire, delay,
    error_body::ErrorBody,
    refusal::{self, Said},
    words,
};
use crate::protocol::{Class, Completed, CompletionRequest, Failure, FailureKind};

/// `POST {base}/models/{model}:generateContent`
#[derive(Debug)]
pub(super) struct Gemini;

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
        if request.count {
            return count::encode(request, model, dialect);
        }
        request::encode(request, model, dialect)
    }

    fn stream(&self, request: &CompletionRequest) -> Option<Box<dyn ReadStream>> {
        let stream = || -> Box<dyn ReadStream> { Box::new(stream::Stream::new(request)) };
        request.stream.then(stream)
    }

    fn decode(&self, request: &CompletionRequest, body: &[u8]) -> Result<Completed, Failure> {
        if request.count {
            return count::decode(body);
        }
        answer::decode(request, body)
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::refusal(status, headers, body, said)
    }
}

fn is_filter(reason: &str) -> bool {
    matches!(
        reason.strip_prefix("IMAGE_").unwrap_or(reason),
        "SAFETY" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "RECITATION"
    )
}

pub(super) fn said(status: u16, error: &ErrorBody<'_>) -> Said {
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
