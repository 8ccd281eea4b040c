//! DSN: what DATABASE_URL says, read as libpq reads it, and made as safe as the hub wants it.
//!
//! Nothing here shows a part of the text: an error names what is wrong, never what stands there.

mod text;
mod trust;

use std::{collections::BTreeMap, fmt, path::Path, time::Duration};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use self::trust::trust;
pub use self::trust::{Roots, Trust};
use super::{
    VARIABLE,
    tls::{self, TlsError},
};

/// Longest time to connect, also if the DSN allows more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection whose other end has vanished is given up after this.
const SILENCE: Duration = Duration::from_secs(20);

/// What the driver takes as it is.
const KNOWN: [&str; 17] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "password",
    "port",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];
/// What libpq or its neighbours know, and what makes no difference here.
const IGNORED: [&str; 14] = [
    "client_encoding",
    "connection_limit",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "krbsrvname",
    "pgbouncer",
    "pool_timeout",
    "requiressl",
    "ssl_min_protocol_version",
    "sslcompression",
    "sslsni",
    "tcp_keepalive",
];
/// What would make a difference, and is not built.
const REFUSED: [&str; 11] = [
    "passfile",
    "require_auth",
    "requirepeer",
    "schema",
    "service",
    "servicefile",
    "sslcert",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslpassword",
];

/// A DSN, understood.
#[derive(Clone)]
pub struct Dsn {
    pub(super) config: Config,
    pub(super) trust: Trust,
    /// The DSN has a statement_timeout of its own.
    pub(super) own_timeout: bool,
    place: String,
    warnings: Vec<&'static str>,
}

/// Why a DSN cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DsnError {
    /// It is neither form, or broken.
    #[error(
        "{VARIABLE} cannot be read: write `postgresql://` and, in the same word, \
         `user:password@host/database`, with every `@`, `/`, `:`, `?` and `%` of the password \
         percent-encoded"
    )]
    Malformed,
    /// It does not say where.
    #[error("{VARIABLE} names no host")]
    NoHost,
    /// It has a parameter that nobody knows.
    #[error("{VARIABLE} holds a parameter that is not known")]
    Unknown,
    /// It has a parameter that is known, and not built.
    #[error("{VARIABLE} holds `{0}`, which the hub does not have")]
    NotBuilt(&'static str),
    /// A value is none that its parameter can have.
    #[error("{VARIABLE} has a value for `{0}` that is not known")]
    Value(&'static str),
    /// A Unix socket has no TLS, and nobody said that this is fine.
    #[error(
        "{VARIABLE} names a Unix socket, which has no TLS: add sslmode=disable if that is meant"
    )]
    Socket,
}

// === impl Dsn ===

impl Dsn {
    /// Whether what it trusts is there to be trusted.
    ///
    /// # Errors
    /// [`TlsError`], for a certificate that cannot be read.
    pub fn check_trust(&self) -> Result<(), TlsError> {
        tls::client(&self.trust).map(drop)
    }

    /// Reads a DSN: a URL, or `key=value` words. Relative files start at `folder`.
    ///
    /// # Errors
    /// [`DsnError`]
    pub fn new(text: &str, folder: &Path) -> Result<Self, DsnError> {
        let text = text.trim();
        let (base, mut params) = match text::without_scheme(text) {
            Some(rest) => text::url(rest)?,
            None => (String::new(), text::words(text)?),
        };
        let sslmode = take_mode(&mut params)?;
        let roots = params.remove("sslrootcert");
        let options = params.remove("options");
        for name in params.keys() {
            if let Some(name) = REFUSED.iter().find(|refused| *refused == name) {
                return Err(DsnError::NotBuilt(name));
            }
        }
        params.retain(|name, _| !IGNORED.contains(&name.as_str()));
        if params.keys().any(|name| !KNOWN.contains(&name.as_str())) {
            return Err(DsnError::Unknown);
        }
        let mut config = config(&base, &params)?;
        if config.get_hosts().is_empty() {
            // TLS wants a name, and an address is one.
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        if config.get_hosts().is_empty() {
            return Err(DsnError::NoHost);
        }
        let mut warnings = Vec::new();
        let trust = trust(&config, sslmode.as_deref(), roots, folder, &mut warnings)?;
        config.ssl_mode(match trust {
            Trust::Plain => SslMode::Disable,
            _ => SslMode::Require,
        });
        let own_timeout = set_options(&mut config, options.as_deref(), &mut warnings);
        if config.get_application_name().is_none() {
            config.application_name("multi-llm-hub");
        }
        let patience = config.get_connect_timeout().copied();
        let patience = patience.filter(|time| !time.is_zero());
        config.connect_timeout(patience.unwrap_or(CONNECT_TIMEOUT).min(CONNECT_TIMEOUT));
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        Ok(Self {
            place: place(&config),
            config,
            trust,
            own_timeout,
            warnings,
        })
    }

    /// Host and database, for people to read: `db.example.com/hub`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// How sure the hub is whom it talks to, in libpq's words.
    pub fn security(&self) -> &'static str {
        match self.trust {
            Trust::Plain => "no TLS, on this machine",
            Trust::Anybody => "TLS, sslmode=require: encrypted, and nobody looks who answers",
            Trust::Signed(_) => "TLS, sslmode=verify-ca",
            Trust::Named(_) => "TLS, sslmode=verify-full",
        }
    }

