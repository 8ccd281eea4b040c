//! Vectors, as a client of OpenAI's format reads them.

use bytes::Bytes;
use serde::Serialize;

use super::numbers::Written;
use crate::protocol::{Embedded, Encoding, Vectors};

#[derive(Serialize)]
struct Answer<'a> {
    object: &'static str,
    data: Vec<Item<'a>>,
    model: &'a str,
    usage: Counted,
}

#[derive(Serialize)]
struct Item<'a> {
    object: &'static str,
    index: usize,
    embedding: Written<'a>,
}

#[derive(Serialize)]
struct Counted {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// The body of an answer; what came raw goes on so. `model` was asked for.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn write_answer(
    embedded: &Embedded,
    encoding: Encoding,
    model: &str,
) -> Result<Bytes, serde_json::Error> {
    let vectors = match &embedded.vectors {
        Vectors::Raw(body) => return Ok(body.clone()),
        Vectors::Read(vectors) => vectors,
    };
    let item = |(index, vector)| Item {
        object: "embedding",
        index,
        embedding: Written { vector, encoding },
    };
    let tokens = embedded.usage.input_tokens;
    let answer = Answer {
        object: "list",
        data: vectors
            .iter()
            .map(Vec::as_slice)
            .enumerate()
            .map(item)
            .collect(),
        model: embedded.model.as_deref().unwrap_or(model),
        usage: Counted {
            prompt_tokens: tokens,
            total_tokens: tokens,
        },
    };
    let width = match encoding {
        // The shortest is `0.0,`, and a vendor decides how long they are: it grows with them.
        Encoding::Float => 4,
        Encoding::Base64 => 6,
    };
    let hint = vectors.len() * (embedded.dimensions * width + 64) + 128;
    let mut body = Vec::with_capacity(hint);
    serde_json::to_writer(&mut body, &answer)?;
    Ok(body.into())
}
