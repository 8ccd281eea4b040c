//! Reading JSON that may not keep to its format: a value of the wrong type counts as absent, so that
//! it cannot take the rest of an answer with it.
//!
//! Nothing is collected that is not used. A list is folded as it is read, so a body costs memory by
//! the text it holds and not by the number of its elements.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// The largest number taken for a count: beyond it a JSON number is not exact (RFC 8259, section 6).
const LARGEST_COUNT: f64 = 9_007_199_254_740_992.0;

/// A type that can be read from JSON of any shape. The shapes it does not take give its default.
pub(super) trait Lenient<'de>: Default {
    fn from_bool(_truth: bool) -> Self {
        Self::default()
    }

    fn from_text(_text: Cow<'de, str>) -> Self {
        Self::default()
    }

    fn from_number(_number: f64) -> Self {
        Self::default()
    }

    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

/// A struct with derived fields: it is read from an object, and is absent otherwise.
pub(super) trait Object<'de>: Deserialize<'de> + Default {}

/// The first element of a list; the others are skipped.
#[derive(Debug, Default)]
pub(super) struct First<T>(pub(super) Option<T>);

/// Whether there is something: a text, a list or an object that is not empty.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Presence(pub(super) bool);

/// Texts joined without anything between them.
#[derive(Debug, Default)]
pub(super) struct Joined(pub(super) String);

/// Reads a whole body.
///
/// `None` if it is not JSON, or nested more deeply than serde_json goes (128 levels).
pub(super) fn read<'de, T: Lenient<'de>>(json: &'de str) -> Option<T> {
    let json = json.strip_prefix('\u{feff}').unwrap_or(json);
    serde_json::from_str::<Any<T>>(json).ok().map(|any| any.0)
}

/// Reads a field: `#[serde(deserialize_with = "any")]`.
pub(super) fn any<'de, D: Deserializer<'de>, T: Lenient<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(AnyVisitor(PhantomData))
}

/// Hands over a list's elements one by one.
pub(super) fn each<'de, A: SeqAccess<'de>, T: Lenient<'de>>(
    mut list: A,
    mut take: impl FnMut(T),
) -> Result<(), A::Error> {
    while let Some(Any(element)) = list.next_element()? {
        take(element);
    }
    Ok(())
}

struct Any<T>(T);

struct AnyVisitor<T>(PhantomData<T>);

// === impl Any ===

impl<'de, T: Lenient<'de>> Deserialize<'de> for Any<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        any(from).map(Self)
    }
}

impl<'de, T: Lenient<'de>> Visitor<'de> for AnyVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::from_bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<T, E> {
        Ok(T::from_number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(T::from_number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<T, E> {
        Ok(T::from_number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<T, E> {
        Ok(T::from_text(Cow::Owned(value.to_owned())))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<T, E> {
        Ok(T::from_text(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::from_object(object)
    }
}

// === impl Lenient ===

impl<'de> Lenient<'de> for bool {
    fn from_bool(truth: bool) -> Self {
        truth
    }
}

impl<'de> Lenient<'de> for Option<Cow<'de, str>> {
    fn from_text(text: Cow<'de, str>) -> Self {
        Some(text)
    }
}

/// A count. Some servers send `12.0` or `"12"`.
impl<'de> Lenient<'de> for Option<u64> {
    fn from_text(text: Cow<'de, str>) -> Self {
        text.parse().ok().and_then(Self::from_number)
    }

    fn from_number(number: f64) -> Self {
        (0.0..=LARGEST_COUNT)
            .contains(&number)
            .then_some(number as u64)
    }
}

/// An amount of money.
impl<'de> Lenient<'de> for Option<f64> {
    fn from_text(text: Cow<'de, str>) -> Self {
        text.parse().ok().and_then(Self::from_number)
    }

    fn from_number(number: f64) -> Self {
        (0.0..=LARGEST_COUNT).contains(&number).then_some(number)
    }
}

impl<'de, T: Object<'de>> Lenient<'de> for Option<T> {
    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Some)
    }
}

impl<'de, T: Object<'de>> Lenient<'de> for First<T> {
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let first = list.next_element::<Any<Option<T>>>()?;
        each(list, |_: Presence| ())?;
        Ok(Self(first.and_then(|any| any.0)))
    }
}

impl<'de> Lenient<'de> for Presence {
    fn from_text(text: Cow<'de, str>) -> Self {
        Self(!text.is_empty())
    }

    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut present = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            present = true;
        }
        Ok(Self(present))
    }

    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut present = false;
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            present = true;
        }
        Ok(Self(present))
    }
}

// === impl Joined ===

impl Joined {
    pub(super) fn push(&mut self, text: Cow<'_, str>) {
        if self.0.is_empty() {
            self.0 = text.into_owned();
        } else {
            self.0.push_str(&text);
        }
    }
}
