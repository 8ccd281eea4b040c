//! Server: a started program that can be called.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader, Lines},
    net::TcpStream,
    process::Command,
    task::spawn_local,
    time::{Instant, sleep, timeout},
};

use super::process::Process;

/// Longest wait until it can be called.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks.
const GLANCE: Duration = Duration::from_millis(5);

/// A program that listens. It is killed when this is dropped.
pub(crate) struct Server {
    /// Where.
    pub(crate) address: SocketAddr,
    /// What runs.
    pub(crate) process: Process,
    /// When it was started.
    pub(crate) spawned: Instant,
    _folder: TempDir,
}

// === impl Server ===

impl Server {
    /// Starts a program that says where it listens, in a line with `marker` before the address.
    pub(crate) async fn announced(
        command: &mut Command,
        folder: TempDir,
        marker: &str,
    ) -> Result<Self> {
        let spawned = Instant::now();
        let mut process = Process::spawn(command.current_dir(folder.path()))?;
        let (stdout, stderr) = process.outputs()?;
        let (mut stdout, mut stderr) = (lines(stdout), lines(stderr));
        let mut said = String::new();
        let search = async {
            loop {
                let line = tokio::select! {
                    Ok(Some(line)) = stdout.next_line() => line,
                    Ok(Some(line)) = stderr.next_line() => line,
                    else => bail!("it ended and said:\n{said}"),
                };
                match line.split_once(marker) {
                    Some((_, rest)) => return address(rest),
                    None => said = said + &line + "\n",
                }
            }
        };
        let found = timeout(PATIENCE, search).await;
        let address = found.with_context(|| format!("no line with `{marker}`"))??;
        // A pipe that nobody reads would fill and stop the program.
        spawn_local(discard(stdout));
        spawn_local(discard(stderr));
        Ok(Self {
            address,
            process,
            spawned,
            _folder: folder,
        })
    }

    /// Starts a program that was told where to listen.
    pub(crate) async fn told(
        command: &mut Command,
        folder: TempDir,
        address: SocketAddr,
    ) -> Result<Self> {
        let spawned = Instant::now();
        let mut process = Process::spawn(command.current_dir(folder.path()))?;
        let (stdout, stderr) = process.outputs()?;
        spawn_local(discard(lines(stdout)));
        let mut stderr = lines(stderr);
        while TcpStream::connect(address).await.is_err() {
            if process.ended()?.is_some() || spawned.elapsed() > PATIENCE {
                let mut said = String::new();
                while let Ok(Ok(Some(line))) = timeout(GLANCE, stderr.next_line()).await {
                    said = said + &line + "\n";
                }
                bail!("nobody listens on {address}, and it said:\n{said}");
            }
            sleep(GLANCE).await;
        }
        spawn_local(discard(stderr));
        Ok(Self {
            address,
            process,
            spawned,
            _folder: folder,
        })
    }
}

fn lines<R: AsyncRead + Unpin>(output: R) -> Lines<BufReader<R>> {
    BufReader::new(output).lines()
}

async fn discard<R: AsyncRead + Unpin>(mut lines: Lines<BufReader<R>>) {
    while let Ok(Some(_)) = lines.next_line().await {}
}

/// The address at the start of `text`.
fn address(text: &str) -> Result<SocketAddr> {
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | ':'));
    let address = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    address
        .parse()
        .with_context(|| format!("no address at the start of `{text}`"))
}
