//! The hub's answer, held against what every answer promises.

use std::time::Duration;

use serde_json::Value;

use super::http::Message;

/// What a client got.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body as JSON; `null` if it is none.
    pub(crate) body: Value,
    /// From the first byte sent to the last one read.
    pub(crate) elapsed: Duration,
    /// Everything, as it stood on the wire.
    pub(crate) message: Message,
}

// === impl Reply ===

impl Reply {
    pub(crate) fn new(message: Message, elapsed: Duration) -> Self {
        Self {
            status: message.second_word().parse().unwrap_or_default(),
            body: serde_json::from_slice(&message.body).unwrap_or_default(),
            elapsed,
            message,
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.message.header(name).unwrap_or_default()
    }

    /// `result`, which the LLM tools promise to be a string.
    pub(crate) fn text(&self) -> &str {
        self.body["result"]
            .as_str()
            .unwrap_or_else(|| panic!("`result` is no string: {self}"))
    }

    pub(crate) fn result(&self) -> &Value {
        &self.body["result"]
    }

    pub(crate) fn meta(&self) -> &Value {
        &self.body["meta"]
    }

    /// Who answered.
    pub(crate) fn provider(&self) -> &str {
        self.meta()["provider"].as_str().unwrap_or_default()
    }

    /// A failure's machine word.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// A failure's sentence.
    pub(crate) fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    /// The entries of `attempts`, wherever this reply has them.
    pub(crate) fn attempt_entries(&self) -> &[Value] {
        let found = self.meta()["attempts"]
            .as_array()
            .or_else(|| self.body["attempts"].as_array());
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// `attempts` as lines of `provider outcome status`, `-` for no status.
    pub(crate) fn attempts(&self) -> Vec<String> {
        let line = |entry: &Value| {
            let status = entry["status"].as_u64().map(|status| status.to_string());
            format!(
                "{} {} {}",
                entry["provider"].as_str().unwrap_or("?"),
                entry["outcome"].as_str().unwrap_or("?"),
                status.unwrap_or_else(|| "-".into()),
            )
        };
        self.attempt_entries().iter().map(line).collect()
    }

    /// Asserts status and machine word at once.
    #[track_caller]
    pub(crate) fn assert_fails(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code()), (status, code), "{self}");
        self
    }

    /// Asserts 200.
    #[track_caller]
    pub(crate) fn assert_ok(&self) -> &Self {
        assert_eq!(self.status, 200, "{self}");
        self
    }

    /// What every answer of `POST /api` promises, whatever happened.
    #[track_caller]
    pub(crate) fn assert_contract(&self) {
        let body = self
            .body
            .as_object()
            .unwrap_or_else(|| panic!("not a JSON object: {self}"));
        assert!(
            self.header("content-type").starts_with("application/json"),
            "{self}"
        );
        let request_id = if self.status == 200 {
            assert!(body.contains_key("result"), "no `result`: {self}");
            assert!(self.meta()["duration_ms"].is_number(), "{self}");
            assert!(!body.contains_key("error"), "both: {self}");
            &self.meta()["request_id"]
        } else {
            let sentence = self.error();
            assert!(!sentence.is_empty() && !sentence.contains('\n'), "{self}");
            let word = |code: &str| code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(!self.code().is_empty() && word(self.code()), "{self}");
            assert!(!body.contains_key("result"), "both: {self}");
            &self.body["request_id"]
        };
        let request_id = request_id.as_str().unwrap_or_default();
        assert!(!request_id.is_empty(), "no request id: {self}");
        assert_eq!(self.header("x-request-id"), request_id, "{self}");
        for entry in self.attempt_entries() {
            for key in ["provider", "outcome"] {
                assert!(entry[key].is_string(), "attempt without `{key}`: {self}");
            }
            // A search asks for no model.
            assert!(
                entry.get("model").is_none_or(Value::is_string),
                "an attempt's `model`: {self}"
            );
            assert!(entry["ms"].is_u64(), "attempt without `ms`: {self}");
            for key in ["status", "tries"] {
                let number = &entry[key];
                assert!(number.is_null() || number.is_u64(), "{self}");
            }
        }
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.message.body);
        writeln!(f, "{} after {:?}", self.message.start, self.elapsed)?;
        for (name, value) in &self.message.headers {
            writeln!(f, "{name}: {value}")?;
        }
        write!(f, "\n{body:.4000}")
    }
}
