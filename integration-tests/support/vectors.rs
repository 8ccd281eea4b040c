//! The vectors that a fake vendor makes: each text has its own.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::exchange::Exchange;

/// How many numbers a vector has if nobody says.
const DIMENSIONS: u64 = 4;

/// What stands for a list of tokens.
pub(crate) const TOKENS: &str = "tokens";

/// The vector of a text. Its numbers are as exact in 32 bits as in 64.
pub(crate) fn of(text: &str, dimensions: usize) -> Vec<f32> {
    let sum = text.bytes().map(u16::from).fold(0, u16::wrapping_add);
    // None is whole: some programs write those without a point.
    let number = |at: usize| f32::from(sum) + 0.0625 - at as f32 / 8.0;
    (0..dimensions).map(number).collect()
}

/// The same in base64.
pub(crate) fn base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|n| n.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

/// The answer to a request for vectors, in the format of its path; `None` if it is another request.
pub(crate) fn answer(exchange: &Exchange) -> Option<Value> {
    let body = &exchange.body;
    if exchange.target().ends_with(":batchEmbedContents") {
        let requests = body["requests"].as_array()?;
        assert!(requests.len() <= 100, "Google takes no more at once");
        let vector = |request: &Value| {
            let text = request["content"]["parts"][0]["text"].as_str().unwrap();
            json!({"values": of(text, dimensions(&request["outputDimensionality"]))})
        };
        let vectors: Vec<_> = requests.iter().map(vector).collect();
        let usage = json!({"promptTokenCount": 5 * vectors.len()});
        return Some(json!({"embeddings": vectors, "usageMetadata": usage}));
    }
    if !exchange.target().ends_with("/embeddings") {
        return None;
    }
    let texts: Vec<&str> = match &body["input"] {
        Value::Array(items) if items[0].is_u64() => vec![TOKENS],
        Value::Array(items) => {
            let texts = items.iter();
            texts.map(|item| item.as_str().unwrap_or(TOKENS)).collect()
        }
        text => vec![text.as_str().unwrap()],
    };
    let vector = |(index, text): (usize, &&str)| {
        let vector = of(text, dimensions(&body["dimensions"]));
        let embedding = match body["encoding_format"] == "base64" {
            true => json!(base64(&vector)),
            false => json!(vector),
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let data: Vec<_> = texts.iter().enumerate().map(vector).collect();
    let tokens = 5 * data.len();
    Some(json!({
        "object": "list", "data": data, "model": body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }))
}

fn dimensions(asked: &Value) -> usize {
    usize::try_from(asked.as_u64().unwrap_or(DIMENSIONS)).unwrap()
}
