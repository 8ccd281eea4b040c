//! Fault: what failed, in our words.
//!
//! A server's own sentence is never shown: it may quote a row, and a hostile one may quote the password
//! that it was sent. Its SQLSTATE says what happened (PostgreSQL, appendix A).

use std::{io, sync::Arc};

use rustls::{CertificateError, Error as TlsError};
use tokio_postgres::{Error, error::SqlState};

use super::tls;

/// What failed, and what that means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Fault {
    /// Whether the same will work later, or when.
    pub kind: FaultKind,
    /// What happened, and what to do about it where that is known: a clause without full stop.
    pub sentence: Arc<str>,
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no connection.
    NoConnection,
    /// There is one, and the server cannot do it now.
    NotNow,
    /// It cannot be done with this table, or in this role.
    Table,
    /// It cannot be done with one of these rows.
    Row,
}

// === impl Fault ===

impl Fault {
    /// A fault in our own words.
    pub fn new(kind: FaultKind, sentence: impl Into<Arc<str>>) -> Self {
        Self {
            kind,
            sentence: sentence.into(),
        }
    }

    /// Whether it will be the same until somebody changes the table.
    pub fn is_about_table(&self) -> bool {
        self.kind == FaultKind::Table
    }

    /// The server did not answer in time.
    pub fn silent() -> Self {
        Self::new(FaultKind::NoConnection, "it does not answer in time")
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let Some(code) = error.code() else {
            return Self::new(FaultKind::NoConnection, connection(&error));
        };
        let (kind, sentence) = said(code);
        Self::new(kind, format!("{sentence} (SQLSTATE {})", code.code()))
    }
}

/// What the server said.
fn said(code: &SqlState) -> (FaultKind, &'static str) {
    use FaultKind::{NoConnection, NotNow, Row, Table};
    match code {
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => (
            NoConnection,
            "it does not accept the user or the password of DATABASE_URL, or not from here",
        ),
        &SqlState::INVALID_CATALOG_NAME => (NoConnection, "it has no database of that name"),
        &SqlState::TOO_MANY_CONNECTIONS => (NoConnection, "it has no connection left"),
        &SqlState::QUERY_CANCELED => (NotNow, "it took longer than it may"),
        &SqlState::READ_ONLY_SQL_TRANSACTION => (NotNow, "it only reads at this moment"),
        &SqlState::DISK_FULL => (NotNow, "its disk is full"),
        &SqlState::UNDEFINED_TABLE => (Table, "the table does not exist: run `hub db init`"),
        &SqlState::INVALID_SCHEMA_NAME => (Table, "the schema does not exist: run `hub db init`"),
        &SqlState::INSUFFICIENT_PRIVILEGE => (
            Table,
            "the user of DATABASE_URL may not do it; rows need INSERT and SELECT on their table",
        ),
        &SqlState::NOT_NULL_VIOLATION => (
            Row,
            "the table has a column that must not be empty and that the hub does not know",
        ),
        code => match code.code().get(..2).unwrap_or_default() {
            // Connection exception, operator intervention.
            "08" | "57" => (NoConnection, "it is not ready"),
            "42" | "0A" | "44" => (Table, "the table is not as the hub needs it"),
            // Data exception, integrity constraint, a trigger's own exception.
            "22" | "23" | "P0" => (Row, "it does not accept the row"),
            "54" => (Row, "the row is larger than it can be"),
            _ => (NotNow, "it cannot do it now"),
        },
    }
}

/// Why there is no connection, or no longer.
fn connection(error: &Error) -> &'static str {
    if let Some(tls) = tls::cause(error) {
        return match tls {
            TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => "its certificate is for another name",
            // A root of the same name with another key is another root.
            TlsError::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            ) => {
                "its certificate is signed by nobody who is trusted: sslrootcert says whom to trust"
            }
            TlsError::InvalidCertificate(_) => "its certificate is not valid",
            _ => "TLS with it fails",
        };
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.to_string() == "server does not support TLS" {
            return "it has no TLS, and without TLS nothing is sent (on this machine \
                    sslmode=disable allows it)";
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return match io.kind() {
                io::ErrorKind::ConnectionRefused => "nobody answers at its address",
                io::ErrorKind::NotFound => "its socket is not there",
                io::ErrorKind::TimedOut => "it does not answer in time",
                _ => "the connection fails",
            };
        }
        source = cause.source();
    }
    match error.is_closed() {
        true => "the connection was lost",
        false => "the connection fails",
    }
}
