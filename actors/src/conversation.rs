//! Conversation: what is said, asked for and answered, in no vendor's words.
//!
//! Every format is read into this language and written out of it. What it does not name stays with the
//! format it came in: as the whole body ([`Raw`]), or field by field ([`Rest`]).

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

/// The vendors' formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Anthropic's Messages.
    Anthropic,
    /// Google's generateContent.
    Gemini,
    /// OpenAI's chat completions.
    OpenAi,
}

/// What was said so far, and how to go on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Conversation {
    /// What stands above the conversation, in order; never pasted into a message.
    pub system: Vec<Arc<str>>,
    /// Who said what, in order.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it has to; `None` leaves it to the vendor, which is [`ToolChoice::Auto`].
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once; `None` leaves it to the vendor, which is yes.
    pub parallel_tool_calls: Option<bool>,
    /// In which shape to answer; `None` for text.
    pub output: Option<OutputShape>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How words are picked.
    pub sampling: Sampling,
    /// How much to think first.
    pub reasoning: Reasoning,
    /// The caller's own word for the person who asks.
    pub user: Option<String>,
    /// Fields of the request that this language does not name.
    pub rest: Option<Rest>,
}

/// What one side said in its turn. Two in a row may have the same role.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Whose turn.
    pub role: Role,
    /// What was said, in order.
    pub parts: Vec<Part>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Role {
    /// The caller, with its tools: results are parts of the caller's turn, all those of one turn in
    /// one message.
    User,
    /// The model.
    Assistant,
    /// The one above, in the middle of the conversation. At the beginning it is
    /// [`Conversation::system`].
    System,
}

/// A piece of what was said, with what its vendor wants back beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// What it is.
    pub content: Content,
    /// Opaque. It has to come back with the part, to the vendor that made it and to no other:
    /// Anthropic's `signature` of a thought, Gemini's `thoughtSignature` of whatever part it came with.
    pub signature: Option<Signature>,
}

/// An opaque text that only the vendor which made it understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// Whose.
    pub format: Format,
    /// As it came.
    pub text: Arc<str>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Content {
    /// A text.
    Text(String),
    /// A picture.
    Image(Media),
    /// Something to listen to.
    Audio(Media),
    /// A document.
    File(Media),
    /// What the model thought before it answered.
    Thinking(String),
    /// The same, encrypted by Anthropic; opaque, and wanted back.
    RedactedThinking(String),
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// What a tool answered.
    ToolResult(ToolResult),
}

/// Something that is not text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Media {
    /// Where it is.
    pub source: Source,
    /// Its file name or title, if the caller gave it one.
    pub name: Option<String>,
    /// OpenAI's `detail`: `low`, `high` or `auto`.
    pub detail: Option<String>,
}

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Source {
    /// Right here.
    Inline {
        /// `image/png`
        media_type: String,
        /// In base64 (RFC 4648, section 4), as it came.
        data: String,
    },
    /// At an address, which the vendor reads if it can.
    Url {
        /// `https://..`; Google's own files have such addresses, too.
        url: String,
        /// If the caller says.
        media_type: Option<String>,
    },
    /// At the vendor, which knows it by this id.
    Id {
        /// Whose id it is: another vendor does not know it.
        format: Format,
        /// The id.
        id: String,
    },
}

/// One call of a tool by the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolCall {
    /// What its result refers to. Made up by the hub where the vendor gives none (Gemini).
    pub id: String,
    /// Which tool, by the caller's own name for it.
    pub name: String,
    /// A JSON object, as the model wrote it: it may be broken.
    pub arguments: String,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolResult {
    /// The [`ToolCall::id`] that it answers.
    pub id: String,
    /// Texts, images and files.
    pub parts: Vec<Part>,
    /// The tool failed, and the parts say how.
    pub is_error: bool,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tool {
    /// The caller's own name for it. A vendor that takes no such name gets another, and the caller
    /// never sees that one.
    pub name: String,
    /// What it is good for.
    pub description: Option<String>,
    /// What it takes: JSON Schema; `None` for nothing.
    pub schema: Option<Value>,
    /// Whether calls must keep to the schema.
    pub strict: Option<bool>,
}

/// Whether the model has to call a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// None at all.
    None,
    /// At least one, no matter which (`required`, `any`).
    Any,
    /// This one.
    Named(String),
}

