//! Every message and reply of the house, on one page.
//!
//! An actor imports this file and holds `Recipient<M>`s; it never names a sibling's type or `Addr`.
//! What is said in a conversation with a model is a language of its own: [`crate::conversation`], and
//! [`crate::streaming`] for an answer that comes bit by bit.

use std::{
    borrow::Cow,
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, SystemTime},
};

use actix::prelude::*;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    time::Instant,
};

use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    cache::{Answer, Key},
    catalogue::Catalogue,
    conversation::{Conversation, Part, Raw},
    envelope::Envelope,
    principal::Principal,
    request::Request,
    streaming::Streaming,
    table::Table,
};

// === door -> provider ===

/// Asks a provider for one completion.
pub type Complete = Ask<CompletionRequest>;

/// Asks a provider for one search of the web.
pub type Search = Ask<SearchRequest>;

/// Asks a provider for vectors.
pub type Embed = Ask<EmbeddingRequest>;

/// Asks a provider for one answer.
///
/// The answer goes through `reply`, not through the mailbox: a provider that dies drops the sender,
/// so its caller learns of the crash at once; a caller that goes away drops the receiver, so the
/// provider hangs up on the vendor at once.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ask<R: Request> {
    /// What is asked.
    pub request: Arc<R>,
    /// The model, already resolved for this provider; empty for a search.
    pub model: Arc<str>,
    /// When the hop's share of the call's time ends.
    pub deadline: Instant,
    /// Taken from the provider's [`ProviderUp::permits`]; released when the work ends.
    pub permit: OwnedSemaphorePermit,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Reply<R::Answer>>,
}

/// What to complete, in no vendor's words. Copied for each hop, so what is long is shared.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletionRequest {
    /// What was said, and how to go on.
    pub conversation: Arc<Conversation>,
    /// Most tokens to generate, thinking included where the vendor counts it so; `None` if the caller
    /// did not say.
    pub max_tokens: Option<u32>,
    /// The most that the hop's model generates: what a format that needs a number gets if the caller
    /// did not say. `u32::MAX` if nobody knows.
    pub ceiling: u32,
    /// Whether to answer bit by bit.
    pub stream: bool,
    /// Whether to count the tokens of it and not to answer: the input tokens of [`Completion::usage`]
    /// are all that comes.
    pub count: bool,
    /// The request as it came, for a provider of the same format.
    pub raw: Option<Arc<Raw>>,
}

/// What to search the web for, in no vendor's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRequest {
    /// The words to search for.
    pub query: String,
    /// Most hits; already within the provider's own limit.
    pub max_results: u32,
    /// An answer above the hits; if the caller does not say, the provider's block does.
    pub include_answer: Option<bool>,
    /// No older pages than this.
    pub freshness: Option<Freshness>,
    /// Where the hits come from: two lower-case letters (ISO 3166-1).
    pub country: Option<String>,
    /// Which language they are in, in lower case: `de`, `pt-br` (BCP 47).
    pub language: Option<String>,
    /// Hits from these hosts alone, in lower case; from everywhere if empty.
    pub domains: Vec<String>,
}

/// How old a page may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 31 days.
    Month,
    /// 365 days.
    Year,
}

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

/// A provider's last word on one [`Ask`].
#[derive(Debug)]
pub struct Reply<A = Completed> {
    /// The answer, or why there is none.
    pub outcome: Result<A, Failure>,
    /// Requests made to the vendor, 1 without a retry; 0 if none was sent.
    pub tries: u32,
    /// Parameters that the caller set and the vendor does not have.
    pub dropped: Vec<Cow<'static, str>>,
}

/// How a completion comes.
#[derive(Debug)]
pub enum Completed {
    /// Whole: always, if the request was not to stream.
    Whole(Completion),
    /// Bit by bit: always, if it was.
    Streaming(Streaming),
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// A short answer in the vendor's own words, if it gives one.
    pub answer: Option<String>,
    /// The pages, best first.
    pub hits: Vec<Hit>,
}

/// One page. All texts are plain: no markup, no control characters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// Its title; its address if it has none.
    pub title: String,
    /// Its address: http or https.
    pub url: String,
    /// What it says about the query; may be empty.
    pub snippet: String,
    /// When it was published, as the vendor puts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<String>,
    /// How well it fits; comparable within one answer only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
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

