//! Transports: the doors. A new interface is a new file here, and a line where routes are named.

mod access;
mod api;
mod api_stream;
mod auth;
mod body;
mod calls;
mod chat;
mod credential;
mod crypto;
mod entries;
mod guard;
mod held;
mod http;
mod known;
mod layers;
mod lobby;
pub mod mcp;
mod openapi;
mod refused;
pub mod routes;
mod session;
mod status;
pub mod stdio;
mod views;

pub use self::{
    credential::{LONGEST as LONGEST_KEY, sha256},
    guard::Guard,
    http::{HttpOptions, HttpTransport, Started, start},
};
