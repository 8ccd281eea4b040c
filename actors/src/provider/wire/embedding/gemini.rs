//! Google's batchEmbedContents (`api = "gemini"`), v1beta.
//!
//! `outputDimensionality` stands in each request, as Google's own SDKs send it: the newer
//! `embedContentConfig` is one that not every model has.

use std::sync::Arc;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{
    items::Items,
    numbers::{Numbers, dimensions},
};
use crate::{
    protocol::{
        Class, Embedded, EmbeddingInput, EmbeddingRequest, Failure, FailureKind, Usage, Vectors,
    },
    provider::wire::{
        Dialect, Encoded, Wire,
        error_body::ErrorBody,
        gemini::{self, request::path_segment, said, usage::Tokens},
        lenient::{Object, any},
        refusal,
        taken::Taken,
    },
};

/// `POST {base}/models/{model}:batchEmbedContents`
#[derive(Debug)]
pub(super) struct Gemini;

/// Most texts of one request: with more, the API answers 400.
const BATCH: usize = 100;

#[derive(Serialize)]
struct Body<'a> {
    requests: Vec<One<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    model: &'a str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: [Part<'a>; 1],
}

#[derive(Serialize)]
struct Part<'a> {
    text: &'a str,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(deserialize_with = "any")]
    embeddings: Items<Item>,
    #[serde(deserialize_with = "any")]
    usage_metadata: Option<Tokens>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    #[serde(deserialize_with = "any")]
    values: Numbers,
}

// === impl Gemini ===

impl Wire<EmbeddingRequest> for Gemini {
    fn name(&self) -> &'static str {
        Wire::name(&gemini::Gemini)
    }

    fn auth(&self) -> (&'static str, &'static str) {
        Wire::auth(&gemini::Gemini)
    }

    fn parts(&self, request: &Arc<EmbeddingRequest>) -> Vec<Arc<EmbeddingRequest>> {
        match &request.input {
            EmbeddingInput::Texts(texts) if texts.len() > BATCH => {
                let part = |texts: &[String]| {
                    Arc::new(EmbeddingRequest {
                        input: EmbeddingInput::Texts(texts.to_vec()),
                        ..EmbeddingRequest::clone(request)
                    })
                };
                texts.chunks(BATCH).map(part).collect()
            }
            _ => vec![request.clone()],
        }
    }

    fn encode(
        &self,
        request: &EmbeddingRequest,
        model: &str,
        dialect: &Dialect,
    ) -> Result<Encoded, Failure> {
        let EmbeddingInput::Texts(texts) = &request.input else {
            return Err(Failure {
                advice: Some("Its API takes no tokens: send the texts themselves.".into()),
                ..Failure::new(FailureKind::Rejected, Class::NextNow)
            });
        };
        let model = path_segment(model)?;
        let mut taken = Taken::new(dialect);
        let dimensions = taken.take("dimensions", request.dimensions);
        let resource = format!("models/{model}");
        let requests = texts.iter().map(|text| One {
            model: &resource,
            content: Content {
                parts: [Part { text }],
            },
            output_dimensionality: dimensions,
        });
        let body = Body {
            requests: requests.collect(),
        };
        let text: usize = texts.iter().map(String::len).sum();
        let hint = text + text / 8 + texts.len() * (resource.len() + 96);
        let encoded = Encoded::new(format!("/{resource}:batchEmbedContents"), &body, hint)?;
        let others = request.others.iter().cloned().map(Into::into);
        taken.dropped.extend(others);
        Ok(Encoded {
            dropped: taken.dropped,
            ..encoded
        })
    }

    fn decode(&self, request: &EmbeddingRequest, body: &[u8]) -> Result<Embedded, Failure> {
        let text = String::from_utf8_lossy(body);
        let answer: Answer<'_> = refusal::answer(&text, said)?;
        if let Some(error) = &answer.error {
            return Err(refusal::late(error, said));
        }
        let Items(items) = answer.embeddings;
        if items.is_empty() {
            return Err(refusal::unreadable(&text, said));
        }
        let vectors = items.into_iter().map(|item| item.values.vector);
        let vectors: Option<Vec<_>> = vectors.collect();
        let vectors = vectors
            .filter(|vectors| vectors.len() == request.input.count())
            .ok_or_else(refusal::malformed)?;
        Ok(Embedded {
            dimensions: dimensions(&vectors).ok_or_else(refusal::malformed)?,
            vectors: Vectors::Read(vectors),
            model: None,
            usage: answer.usage_metadata.map(Usage::from).unwrap_or_default(),
        })
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::refusal(status, headers, body, said)
    }
}

// === impl Lenient ===

impl<'de> Object<'de> for Answer<'de> {}
impl Object<'_> for Item {}
