//! What vectors are made of, and the vectors.

use bytes::Bytes;

use super::Usage;

/// What to make vectors of. OpenAI's format is the one in which it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingRequest {
    /// One vector for each of these.
    pub input: EmbeddingInput,
    /// How many numbers a vector shall have; as many as the model makes if the caller does not say.
    pub dimensions: Option<u32>,
    /// How the numbers shall be written.
    pub encoding: Encoding,
    /// Names of the other fields that the caller set.
    pub others: Vec<String>,
    /// The request as it came, for a provider of the same format.
    pub body: Bytes,
}

/// What vectors are made of: at least one of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddingInput {
    /// Texts, none of them empty.
    Texts(Vec<String>),
    /// So many lists of a vendor's own tokens. They go on as they came, or not at all.
    Tokens(usize),
}

/// How the numbers of a vector are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As JSON.
    #[default]
    Float,
    /// As the base64 of 32-bit floating-point numbers, the least significant byte first.
    Base64,
}

/// Vectors: as many as were asked for, all of the same length.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// The vectors.
    pub vectors: Vectors,
    /// How many numbers each of them has.
    pub dimensions: usize,
    /// The model that the vendor says made them, if it says so.
    pub model: Option<String>,
    /// Tokens as the vendor counted them; 0 if it does not say.
    pub usage: Usage,
}

/// Where vectors are.
#[derive(Debug, Clone, PartialEq)]
pub enum Vectors {
    /// In the vendor's own body, which is what the caller asked for.
    Raw(Bytes),
    /// Here, in the order of what they are of. Each number is finite.
    Read(Vec<Vec<f32>>),
}
