//! What an LLM tool takes.

use std::sync::Arc;

use super::Params;
use serde_json::Value;

use crate::{
    conversation::{Content, Conversation, Media, Message, Part, Role, Sampling, last_text},
    error::CallError,
    protocol::CompletionRequest,
    provider::wire::{media, openai},
};

/// Most tokens to generate when the caller does not say.
pub const DEFAULT_MAX_TOKENS: u32 = 1024;

/// A conversation up to now.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    /// What stands above it.
    pub system: Vec<Arc<str>>,
    /// Who said what.
    pub messages: Vec<Message>,
}

/// What an LLM tool takes.
#[derive(Debug, PartialEq)]
pub struct LlmParams {
    /// `prompt`, `text` or `code`.
    pub prompt: String,
    /// `provider` or `provider_name`.
    pub provider: Option<String>,
    /// `model`
    pub model: Option<String>,
    /// `max_tokens`, at least 1.
    pub max_tokens: u32,
    /// `temperature`, 0 to 2.
    pub temperature: Option<f64>,
    /// `cache`: false asks a provider whatever the cache has.
    pub cache: Option<bool>,
    /// `messages`: what was said before the prompt, as OpenAI's format has it.
    pub said: Said,
    /// `images`: addresses, to be seen with the prompt.
    pub images: Vec<String>,
    /// Whether to answer bit by bit. No parameter: the door knows.
    pub stream: bool,
}

// === impl LlmParams ===

impl LlmParams {
    /// What a provider is asked, under a tool's system text.
    pub fn request(self, system: Option<Arc<str>>) -> CompletionRequest {
        let (max_tokens, stream) = (self.max_tokens, self.stream);
        let conversation = self.conversation(system);
        CompletionRequest {
            count: false,
            conversation: Arc::new(conversation),
            max_tokens: Some(max_tokens),
            ceiling: u32::MAX,
            stream,
            raw: None,
        }
    }

    /// What is asked last, for those who keep records.
    pub fn last_text(&self) -> &str {
        if self.prompt.is_empty() {
            last_text(&self.said.messages)
        } else {
            &self.prompt
        }
    }

    fn conversation(self, system: Option<Arc<str>>) -> Conversation {
        if self.said.messages.is_empty() && self.images.is_empty() {
            let mut conversation = Conversation::ask(system, self.prompt);
            conversation.sampling.temperature = self.temperature;
            return conversation;
        }
        let Said {
            system: above,
            mut messages,
        } = self.said;
        if !self.prompt.is_empty() {
            messages.push(Message::user(self.prompt));
        }
        let images: Vec<_> = self.images.into_iter().map(image).collect();
        match messages.last_mut() {
            Some(last) if last.role == Role::User => last.parts.extend(images),
            _ if images.is_empty() => {}
            _ => messages.push(Message::new(Role::User, images)),
        }
        let own = system.into_iter().filter(|text| !text.is_empty());
        Conversation {
            system: own.chain(above).collect(),
            messages,
            sampling: Sampling {
                temperature: self.temperature,
                ..Sampling::default()
            },
            ..Conversation::default()
        }
    }
}

// === impl Params ===

impl Params {
    /// Everything an LLM tool takes.
    ///
    /// # Errors
    /// [`CallError::BadRequest`] naming the parameter that is wrong or missing.
    pub fn llm(mut self) -> Result<LlmParams, CallError> {
        let prompt = self.text(&["prompt", "text", "code"])?;
        let params = LlmParams {
            provider: self.text(&["provider", "provider_name"])?,
            model: self.text(&["model"])?,
            max_tokens: self.count("max_tokens")?.unwrap_or(DEFAULT_MAX_TOKENS),
            temperature: self.fraction("temperature", 2.0)?,
            cache: self.flag("cache")?,
            said: self.said()?,
            images: self.images()?,
            stream: false,
            prompt: prompt.unwrap_or_default(),
        };
        let tool = self.tool.clone();
        self.finish()?;
        if params.prompt.trim().is_empty() && params.said.messages.is_empty() {
            return Err(CallError::BadRequest(format!(
                "`{tool}` needs a `prompt`: the text to work on."
            )));
        }
        Ok(params)
    }

    fn said(&mut self) -> Result<Said, CallError> {
        let Some(messages) = self.value("messages") else {
            return Ok(Said::default());
        };
        let read = openai::read_messages(messages);
        let (system, messages) = read.map_err(|wrong| CallError::BadRequest(wrong.sentence))?;
        Ok(Said { system, messages })
    }

    /// Not a text with commas: every data URL has one.
    fn images(&mut self) -> Result<Vec<String>, CallError> {
        let wrong = || super::wrong("images", "a list of addresses (https or data URLs)");
        let is_address = |text: &String| text.starts_with("https://") || text.starts_with("data:");
        match self.value("images") {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) if is_address(&text) => Ok(text),
                    _ => Err(wrong()),
                })
                .collect(),
            Some(_) => Err(wrong()),
        }
    }
}

/// A picture at an address, or right in it.
fn image(address: String) -> Part {
    Content::Image(Media::new(media::at(address))).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn llm(params: Value) -> Result<LlmParams, String> {
        Params::new("llm_complete", Some(params))
            .and_then(Params::llm)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_plugins_empty_strings_are_not_given() {
        let params = llm(
            json!({"prompt": "hi", "provider_name": "anthropic", "model": "", "max_tokens": 1024}),
        );
        let expected = LlmParams {
            prompt: "hi".into(),
            provider: Some("anthropic".into()),
            model: None,
            max_tokens: 1024,
            temperature: None,
            cache: None,
            said: Said::default(),
            images: Vec::new(),
            stream: false,
        };
        assert_eq!(params, Ok(expected));
    }

    #[test]
    fn aliases_mean_the_same() {
        for name in ["prompt", "text", "code"] {
            assert_eq!(
                llm(json!({name: "x"})).map(|params| params.prompt),
                Ok("x".into())
            );
        }
        let both = llm(json!({"prompt": "a", "provider": "gemini", "provider_name": "gemini"}));
        assert_eq!(
            both.map(|params| params.provider),
            Ok(Some("gemini".into()))
        );
        let differ = llm(json!({"prompt": "a", "provider": "gemini", "provider_name": "openai"}));
        assert!(differ.is_err_and(|sentence| sentence.contains("`provider` and `provider_name`")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            (
                json!({"prompt": "a", "temprature": 1}),
                "no parameter `temprature`",
            ),
            (json!({"prompt": 5}), "`prompt` must be a string"),
            (
                json!({"prompt": "a", "max_tokens": 0}),
                "`max_tokens` must be",
            ),
            (
                json!({"prompt": "a", "max_tokens": "many"}),
                "`max_tokens` must be",
            ),
            (
                json!({"prompt": "a", "temperature": 3}),
                "`temperature` must be",
            ),
            (
                json!({"prompt": "a", "cache": "never"}),
                "`cache` must be true or false",
            ),
            (json!({"prompt": "  "}), "needs a `prompt`"),
            (json!([1]), "`params` must be an object"),
        ];
        for (params, expected) in cases {
            let sentence = llm(params.clone()).expect_err("is wrong");
            assert!(sentence.contains(expected), "{params}: {sentence}");
        }
    }
}
