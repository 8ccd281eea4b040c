//! Transports: the doors. A new interface is a new file here, and a line where routes are named.

mod api;
mod body;
mod http;
mod lobby;
mod status;

pub use self::http::{HttpTransport, Started, start};
