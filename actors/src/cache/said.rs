//! Said: what an answer says, as the cache has it.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    completion::pictures,
    conversation::{Content, Part, Source, joined},
    protocol::Completion,
    provider::wire::media,
};

/// What a part costs besides its texts.
const PART: usize = size_of::<Part>();

/// What an answer says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    /// A text, and there is nothing more to it.
    Text(Arc<str>),
    /// A model's answer that is more than a text.
    More(Box<More>),
}

/// An answer that is more than a text.
#[derive(Debug, Serialize, Deserialize)]
pub struct More {
    /// Texts, thoughts, calls of tools, with what their vendor wants back.
    parts: Vec<Part>,
    /// Which of the caller's texts ended it.
    stop_sequence: Option<String>,
    /// The vendor's own bytes, for a client that speaks its format: a body, or events.
    #[serde(with = "utf8")]
    raw: Option<Bytes>,
}

// === impl Said ===

impl Said {
    /// Takes what `completion` says out of it.
    pub fn of(completion: &mut Completion) -> Self {
        let parts = std::mem::take(&mut completion.parts);
        let stop_sequence = completion.stop_sequence.take();
        let raw = completion.raw.take();
        match parts.as_slice() {
            [
                Part {
                    content: Content::Text(text),
                    signature: None,
                    ..
                },
            ] if stop_sequence.is_none() && raw.is_none() => Self::Text(text.as_str().into()),
            _ => Self::More(Box::new(More {
                parts,
                stop_sequence,
                raw,
            })),
        }
    }

    /// Gives it to `completion`.
    pub fn give(&self, completion: &mut Completion) {
        match self {
            Self::Text(text) => completion.parts = vec![Part::text(&**text)],
            Self::More(more) => {
                completion.parts.clone_from(&more.parts);
                completion.stop_sequence.clone_from(&more.stop_sequence);
                completion.raw.clone_from(&more.raw);
            }
        }
    }

    /// Its text.
    pub fn text(&self) -> Arc<str> {
        match self {
            Self::Text(text) => text.clone(),
            Self::More(more) => joined(&more.parts).into(),
        }
    }

    /// Its pictures: https or data URLs.
    pub fn images(&self) -> Vec<String> {
        match self {
            Self::Text(_) => Vec::new(),
            Self::More(more) => pictures(&more.parts).filter_map(media::address).collect(),
        }
    }

    /// Bytes that it takes, roughly.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::More(more) => {
                let parts: usize = more.parts.iter().map(size).sum();
                let raw = more.raw.as_ref().map_or(0, Bytes::len);
                parts + more.stop_sequence.as_ref().map_or(0, String::len) + raw
            }
        }
    }
}

fn size(part: &Part) -> usize {
    let signature = part.signature.as_ref();
    let content = match &part.content {
        Content::Text(text)
        | Content::Refusal(text)
        | Content::Thinking(text)
        | Content::RedactedThinking(text) => text.len(),
        Content::ToolCall(call) => call.id.len() + call.name.len() + call.arguments.len(),
        Content::ToolResult(result) => result.parts.iter().map(size).sum(),
        Content::Image(media) | Content::Audio(media) | Content::File(media) => {
            match &media.source {
                Source::Inline { data, .. } => data.len(),
                Source::Url { url, .. } => url.len(),
                Source::Id { id, .. } => id.len(),
            }
        }
        // A model answers with none.
        Content::Foreign(_) => 0,
    };
    PART + content + signature.map_or(0, |signature| signature.text.len())
}

/// A vendor's bytes as a text, for the file.
mod utf8 {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error};

    pub(super) fn serialize<S: Serializer>(raw: &Option<Bytes>, to: S) -> Result<S::Ok, S::Error> {
        let text = raw.as_deref().map(str::from_utf8).transpose();
        text.map_err(S::Error::custom)?.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Bytes>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        Ok(text.map(Bytes::from))
    }
}
