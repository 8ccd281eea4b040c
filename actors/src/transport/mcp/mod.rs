//! MCP: `/mcp` for every protocol version there is, the legacy SSE pair, and stdio, all from the same
//! catalogue and on the same path as `POST /api`.
//!
//! rmcp speaks the protocol. What stands around it:
//!
//! - `adapter`: actix-web's requests and answers as rmcp's, and back
//! - `door`: what real clients send and rmcp refuses; `batch`: several of it at once
//! - `refusal`: what goes no further
//! - `sessions`: how many there may be, and for how long
//! - `sse`: the transport of 2024
//! - `lines`: messages on standard input and output
//! - `held`: what a request has until its handler is done; `caller`: who sent it
//! - `handler`: rmcp's questions, answered from the lobby; `call`, `prompts`, `resources`,
//!   `subscription` and `verbosity` answer one kind each
//! - `listing`, `tools`, `schema`: the catalogue as MCP describes it

#![expect(
    deprecated,
    reason = "logging is deprecated since 2026-07-28, and what older clients have"
)]

mod accept;
mod adapter;
mod batch;
mod call;
mod caller;
mod door;
#[cfg(feature = "fixtures")]
mod fixture;
mod handler;
mod held;
mod lines;
mod listing;
mod prompts;
mod refusal;
mod resources;
mod rpc;
mod schema;
mod sessions;
pub mod sse;
mod subscription;
mod tools;
mod verbosity;

pub use self::{
    door::{Mcp, McpOptions, serve},
    handler::Handler,
    lines::Lines,
    listing::{Changes, Listing},
};
