//! What an LLM tool takes.

use std::sync::Arc;

use super::Params;
use crate::{conversation::Conversation, error::CallError, protocol::CompletionRequest};

/// Most tokens to generate when the caller does not say.
pub const DEFAULT_MAX_TOKENS: u32 = 1024;

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
}

// === impl LlmParams ===

impl LlmParams {
    /// What a provider is asked, under a tool's system text.
    pub fn request(self, system: Option<Arc<str>>) -> CompletionRequest {
        let mut conversation = Conversation::ask(system, self.prompt);
        conversation.sampling.temperature = self.temperature;
        CompletionRequest {
            conversation: Arc::new(conversation),
            max_tokens: Some(self.max_tokens),
            ceiling: u32::MAX,
            stream: false,
            raw: None,
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
            prompt: prompt.unwrap_or_default(),
        };
        let tool = self.tool.clone();
        self.finish()?;
        if params.prompt.trim().is_empty() {
            return Err(CallError::BadRequest(format!(
                "`{tool}` needs a `prompt`: the text to work on."
            )));
        }
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

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
