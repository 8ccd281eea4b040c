//! Thinking: one vendor's way to say how much to think, in another's.
//!
//! The numbers are between those that the vendors' own compatibility layers use.

use crate::conversation::{Effort, Reasoning, ThinkingBudget};

/// Least budget that Anthropic takes.
pub(super) const LEAST: u32 = 1024;

/// The budget that goes with an effort, in tokens; `None` for no thinking at all.
pub(super) fn tokens(effort: Effort) -> Option<u32> {
    match effort {
        Effort::None => None,
        Effort::Minimal => Some(LEAST),
        Effort::Low => Some(2048),
        Effort::Medium => Some(8192),
        Effort::High => Some(16_384),
        Effort::XHigh => Some(24_576),
        Effort::Max => Some(32_768),
    }
}

/// The effort that is asked for, in words or in tokens; `None` if the model may find its own.
pub(super) fn effort(reasoning: &Reasoning) -> Option<Effort> {
    let by_budget = |budget| match budget {
        ThinkingBudget::Off => Some(Effort::None),
        ThinkingBudget::Adaptive => None,
        ThinkingBudget::Tokens(0) => Some(Effort::None),
        ThinkingBudget::Tokens(..=4096) => Some(Effort::Low),
        ThinkingBudget::Tokens(..=12_288) => Some(Effort::Medium),
        ThinkingBudget::Tokens(_) => Some(Effort::High),
    };
    reasoning
        .effort
        .or_else(|| reasoning.budget.and_then(by_budget))
}

/// The version in a model's name: `claude-opus-4-6` is (4, 6), `gemini-3-pro` is (3, 0).
pub(super) fn version(model: &str) -> Option<(u32, u32)> {
    // A date (20251001) is no version.
    let number = |word: &str| word.parse::<u32>().ok().filter(|number| *number < 100);
    let mut words = model.split(['-', '.', '@', ':', '/']).map(number);
    let major = words.find_map(|word| word)?;
    Some((major, words.next().flatten().unwrap_or(0)))
}

// === impl Effort ===

impl Effort {
    /// All of them with OpenAI's and Anthropic's words.
    const WORDS: [(Self, &'static str); 7] = [
        (Self::None, "none"),
        (Self::Minimal, "minimal"),
        (Self::Low, "low"),
        (Self::Medium, "medium"),
        (Self::High, "high"),
        (Self::XHigh, "xhigh"),
        (Self::Max, "max"),
    ];

    /// Its word.
    pub(super) fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(effort, _)| *effort == self);
        found.map_or("medium", |(_, word)| word)
    }

    /// The effort with that word.
    pub(super) fn read(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(_, known)| *known == word);
        found.map(|(effort, _)| *effort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        for (model, expected) in [
            ("claude-opus-4-6", Some((4, 6))),
            ("claude-haiku-4-5-20251001", Some((4, 5))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-3-7-sonnet-latest", Some((3, 7))),
            ("gemini-2.5-flash", Some((2, 5))),
            ("gemini-3-pro-preview", Some((3, 0))),
            ("gemini-fast", None),
        ] {
            assert_eq!(version(model), expected, "{model}");
        }
    }
}
