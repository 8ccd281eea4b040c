//! Conversation: what is said, asked for and answered, in no vendor's words.
//!
//! Every format is read into this language and written out of it. What it does not name stays with the
//! format it came in: as the whole body ([`Raw`]), field by field ([`Rest`], [`Kept`]), or part by part
//! ([`Foreign`]).

mod kept;
mod manner;
mod tool;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::{
    kept::{Foreign, Kept, Place, Raw, Rest},
    manner::{Effort, OutputShape, Reasoning, Sampling, ThinkingBudget},
    tool::{Tool, ToolCall, ToolChoice, ToolResult},
};

/// The vendors' formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What its format says beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Box<Kept>>,
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is.
    pub content: Content,
    /// Opaque. It has to come back with the part, to the vendor that made it and to no other:
    /// Anthropic's `signature` of a thought, Gemini's `thoughtSignature` of whatever part it came with.
    pub signature: Option<Signature>,
    /// What its format says beside it. Rare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Box<Kept>>,
}

/// An opaque text that only the vendor which made it understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Whose.
    pub format: Format,
    /// As it came.
    pub text: Arc<str>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// A text.
    Text(String),
    /// What the model or its vendor says instead of an answer.
    Refusal(String),
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
    /// Anything else.
    Foreign(Box<Foreign>),
}

/// Something that is not text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Where it is.
    pub source: Source,
    /// Its file name or title, if the caller gave it one.
    pub name: Option<String>,
    /// OpenAI's `detail`: `low`, `high` or `auto`.
    pub detail: Option<String>,
}

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        last_text(&self.messages)
    }
}

// === impl Message ===

impl Message {
    /// A user who says this.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, vec![Part::text(text)])
    }

    /// What somebody says.
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self {
            role,
            parts,
            kept: None,
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
            kept: None,
        }
    }
}

/// The last text of a user; empty if there is none.
pub fn last_text(messages: &[Message]) -> &str {
    let turns = messages.iter().rev().filter(|said| said.role == Role::User);
    let parts = turns.flat_map(|said| said.parts.iter().rev());
    let mut texts = parts.filter_map(|part| match &part.content {
        Content::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.next().unwrap_or_default()
}

/// All texts among the parts, with nothing between them. Thinking and refusals are left out.
pub fn joined(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match &part.content {
        Content::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

// === impl Source ===

impl Source {
    /// What it holds: base64, an address or an id.
    pub fn text(&self) -> &str {
        match self {
            Self::Inline { data, .. } => data,
            Self::Url { url, .. } => url,
            Self::Id { id, .. } => id,
        }
    }
}

// === impl Format ===

impl Format {
    /// The format of that word.
    pub fn read(word: &str) -> Option<Self> {
        let all = [Self::Anthropic, Self::Gemini, Self::OpenAi];
        all.into_iter().find(|format| format.word() == word)
    }

    /// The word that `api = ".."` says in hub.pyfun.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::OpenAi => "openai",
        }
    }
}
