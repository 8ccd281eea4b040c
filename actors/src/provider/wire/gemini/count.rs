//! How many tokens a request has, as Google counts them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{request, said};
use crate::{
    protocol::{Completed, Completion, CompletionRequest, Failure},
    provider::wire::{
        Dialect, Encoded,
        passthrough::{self, Edit},
        refusal,
    },
};

/// The request for an answer, which names its model in the path, names it here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    generate_content_request: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    total_tokens: u64,
}

/// `POST {base}/models/{model}:countTokens`
pub(super) fn encode(
    request: &CompletionRequest,
    model: &str,
    dialect: &Dialect,
) -> Result<Encoded, Failure> {
    let answered = request::encode(request, model, dialect)?;
    let (path, _) = answered
        .path
        .split_once(':')
        .unwrap_or((&answered.path, ""));
    let named = passthrough::quoted(path.trim_start_matches('/'));
    let body = answered.body.as_deref();
    let body = body.and_then(|body| passthrough::edited(body, &[Edit::Set("model", named)]));
    let body = body.and_then(|body| serde_json::from_slice::<Box<RawValue>>(&body).ok());
    let body = body.ok_or_else(|| refusal::rejected("INVALID_ARGUMENT"))?;
    let wrapped = Body {
        generate_content_request: &body,
    };
    Encoded::new(
        format!("{path}:countTokens"),
        &wrapped,
        body.get().len() + 64,
    )
}

pub(super) fn decode(body: &[u8]) -> Result<Completed, Failure> {
    let body = String::from_utf8_lossy(body);
    let counted: Counted =
        serde_json::from_str(&body).map_err(|_| refusal::unreadable(&body, said))?;
    Ok(Completed::Whole(Completion::counted(counted.total_tokens)))
}
