//! Fetcher: images at addresses that callers name, for vendors that read none. The one place of the house
//! that connects where a request says; so it lives on the Guardian's side, and reads the public Internet
//! alone.
//!
//! # Layout
//! - `actor`: the actor that calls ask, its places and its memory
//! - `reader`: one image: requests, redirects, the answer's body
//! - `target`: which addresses are read at all
//! - `names`: the resolver of its client, which knows public addresses only
//! - `public`: which those are
//! - `intake`: from bytes to an image in base64
//! - `fixture`: a server of a test's own, in test builds only

mod actor;
#[cfg(feature = "fixtures")]
pub mod fixture;
mod intake;
mod names;
mod public;
mod reader;
mod target;

pub use self::actor::{FetcherSpec, start};
