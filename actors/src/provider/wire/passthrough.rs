//! Passthrough: a request that goes to a provider of its own format as it came.
//!
//! Only the top of the object is read. What is not changed is copied byte for byte, however large.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::Dialect;

/// One change at the top of a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Edit<'a> {
    /// This value, instead of the one that is there or behind the others.
    Set(&'a str, String),
    /// Nothing.
    Remove(&'a str),
}

/// The fields of an object, in order.
struct Top<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

struct TopVisitor;

/// Most fields at the top of a request. No format has a tenth of them.
pub(super) const MOST: usize = 512;

/// The fields of an object, in order; of one that is there twice, the last counts.
///
/// # Errors
/// If it is no JSON, or no object.
pub(super) fn fields(body: &[u8]) -> Result<Vec<(Cow<'_, str>, &RawValue)>, serde_json::Error> {
    serde_json::from_slice(body).map(|Top(fields)| fields)
}

/// Copies `body` with the changes; `None` if it is no JSON object. Of a field that is there twice, the
/// last one counts, as it does for who reads JSON.
pub(super) fn edited(body: &[u8], edits: &[Edit<'_>]) -> Option<Vec<u8>> {
    let fields = fields(body).ok()?;
    if fields.len() > MOST {
        return None;
    }
    let mut copy = Vec::with_capacity(body.len() + 128);
    copy.push(b'{');
    for (index, (name, value)) in fields.iter().enumerate() {
        let again = fields
            .iter()
            .skip(index + 1)
            .any(|(later, _)| later == name);
        if again {
            continue;
        }
        let edit = edits.iter().find(|edit| edit.old_name() == name);
        match edit {
            Some(Edit::Set(name, new)) => push(&mut copy, name, new)?,
            Some(Edit::Remove(_)) => {}
            None => push(&mut copy, name, value.get())?,
        }
    }
    for edit in edits {
        if let Edit::Set(name, new) = edit
            && !fields.iter().any(|(known, _)| known == name)
        {
            push(&mut copy, name, new)?;
        }
    }
    copy.push(b'}');
    Some(copy)
}

/// The fields at the top of a body that a provider does not take. What every request needs, it gets.
pub(super) fn unwanted<'d>(body: &[u8], dialect: &'d Dialect) -> Vec<&'d str> {
    const NEEDED: [&str; 6] = [
        "max_tokens",
        "system",
        "model",
        "messages",
        "stream",
        "input",
    ];
    if dialect.drop_params.is_empty() {
        return Vec::new();
    }
    let top = fields(body).unwrap_or_default();
    let dropped = dialect.drop_params.iter().map(String::as_str);
    let dropped = dropped.filter(|name| !NEEDED.contains(name));
    dropped
        .filter(|name| top.iter().any(|(known, _)| known == name))
        .collect()
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn push(copy: &mut Vec<u8>, name: &str, value: &str) -> Option<()> {
    if copy.len() > 1 {
        copy.push(b',');
    }
    serde_json::to_writer(&mut *copy, name).ok()?;
    copy.push(b':');
    copy.extend_from_slice(value.as_bytes());
    Some(())
}

// === impl Edit ===

impl Edit<'_> {
    fn old_name(&self) -> &str {
        match self {
            Self::Set(name, _) | Self::Remove(name) => name,
        }
    }
}

// === impl Top ===

impl<'de> Deserialize<'de> for Top<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(TopVisitor)
    }
}

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Top<'de>, A::Error> {
        let mut fields = Vec::with_capacity(object.size_hint().unwrap_or(16));
        while let Some((Name(name), value)) = object.next_entry::<Name<'de>, &'de RawValue>()? {
            fields.push((name, value));
        }
        Ok(Top(fields))
    }
}

/// A field's name: borrowed, unless it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_changes() {
        let body = br#" {"model" : "a", "x": { "y" : [1, 2.50] }, "max_tokens":9,"gone":1,"mo\u0064el":"b"} "#;
        let edits = [
            Edit::Set("model", quoted("new \"one\"")),
            Edit::Remove("gone"),
            Edit::Set("stream_options", "{}".to_owned()),
        ];
        let copy = edited(body, &edits).expect("an object");
        assert_eq!(
            String::from_utf8(copy).expect("UTF-8"),
            r#"{"x":{ "y" : [1, 2.50] },"max_tokens":9,"model":"new \"one\"","stream_options":{}}"#
        );
        assert_eq!(edited(b"[]", &[]), None);
        assert_eq!(edited(b"{", &[]), None);
    }
}
