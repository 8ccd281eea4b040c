//! Fields of a client's request, taken one by one: what nobody takes, or has a word for, is left over, and
//! what is wrong is named by its place.

use bytes::Bytes;
use serde_json::{Map, Number, Value};

use super::asked::BadRequest;
use crate::conversation::{Content, Foreign, Format, Kept, Place, Signature};

/// An object that is being read.
pub(super) struct Fields {
    path: String,
    map: Map<String, Value>,
    /// What was left over of objects in it, by their paths.
    within: Map<String, Value>,
}

// === impl Fields ===

impl Fields {
    fn new(path: String, map: Map<String, Value>) -> Self {
        Self {
            path,
            map,
            within: Map::new(),
        }
    }

    /// A whole body.
    pub(super) fn read(body: &Bytes) -> Result<Self, BadRequest> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self::new(String::new(), map)),
            Ok(_) => Err(BadRequest::no_object()),
            Err(error) => Err(BadRequest::no_json(&error)),
        }
    }

    /// An object at `path`.
    pub(super) fn of(path: String, value: Value) -> Result<Self, BadRequest> {
        match value {
            Value::Object(map) => Ok(Self::new(path, map)),
            _ => Err(BadRequest::new(&path, "an object")),
        }
    }

    /// Where a field of that name is.
    pub(super) fn at(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    /// The error for a field that is not `what`.
    pub(super) fn wrong(&self, name: &str, what: &str) -> BadRequest {
        BadRequest::new(&self.at(name), what)
    }

    /// What is there, if it is not null.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        // Not `swap_remove`: what is left over goes on in order.
        self.map.shift_remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, BadRequest> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a string")),
        }
    }

    pub(super) fn needed(&mut self, name: &str) -> Result<String, BadRequest> {
        let text = self.text(name)?;
        text.ok_or_else(|| self.wrong(name, "a string"))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, BadRequest> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<f64>, BadRequest> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(name, "a number")),
            },
        }
    }

    /// A whole number, `1.0` too. Any other stays where it is: vendors have their own meaning for some.
    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>, BadRequest> {
        self.take_number(name, "a whole number", |number| {
            let whole = number.as_f64().filter(|number| is_whole(*number));
            number.as_i64().or(whole.map(|number| number as i64))
        })
    }

    /// The same of at least one.
    pub(super) fn count(&mut self, name: &str) -> Result<Option<u32>, BadRequest> {
        let what = "a whole number of at least 1";
        self.take_number(name, what, |number| {
            let whole = number.as_f64().filter(|number| is_whole(*number));
            let count = number.as_u64().or(whole.map(|number| number as u64));
            let count = count.filter(|count| *count > 0)?;
            Some(u32::try_from(count).unwrap_or(u32::MAX))
        })
    }

    fn take_number<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl FnOnce(&Number) -> Option<T>,
    ) -> Result<Option<T>, BadRequest> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => {
                let read = read(number);
                if read.is_some() {
                    self.map.shift_remove(name);
                }
                Ok(read)
            }
            Some(_) => Err(self.wrong(name, what)),
        }
    }

    /// A word, if it is one that `read` knows. Any other stays where it is.
    pub(super) fn word<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, BadRequest> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(word)) => {
                let read = read(word);
                if read.is_some() {
                    self.map.shift_remove(name);
                }
                Ok(read)
            }
            Some(_) => Err(self.wrong(name, "a string")),
        }
    }

    /// What is there, while it stays there.
    pub(super) fn see(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    /// The object at `name` if its `type` is one of `known`. Any other stays where it is.
    ///
    /// # Errors
    /// If it is no object, or has no type.
    pub(super) fn object_of(
        &mut self,
        name: &str,
        known: &[&str],
    ) -> Result<Option<Self>, BadRequest> {
        let kind = match self.map.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(object)) => object.get("type").and_then(Value::as_str),
            Some(_) => return Err(self.wrong(name, "an object")),
        };
        match kind {
            Some(kind) if known.contains(&kind) => self.object(name),
            Some(_) => Ok(None),
            None => Err(self.wrong(&format!("{name}.type"), "a string")),
        }
    }

    pub(super) fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, BadRequest> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(self.wrong(name, "a list")),
        }
    }

    /// Each object of a list; none if there is no list.
    pub(super) fn objects(&mut self, name: &str) -> Result<Vec<Self>, BadRequest> {
        let items = self.list(name)?.unwrap_or_default().into_iter();
        let object = |(index, item)| Self::of(format!("{}[{index}]", self.at(name)), item);
        items.enumerate().map(object).collect()
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, BadRequest> {
        let path = self.at(name);
        self.take(name)
            .map(|value| Self::of(path, value))
            .transpose()
    }

    /// Google's signature of a thought, where this hub and Google itself have it in formats that have no
    /// place for it: `extra_content.google.thought_signature`.
    pub(super) fn google_signature(&mut self) -> Result<Option<Signature>, BadRequest> {
        let Some(mut extra) = self.object("extra_content")? else {
            return Ok(None);
        };
        let mut signature = None;
        if let Some(mut google) = extra.object("google")? {
            signature = google.text("thought_signature")?;
            extra.put_by("google", google);
        }
        self.put_by("extra_content", extra);
        Ok(signature.map(|text| Signature {
            format: Format::Gemini,
            text: text.into(),
        }))
    }

    /// One text, or a list of them.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, BadRequest> {
        let items = match self.take(name) {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => vec![other],
        };
        let text = |item| match item {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong(name, "a string or a list of strings")),
        };
        items.into_iter().map(text).collect()
    }

    /// Remembers what is left over of an object that was taken out of this one.
    pub(super) fn put_by(&mut self, name: &str, inner: Self) {
        let (fields, within) = inner.left();
        if !fields.is_empty() {
            self.within.insert(name.to_owned(), Value::Object(fields));
        }
        for (deeper, fields) in within {
            self.within.insert(format!("{name}.{deeper}"), fields);
        }
    }

    /// What nobody took, and what is left over of objects inside; nulls say nothing and are left out.
    pub(super) fn left(mut self) -> (Map<String, Value>, Map<String, Value>) {
        self.map.retain(|_, value| !value.is_null());
        (self.map, self.within)
    }

    /// The same as what stands beside a message, a part or a tool.
    pub(super) fn kept(self, format: Format) -> Option<Box<Kept>> {
        let (fields, within) = self.left();
        Kept::new(format, fields, within)
    }

    /// All of it, for want of a word: nothing was taken but its kind, which its field `name` says.
    pub(super) fn foreign(
        mut self,
        format: Format,
        place: Place,
        name: &str,
        kind: String,
    ) -> Content {
        self.map.shift_insert(0, name.to_owned(), kind.into());
        Content::Foreign(Box::new(Foreign {
            format,
            place,
            value: self.map,
        }))
    }
}

/// Whether a number is a whole one and exact as JSON (RFC 8259, section 6).
fn is_whole(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0
}