    /// What is odd about it, in sentences.
    pub fn warnings(&self) -> &[&'static str] {
        &self.warnings
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dsn").field(&self.place).finish()
    }
}

/// `sslmode`, or `ssl` as Python's libraries call it.
fn take_mode(params: &mut BTreeMap<String, String>) -> Result<Option<String>, DsnError> {
    let ssl = params.remove("ssl");
    let mode = params.remove("sslmode").or(ssl.map(|ssl| match &*ssl {
        "true" | "1" | "on" => "require".to_owned(),
        "false" | "0" | "off" => "disable".to_owned(),
        _ => ssl,
    }));
    let modes = [
        "disable",
        "allow",
        "prefer",
        "require",
        "verify-ca",
        "verify-full",
    ];
    match mode {
        Some(mode) if !modes.contains(&mode.as_str()) => Err(DsnError::Value("sslmode")),
        mode => Ok(mode),
    }
}

fn config(base: &str, params: &BTreeMap<String, String>) -> Result<Config, DsnError> {
    let text = if base.is_empty() {
        let words = params.iter().map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace('\'', "\\'");
            format!("{name}='{value}'")
        });
        words.collect::<Vec<_>>().join(" ")
    } else {
        let pairs = params.iter().map(|(name, value)| {
            let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
            format!("{name}={value}")
        });
        format!("{base}?{}", pairs.collect::<Vec<_>>().join("&"))
    };
    // The driver's own words quote the text.
    let config: Config = text.parse().map_err(|_| DsnError::Malformed)?;
    let odd = |host: &Host| match host {
        Host::Tcp(name) => {
            let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
            name.is_empty() || !name.chars().all(letter)
        }
        Host::Unix(_) => false,
    };
    // A password that is not encoded can look like a host.
    match config.get_hosts().iter().any(odd) {
        true => Err(DsnError::Malformed),
        false => Ok(config),
    }
}

/// Options that the server reads at the start of a connection. Neon's proxy takes no
/// statement_timeout there.
fn set_options(
    config: &mut Config,
    options: Option<&str>,
    warnings: &mut Vec<&'static str>,
) -> bool {
    let Some(options) = options.filter(|options| !options.trim().is_empty()) else {
        return false;
    };
    if !options.contains("statement_timeout") {
        config.options(options);
        return false;
    }
    let neon = |host: &Host| match host {
        Host::Tcp(name) => name == "neon.tech" || name.ends_with(".neon.tech"),
        Host::Unix(_) => false,
    };
    if !config.get_hosts().iter().any(neon) {
        config.options(options);
        return true;
    }
    warnings.push("neon.tech takes no statement_timeout in DATABASE_URL: it is left out");
    let joined = options.replace("-c ", "-c");
    let kept = joined
        .split_whitespace()
        .filter(|option| !option.contains("statement_timeout"));
    let kept: Vec<_> = kept.collect();
    if !kept.is_empty() {
        config.options(kept.join(" "));
    }
    false
}

fn place(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let database = config.get_dbname().or(config.get_user()).unwrap_or("?");
    format!("{}/{database}", hosts.collect::<Vec<_>>().join(","))
}