/// A vendor's answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// What the model said, in order: texts, thinking, calls of tools.
    pub parts: Vec<Part>,
    /// The model that the vendor says answered, if it says so.
    pub model: Option<String>,
    /// Tokens as the vendor counted them.
    pub usage: Usage,
    /// Why the text ends where it ends.
    pub finish: FinishReason,
    /// Which of the caller's texts ended it, if the vendor says.
    pub stop_sequence: Option<String>,
    /// The vendor's own body, for a client that speaks its format; only if the request was raw.
    pub raw: Option<Bytes>,
}

/// Tokens of one call, vendor differences evened out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// The whole prompt, cached part included.
    pub input_tokens: u64,
    /// Everything generated, thinking included.
    pub output_tokens: u64,
    /// The part of the input read from the vendor's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_input_tokens: Option<u64>,
    /// The part of the output spent on thinking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// US dollars, where the vendor bills each call in its answer (OpenRouter).
    #[serde(skip)]
    pub cost_usd: Option<f64>,
}

/// Why a completion ended (OpenAI's words, which the other vendors' map onto).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done.
    #[default]
    Stop,
    /// The token limit cut it.
    Length,
    /// The model wants a tool's result.
    ToolCalls,
    /// The vendor's filter cut it.
    ContentFilter,
}

/// Why a provider did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// What to do about it.
    pub class: Class,
    /// The vendor's HTTP status, if one came.
    pub status: Option<u16>,
    /// How long the vendor asks to wait.
    pub retry_after: Option<Duration>,
    /// The vendor's own machine word for it (`overloaded_error`). One that we know: nothing that a
    /// hostile upstream echoes can travel in it.
    pub word: Option<&'static str>,
    /// What the caller can do about it: a sentence of our own.
    pub advice: Option<&'static str>,
}

/// What happened, as the word that `attempts[].outcome` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FailureKind {
    /// No connection: refused, unknown host, TLS.
    #[error("could not be reached")]
    Unreachable,
    /// The connection broke off before the answer was complete.
    #[error("broke off in the middle of its answer")]
    Interrupted,
    /// No complete answer within the hop's share of the deadline.
    #[error("did not answer in time")]
    Timeout,
    /// Too many requests; later is better.
    #[error("asks for fewer requests")]
    RateLimited,
    /// The account's quota, credit or spend limit is used up.
    #[error("has no quota left on this key")]
    QuotaExhausted,
    /// The key is wrong or may not do this.
    #[error("does not accept the key")]
    Unauthorized,
    /// The vendor does not know the model.
    #[error("does not know the model, or not the address")]
    ModelNotFound,
    /// The vendor is failing or overloaded (5xx, 408, 409, 529).
    #[error("is failing")]
    ServerError,
    /// The request itself is at fault; another provider would say the same.
    #[error("rejected the request")]
    Rejected,
    /// The answer is not in the format it should be.
    #[error("sent an answer that could not be read")]
    Malformed,
    /// An image of the request could not be fetched for a provider that reads no addresses.
    #[error("was not asked, for an image could not be fetched")]
    ImageNotFetched,
    /// The answer is larger than the hub accepts.
    #[error("sent an answer over the size limit")]
    TooLarge,
    /// All of the provider's permits stayed taken.
    #[error("is at its limit of parallel requests")]
    Busy,
    /// The provider's actor ended during the call, or is being restarted.
    #[error("crashed and is being restarted")]
    Crashed,
    /// The provider is in the configuration, and switched off or without its key.
    #[error("is not set up")]
    NotConfigured,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Ask the same provider again, after a pause.
    RetrySame,
    /// Go to the next provider at once.
    NextNow,
    /// Tell the caller: no provider would answer this.
    Stop,
}

// === call -> fetcher ===

/// Asks for the image at an address that a caller has named: nothing of it is trusted.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct FetchImage {
    /// Where it is, as the caller wrote it.
    pub url: String,
    /// Where the answer goes. Dropped without one if the actor dies; who drops it before ends the
    /// fetching.
    pub reply: oneshot::Sender<Result<FetchedImage, FetchError>>,
}

/// An image, as formats have it inside a request.
#[derive(Debug)]
pub struct FetchedImage {
    /// What its first bytes say that it is: `image/png`.
    pub media_type: &'static str,
    /// In base64 (RFC 4648, section 4).
    pub data: String,
    /// Its part of the memory that all images have together, in KiB of `data`. Held as long as the
    /// image is.
    pub room: OwnedSemaphorePermit,
}

