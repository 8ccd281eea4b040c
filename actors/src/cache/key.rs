//! Key: which question goes to whom, for whom, as one digest.
//!
//! Two calls share an entry if they would send the same providers the same question for the same
//! principal, however they were spelled. Every part is written with its length before it, so that no two
//! questions are the same bytes, and all of SHA-256 is kept: a truncated key is how one caller gets
//! another's answer.

use ring::digest::{Context, SHA256};

use crate::{
    conversation::{Content, Part, Raw},
    plan::Hop,
    principal::Principal,
    protocol::{Completed, Completion, CompletionRequest, FinishReason, Found, SearchRequest},
    request::Request,
};

/// Which way of writing questions this is. An entry in the file that was written in another way is never
/// found again.
const VERSION: &str = "hub answer 2";

/// A question's digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

/// A question that is being written down.
#[derive(Clone)]
pub struct KeyWriter(Context);

/// A kind of question whose answers can be kept.
pub trait Cacheable: Request {
    /// Writes everything that is asked, but the limit: each hop's counts.
    fn write(&self, key: &mut KeyWriter);

    /// Whether an answer is all that could be said, so that the next caller gets no less from it.
    fn is_complete(answer: &Self::Answer) -> bool;
}

// === impl Key ===

impl Key {
    /// The key of a tool's question to a chain. `tagged` says that texts begin with who answered.
    ///
    /// Of the chain those count who can be asked. Only the first of them gives answers that are kept, but
    /// callers who wait for the same answer may get another's.
    pub fn new<R: Cacheable>(
        principal: &Principal,
        tool: &str,
        tagged: bool,
        hops: &[Hop<R>],
        request: &R,
    ) -> Self {
        let mut key = KeyWriter(Context::new(&SHA256));
        key.text(VERSION);
        key.text(&principal.id);
        key.text(tool);
        key.number(u64::from(tagged));
        let usable = || hops.iter().filter(|hop| hop.provider.inactive.is_none());
        key.number(u64::try_from(usable().count()).unwrap_or(u64::MAX));
        for hop in usable() {
            key.text(&hop.provider.name);
            key.text(&hop.model);
            key.number(u64::from(hop.limit));
        }
        request.write(&mut key);
        let mut digest = [0; 32];
        // SHA-256 is as long as that.
        digest.copy_from_slice(key.0.finish().as_ref());
        Self(digest)
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

// === impl KeyWriter ===

impl KeyWriter {
    /// A number.
    pub fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    /// A text, its length before it.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Bytes, their number before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.0.update(bytes);
    }

    /// Something that may be missing.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }
}

// === impl Cacheable ===

// A field that comes to one of the questions must come into its key: hence no `..` in the patterns.

impl Cacheable for CompletionRequest {
    fn write(&self, key: &mut KeyWriter) {
        let Self {
            conversation,
            max_tokens,
            ceiling: _,
            stream,
            count,
            raw,
        } = self;
        key.text("completion");
        // JSON keeps apart whatever the language keeps apart.
        key.text(&serde_json::to_string(conversation).unwrap_or_default());
        // How many is the hop's limit; that the caller said so is part of the question.
        key.number(u64::from(max_tokens.is_some()));
        key.number(u64::from(*count));
        // In the hub's own words an answer is the same however it comes; a vendor's own bytes are not.
        key.number(u64::from(*stream && raw.is_some()));
        key.option(raw.as_deref(), |key, raw| {
            let Raw {
                format,
                body,
                wants_usage,
            } = raw;
            key.text(format.word());
            key.number(u64::from(*wants_usage));
            key.bytes(body);
        });
    }

    fn is_complete(answer: &Completed) -> bool {
        matches!(answer, Completed::Whole(answer) if is_whole(answer))
    }
}

impl Cacheable for SearchRequest {
    fn write(&self, key: &mut KeyWriter) {
        let Self {
            query,
            max_results: _,
            include_answer,
            freshness,
            country,
            language,
            domains,
        } = self;
        key.text("search");
        key.text(query);
        key.option(include_answer.map(u64::from), KeyWriter::number);
        key.option(freshness.map(|freshness| freshness.word()), KeyWriter::text);
        key.option(country.as_deref(), KeyWriter::text);
        key.option(language.as_deref(), KeyWriter::text);
        key.number(u64::try_from(domains.len()).unwrap_or(u64::MAX));
        for domain in domains {
            key.text(domain);
        }
    }

    /// Nothing found may be a vendor's bad day.
    fn is_complete(answer: &Found) -> bool {
        !answer.hits.is_empty()
    }
}

/// Whether an answer says something, up to its end, and asks for nothing: what a tool answers that the model
/// calls is another question.
pub(super) fn is_whole(answer: &Completion) -> bool {
    let says =
        |part: &Part| matches!(&part.content, Content::Text(text) if !text.trim().is_empty());
    // The file has texts.
    let is_text = |raw: &bytes::Bytes| str::from_utf8(raw).is_ok();
    // Pictures are too large to be kept.
    let draws = answer.images().next().is_some();
    answer.finish == FinishReason::Stop
        && !draws
        && answer.parts.iter().any(says)
        && answer.raw.as_ref().is_none_or(is_text)
}

impl From<[u8; 32]> for Key {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}
