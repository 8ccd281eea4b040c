//! How a model behind Anthropic's format is told to think.

use serde::Serialize;

use crate::{
    conversation::{
        Content, Conversation, Effort, Format, Message, Part, Role, ThinkingBudget, ToolChoice,
    },
    provider::wire::{taken::Taken, thinking},
};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    Enabled { budget_tokens: u32 },
    Adaptive,
    Disabled,
}

/// How the model is told to think. From version 4.6 on it is told in words, before in tokens.
pub(super) fn think(
    taken: &mut Taken<'_>,
    conversation: &Conversation,
    model: &str,
    max_tokens: u32,
) -> (Option<Thinking>, Option<&'static str>) {
    let reasoning = &conversation.reasoning;
    let by_words = thinking::version(model).is_some_and(|version| version >= (4, 6));
    let effort = reasoning.effort.filter(|effort| *effort != Effort::None);
    let wanted = match (reasoning.budget, effort) {
        (Some(ThinkingBudget::Off), _) => return (Some(Thinking::Disabled), None),
        (Some(ThinkingBudget::Adaptive), _) => Thinking::Adaptive,
        (Some(ThinkingBudget::Tokens(budget_tokens)), _) => Thinking::Enabled { budget_tokens },
        (None, None) => return (None, None),
        (None, Some(_)) if by_words => Thinking::Adaptive,
        (None, Some(effort)) => {
            let budget = thinking::tokens(effort).unwrap_or(thinking::LEAST);
            // Thinking counts against the limit, and an answer has to fit in beside it.
            let budget_tokens = budget.min(max_tokens / 4 * 3);
            Thinking::Enabled { budget_tokens }
        }
    };
    let too_little = matches!(wanted, Thinking::Enabled { budget_tokens }
        if budget_tokens < thinking::LEAST || budget_tokens >= max_tokens);
    let forced = !conversation.tools.is_empty()
        && matches!(
            conversation.tool_choice,
            Some(ToolChoice::Any | ToolChoice::Named(_))
        );
    if too_little || forced || forgot_thinking(&conversation.messages) {
        taken.lacks("reasoning_effort", true);
        return (None, None);
    }
    if taken.take("reasoning_effort", Some(())).is_none() {
        return (None, None);
    }
    let word = effort.filter(|_| by_words);
    let word = word.map(|effort| match effort {
        Effort::Minimal => Effort::Low.word(),
        effort => effort.word(),
    });
    (Some(wanted), word)
}

/// Whether the turn that goes on called tools without the thinking before it, which the vendor does
/// not take of a model that thinks.
fn forgot_thinking(messages: &[Message]) -> bool {
    let last = messages.iter().rfind(|said| said.role == Role::Assistant);
    let Some(last) = last else {
        return false;
    };
    let calls = |part: &Part| matches!(part.content, Content::ToolCall(_));
    let thought = |part: &Part| match &part.content {
        Content::RedactedThinking(_) => true,
        Content::Thinking(_) => part
            .signature
            .as_ref()
            .is_some_and(|signature| signature.format == Format::Anthropic),
        _ => false,
    };
    last.parts.iter().any(calls) && !last.parts.iter().any(thought)
}