/// Why there is no image. None of them tells what is or is not at an address that is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It is no address that is read at all: another scheme, a port, a name and password in it.
    #[error("the address is not of the form that is read")]
    Address,
    /// Nothing that may be asked answers there: an unknown name, an address that is not public, no
    /// connection, no certificate. No difference is made between them.
    #[error("nothing public answers at the address")]
    Unreachable,
    /// The server did not send it, or not all of it.
    #[error("the server does not answer with it")]
    Refused,
    /// The address leads to another, that one to the next, and so on.
    #[error("too many redirects")]
    Redirects,
    /// It is too large, alone or with the call's others.
    #[error("too large")]
    TooLarge,
    /// The call has too many.
    #[error("too many images")]
    TooMany,
    /// The bytes are no image of a known kind.
    #[error("no image")]
    NotAnImage,
    /// It did not come in time.
    #[error("too slow")]
    TooSlow,
    /// Images of others take all the memory there is for them, or all places to wait.
    #[error("too many images of others")]
    Busy,
    /// The fetcher ended, or is being restarted.
    #[error("the fetcher does not run")]
    Unavailable,
}

// === anyone -> db_sync ===

/// Asks for the rows of one SELECT on `hub_state` and `tool_cache`.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Query {
    /// What a caller sent: nothing in it is trusted.
    pub sql: String,
    /// Where the answer goes. Dropped without one if the actor dies.
    pub reply: oneshot::Sender<Result<Rows, QueryError>>,
}

/// The rows of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// One object for each, with a field for each column.
    pub rows: Vec<Value>,
    /// There are more than 1,000, or more than 1 MiB of them: the others are left out.
    pub truncated: bool,
}

/// Why a query has no rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It does something else than reading.
    #[error("Only SELECT queries are permitted in db_query tool.")]
    NotSelect,
    /// There is no such table, or it is nobody's business.
    #[error("no such table: {0}")]
    NoSuchTable(String),
    /// It is wrong, too long, too slow or too large; the sentence says which.
    #[error("{0}")]
    Invalid(String),
    /// The file is not there, held by another program, or too many queries wait.
    #[error("the state cannot be read now")]
    Unavailable,
}

/// Puts a value under a key of `hub_state`. Who reads sees it at once; the file has it soon.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct WriteState {
    /// The key.
    pub key: Arc<str>,
    /// Any JSON, 64 KiB of it at most: what is longer than 256 KiB cannot be read.
    pub value: Value,
}

/// Removes a key of `hub_state`, if it is there.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct DeleteState {
    /// The key.
    pub key: Arc<str>,
}

/// Asks for the value under a key of `hub_state`, changes that the file does not have yet included.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct ReadState {
    /// The key.
    pub key: Arc<str>,
    /// Where the answer goes; `None` if there is no such key.
    pub reply: oneshot::Sender<Result<Option<Value>, QueryError>>,
}

/// Keeps what a call asked and what was answered, in `tool_cache`. May be given up under load.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub struct Record {
    /// Which tool.
    pub tool: Arc<str>,
    /// What was asked.
    pub prompt: String,
    /// What was answered.
    pub response: String,
    /// Who answered.
    pub provider: Arc<str>,
    /// With which model.
    pub model: Arc<str>,
    /// When.
    pub at: SystemTime,
}

// === door -> crypto ===

/// Asks for what is in a request's envelope. It is opened once; whoever sends it again is refused.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Unseal {
    /// The request's method: the envelope is for it alone.
    pub method: &'static str,
    /// The request's path, likewise.
    pub path: &'static str,
    /// What was sent, of the key that its sender may use.
    pub envelope: Envelope,
    /// Where the answer goes. Dropped without one if the actor dies.
    pub reply: oneshot::Sender<Result<Vec<u8>, UnsealError>>,
}

/// Why an envelope stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// It is wrong in some way; nobody is told in which.
    #[error("the envelope cannot be opened")]
    Refused,
    /// It has been opened before.
    #[error("the envelope has been opened before")]
    Replayed,
    /// What was opened cannot be remembered, so nothing is opened.
    #[error("no more envelopes can be remembered now")]
    Full,
}

/// Asks for the envelope of an answer.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Seal {
    /// Method of the request that is answered.
    pub method: &'static str,
    /// Its path.
    pub path: &'static str,
    /// Whose key seals it.
    pub kid: String,
    /// The answer's own id.
    pub id: String,
    /// The id of the request's envelope: the answer is to that one alone.
    pub answers: String,
    /// What to seal.
    pub text: Vec<u8>,
    /// Where the envelope goes. Dropped without one if it cannot be sealed.
    pub reply: oneshot::Sender<Envelope>,
}

