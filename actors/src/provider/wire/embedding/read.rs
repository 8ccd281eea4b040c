//! What a client asks to have vectors of. The body is looked through and kept; only texts are copied.

use std::fmt;

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::MOST;
use crate::{
    protocol::{EmbeddingInput, EmbeddingRequest, Encoding},
    provider::wire::{asked::BadRequest, passthrough, taken::shown},
};

/// What `input` can be.
const INPUT: &str = "a text, a list of texts, a list of tokens, or a list of lists of tokens, none of \
                     them empty";

/// A request as a client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Whatever the client calls a model.
    pub model: String,
    /// The rest.
    pub request: EmbeddingRequest,
}

/// `input`, as far as it is one.
enum Input {
    Is(EmbeddingInput),
    TooMany,
    IsNone,
}

/// One element of a list.
enum Item {
    Text(String),
    Token,
    /// A list of tokens that is not empty.
    Tokens,
    Wrong,
}

struct InputVisitor;

struct ItemVisitor;

/// Reads a body of `POST /v1/embeddings`.
///
/// # Errors
/// The part that is not in the format.
pub fn read_request(body: &Bytes) -> Result<Asked, BadRequest> {
    let fields = passthrough::fields(body).map_err(|error| match error.is_data() {
        true => BadRequest::no_object(),
        false => BadRequest::no_json(&error),
    })?;
    // Each is compared with those before it.
    if fields.len() > passthrough::MOST {
        let what = format!("an object of at most {} fields", passthrough::MOST);
        return Err(BadRequest::new("request", &what));
    }
    let mut others: Vec<String> = Vec::new();
    let [mut model, mut input, mut dimensions, mut encoding]: [Option<&RawValue>; 4] = [None; 4];
    for (name, value) in &fields {
        let set = Some(*value).filter(|value| value.get() != "null");
        match &**name {
            "model" => model = set,
            "input" => input = set,
            "dimensions" => dimensions = set,
            "encoding_format" => encoding = set,
            other if set.is_some() => {
                let other = shown(other);
                if !others.contains(&other) {
                    others.push(other);
                }
            }
            _ => {}
        }
    }
    let model: Option<String> = model.and_then(read);
    let model = model.filter(|model| !model.is_empty());
    let input = match input.and_then(read) {
        Some(Input::Is(input)) => input,
        Some(Input::TooMany) => {
            let what = format!("at most {MOST} texts or lists of tokens at once");
            return Err(BadRequest::new("input", &what));
        }
        Some(Input::IsNone) | None => return Err(BadRequest::new("input", INPUT)),
    };
    let wrong = |name, what| move || BadRequest::new(name, what);
    let count = |value: &RawValue| {
        let count = read::<u32>(value).filter(|count| *count > 0);
        count.ok_or_else(wrong("dimensions", "a whole number of at least 1"))
    };
    let encoded = |value: &RawValue| {
        let word = read::<String>(value);
        let encoding = word.as_deref().and_then(Encoding::read);
        encoding.ok_or_else(wrong("encoding_format", "`float` or `base64`"))
    };
    let dimensions = dimensions.map(count).transpose()?;
    let encoding = encoding.map(encoded).transpose()?.unwrap_or_default();
    Ok(Asked {
        model: model.ok_or_else(wrong("model", "the name of a model"))?,
        request: EmbeddingRequest {
            input,
            dimensions,
            encoding,
            others,
            body: body.clone(),
        },
    })
}

fn read<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

// === impl Encoding ===

impl Encoding {
    fn read(word: &str) -> Option<Self> {
        match word {
            "float" => Some(Self::Float),
            "base64" => Some(Self::Base64),
            _ => None,
        }
    }
}

// === impl Input ===

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(InputVisitor)
    }
}

impl<'de> Visitor<'de> for InputVisitor {
    type Value = Input;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(INPUT)
    }

    fn visit_str<E>(self, text: &str) -> Result<Input, E> {
        Ok(match text {
            "" => Input::IsNone,
            text => Input::Is(EmbeddingInput::Texts(vec![text.to_owned()])),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Input, A::Error> {
        let mut texts = Vec::new();
        let (mut tokens, mut lists) = (0_usize, 0);
        let mut wrong = false;
        while let Some(item) = list.next_element()? {
            match item {
                // No more than one too many is kept.
                Item::Text(text) if texts.len() <= MOST => texts.push(text),
                Item::Text(_) => {}
                Item::Token => tokens += 1,
                Item::Tokens => lists += 1,
                Item::Wrong => wrong = true,
            }
        }
        Ok(match (texts.len(), tokens, lists) {
            _ if wrong => Input::IsNone,
            (1..=MOST, 0, 0) => Input::Is(EmbeddingInput::Texts(texts)),
            (0, 1.., 0) => Input::Is(EmbeddingInput::Tokens(1)),
            (0, 0, 1..=MOST) => Input::Is(EmbeddingInput::Tokens(lists)),
            (1.., 0, 0) | (0, 0, 1..) => Input::TooMany,
            _ => Input::IsNone,
        })
    }
}

// === impl Item ===

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ItemVisitor)
    }
}

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a token or a list of tokens")
    }

    fn visit_str<E>(self, text: &str) -> Result<Item, E> {
        Ok(match text {
            "" => Item::Wrong,
            text => Item::Text(text.to_owned()),
        })
    }

    fn visit_u64<E>(self, _: u64) -> Result<Item, E> {
        Ok(Item::Token)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        let mut any = false;
        while let Some(_token) = list.next_element::<u64>()? {
            any = true;
        }
        Ok(if any { Item::Tokens } else { Item::Wrong })
    }
}
