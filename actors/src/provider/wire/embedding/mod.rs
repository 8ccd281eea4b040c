//! The formats of vectors: pure functions between their JSON and [`EmbeddingRequest`], [`Embedded`].
//!
//! A new one is a new file here that implements [`Wire`], and a line in [`ALL`].
//!
//! - `openai` with `answer`: a server that speaks OpenAI's format; `gemini`: Google's
//! - `read`, `write`: a client, which speaks OpenAI's
//! - `numbers`: a vector, in both ways to write one; `items`: a list of them
//!
//! [`Embedded`]: crate::protocol::Embedded

mod answer;
mod gemini;
mod items;
mod numbers;
mod openai;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use self::{
    read::{Asked, read_request},
    write::write_answer,
};
use super::Wire;
use crate::protocol::EmbeddingRequest;

/// Most vectors of one request: what OpenAI allows.
pub const MOST: usize = 2048;

/// Every format there is.
pub static ALL: [&dyn Wire<EmbeddingRequest>; 2] = [&gemini::Gemini, &openai::OpenAi];

/// The format that `api = name` means; `None` if its vendor makes no vectors.
pub fn by_name(name: &str) -> Option<&'static dyn Wire<EmbeddingRequest>> {
    ALL.into_iter().find(|wire| wire.name() == name)
}
