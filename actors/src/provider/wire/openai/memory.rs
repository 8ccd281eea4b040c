//! Memory: what a model behind OpenAI's format takes back of what models thought.

use crate::conversation::{Content, Conversation};

/// What a model takes back of what models thought.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    /// Google's signatures.
    pub(super) google: bool,
    /// Thoughts, as `reasoning_content`.
    pub(super) aloud: bool,
}

/// Whether it holds what the model does not take back: another's thoughts, and signatures of them.
pub(super) fn holds_extras(conversation: &Conversation, model: &str) -> bool {
    let Memory { google, aloud } = Memory::of(model);
    if google {
        return false;
    }
    let mut parts = conversation.messages.iter().flat_map(|said| &said.parts);
    parts.any(|part| match part.content {
        Content::Thinking(_) => !aloud || part.signature.is_some(),
        Content::RedactedThinking(_) => true,
        _ => part.signature.is_some(),
    })
}

/// Google's own endpoint of this format, and those that lead there, want thought signatures back.
fn speaks_google(model: &str) -> bool {
    model.contains("gemini")
}

/// Those of whose makers it is known that they want a model's thoughts back in a turn that calls tools.
/// Others refuse a request for them.
fn thinks_aloud(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    ["deepseek", "kimi", "glm"]
        .iter()
        .any(|name| model.contains(name))
}

// === impl Memory ===

impl Memory {
    /// Of this model.
    pub(super) fn of(model: &str) -> Self {
        Self {
            google: speaks_google(model),
            aloud: thinks_aloud(model),
        }
    }
}
