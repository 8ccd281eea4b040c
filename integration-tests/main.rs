//! What the running binary promises, seen from outside: one process per test, real sockets, fake
//! vendors that fail in every way.
//!
//! `support` holds the instruments; every other file is one promise's room.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may panic, read files and start processes: that is how it observes the hub"
)]

mod support;

mod admission;
mod answers;
mod api;
mod api_stream;
mod architecture;
mod audit;
mod bursts;
mod cache;
mod cache_doors;
mod chain;
mod chat_doors;
mod chat_failures;
mod chat_kept;
mod chat_keys;
mod chat_sdk;
mod chat_tools;
mod cli;
mod clients;
mod config;
mod crash;
mod crypto;
mod db_command;
mod db_query;
mod db_sync;
mod demo;
mod doctor;
mod documents;
mod doors;
mod drawn;
mod embeddings;

mod guard;
#[cfg(feature = "fixtures")]
mod images;
mod keys;
mod licences;
mod limits;
mod mcp;
mod mcp_answers;
mod mcp_calls;
#[cfg(feature = "fixtures")]
mod mcp_changes;
#[cfg(feature = "fixtures")]
mod mcp_conformance;
mod mcp_memory;
mod mcp_sdk;
mod mcp_sessions;
mod mcp_sse;
mod mcp_stdio;
mod models;
mod persist;
mod persist_faults;
mod postgres_tls;
mod pressure;
mod rates;
mod reference;
mod refusals;
mod retries;
mod roles;
mod scopes;
mod sealing;
mod search;
mod secrets;
mod streams;
mod surface;
mod tiers;
mod transcripts;
mod users;
mod wire;
mod withheld;
