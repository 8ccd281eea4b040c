//! An error as a vendor's body tells it, whatever its shape.
//!
//! It serves to classify, here and now. Of its texts nothing travels on but the machine word, and
//! that only if it is one of the words we know: a hostile upstream echoes what it was sent.

use std::borrow::Cow;

use serde::{
    Deserialize,
    de::{MapAccess, SeqAccess, value::MapAccessDeserializer},
};

use super::{
    error_details::{Details, Metadata},
    lenient::{self, Lenient, Object, any},
    words,
};

/// What a vendor says about an error: the fields of all formats side by side.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody<'a> {
    /// Anthropic, OpenAI and its like: `overloaded_error`.
    #[serde(borrow, rename = "type", deserialize_with = "any")]
    pub(super) kind: Option<Cow<'a, str>>,
    /// OpenAI: a word; Gemini and OpenRouter: the HTTP status.
    #[serde(borrow, deserialize_with = "any")]
    pub(super) code: Code<'a>,
    /// Gemini: `RESOURCE_EXHAUSTED`.
    #[serde(borrow, deserialize_with = "any")]
    pub(super) status: Option<Cow<'a, str>>,
    /// For people.
    #[serde(borrow, deserialize_with = "any")]
    message: Option<Cow<'a, str>>,
    /// For people, where an object stands in `detail`.
    #[serde(borrow, deserialize_with = "any")]
    error: Option<Cow<'a, str>>,
    /// Anthropic: an object; Gemini: a list.
    #[serde(borrow, deserialize_with = "any")]
    pub(super) details: Details<'a>,
    /// OpenRouter's.
    #[serde(borrow, deserialize_with = "any")]
    pub(super) metadata: Metadata<'a>,
}

/// A code that is a number here and a word there.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Code<'a> {
    /// The number, if it is an HTTP status of an error.
    pub(super) status: Option<u16>,
    /// The word.
    pub(super) word: Option<Cow<'a, str>>,
}

/// A whole body: the error under `error` or `detail`, or bare (Mistral).
#[derive(Default)]
struct Envelope<'a>(ErrorBody<'a>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wrapper<'a> {
    #[serde(borrow, deserialize_with = "any")]
    error: Option<ErrorBody<'a>>,
    #[serde(borrow, deserialize_with = "any")]
    detail: Option<ErrorBody<'a>>,
    #[serde(borrow, rename = "type", deserialize_with = "any")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    code: Code<'a>,
    #[serde(borrow, deserialize_with = "any")]
    message: Option<Cow<'a, str>>,
}

// === impl ErrorBody ===

impl<'a> ErrorBody<'a> {
    /// Reads what is there; of HTML, half a JSON or nothing at all, nothing.
    pub(super) fn read(text: &'a str) -> Self {
        lenient::read::<Envelope<'a>>(text).unwrap_or_default().0
    }

    /// Whether one of the machine words is among `words`.
    pub(super) fn is_any_of(&self, words: &[&str]) -> bool {
        [&self.code.word, &self.kind, &self.details.error_code]
            .into_iter()
            .flatten()
            .any(|word| words.contains(&word.as_ref()))
    }

    /// The sentence for people, in lower case; empty if there is none.
    pub(super) fn sentence(&self) -> String {
        let message = self.message.as_ref().or(self.error.as_ref());
        message.map_or_else(String::new, |message| message.to_ascii_lowercase())
    }

    /// The vendor's machine word, if it is one that may be passed on.
    pub(super) fn word(&self) -> Option<&'static str> {
        let plain = |word: &Option<Cow<'_, str>>| words::known(word.as_deref()?);
        plain(&self.code.word)
            .or_else(|| plain(&self.kind))
            .or_else(|| words::shouted(self.status.as_deref()?))
    }
}

// === impl Lenient ===

impl<'de: 'a, 'a> Lenient<'de> for Option<ErrorBody<'a>> {
    fn from_text(text: Cow<'de, str>) -> Self {
        (!text.is_empty()).then(|| ErrorBody {
            message: Some(text),
            ..ErrorBody::default()
        })
    }

    fn from_number(number: f64) -> Self {
        let code = Code::from_number(number);
        code.status.is_some().then(|| ErrorBody {
            code,
            ..ErrorBody::default()
        })
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut first = None;
        lenient::each(list, |element: Self| first = first.take().or(element))?;
        Ok(first)
    }

    /// An object without a single known field is no error: the answer beside it may be whole.
    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        let error = ErrorBody::deserialize(MapAccessDeserializer::new(object))?;
        Ok(Some(error).filter(|error| *error != ErrorBody::default()))
    }
}

impl<'de: 'a, 'a> Lenient<'de> for Code<'a> {
    fn from_text(text: Cow<'de, str>) -> Self {
        match text.parse::<u32>() {
            Ok(number) => Self::from_number(number.into()),
            Err(_) => Self {
                status: None,
                word: Some(text),
            },
        }
    }

    fn from_number(number: f64) -> Self {
        Self {
            status: (400.0..600.0).contains(&number).then_some(number as u16),
            word: None,
        }
    }
}

impl<'de: 'a, 'a> Lenient<'de> for Envelope<'a> {
    fn from_text(text: Cow<'de, str>) -> Self {
        Self(Option::<ErrorBody<'a>>::from_text(text).unwrap_or_default())
    }

    /// Gemini wraps its error in a list of one.
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut first = None;
        lenient::each(list, |element: Option<Wrapper<'a>>| {
            first = first.take().or(element);
        })?;
        Ok(first.map(Self::from).unwrap_or_default())
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        Wrapper::deserialize(MapAccessDeserializer::new(object)).map(Self::from)
    }
}

impl<'a> From<Wrapper<'a>> for Envelope<'a> {
    fn from(wrapper: Wrapper<'a>) -> Self {
        let inner = wrapper.error.or(wrapper.detail).unwrap_or_default();
        let code = match inner.code == Code::default() {
            true => wrapper.code,
            false => inner.code,
        };
        Self(ErrorBody {
            kind: inner.kind.or(wrapper.kind.filter(|kind| kind != "error")),
            code,
            message: inner.message.or(wrapper.message),
            ..inner
        })
    }
}

impl<'de: 'a, 'a> Object<'de> for Wrapper<'a> {}
