//! The vendors' formats: pure functions between JSON and the vocabulary, no I/O.
//!
//! A new format is a new file here that implements [`Wire`], and a line in [`ALL`]; those of search
//! vendors are in [`search`], those of vectors in [`embedding`].
//!
//! What the formats share: `parameters` (what is sent), `lenient` (reading JSON that does not keep
//! to its format), `error_body` with `error_details`, `refusal` and `delay` (what an error says, means and asks for),
//! `timestamp`.

pub mod anthropic;
mod arguments;
mod asked;
mod delay;
pub mod embedding;
mod error_body;
mod error_details;
mod fields;
mod gemini;
mod lenient;
pub(crate) mod media;
mod names;
pub mod openai;
mod passthrough;
mod refusal;
pub mod search;
pub mod sse;
mod taken;
#[cfg(test)]
mod tests;
mod thinking;
mod timestamp;
mod untold;
mod words;

use std::{borrow::Cow, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

pub use self::asked::{Asked, BadRequest};
use crate::{
    protocol::{Class, CompletionRequest, Failure, FailureKind},
    request::Request,
    streaming::Event,
};

/// The longest name of a model that is passed on from an answer, in bytes.
const LONGEST_MODEL: usize = 200;

/// One vendor's format of one kind of question.
pub trait Wire<R: Request = CompletionRequest>: Sync {
    /// The word that `api = ".."` says in hub.pyfun.
    fn name(&self) -> &'static str;

    /// The header that carries the key, and what stands before the key in it.
    fn auth(&self) -> (&'static str, &'static str);

    /// The header that carries the format's version and its default, if the format has one.
    fn version(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// The questions to ask, one after the other, if the vendor takes only so much of `request` at once.
    fn parts(&self, request: &Arc<R>) -> Vec<Arc<R>> {
        vec![request.clone()]
    }

    /// The request for one answer. `model` is empty for a search.
    ///
    /// # Errors
    /// [`FailureKind::ModelNotFound`] if the model's name cannot be part of a request (it would
    /// leave its path segment), [`FailureKind::Rejected`] if the vendor has no way to take a part of
    /// the request that cannot be left out.
    fn encode(&self, request: &R, model: &str, dialect: &Dialect) -> Result<Encoded, Failure>;

    /// A header that belongs to `request`: its name and its value.
    fn header(&self, _request: &R) -> Option<(HeaderName, HeaderValue)> {
        None
    }

    /// Reads the events of a streamed answer to `request`, which was sent raw if it still holds a raw
    /// body; `None` if it is to be answered whole.
    fn stream(&self, _request: &R) -> Option<Box<dyn ReadStream>> {
        None
    }

    /// The answer to `request`, which was sent raw if it still holds a raw body, in a body that came with a 2xx status. Some vendors send errors so too.
    ///
    /// # Errors
    /// [`FailureKind::Malformed`] if the body is not in the format, [`FailureKind::Rejected`] if
    /// the vendor's filter left no text, and what an error in the body means. The failure's status
    /// is the error's own code if it has one, and else `None`.
    fn decode(&self, request: &R, body: &[u8]) -> Result<R::Answer, Failure>;

    /// What an answer with any other status means. The body may be anything.
    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure;
}

/// Reads one streamed answer, event by event. Pure: bytes come in, events go out.
pub trait ReadStream: Send {
    /// Takes one server-sent event and tells what is in it: nothing, one thing or several.
    ///
    /// # Errors
    /// What an error in the stream means, or [`FailureKind::Malformed`]. The stream is over.
    fn read(&mut self, event: &sse::ServerSent, into: &mut Vec<Event>) -> Result<(), Failure>;

    /// Whether each event's own bytes go on.
    fn is_raw(&self) -> bool;

    /// The vendor sends no more.
    ///
    /// # Errors
    /// [`FailureKind::Interrupted`] if the answer was not complete.
    fn end(&mut self, into: &mut Vec<Event>) -> Result<(), Failure>;
}

/// What differs between providers that speak the same format; from hub.pyfun.
#[derive(Debug, Clone, Default)]
pub struct Dialect {
    /// Request parameters the provider does not take: `temperature`, `max_tokens`, `system`.
    ///
    /// A dropped `system` stands before the prompt, so that it is not lost. The Anthropic format
    /// cannot do without `max_tokens` and sends it all the same.
    pub drop_params: Vec<String>,
    /// OpenAI format: send the limit as `max_completion_tokens` (OpenAI itself) instead of
    /// `max_tokens` (the only one that many compatible servers know).
    pub max_completion_tokens: bool,
    /// Search: ask for an answer above the hits, unless the caller says otherwise.
    pub include_answer: bool,
}

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Below the provider's base URL: starting with `/`, or a query with its `?`, or nothing for the
    /// base URL itself.
    pub path: String,
    /// JSON to post; without it, the path is got.
    pub body: Option<Vec<u8>>,
    /// Parameters that the caller set and the vendor does not have: they are left out, and the caller
    /// is told so.
    pub dropped: Vec<Cow<'static, str>>,
    /// The request goes to the vendor as it came, and the answer shall go back so.
    pub raw: bool,
}

/// What stands around an answer that the hub writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The answer's id.
    pub id: String,
    /// The model's name, as the client shall see it.
    pub model: String,
    /// When, in seconds since 1970.
    pub created: u64,
}

/// Every format there is.
pub static ALL: [&dyn Wire; 3] = [&anthropic::Anthropic, &gemini::Gemini, &openai::OpenAi];

/// The format that `api = name` means.
pub fn by_name(name: &str) -> Option<&'static dyn Wire> {
    ALL.into_iter().find(|wire| wire.name() == name)
}

// === impl Encoded ===

impl Encoded {
    fn new(path: String, request: &impl Serialize, size_hint: usize) -> Result<Self, Failure> {
        let mut body = Vec::with_capacity(size_hint);
        match serde_json::to_writer(&mut body, request) {
            Ok(()) => Ok(Self {
                path,
                body: Some(body),
                dropped: Vec::new(),
                raw: false,
            }),
            Err(_) => Err(Failure::new(FailureKind::Rejected, Class::Stop)),
        }
    }
}

/// A model's name out of an answer. It goes into a header and a log line, so it has to look like one.
fn model_name(name: Option<&str>) -> Option<String> {
    let name = name?;
    let fits = !name.is_empty()
        && name.len() <= LONGEST_MODEL
        && name.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| name.to_owned())
}
