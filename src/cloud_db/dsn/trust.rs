//! Trust: what `sslmode` and `sslrootcert` amount to.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use tokio_postgres::{Config, config::Host};

use super::DsnError;

/// Whom the hub believes that it is the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// No TLS: the connection does not leave the machine.
    Plain,
    /// TLS with anybody (`require`).
    Anybody,
    /// Whoever has a certificate that these roots have signed (`verify-ca`).
    Signed(Roots),
    /// The same, and for the host's name (`verify-full`).
    Named(Roots),
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Whom the system trusts.
    System,
    /// Whom this file names (`sslrootcert`).
    File(PathBuf),
}

/// At least `require`; without TLS only what stays on this machine, and only if it is said.
pub(super) fn trust(
    config: &Config,
    sslmode: Option<&str>,
    roots: Option<String>,
    folder: &Path,
    warnings: &mut Vec<&'static str>,
) -> Result<Trust, DsnError> {
    let sockets = config.get_hosts().iter().any(is_socket);
    if sslmode == Some("disable") {
        if is_local(config) {
            warnings.push("the database is asked without TLS, as DATABASE_URL says");
            return Ok(Trust::Plain);
        }
        warnings.push("sslmode=disable is for this machine alone: the database is asked with TLS");
    }
    if sockets {
        return Err(DsnError::Socket);
    }
    let roots = roots.map(|roots| match roots.as_str() {
        "system" => Roots::System,
        file => Roots::File(folder.join(file)),
    });
    Ok(match (sslmode, roots) {
        (Some("verify-full"), roots) => Trust::Named(roots.unwrap_or(Roots::System)),
        (Some("verify-ca"), roots) => Trust::Signed(roots.unwrap_or(Roots::System)),
        // As libpq: whoever names roots wants them to count, and the system's sign for everybody.
        (_, Some(Roots::System)) => Trust::Named(Roots::System),
        (_, Some(roots)) => Trust::Signed(roots),
        (_, None) => Trust::Anybody,
    })
}

fn is_socket(host: &Host) -> bool {
    matches!(host, Host::Unix(_))
}

/// Whether every way leads to this machine. An address counts before the name beside it.
fn is_local(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            let address: Option<IpAddr> = name.parse().ok();
            address.map_or(name.eq_ignore_ascii_case("localhost"), |a| a.is_loopback())
        }
    })
}
