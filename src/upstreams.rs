//! Upstreams: settings and vault become the right to call a vendor.

mod client;
mod plain;

use std::{sync::Arc, time::Duration};

use hub_actors::{
    memory::Memory,
    protocol::{EmbeddingRequest, SearchRequest},
    provider::{
        ProviderKind, ProviderSpec, Retry,
        wire::{self, Dialect, Wire},
    },
    request::Request,
    upstream::{Authorised, Upstream},
};
use reqwest::{
    Client,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use self::client::{client, tls};
use crate::{
    settings::{Limits, LlmProvider, SearchProvider},
    vault::Vault,
};

/// What the large events of all streams share, in KiB: 128 MiB. One counts three times, for it is there as
/// bytes, as text and as what is in it.
const LARGE_EVENTS: usize = 128 * 1024;

/// Why a provider cannot be called, though it is configured and has its key.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamsError {
    /// The wire format does not exist.
    #[error("`{provider}` speaks the unknown format `{api}`")]
    Api {
        /// Whose.
        provider: String,
        /// Which.
        api: String,
    },
    /// The key cannot be sent: it holds a line break or a control character.
    #[error("the key in {variable} holds characters that no header can carry; copy it again")]
    Key {
        /// Where it comes from.
        variable: String,
    },
    /// An extra header cannot be sent.
    #[error("extra_headers of `{provider}` hold `{header}`, which no request can carry")]
    Header {
        /// Whose.
        provider: String,
        /// Which.
        header: String,
    },
    /// No TLS on this machine.
    #[error(
        "TLS cannot be set up: are the system's root certificates (ca-certificates) installed?"
    )]
    Tls(#[source] rustls::Error),
    /// No client.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// Makes capabilities, all with the same TLS roots.
pub struct Upstreams<'a> {
    vault: &'a Vault,
    limits: &'a Limits,
    tls: rustls::ClientConfig,
    memory: Memory,
}

/// What there is to know of a provider for making its client.
struct Account<'a> {
    name: &'a str,
    base_url: &'a str,
    env_key: Option<&'a str>,
    version: Option<&'a str>,
    extra_headers: &'a [(String, String)],
}

// === impl Upstreams ===

