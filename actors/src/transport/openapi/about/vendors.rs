//! About the doors for SDKs: their bodies are the vendors', who describe them.

use serde_json::{Value, json};
use utoipa::openapi::{
    PathItem, Required,
    path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
};

use crate::transport::openapi::{
    parts::{EVENTS, JSON, body, described_at, elsewhere, get, operation, post},
    shapes,
};

const CHAT: &str = "https://platform.openai.com/docs/api-reference/chat/create";
const MESSAGES: &str = "https://docs.anthropic.com/en/api/messages";
const COUNT: &str = "https://docs.anthropic.com/en/api/messages-count-tokens";
const EMBEDDINGS: &str = "https://platform.openai.com/docs/api-reference/embeddings/create";
const MODELS: &str = "https://platform.openai.com/docs/api-reference/models";

/// `POST /v1/chat/completions`
pub fn completions() -> PathItem {
    conversation(
        "Chat, in OpenAI's format",
        CHAT,
        json!({"model": "claude-haiku-5-5", "messages": [{"role": "user", "content": "Hello"}]}),
    )
}

/// `POST /v1/messages`
pub fn messages() -> PathItem {
    conversation(
        "Chat, in Anthropic's format",
        MESSAGES,
        json!({"model": "gemini-3.5-flash-lite", "max_tokens": 1024,
            "messages": [{"role": "user", "content": "Hello"}]}),
    )
}

/// `POST /v1/messages/count_tokens`
pub fn count_tokens() -> PathItem {
    let example =
        json!({"model": "claude-haiku-5-5", "messages": [{"role": "user", "content": "Hello"}]});
    let about = "Asks the provider; one that cannot count answers 404.";
    let operation = operation("Count tokens, in Anthropic's format", about);
    let operation = operation.request_body(body(shapes::conversation(), example));
    let operation = operation.response("200", elsewhere("`input_tokens`", &[JSON]));
    post(told(operation, COUNT))
}

/// `POST /v1/embeddings`
pub fn embeddings() -> PathItem {
    let example = json!({"model": "text-embedding-3-small", "input": ["Hello", "Good bye"]});
    let about = "One vector for each text of `input`, 2,048 at most, as a list of numbers or, with \
                 `\"encoding_format\": \"base64\"`, in base64. If a provider fails, only one that offers the \
                 same model is asked: vectors of two models cannot be compared.";
    let operation = operation("Vectors of texts, in OpenAI's format", about);
    let operation = operation.request_body(body(shapes::embedding(), example));
    let answer = "The vectors. `X-Request-Id`, `X-Hub-Provider`, `X-Hub-Model` and `X-Hub-Attempts` say who \
                  made them, `X-Hub-Dropped-Params` what was not taken.";
    post(told(
        operation.response("200", elsewhere(answer, &[JSON])),
        EMBEDDINGS,
    ))
}

/// `GET /v1/models`
pub fn models() -> PathItem {
    let about = "The names that this key can ask for, in OpenAI's shape, or in Anthropic's for clients that \
                 send `anthropic-version`.";
    let operation = operation("List models", about);
    get(told(
        operation.response("200", elsewhere("The list.", &[JSON])),
        MODELS,
    ))
}

/// `GET /v1/models/{name}`
pub fn model() -> PathItem {
    let name = ParameterBuilder::new()
        .name("name")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The model's name; it may hold slashes."))
        .schema(Some(shapes::text()))
        .example(Some("gemini/gemini-3.5-flash-lite".into()));
    let operation = operation("One model", "As it is in the list.");
    let operation = operation.parameter(name);
    get(told(
        operation.response("200", elsewhere("The model.", &[JSON])),
        MODELS,
    ))
}

fn conversation(summary: &str, described: &str, example: Value) -> PathItem {
    let about = "Every provider answers through it: `model` is a model's name, `PROVIDER/MODEL`, a name of \
                 your own, or a tool that asks a model. With `\"stream\": true` bit by bit, as the vendor \
                 does it.";
    let operation = operation(summary, about);
    let operation = operation.request_body(body(shapes::conversation(), example));
    let answer = "The answer, in the vendor's shape. `X-Request-Id`, `X-Hub-Provider`, `X-Hub-Model` and \
                  `X-Hub-Attempts` say who answers, `X-Hub-Dropped-Params` what was not taken \
                  (`temperature>1` is asked for as 1), \
                  `X-Hub-Cache` of a tool that keeps answers what became of that.";
    post(told(
        operation.response("200", elsewhere(answer, &[JSON, EVENTS])),
        described,
    ))
}

/// Says where the vendor describes it, and that failures are in its words.
fn told(operation: OperationBuilder, described: &str) -> Operation {
    let error = "An error, in the shape and with the statuses that the vendor's SDKs know.";
    let operation = operation.response("default", elsewhere(error, &[JSON]));
    described_at(operation, described)
}