/// In which shape to answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum OutputShape {
    /// Any JSON object.
    JsonObject,
    /// JSON by a schema.
    JsonSchema {
        /// What the caller calls it.
        name: Option<String>,
        /// What it is good for.
        description: Option<String>,
        /// JSON Schema.
        schema: Value,
        /// Whether the answer must keep to it.
        strict: Option<bool>,
    },
}

/// How words are picked. Sent only if the caller set it: some models reject a parameter even at its
/// default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Sampling {
    /// 0 to 2; to 1 for Anthropic.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// At least 1.
    pub top_k: Option<u32>,
    /// For answers that come out the same again.
    pub seed: Option<i64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
}

/// How much to think first. Vendors and even models of one vendor take the one or the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reasoning {
    /// In words.
    pub effort: Option<Effort>,
    /// In tokens.
    pub budget: Option<ThinkingBudget>,
    /// Whether the caller wants to see the thoughts; `None` leaves it to the vendor.
    pub shown: Option<bool>,
}

/// How hard to think, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// A lot.
    High,
    /// More than a lot.
    XHigh,
    /// Whatever it takes.
    Max,
}

/// How many tokens to think for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ThinkingBudget {
    /// None.
    Off,
    /// As many as the model finds right.
    Adaptive,
    /// At most so many.
    Tokens(u32),
}

/// What is at the top of a request and [`Conversation`] does not name. A provider of the same format
/// gets it, and for another it is named as dropped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rest {
    /// Whose fields.
    pub format: Format,
    /// As they came.
    pub fields: Map<String, Value>,
    /// Tools that the vendor itself runs, such as its own search; as they came.
    pub tools: Vec<Value>,
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
    /// The body holds another vendor's opaque extras (`extra_content`, `thinking_blocks`), which its
    /// own vendor might not take.
    pub holds_extras: bool,
}

// === impl Conversation ===

impl Conversation {
    /// One user's text, under a system's text if there is one. An empty one counts as none.
    pub fn ask(system: Option<Arc<str>>, prompt: String) -> Self {
        Self {
            system: system.into_iter().filter(|text| !text.is_empty()).collect(),
            messages: vec![Message::user(prompt)],
            ..Self::default()
        }
    }

    /// The last text of a user: what was asked last, for those who keep records. Empty if there is
    /// none.
    pub fn last_text(&self) -> &str {
        let turns = self.messages.iter().rev();
        let parts = turns
            .filter(|said| said.role == Role::User)
            .flat_map(|said| said.parts.iter().rev());
        let mut texts = parts.filter_map(|part| match &part.content {
            Content::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.next().unwrap_or_default()
    }
}

// === impl Message ===

impl Message {
    /// A user who says this.
    pub fn user(text: impl Into<String>) -> Self {
        Self {
            role: Role::User,
            parts: vec![Part::text(text)],
        }
    }
}

// === impl Part ===

impl Part {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Content::Text(text.into()).into()
    }
}

impl From<Content> for Part {
    fn from(content: Content) -> Self {
        Self {
            content,
            signature: None,
        }
    }
}

/// All texts among the parts, with nothing between them. Thinking is left out.
pub fn joined(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match &part.content {
        Content::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

// === impl Rest ===

impl Rest {
    /// `None` if nothing is left over.
    pub fn new(format: Format, fields: Map<String, Value>, tools: Vec<Value>) -> Option<Self> {
        let any = !fields.is_empty() || !tools.is_empty();
        any.then_some(Self {
            format,
            fields,
            tools,
        })
    }
}

// === impl Format ===

impl Format {
    /// The word that `api = ".."` says in hub.pyfun.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::OpenAi => "openai",
        }
    }
}
