//! Numbers: one vector, as a list or in base64. Whatever does not become finite numbers is no vector.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer, de::SeqAccess};

use crate::{
    protocol::Encoding,
    provider::wire::lenient::{Lenient, each},
};

/// Bytes of a number in base64.
const WIDTH: usize = 4;
/// Most numbers of a vector; real models have at most 4,096. Two bytes of text can be a number, which takes
/// more in memory, and more again when it is written.
pub(super) const MOST_NUMBERS: usize = 8192;
/// And so long is their text, in bytes.
const MOST_BASE64: usize = (MOST_NUMBERS * WIDTH).div_ceil(3) * 4;

/// A vector as it was read.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Its numbers; `None` if it is none.
    pub(super) vector: Option<Vec<f32>>,
    /// How it was written.
    pub(super) encoding: Encoding,
}

/// A vector as it is written.
pub(super) struct Written<'a> {
    /// Its numbers.
    pub(super) vector: &'a [f32],
    /// How.
    pub(super) encoding: Encoding,
}

/// One number of a list; `None` for anything else.
#[derive(Default)]
struct Number(Option<f32>);

/// How many numbers each of the vectors has; `None` if not the same of all, or nothing.
pub(super) fn dimensions(vectors: &[Vec<f32>]) -> Option<usize> {
    let first = vectors.first()?.len();
    let same = vectors.iter().all(|vector| vector.len() == first);
    (same && first > 0).then_some(first)
}

fn from_base64(text: &str) -> Option<Vec<f32>> {
    if text.len() > MOST_BASE64 {
        return None;
    }
    let bytes = STANDARD.decode(text).ok()?;
    let (numbers, rest) = bytes.as_chunks::<WIDTH>();
    let vector: Vec<f32> = numbers.iter().copied().map(f32::from_le_bytes).collect();
    (rest.is_empty() && vector.iter().all(|number| number.is_finite())).then_some(vector)
}

fn to_base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    STANDARD.encode(bytes)
}

// === impl Numbers ===

impl<'de> Lenient<'de> for Numbers {
    fn from_text(text: Cow<'de, str>) -> Self {
        Self {
            vector: from_base64(&text),
            encoding: Encoding::Base64,
        }
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut vector = Some(Vec::new());
        each(list, |Number(number)| match (number, &mut vector) {
            (Some(number), Some(vector)) if vector.len() < MOST_NUMBERS => vector.push(number),
            _ => vector = None,
        })?;
        Ok(Self {
            vector,
            encoding: Encoding::Float,
        })
    }
}

// === impl Number ===

impl Lenient<'_> for Number {
    fn from_number(number: f64) -> Self {
        // A number too large for it becomes infinite.
        let number = number as f32;
        Self(number.is_finite().then_some(number))
    }
}

// === impl Written ===

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.encoding {
            Encoding::Float => self.vector.serialize(serializer),
            Encoding::Base64 => serializer.serialize_str(&to_base64(self.vector)),
        }
    }
}
