//! Listener: the address, bound once. A transport that restarts finds the port still its own.

use std::{io, net::TcpListener};

use socket2::SockRef;

/// Connections that wait to be accepted; the kernel's own limit may be lower.
const BACKLOG: i32 = 4096;

/// How much the kernel takes of an answer before it can send it, in bytes, for each connection. Left to
/// itself it takes megabytes, and a vendor goes on for a client that does not read.
const MOST_UNSENT: u32 = 64 * 1024;

/// Why the address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has it.
    #[error(
        "{0} is in use by another program. Set the variable PORT, or HUB_PORT in [HUB], to another \
         port (0 takes any free one)"
    )]
    InUse(String),
    /// A port below 1024 needs a privilege.
    #[error("{0} may not be used by this user. Set PORT to one above 1023")]
    Denied(String),
    /// Anything else.
    #[error("{0} cannot be listened on. Set HOST and PORT to an address of this machine")]
    Other(String, #[source] io::Error),
}

/// Binds it.
///
/// # Errors
/// [`BindError`]
pub fn bind(host: &str, port: u16) -> Result<TcpListener, BindError> {
    let listener = TcpListener::bind((host, port)).and_then(|listener| {
        // The queue is where callers wait while a transport restarts; the library's holds 128.
        rustix::net::listen(&listener, BACKLOG)?;
        // Connections inherit it.
        SockRef::from(&listener).set_tcp_notsent_lowat(MOST_UNSENT)?;
        Ok(listener)
    });
    listener.map_err(|error| {
        let address = format!("{host}:{port}");
        match error.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse(address),
            io::ErrorKind::PermissionDenied => BindError::Denied(address),
            _ => BindError::Other(address, error),
        }
    })
}
