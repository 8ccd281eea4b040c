//! Listener: the address, bound once. A transport that restarts finds the port still its own.

#[cfg(target_os = "linux")]
use std::time::Duration;
use std::{io, net::TcpListener};

use socket2::SockRef;

/// Connections that wait to be accepted; the kernel's own limit may be lower.
const BACKLOG: i32 = 4096;

/// How much the kernel takes of an answer before it can send it, in bytes, for each connection. Left to
/// itself it takes megabytes, and a vendor goes on for a client that does not read.
const MOST_UNSENT: u32 = 64 * 1024;

/// How long a client may take nothing of an answer: the kernel ends its connection (RFC 5482), and what the
/// answer holds is free again. It answers probes of its closed window for ever otherwise.
#[cfg(target_os = "linux")]
const MOST_SILENCE: Duration = Duration::from_secs(60);

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
        let socket = SockRef::from(&listener);
        socket.set_tcp_notsent_lowat(MOST_UNSENT)?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(MOST_SILENCE))?;
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_client_that_takes_nothing_for_a_minute_is_given_up() {
        let listener = bind("127.0.0.1", 0).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let _client = TcpStream::connect(address).expect("a connection");
        let (accepted, _) = listener.accept().expect("a connection");
        let timeout = SockRef::from(&accepted).tcp_user_timeout();
        assert_eq!(timeout.expect("an option"), Some(Duration::from_secs(60)));
    }
}
