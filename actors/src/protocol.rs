//! Every message and reply of the house, on one page.
//!
//! An actor imports this page and holds `Recipient<M>`s; it never names a sibling's type or `Addr`. What
//! takes a while is answered through a channel in the message: who dies drops its sender, so whoever waits
//! learns of it at once, and who goes away drops the receiver, so the work for it ends.
//!
//! | from | to | says | is answered |
//! |---|---|---|---|
//! | a call | a provider | [`Complete`], [`Search`], [`Embed`]: [`Ask`] | [`Reply`]: [`Completed`], [`Found`], [`Embedded`] or [`Failure`] |
//! | a call | the fetcher | [`FetchImage`] | [`FetchedImage`] or [`FetchError`] |
//! | a call | DbSync | [`Query`], [`ReadState`] | [`Rows`], a value or [`QueryError`] |
//! | a call | DbSync | [`WriteState`], [`DeleteState`], [`Record`], [`Look`] | |
//! | the cache | DbSync | [`FindAnswer`]; [`KeepAnswer`] | [`KeptAnswer`] |
//! | `persist_result` | the outbox | [`Persist`] | [`Kept`] or [`PersistError`] |
//! | the outbox | the cloud's database | [`Deliver`] | [`Rejected`] rows or [`NotNow`] |
//! | the Guardian | the outbox | [`CloudIs`] | |
//! | `health_check` | the outbox | [`ReportOutbox`] | [`OutboxHealth`] |
//! | a door | Identity | [`Authenticate`], [`Login`], [`Logout`] | [`Verdict`]; [`LoggedIn`] or [`LoginError`] |
//! | a door | Crypto | [`Unseal`], [`Seal`] | the text or [`UnsealError`]; an envelope |
//! | the Guardian | the registry | [`Announce`] | |
//! | the registry | doors | [`CatalogueChanged`] | |
//! | the Guardian | doors | [`AccessChanged`] | |
//! | the Guardian | everyone | [`Heartbeat`], [`Drain`] | when it is heard, when it is done |
//! | whoever watches a life | the Guardian | [`ChildExited`] | |
//! | a door | the Guardian | [`ReportHealth`] | [`ActorHealth`] of each |
//!
//! What is said in a conversation with a model is a language of its own: [`crate::conversation`], and
//! [`crate::streaming`] for an answer that comes bit by bit.

mod ask;
mod completion;
mod crypto;
mod embedding;
mod failure;
mod identity;
mod image;
mod life;
mod outbox;
mod registry;
mod search;
mod state;

pub use self::{
    ask::{Ask, Complete, Embed, Reply, Search},
    completion::{Completed, Completion, CompletionRequest, FinishReason, Usage},
    crypto::{CryptoUp, Seal, Unseal, UnsealError},
    embedding::{Embedded, EmbeddingInput, EmbeddingRequest, Encoding, Vectors},
    failure::{Class, Failure, FailureKind},
    identity::{
        AccessChanged, Authenticate, Browser, Digest, LoggedIn, Login, LoginError, Logout,
        Presented, Verdict,
    },
    image::{FetchError, FetchImage, FetchedImage},
    life::{ActorHealth, ActorState, ChildExited, Drain, Exit, Heartbeat, ReportHealth},
    outbox::{
        CloudIs, CloudState, CloudUp, Deliver, Kept, NotNow, OutboxHealth, OutboxUp, Persist,
        PersistError, Rejected, ReportOutbox, Row,
    },
    registry::{Announce, CatalogueChanged, ProviderUp},
    search::{Found, Freshness, Hit, SearchRequest},
    state::{
        AnswersUp, DbUp, DeleteState, FindAnswer, KeepAnswer, KeptAnswer, Look, Query, QueryError,
        ReadState, Record, Rows, WriteState,
    },
};
