//! Transports: the doors. A new interface is a new file here, and a line where routes are named.

mod api;
mod body;
mod calls;
mod crypto;
mod guard;
mod http;
mod lobby;
pub mod mcp;
mod status;
pub mod stdio;

pub use self::{
    guard::Guard,
    http::{HttpOptions, HttpTransport, Started, start},
};