impl<'a> Upstreams<'a> {
    /// Reads the system's root certificates, once, and only if one of the providers' addresses needs
    /// them.
    ///
    /// # Errors
    /// [`UpstreamsError::Tls`]
    pub fn new<'b>(
        vault: &'a Vault,
        limits: &'a Limits,
        addresses: impl IntoIterator<Item = &'b str>,
    ) -> Result<Self, UpstreamsError> {
        let secure = addresses.into_iter().any(|url| url.starts_with("https:"));
        Ok(Self {
            vault,
            limits,
            tls: tls(secure).map_err(UpstreamsError::Tls)?,
            memory: Memory::of_kib(LARGE_EVENTS),
        })
    }

    /// The roots of trust, for who calls nobody in particular.
    pub fn tls(&self) -> rustls::ClientConfig {
        self.tls.clone()
    }

    /// What an actor needs to serve `provider`.
    ///
    /// # Errors
    /// [`UpstreamsError`]
    pub fn llm(&self, provider: &LlmProvider) -> Result<ProviderSpec, UpstreamsError> {
        #[cfg(feature = "fixtures")]
        if provider.api == "fault" {
            return Ok(self.fault(&provider.name));
        }
        let wire = wire::by_name(&provider.api)
            .ok_or_else(|| unknown_format(&provider.name, &provider.api))?;
        self.spec(&Account::of(provider), wire, dialect(provider))
    }

    /// The same for its vectors: the same account in a life of its own.
    ///
    /// # Errors
    /// [`UpstreamsError`]
    pub fn embedding(
        &self,
        provider: &LlmProvider,
    ) -> Result<ProviderSpec<EmbeddingRequest>, UpstreamsError> {
        #[cfg(feature = "fixtures")]
        if provider.api == "fault" {
            return Ok(self.fault(&provider.name));
        }
        let wire = wire::embedding::by_name(&provider.api)
            .ok_or_else(|| unknown_format(&provider.name, &provider.api))?;
        self.spec(&Account::of(provider), wire, dialect(provider))
    }

    /// The same for one that searches.
    ///
    /// # Errors
    /// [`UpstreamsError`]
    pub fn search(
        &self,
        provider: &SearchProvider,
    ) -> Result<ProviderSpec<SearchRequest>, UpstreamsError> {
        let api = provider.api.as_deref().unwrap_or_default();
        #[cfg(feature = "fixtures")]
        if api == "fault" {
            return Ok(self.fault(&provider.name));
        }
        let wire = wire::search::by_name(api).ok_or_else(|| unknown_format(&provider.name, api))?;
        let account = Account {
            name: &provider.name,
            base_url: &provider.base_url,
            env_key: provider.env_key.as_deref(),
            version: None,
            extra_headers: &[],
        };
        let dialect = Dialect {
            include_answer: provider.include_answer,
            ..Dialect::default()
        };
        self.spec(&account, wire, dialect)
    }

    #[cfg(feature = "fixtures")]
    fn fault<R: Request>(&self, name: &str) -> ProviderSpec<R> {
        ProviderSpec {
            name: name.into(),
            permits: self.limits.max_parallel_requests,
            kind: ProviderKind::Fault(crate::guardian::fixture::kill()),
        }
    }

    fn spec<R: Request>(
        &self,
        account: &Account<'_>,
        wire: &'static dyn Wire<R>,
        dialect: Dialect,
    ) -> Result<ProviderSpec<R>, UpstreamsError> {
        let headers = self.headers(account, wire.version(), wire.auth())?;
        let tls = self.tls.clone();
        let is_plain = account.base_url.starts_with("http:");
        let make = Arc::new(move || {
            Ok(Authorised {
                client: client(headers.clone(), tls.clone(), None)?,
                plain: is_plain.then(|| plain::sender(headers.clone())),
            })
        });
        Ok(ProviderSpec {
            name: account.name.into(),
            permits: self.limits.max_parallel_requests,
            kind: ProviderKind::Vendor {
                upstream: Upstream::new(account.base_url, make, self.vault.finder(account.env_key)),
                wire,
                dialect,
                retry: Retry {
                    count: self.limits.retry_count,
                    delay: self.limits.retry_delay,
                },
                memory: self.memory.clone(),
            },
        })
    }

    fn headers(
        &self,
        account: &Account<'_>,
        version: Option<(&str, &str)>,
        (name, prefix): (&str, &str),
    ) -> Result<HeaderMap, UpstreamsError> {
        let mut headers = HeaderMap::new();
        let header_error = |header: &str| UpstreamsError::Header {
            provider: account.name.to_owned(),
            header: header.to_owned(),
        };
        let header_name =
            |name: &str| HeaderName::from_bytes(name.as_bytes()).map_err(|_| header_error(name));
        if let Some((name, default)) = version {
            let version = account.version.unwrap_or(default);
            let value = HeaderValue::from_str(version).map_err(|_| header_error(name))?;
            headers.insert(header_name(name)?, value);
        }
        let key = account.env_key;
        if let Some(variable) = key
            && let Some(value) = self.vault.bearer(variable, prefix)
        {
            let value = value.map_err(|_| UpstreamsError::Key {
                variable: variable.to_owned(),
            })?;
            headers.insert(header_name(name)?, value);
        }
        for (name, template) in account.extra_headers {
            let value = self
                .vault
                .fill(template, key)
                .map_err(|_| header_error(name))?;
            headers.insert(header_name(name)?, value);
        }
        Ok(headers)
    }
}

// === impl Account ===

impl<'a> Account<'a> {
    fn of(provider: &'a LlmProvider) -> Self {
        Self {
            name: &provider.name,
            base_url: &provider.base_url,
            env_key: provider.env_key.as_deref(),
            version: provider.api_version.as_deref(),
            extra_headers: &provider.extra_headers,
        }
    }
}

fn dialect(provider: &LlmProvider) -> Dialect {
    Dialect {
        drop_params: provider.drop_params.clone(),
        max_completion_tokens: provider.max_completion_tokens,
        ..Dialect::default()
    }
}

fn unknown_format(provider: &str, api: &str) -> UpstreamsError {
    UpstreamsError::Api {
        provider: provider.to_owned(),
        api: api.to_owned(),
    }
}

/// A client for one call to a running hub: no key of a vendor's, no redirects either.
///
/// # Errors
/// If TLS cannot be set up.
pub fn plain_client(timeout: Duration, secure: bool) -> Result<Client, UpstreamsError> {
    let tls = tls(secure).map_err(UpstreamsError::Tls)?;
    client(HeaderMap::new(), tls, Some(timeout)).map_err(UpstreamsError::Client)
}
