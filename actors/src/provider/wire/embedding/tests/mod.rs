//! The formats of vectors: what is sent, what is understood, and what is neither.
