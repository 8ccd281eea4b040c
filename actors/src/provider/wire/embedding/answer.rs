//! What a server that speaks OpenAI's format answers: as it came, if it is what was asked for.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;

use super::{
    MOST,
    items::Items,
    numbers::{Numbers, dimensions},
};
use crate::{
    protocol::{Embedded, EmbeddingRequest, Encoding, Failure, Usage, Vectors},
    provider::wire::{
        error_body::ErrorBody,
        lenient::{Lenient, Object, any},
        model_name,
        openai::{said, usage::Tokens},
        refusal,
    },
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(deserialize_with = "any")]
    data: Items<Item>,
    #[serde(borrow, deserialize_with = "any")]
    model: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "any")]
    usage: Option<Tokens>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    #[serde(deserialize_with = "any")]
    index: Index,
    #[serde(deserialize_with = "any")]
    embedding: Numbers,
}

/// What a vector is of.
#[derive(Default)]
enum Index {
    /// It does not say: they are in order.
    #[default]
    Unsaid,
    /// The input with this number.
    Of(usize),
    /// Something that is no number of any.
    Wrong,
}

/// Reads a body that came with a status of success.
pub(super) fn decode(request: &EmbeddingRequest, body: &[u8]) -> Result<Embedded, Failure> {
    let text = String::from_utf8_lossy(body);
    let answer: Answer<'_> = refusal::answer(&text, said)?;
    if let Some(error) = &answer.error {
        return Err(refusal::late(error, said));
    }
    let Items(items) = answer.data;
    if items.is_empty() {
        return Err(refusal::unreadable(&text, said));
    }
    let as_asked = items.iter().all(|item| item.is_as_asked(request.encoding));
    let vectors = in_order(items, request.input.count()).ok_or_else(refusal::malformed)?;
    let dimensions = dimensions(&vectors).ok_or_else(refusal::malformed)?;
    // With escapes in it, a text could hold a key that nobody finds. And what is not UTF-8 is not JSON.
    let plain = !body.contains(&b'\\') && matches!(text, Cow::Borrowed(_));
    let model = model_name(answer.model.as_deref());
    let usage = Usage {
        // Nothing is generated, whatever the total says.
        output_tokens: 0,
        ..answer.usage.map(Usage::from).unwrap_or_default()
    };
    Ok(Embedded {
        vectors: match as_asked && plain {
            true => {
                // Not both at once: either may be large.
                drop(vectors);
                Vectors::Raw(Bytes::copy_from_slice(body))
            }
            false => Vectors::Read(vectors),
        },
        dimensions,
        model,
        usage,
    })
}

/// The vectors by their index, or in the order they came in where they have none; `None` if one is
/// missing, wrong, there twice or too much.
fn in_order(items: Vec<Item>, count: usize) -> Option<Vec<Vec<f32>>> {
    if items.len() != count {
        return None;
    }
    let mut places: Vec<Option<Vec<f32>>> = Vec::new();
    places.resize_with(count, || None);
    for (came, item) in items.into_iter().enumerate() {
        let index = match item.index {
            Index::Of(index) => index,
            Index::Unsaid => came,
            Index::Wrong => return None,
        };
        let place = places.get_mut(index)?;
        if place.is_some() {
            return None;
        }
        *place = Some(item.embedding.vector?);
    }
    places.into_iter().collect()
}

// === impl Item ===

impl Item {
    /// Whether whoever wants it in this encoding can have it as it is.
    fn is_as_asked(&self, encoding: Encoding) -> bool {
        matches!(self.index, Index::Of(_)) && self.embedding.encoding == encoding
    }
}

// === impl Index ===

impl<'de> Lenient<'de> for Index {
    fn from_bool(_: bool) -> Self {
        Self::Wrong
    }

    fn from_text(_: Cow<'de, str>) -> Self {
        Self::Wrong
    }

    fn from_number(number: f64) -> Self {
        let whole = number.fract() == 0.0 && (0.0..=MOST as f64).contains(&number);
        if whole {
            Self::Of(number as usize)
        } else {
            Self::Wrong
        }
    }
}

// === impl Lenient ===

impl<'de> Object<'de> for Answer<'de> {}
impl Object<'_> for Item {}