/// Keeps an answer of the cache for after a restart. May be given up under load.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub struct KeepAnswer {
    /// Under which it is found.
    pub key: Key,
    /// Which tool was called.
    pub tool: Arc<str>,
    /// The answer.
    pub answer: Arc<Answer>,
    /// When its time is over.
    pub until: SystemTime,
}

/// Asks for an answer that was kept. Dropped without a word if it cannot be looked for now.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct FindAnswer {
    /// Under which it is found.
    pub key: Key,
    /// Where it goes; `None` if there is none whose time is not over.
    pub reply: oneshot::Sender<Option<KeptAnswer>>,
}

/// An answer that was kept.
#[derive(Debug, Clone)]
pub struct KeptAnswer {
    /// The answer.
    pub answer: Arc<Answer>,
    /// When its time is over.
    pub until: SystemTime,
}

// === persist_result -> outbox -> cloud_db ===

/// Keeps a row until the cloud's database has it.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Persist {
    /// Where it goes.
    pub table: Arc<Table>,
    /// Any JSON that PostgreSQL's jsonb can hold, as text.
    pub payload: String,
    /// Where the answer goes, once no crash can lose the row. Who drops it before wants it no more.
    pub reply: oneshot::Sender<Result<Kept, PersistError>>,
}

/// A row that is kept.
#[derive(Debug)]
pub struct Kept {
    /// Its id, there and in the cloud's database: a UUID of version 7.
    pub id: Uuid,
    /// Whether it outlives the process.
    pub durable: bool,
    /// Tells that it has arrived, or why it never will. Dropped if that takes a while.
    pub arrival: oneshot::Receiver<Result<(), Arc<str>>>,
}

/// Why a row is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersistError {
    /// Too many rows wait already.
    #[error("the outbox is full")]
    Full,
    /// The outbox's file cannot be written now.
    #[error("the outbox cannot be written now")]
    Unavailable,
}

/// Brings rows of one table to the cloud's database. However often one is brought, it is there once.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Deliver {
    /// Where they go.
    pub table: Table,
    /// Oldest first.
    pub rows: Vec<Row>,
    /// Where the answer goes. Dropped without one if the actor dies: then nobody knows.
    pub reply: oneshot::Sender<Result<Vec<Rejected>, NotNow>>,
}

/// A row on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// By which the database knows it again.
    pub id: Uuid,
    /// JSON.
    pub payload: String,
    /// When it was accepted (RFC 3339, UTC).
    pub created_at: String,
}

/// A row that the database will never take; it has all others of the delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Which.
    pub id: Uuid,
    /// Why, and what to do about it. Nothing of the row is in it.
    pub reason: Arc<str>,
}

/// The rows, or some of them, are not there. They can be brought again when [`CloudState`] says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotNow;

/// A running CloudDb, as the outbox sees it.
#[derive(Debug, Clone)]
pub struct CloudUp {
    /// Where rows are brought.
    pub deliveries: Recipient<Deliver>,
    /// Where the database stands.
    pub state: watch::Receiver<CloudState>,
}

/// Where the cloud's database stands, as far as anybody has tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudState {
    /// Nobody knows yet.
    Connecting,
    /// It did what it was asked last.
    Connected,
    /// It cannot be used, and is tried again and again.
    Down {
        /// Since when.
        since: Instant,
        /// Why: nothing secret, nothing that the server made up.
        why: Arc<str>,
    },
}

/// Tells the outbox who brings its rows to the database; `None` if nobody does at this moment.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub struct CloudIs(pub Option<CloudUp>);

/// How do the outbox and its database do?
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct ReportOutbox {
    /// Where the answer goes.
    pub reply: oneshot::Sender<OutboxHealth>,
}

/// The outbox's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxHealth {
    /// Where the database stands; `None` while its actor restarts.
    pub database: Option<CloudState>,
    /// Rows that wait.
    pub pending: u64,
    /// Rows that the database will never take as they are, or as it is.
    pub dead_letters: u64,
    /// Why the last of them was given up.
    pub last_reason: Option<Arc<str>>,
    /// Whether rows outlive the process.
    pub durable: bool,
}

