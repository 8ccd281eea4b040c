//! Fields of a client's request, taken one by one: what nobody takes is left over, and what is wrong is
//! named by its place.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{
    conversation::{Conversation, Raw},
    protocol::CompletionRequest,
};

/// A request as a client of one format sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Whatever the client calls a model.
    pub model: String,
    /// The rest. Its `ceiling` is nobody's yet.
    pub request: CompletionRequest,
}

/// A request that is not in its format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct BadRequest {
    /// Which part: `messages[2].content`; empty for the whole.
    pub param: String,
    /// What is wrong with it.
    pub sentence: String,
    /// The machine word for it.
    pub code: &'static str,
}

/// The word for a request that is wrong in no particular way.
const CODE: &str = "bad_request";

/// An object that is being read.
pub(super) struct Fields {
    path: String,
    map: Map<String, Value>,
}

// === impl BadRequest ===

impl BadRequest {
    /// `param` must be `what`.
    pub(super) fn new(param: &str, what: &str) -> Self {
        let param = crate::params::clip(param);
        Self {
            sentence: format!("`{param}` must be {what}."),
            param,
            code: CODE,
        }
    }

    /// The whole is something else.
    pub(super) fn no_object() -> Self {
        Self {
            param: String::new(),
            sentence: "The request must be a JSON object.".to_owned(),
            code: CODE,
        }
    }

    /// The whole cannot be read.
    pub(super) fn no_json(error: &serde_json::Error) -> Self {
        Self {
            param: String::new(),
            sentence: format!(
                "The request is not JSON (line {}, column {}).",
                error.line(),
                error.column()
            ),
            code: CODE,
        }
    }
}

// === impl Asked ===

impl Asked {
    /// An answer is asked for, of as many tokens as the caller says, in `raw`'s words.
    pub(super) fn new(
        model: String,
        conversation: Conversation,
        max_tokens: Option<u32>,
        stream: bool,
        raw: Raw,
    ) -> Self {
        Self {
            model,
            request: CompletionRequest {
                conversation: Arc::new(conversation),
                max_tokens,
                ceiling: u32::MAX,
                stream,
                count: false,
                raw: Some(Arc::new(raw)),
            },
        }
    }
}

// === impl Fields ===

impl Fields {
    /// A whole body.
    pub(super) fn read(body: &Bytes) -> Result<Self, BadRequest> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self {
                path: String::new(),
                map,
            }),
            Ok(_) => Err(BadRequest::no_object()),
            Err(error) => Err(BadRequest::no_json(&error)),
        }
    }

    /// An object at `path`.
    pub(super) fn of(path: String, value: Value) -> Result<Self, BadRequest> {
        match value {
            Value::Object(map) => Ok(Self { path, map }),
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

    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>, BadRequest> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(name, "a whole number")),
            },
        }
    }

    pub(super) fn count(&mut self, name: &str) -> Result<Option<u32>, BadRequest> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match value.as_u64().filter(|count| *count > 0) {
                Some(count) => Ok(Some(u32::try_from(count).unwrap_or(u32::MAX))),
                None => Err(self.wrong(name, "a whole number of at least 1")),
            },
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

    /// What nobody took; nulls say nothing and are left out.
    pub(super) fn rest(mut self) -> Map<String, Value> {
        self.map.retain(|_, value| !value.is_null());
        self.map
    }
}
