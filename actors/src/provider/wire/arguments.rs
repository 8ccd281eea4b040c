//! Arguments of a tool's call: an object in two formats, the text of one in the third.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Arguments, to be written as the object that they are.
pub(super) struct Arguments<'a>(pub(super) &'a str);

// === impl Arguments ===

impl Serialize for Arguments<'_> {
    /// A model may write what is no object. Nothing of it is lost: Anthropic's documentation puts it
    /// under this name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.trim();
        if text.is_empty() {
            return serializer.collect_map::<&str, &str, _>([]);
        }
        match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) if text.starts_with('{') => raw.serialize(serializer),
            _ => serializer.collect_map([("INVALID_JSON", self.0)]),
        }
    }
}

/// The text of arguments that came as a value: some vendors send the object where a text should be.
pub(super) fn text(value: Option<&RawValue>) -> Cow<'_, str> {
    let Some(value) = value else {
        return Cow::Borrowed("");
    };
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(json).map_or(Cow::Borrowed(""), Cow::Owned),
        Some(b'{') => Cow::Borrowed(json),
        _ => Cow::Borrowed(""),
    }
}