/// A running outbox, as others see it.
#[derive(Debug, Clone)]
pub struct OutboxUp {
    /// Where rows are kept.
    pub rows: Recipient<Persist>,
    /// Where its health is asked for.
    pub reports: Recipient<ReportOutbox>,
}

// === door -> identity ===

/// Asks who somebody is. The answer goes through `reply`; dropped without one if the actor dies.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Authenticate {
    /// What they have shown.
    pub presented: Presented,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Verdict>,
}

/// SHA-256 of a secret. What a door sends and keeps in place of the secret.
pub type Digest = [u8; 32];

/// What somebody has shown at a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// An API key.
    Key {
        /// The id that it names (`hub_ID_..`), if it looks like one of ours. It is no secret.
        id: Option<Box<str>>,
        /// Of the whole key.
        digest: Digest,
    },
    /// A browser's session.
    Session {
        /// Of its id.
        digest: Digest,
        /// Who shows it: it is good for one.
        browser: Browser,
    },
    /// That they started the hub themselves, over standard input and output.
    Local {
        /// The id of the key whose rights they want to have instead of their own.
        key: Option<Arc<str>>,
    },
}

/// What is known of a browser without asking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Browser {
    /// Where it is.
    pub address: IpAddr,
    /// SHA-256 of its User-Agent.
    pub agent: Digest,
}

/// Asks for a session. What it holds is shown nowhere.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Login {
    /// The user's name.
    pub name: String,
    /// Their password.
    pub password: String,
    /// Who asks.
    pub browser: Browser,
    /// The session that they have now; it ends.
    pub before: Option<Digest>,
    /// Where the answer goes. Dropped without one if the actor dies.
    pub reply: oneshot::Sender<Result<LoggedIn, LoginError>>,
}

/// A session.
pub struct LoggedIn {
    /// Its id, for the cookie and for nobody else.
    pub session: String,
    /// How long it lasts at most.
    pub seconds: u64,
    /// Whose it is.
    pub principal: Arc<Principal>,
}

/// Why there is no session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginError {
    /// No such user, another password, or locked, which makes no difference to whoever tries. For the
    /// audit alone: the user's name, if there is such a user.
    Wrong(Option<Arc<str>>),
    /// This address has tried too often.
    Later(Duration),
    /// Too many log in at this moment.
    Busy,
}

/// Ends a session.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Logout {
    /// Which.
    pub session: Digest,
    /// Told when it has ended.
    pub reply: oneshot::Sender<()>,
}

/// Who somebody is.
#[derive(Debug)]
pub struct Verdict {
    /// `None` if nobody: unknown, wrong, revoked or expired, which makes no difference.
    pub principal: Option<Arc<Principal>>,
    /// Counts the changes of who may enter, at the time of this answer. One of an older
    /// [`AccessChanged::generation`] must not be used any more.
    pub generation: u64,
    /// When to ask again: after 10 seconds at most.
    pub until: Instant,
}

// === guardian -> doors ===

/// Who may enter has changed: whatever a door knows of it is out of date.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub struct AccessChanged {
    /// Counts the changes; never goes down while the hub runs.
    pub generation: u64,
    /// Nobody is asked who they are, as long as it is not [`closed`](Self::closed).
    pub open: bool,
    /// Everybody is asked from now on. Set before the next change is on its way, so that a door that
    /// hears of it late is not open meanwhile. Never unset.
    pub closed: Arc<AtomicBool>,
    /// Who knows everybody.
    pub identity: Recipient<Authenticate>,
    /// Where sessions begin.
    pub logins: Recipient<Login>,
    /// Where they end.
    pub logouts: Recipient<Logout>,
}

// === guardian -> registry ===

/// Tells the registry what came up or went down.
#[derive(Message)]
#[rtype(result = "()")]
pub enum Announce {
    /// A provider (re)started and can be called.
    ProviderUp(ProviderUp),
    /// A provider ended; its name.
    ProviderDown(Arc<str>),
    /// A search provider (re)started and can be called.
    SearcherUp(ProviderUp<SearchRequest>),
    /// A search provider ended; its name.
    SearcherDown(Arc<str>),
    /// A provider of vectors (re)started and can be called.
    EmbedderUp(ProviderUp<EmbeddingRequest>),
    /// A provider of vectors ended; its name.
    EmbedderDown(Arc<str>),
    /// DbSync (re)started and can be asked.
    DbUp(DbUp),
    /// DbSync ended.
    DbDown,
    /// Who opens and seals envelopes (re)started.
    CryptoUp(CryptoUp),
    /// It ended.
    CryptoDown,
    /// The outbox (re)started and keeps rows.
    OutboxUp(OutboxUp),
    /// The outbox ended.
    OutboxDown,
    /// Who fetches images (re)started and can be asked.
    FetcherUp(Recipient<FetchImage>),
    /// It ended.
    FetcherDown,
    /// A transport (re)started and wants to know of every change.
    Listener(Recipient<CatalogueChanged>),
    /// The configuration has changed: this tool is inactive, or active again.
    #[cfg(feature = "fixtures")]
    Toggled(Arc<str>),
}

