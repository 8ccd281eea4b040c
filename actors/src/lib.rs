//! Everything of the hub that handles outside data, and nothing that could read a secret.
//!
//! # Layout
//!
//! - [`protocol`]: every message and reply, on one page; [`request`]: what its questions have in common
//! - [`conversation`]: what is said between a caller and a model; [`completion`] and [`streaming`]: the
//!   answer, whole and as it is made
//! - [`supervise`]: links, exits, restarts
//! - [`upstream`]: the right to call a vendor, without its key
//! - [`memory`]: what many callers may hold together
//! - [`provider`]: one vendor behind a mailbox; [`provider::wire`]: the vendors' formats
//! - [`registry`]: what there is and what is up; [`catalogue`]: its snapshots
//! - [`db_sync`]: the hub's own state, in SQLite; [`outbox`]: rows on their way to the cloud's database,
//!   whose names are [`table`]
//! - [`principal`]: who calls; [`scope`], [`account`]: what they may use, and how much of it; [`view`]: what
//!   there is for them; [`audit`]: what is kept of what they did;
//!   [`envelope`]: a sealed message
//!   there is for them; [`audit`]: what is kept of what they did
//! - [`withheld`]: answers with nothing in them, and who is told so
//! - [`cache`]: answers that need not be paid for twice
//! - [`tools`], [`outcome`], [`params`], [`plan`], [`call`], [`attempt`], [`search`], [`progress`], [`inventory`]: one
//!   call, from parameters to result; [`db_query`], `history`: what a call asks of the state, and leaves
//!   there; `persist`: what it gives the outbox; `images`: what is fetched for it
//! - [`models`], [`chat`]: what a model's name means, and one conversation that asks for it;
//!   [`embedding`]: the same for vectors
//! - [`transport`]: the doors
//!
//! # The wall
//!
//! The `hub` package depends on this one, never the other way round. Nothing here reads the
//! environment, a key or a file, but for the one database that the Guardian names: `clippy.toml` beside the manifest bans the functions, the attribute
//! below makes the ban one that no `#[allow]` lifts, and a test holds the list of dependencies.

#![forbid(unsafe_code)]
#![forbid(clippy::disallowed_macros)]
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod account;
pub mod attempt;
pub mod audit;
pub mod cache;
pub mod call;
pub mod catalogue;
pub mod chat;
pub mod completion;
pub mod conversation;
pub mod db_query;
pub mod db_sync;
pub mod embedding;
pub mod envelope;
pub mod error;
mod failure;
mod history;
mod images;
pub mod inventory;
mod lent;
pub mod memory;
pub mod models;
pub mod outbox;
pub mod outcome;
pub mod params;
mod persist;
pub mod plan;
pub mod principal;
pub mod progress;
pub mod protocol;
pub mod provider;
pub mod registry;
pub mod request;
pub mod request_id;
pub mod scope;
pub mod search;
pub mod streaming;
pub mod supervise;
pub mod table;
pub mod tools;
pub mod transport;
pub mod upstream;
pub mod view;
pub mod withheld;
