//! Upstreams: settings and vault become the right to call a vendor.

use std::{sync::Arc, time::Duration};

use hub_actors::{
    provider::{
        ProviderKind, ProviderSpec, Retry,
        wire::{self, Dialect, Wire},
    },
    upstream::Upstream,
};
use reqwest::{
    Client,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::{
    settings::{Limits, LlmProvider},
    vault::Vault,
};

/// Longest time to connect. The next provider is the better answer after it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: below what most load balancers allow.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

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
}

// === impl Upstreams ===

impl<'a> Upstreams<'a> {
    /// Reads the system's root certificates, once, and only if a provider needs them.
    ///
    /// # Errors
    /// [`UpstreamsError::Tls`]
    pub fn new<'b>(
        vault: &'a Vault,
        limits: &'a Limits,
        providers: impl IntoIterator<Item = &'b LlmProvider>,
    ) -> Result<Self, UpstreamsError> {
        let secure = providers
            .into_iter()
            .any(|p| p.base_url.starts_with("https:"));
        Ok(Self {
            vault,
            limits,
            tls: tls(secure).map_err(UpstreamsError::Tls)?,
        })
    }

    /// What an actor needs to serve `provider`.
    ///
    /// # Errors
    /// [`UpstreamsError`]
    pub fn provider(&self, provider: &LlmProvider) -> Result<ProviderSpec, UpstreamsError> {
        #[cfg(feature = "fixtures")]
        if provider.api == "fault" {
            return Ok(ProviderSpec {
                name: provider.name.as_str().into(),
                permits: self.limits.max_parallel_requests,
                kind: ProviderKind::Fault(crate::guardian::fixture::kill()),
            });
        }
        let wire = wire::by_name(&provider.api).ok_or_else(|| UpstreamsError::Api {
            provider: provider.name.clone(),
            api: provider.api.clone(),
        })?;
        let headers = self.headers(provider, wire)?;
        let tls = self.tls.clone();
        let make = Arc::new(move || client(headers.clone(), tls.clone(), None));
        Ok(ProviderSpec {
            name: provider.name.as_str().into(),
            permits: self.limits.max_parallel_requests,
            kind: ProviderKind::Vendor {
                upstream: Upstream::new(
                    &provider.base_url,
                    make,
                    self.vault.finder(provider.env_key.as_deref()),
                ),
                wire,
                dialect: Dialect {
                    drop_params: provider.drop_params.clone(),
                    max_completion_tokens: provider.max_completion_tokens,
                },
                retry: Retry {
                    count: self.limits.retry_count,
                    delay: self.limits.retry_delay,
                },
            },
        })
    }

    fn headers(
        &self,
        provider: &LlmProvider,
        wire: &dyn Wire,
    ) -> Result<HeaderMap, UpstreamsError> {
        let mut headers = HeaderMap::new();
        let header_error = |header: &str| UpstreamsError::Header {
            provider: provider.name.clone(),
            header: header.to_owned(),
        };
        let header_name =
            |name: &str| HeaderName::from_bytes(name.as_bytes()).map_err(|_| header_error(name));
        if let Some((name, default)) = wire.version() {
            let version = provider.api_version.as_deref().unwrap_or(default);
            let value = HeaderValue::from_str(version).map_err(|_| header_error(name))?;
            headers.insert(header_name(name)?, value);
        }
        let key = provider.env_key.as_deref();
        let (name, prefix) = wire.auth();
        if let Some(variable) = key
            && let Some(value) = self.vault.bearer(variable, prefix)
        {
            let value = value.map_err(|_| UpstreamsError::Key {
                variable: variable.to_owned(),
            })?;
            headers.insert(header_name(name)?, value);
        }
        for (name, template) in &provider.extra_headers {
            let value = self
                .vault
                .fill(template, key)
                .map_err(|_| header_error(name))?;
            headers.insert(header_name(name)?, value);
        }
        Ok(headers)
    }
}

/// A client that carries the key to one host and nowhere else.
///
/// Redirects are never followed: reqwest strips `authorization` on the way to another host, and
/// forwards `x-api-key` and its like. No proxy of the environment's sees a request.
fn client(
    headers: HeaderMap,
    tls: rustls::ClientConfig,
    timeout: Option<Duration>,
) -> Result<Client, reqwest::Error> {
    let builder = match timeout {
        Some(timeout) => Client::builder().timeout(timeout),
        None => Client::builder(),
    };
    builder
        .default_headers(headers)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(concat!("multi-llm-hub/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
        .build()
}

/// A client for one call to a running hub: no key of a vendor's, no redirects either.
///
/// # Errors
/// If TLS cannot be set up.
pub fn plain_client(timeout: Duration, secure: bool) -> Result<Client, UpstreamsError> {
    let tls = tls(secure).map_err(UpstreamsError::Tls)?;
    client(HeaderMap::new(), tls, Some(timeout)).map_err(UpstreamsError::Client)
}

fn tls(secure: bool) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?;
    let mut config = if secure {
        builder.with_platform_verifier()?.with_no_client_auth()
    } else {
        builder
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