/// A running provider, as callers see it.
#[derive(Debug)]
pub struct ProviderUp<R: Request = CompletionRequest> {
    /// Its name in hub.pyfun.
    pub name: Arc<str>,
    /// Where it is asked.
    pub calls: Recipient<Ask<R>>,
    /// Admission: one permit for each request in flight. A mailbox's capacity is not backpressure
    /// (every sender has a free slot), so callers take a permit before they send.
    pub permits: Arc<Semaphore>,
    /// Closes when the guardian gives this life up. A life that is stuck drops no reply channel, so
    /// its callers learn of its end here. Nothing is ever sent.
    pub life: watch::Receiver<()>,
}

/// A running DbSync, as others see it.
#[derive(Debug, Clone)]
pub struct DbUp {
    /// Where queries are asked.
    pub queries: Recipient<Query>,
    /// Where state is written.
    pub writes: Recipient<WriteState>,
    /// Where state is deleted.
    pub deletes: Recipient<DeleteState>,
    /// Where state is read.
    pub reads: Recipient<ReadState>,
    /// Where records of calls go.
    pub records: Recipient<Record>,
    /// Whether records are kept at all.
    pub keeps_records: bool,
    /// Where each tool's last result waits for `hub_state`; `None` if none is kept. Putting one there
    /// wakes nobody: a call need not pay for that.
    pub last_results: Option<mpsc::Sender<WriteState>>,
    /// Where DbSync is told that many last results wait.
    pub looks: Recipient<Look>,
    /// Where answers of the cache are kept and found; `None` if there is no file for them.
    pub answers: Option<AnswersUp>,
}

/// The cache's part of a running DbSync.
#[derive(Debug, Clone)]
pub struct AnswersUp {
    /// Where answers are kept.
    pub keep: Recipient<KeepAnswer>,
    /// Where answers are looked for.
    pub find: Recipient<FindAnswer>,
}

/// Who opens and seals envelopes, as doors see it.
#[derive(Debug, Clone)]
pub struct CryptoUp {
    /// Where requests are opened.
    pub unseals: Recipient<Unseal>,
    /// Where answers are sealed.
    pub seals: Recipient<Seal>,
}

/// Look at the last results that wait: there are many.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct Look;

// === registry -> doors ===

/// The new truth about tools, models and providers.
#[derive(Message, Clone)]
#[rtype(result = "()")]
pub struct CatalogueChanged(pub Arc<Catalogue>);

// === guardian <-> everyone ===

/// Are you still turning your loop? No answer in time means stuck.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct Heartbeat;

/// Take no new calls, finish those in flight; answered when none is left.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct Drain;

/// Sent exactly once when a child ends, however it ends.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct ChildExited {
    /// The child's name.
    pub child: Arc<str>,
    /// Which of its lives ended.
    pub incarnation: u64,
    /// How.
    pub exit: Exit,
}

/// How a child's life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It returned (exit 0).
    Stopped,
    /// It panicked (SIGSEGV); the panic's words.
    Panicked(String),
    /// Its Arbiter was stopped (SIGKILL).
    Killed,
    /// It no longer answered heartbeats and was abandoned (a watchdog's bite).
    Stuck,
}

/// How is everyone? Asked by doors of the guardian.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "Vec<ActorHealth>")]
pub struct ReportHealth;

/// One actor's health.
#[derive(Debug, Clone, Serialize)]
pub struct ActorHealth {
    /// `registry`, `provider.anthropic`, `transport.http`, ..
    pub name: Arc<str>,
    /// Where it stands now.
    pub state: ActorState,
    /// Restarts since the hub started.
    pub restarts: u64,
    /// The last exit, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<&'static str>,
}

/// Where an actor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorState {
    /// Serving.
    Running,
    /// Ended; starts again after its backoff.
    Restarting,
    /// Ended too often; rests before it is tried again.
    Quarantined,
}
