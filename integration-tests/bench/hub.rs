//! The hub: the binary of this package with one provider and its default settings.

use std::{fs, net::SocketAddr, num::NonZeroUsize, path::Path};

use anyhow::{Context, Result};
use tokio::process::Command;

use super::{http::KEY, server::Server, upstream::MODEL};

/// What runs.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_hub");

/// Permits, unless there are more connections: so that no call waits for one.
const PERMITS: usize = 256;

/// No retries, so that no failure is hidden. All else is as it comes.
const CONFIGURATION: &str = r#"[HUB]
HUB_NAME              = "bench"
[HUB_END]

[HUB_LIMITS]
MAX_PARALLEL_REQUESTS = "{permits}"
RETRY_COUNT           = "0"
[HUB_LIMITS_END]

[LLM_PROVIDER.openai]
api                   = "openai"
base_url              = "http://{upstream}/v1"
env_key               = "BENCH_KEY"
default_model         = "{model}"
models                = "{model}"
[LLM_PROVIDER.openai_END]
"#;

/// Starts it in front of `upstream`, for so many connections at the same time. It asks nobody.
pub(crate) async fn start(upstream: SocketAddr, connections: NonZeroUsize) -> Result<Server> {
    start_with(upstream, connections, &[]).await
}

/// The same, and it asks for a key.
pub(crate) async fn start_closed(
    upstream: SocketAddr,
    connections: NonZeroUsize,
) -> Result<Server> {
    start_with(upstream, connections, &[("HUB_API_KEY", KEY)]).await
}

async fn start_with(
    upstream: SocketAddr,
    connections: NonZeroUsize,
    variables: &[(&str, &str)],
) -> Result<Server> {
    let folder = tempfile::tempdir()?;
    let configuration = CONFIGURATION
        .replace("{upstream}", &upstream.to_string())
        .replace("{permits}", &PERMITS.max(connections.get()).to_string())
        .replace("{model}", MODEL);
    fs::write(folder.path().join("hub.pyfun"), configuration)?;
    let mut command = Command::new(Path::new(BINARY));
    command
        .args(["serve", "--config", "hub.pyfun"])
        .env_clear()
        .env("HOST", "127.0.0.1")
        .env("PORT", "0")
        .env("BENCH_KEY", "bench-key")
        .envs(variables.iter().copied());
    let started = Server::announced(&mut command, folder, "listening on http://").await;
    started.context("the hub did not start")
}
