//! Params: what callers send, read with the tolerance that existing clients rely on.
//!
//! An empty string means "not given" (the WordPress plugin sends `"model": ""`), some names have
//! aliases, and anything the tool does not take is refused by name: a typo is never silently lost.

mod llm;

use serde_json::{Map, Value};

pub use self::llm::{DEFAULT_MAX_TOKENS, LlmParams, Said};
use crate::error::CallError;

/// Takes parameters out of an object, one by one.
pub struct Params {
    tool: String,
    known: Vec<&'static str>,
    given: Map<String, Value>,
}

// === impl Params ===

impl Params {
    /// The parameters of a call to `tool`. PHP encodes an empty array as `[]`: accepted as `{}`.
    ///
    /// # Errors
    /// [`CallError::BadRequest`] for anything else that is not an object.
    pub fn new(tool: &str, params: Option<Value>) -> Result<Self, CallError> {
        let given = match params {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(given)) => given,
            Some(Value::Array(items)) if items.is_empty() => Map::new(),
            Some(_) => {
                return Err(CallError::BadRequest(
                    "`params` must be an object, as in {\"prompt\": \"..\"}.".to_owned(),
                ));
            }
        };
        Ok(Self {
            tool: tool.to_owned(),
            known: Vec::new(),
            given,
        })
    }

    /// A text under any of its names; empty or null is "not given".
    ///
    /// # Errors
    /// [`CallError::BadRequest`] if it is no string, or given under two names at once.
    pub fn text(&mut self, names: &[&'static str]) -> Result<Option<String>, CallError> {
        self.known.extend_from_slice(names);
        let mut found: Option<(&str, String)> = None;
        for name in names {
            let text = match self.given.remove(*name) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) if text.is_empty() => continue,
                Some(Value::String(text)) => text,
                Some(_) => return Err(wrong(name, "a string")),
            };
            match &found {
                Some((first, other)) if *other != text => return Err(differ(first, name)),
                _ => found = Some((name, text)),
            }
        }
        Ok(found.map(|(_, text)| text))
    }

    /// Any JSON under any of its names; null or an empty string is "not given".
    ///
    /// # Errors
    /// [`CallError::BadRequest`] if it is given under two names at once, and differs.
    pub(crate) fn json(&mut self, names: &[&'static str]) -> Result<Option<Value>, CallError> {
        self.known.extend_from_slice(names);
        let mut found: Option<(&str, Value)> = None;
        for name in names {
            let value = match self.given.remove(*name) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) if text.is_empty() => continue,
                Some(value) => value,
            };
            match &found {
                Some((first, other)) if *other != value => return Err(differ(first, name)),
                _ => found = Some((name, value)),
            }
        }
        Ok(found.map(|(_, value)| value))
    }

    /// A whole number of at least 1; a numeric string is read as its number.
    pub(crate) fn count(&mut self, name: &'static str) -> Result<Option<u32>, CallError> {
        self.known.push(name);
        let number = match self.given.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(Value::Number(number)) => number.as_u64().or_else(|| {
                number
                    .as_f64()
                    .filter(|n| n.fract() == 0.0 && *n >= 0.0)
                    .map(|n| n as u64)
            }),
            Some(_) => None,
        };
        match number {
            Some(number) if number >= 1 => Ok(Some(u32::try_from(number).unwrap_or(u32::MAX))),
            _ => Err(wrong(name, "a whole number of at least 1")),
        }
    }

    fn fraction(&mut self, name: &'static str, most: f64) -> Result<Option<f64>, CallError> {
        self.known.push(name);
        let number = match self.given.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::Number(number)) => number.as_f64(),
            Some(_) => None,
        };
        match number {
            Some(number) if (0.0..=most).contains(&number) => Ok(Some(number)),
            _ => Err(wrong(name, &format!("a number from 0 to {most}"))),
        }
    }

    /// Whatever is there, if it is not null, an empty text or an empty list.
    fn value(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        match self.given.remove(name)? {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::Array(items) if items.is_empty() => None,
            value => Some(value),
        }
    }

    /// True or false, also as a word.
    ///
    /// # Errors
    /// [`CallError::BadRequest`] for anything else.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, CallError> {
        self.known.push(name);
        match self.given.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::String(word)) => match word.trim().to_ascii_lowercase().as_str() {
                "" => Ok(None),
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                _ => Err(wrong(name, "true or false")),
            },
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// A list of texts, or one text with commas between them.
    ///
    /// # Errors
    /// [`CallError::BadRequest`] for anything else.
    pub(crate) fn list(&mut self, name: &'static str) -> Result<Vec<String>, CallError> {
        self.known.push(name);
        let wrong = || wrong(name, "a list of strings, or one string with commas");
        match self.given.remove(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(text.split(',').map(str::to_owned).collect()),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(wrong()),
                })
                .collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// The tool that is called.
    pub(crate) fn tool(&self) -> &str {
        &self.tool
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`CallError::BadRequest`] naming the first parameter that nobody took.
    pub fn finish(self) -> Result<(), CallError> {
        let Some(unknown) = self.given.keys().next() else {
            return Ok(());
        };
        let takes = if self.known.is_empty() {
            "no parameters".to_owned()
        } else {
            format!("`{}`", self.known.join("`, `"))
        };
        Err(CallError::BadRequest(format!(
            "`{}` has no parameter `{}`. It takes {takes}.",
            self.tool,
            clip(unknown)
        )))
    }
}

fn differ(first: &str, second: &str) -> CallError {
    CallError::BadRequest(format!(
        "`{first}` and `{second}` mean the same and differ. Send one of them."
    ))
}

/// The error for a parameter that is not `what`.
pub(crate) fn wrong(name: &str, what: &str) -> CallError {
    CallError::BadRequest(format!("`{name}` must be {what}."))
}

/// A caller's own word, fit to be said back: short, and without line breaks or other controls.
pub fn clip(word: &str) -> String {
    const MOST: usize = 64;
    let shown = word.chars().map(|c| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    });
    let mut shown: String = shown.take(MOST).collect();
    if word.chars().nth(MOST).is_some() {
        shown.push_str("..");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_empty_php_array_is_an_empty_object() {
        let params = Params::new("health_check", Some(json!([]))).expect("is accepted");
        assert!(params.finish().is_ok());
    }
}
