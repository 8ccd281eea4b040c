//! What of a request is sent to a provider that does not take every parameter.

use std::borrow::Cow;

use super::Dialect;
use crate::protocol::CompletionRequest;

/// A request's parameters, less those that the dialect drops.
#[derive(Debug, PartialEq)]
pub(super) struct Parameters<'a> {
    /// The system role's text. An empty one counts as none.
    pub(super) system: Option<&'a str>,
    /// The user's text, after the system's if the provider takes no system role.
    pub(super) prompt: Cow<'a, str>,
    pub(super) max_tokens: Option<u32>,
    pub(super) temperature: Option<f64>,
}

/// What the caller set and the dialect drops. A `max_tokens` is always set, if only by the hub, and a
/// `system` is not lost, so neither is worth a word.
pub(super) fn dropped(request: &CompletionRequest, dialect: &Dialect) -> Vec<Cow<'static, str>> {
    let sent = Parameters::new(request, dialect);
    let set = request.conversation.sampling.temperature.is_some();
    let lost = set && sent.temperature.is_none();
    lost.then_some("temperature".into()).into_iter().collect()
}

// === impl Parameters ===

impl<'a> Parameters<'a> {
    pub(super) fn new(request: &'a CompletionRequest, dialect: &Dialect) -> Self {
        let takes = |name: &str| dialect.drop_params.iter().all(|dropped| dropped != name);
        let conversation = &request.conversation;
        let system = conversation.system.first().map(|text| &**text);
        let prompt = conversation.last_text();
        let (system, prompt) = match system {
            Some(system) if !takes("system") => (None, format!("{system}\n\n{prompt}").into()),
            system => (system, Cow::Borrowed(prompt)),
        };
        Self {
            system,
            prompt,
            max_tokens: request.max_tokens.filter(|_| takes("max_tokens")),
            temperature: conversation
                .sampling
                .temperature
                .filter(|_| takes("temperature")),
        }
    }

    /// Room for the body: most of it is text, which escapes make a little longer.
    pub(super) fn size_hint(&self) -> usize {
        let text = self.prompt.len() + self.system.map_or(0, str::len);
        text + text / 8 + 256
    }
}
