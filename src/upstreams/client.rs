//! Clients: what a vendor is called with.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, header::HeaderMap, redirect::Policy};
use rustls_platform_verifier::BuilderVerifierExt;

/// Longest time to connect. The next provider is the better answer after it.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: below what most load balancers allow.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Who asks.
pub(super) const USER_AGENT: &str = concat!("multi-llm-hub/", env!("CARGO_PKG_VERSION"));
/// What one answer may have in flight over HTTP/2, in bytes: what waits for a slow reader.
const STREAM_WINDOW: u32 = 64 * 1024;
/// What all answers of a connection may: enough for 256 that nobody reads, so that they delay no other.
const CONNECTION_WINDOW: u32 = 256 * STREAM_WINDOW;

/// A client that carries the key to one host and nowhere else.
///
/// Redirects are never followed: reqwest strips `authorization` on the way to another host, and
/// forwards `x-api-key` and its like. No proxy of the environment's sees a request.
pub(super) fn client(
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
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(USER_AGENT)
        .tls_backend_preconfigured(tls)
        .build()
}

/// What is believed of who answers; who goes to no TLS needs no roots.
pub(super) fn tls(secure: bool) -> Result<rustls::ClientConfig, rustls::Error> {
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
