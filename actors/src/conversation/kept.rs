//! Kept: what of a request has no words of ours, for a provider of the format it came in.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Format;

/// What is at the top of a request and [`Conversation`](super::Conversation) does not name. A provider of the same format
/// gets it, and for another it is named as dropped. That there is one says in which format the request came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rest {
    /// Whose fields.
    pub format: Format,
    /// As they came: names that the language has no field for, and values that its fields cannot hold.
    pub fields: Map<String, Value>,
    /// The same of objects that the language names in part, by their paths (`output_config.format`).
    pub within: Map<String, Value>,
    /// Tools that the vendor itself runs, such as its own search; as they came.
    pub tools: Vec<Value>,
    /// What the vendor is to try out, in its own words and in a header (`anthropic-beta`).
    pub betas: Option<Box<str>>,
}

/// What stands in a message, a part or a tool beside that which the language names. A provider of the same
/// format gets it, and for another it is named as dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose fields. That there is one, even an empty one, says in which format its owner came.
    pub format: Format,
    /// As they came.
    pub fields: Map<String, Value>,
    /// The same of objects inside, by their names (`image_url`, `source`, `function`).
    pub within: Map<String, Value>,
}

/// Something of a kind that the language has no word for, as it came. A provider of the same format gets
/// it; what becomes of it for another depends on who said it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Foreign {
    /// Whose kind.
    pub format: Format,
    /// What it is a piece of.
    pub place: Place,
    /// All of it, its `type` or `role` included.
    pub value: Map<String, Value>,
}

/// Where something of an unknown kind stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// It is a whole message, of an unknown role.
    Message,
    /// In a message's content.
    Content,
    /// Among a message's calls of tools (OpenAI's `tool_calls`).
    Calls,
}

/// A request as it came. A provider of the same format gets this, with nothing changed but what has
/// to be (`model`); what it answers goes back as it is.
///
/// Only for a request that the hub adds nothing to: a tool's system prompt is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Whose.
    pub format: Format,
    /// A JSON object.
    pub body: Bytes,
    /// The caller wants to be told the usage at the end of a stream (OpenAI's
    /// `stream_options.include_usage`). The hub wants to know in any case.
    pub wants_usage: bool,
}

// === impl Rest ===

impl Rest {
    /// With nothing in it yet.
    pub fn nothing(format: Format) -> Self {
        Self {
            format,
            fields: Map::new(),
            within: Map::new(),
            tools: Vec::new(),
            betas: None,
        }
    }

    /// `None` if nothing is left over.
    pub fn new(
        format: Format,
        fields: Map<String, Value>,
        within: Map<String, Value>,
        tools: Vec<Value>,
    ) -> Option<Self> {
        let any = !fields.is_empty() || !within.is_empty() || !tools.is_empty();
        any.then_some(Self {
            fields,
            within,
            tools,
            ..Self::nothing(format)
        })
    }

    /// What is left over of an object, for its own format.
    pub fn within(&self, format: Format, path: &str) -> Option<&Map<String, Value>> {
        let own = self.within.get(path).filter(|_| self.format == format)?;
        own.as_object()
    }

    /// Whether its own format says a field in a way that the language has no word for.
    pub fn says(&self, format: Format, name: &str) -> bool {
        self.format == format && self.fields.contains_key(name)
    }
}

// === impl Kept ===

impl Kept {
    /// With nothing in it: all that it says is where its owner came from.
    pub fn nothing(format: Format) -> Box<Self> {
        Box::new(Self {
            format,
            fields: Map::new(),
            within: Map::new(),
        })
    }

    /// `None` if there is nothing to keep.
    pub fn new(
        format: Format,
        fields: Map<String, Value>,
        within: Map<String, Value>,
    ) -> Option<Box<Self>> {
        let any = !fields.is_empty() || !within.is_empty();
        any.then(|| {
            Box::new(Self {
                format,
                fields,
                within,
            })
        })
    }
}

// === impl Foreign ===

impl Foreign {
    /// What the format calls it.
    pub fn kind(&self) -> &str {
        let name = match self.place {
            Place::Message => "role",
            Place::Content | Place::Calls => "type",
        };
        self.text(name).unwrap_or("unknown")
    }

    /// One of its texts.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value.get(name).and_then(Value::as_str)
    }
}
