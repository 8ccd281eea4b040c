//! nginx: the floor, a plain proxy that reads and changes nothing.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use tokio::{net::TcpListener, process::Command};

use super::server::Server;

/// Where Debian puts it; not everybody's PATH has it.
const SYSTEM: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Idle connections to the upstream that each worker keeps, unless more are used.
const KEPT: usize = 64;

/// Connections are never closed for their age: a closed one would be a failure.
const CONFIGURATION: &str = r"daemon off;
worker_processes auto;
pid nginx.pid;
error_log stderr warn;
events {
    worker_connections 4096;
}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000000;
    upstream bench {
        server {upstream};
        keepalive {kept};
        keepalive_requests 1000000000;
    }
    server {
        listen {address};
        location / {
            proxy_pass http://bench;
            proxy_http_version 1.1;
            proxy_set_header Connection '';
        }
    }
}
";

/// Starts it in front of `upstream`, for so many connections at the same time. Installs it first
/// if it must and can.
pub(crate) async fn start(upstream: SocketAddr, connections: NonZeroUsize) -> Result<Server> {
    let program = program().await?;
    let address = free_address().await?;
    let folder = tempfile::tempdir()?;
    let configuration = CONFIGURATION
        .replace("{upstream}", &upstream.to_string())
        .replace("{kept}", &KEPT.max(connections.get()).to_string())
        .replace("{address}", &address.to_string());
    fs::write(folder.path().join("nginx.conf"), configuration)?;
    let mut command = Command::new(program);
    command
        .arg("-p")
        .arg(folder.path())
        .args(["-c", "nginx.conf", "-e", "stderr"]);
    let started = Server::told(&mut command, folder, address).await;
    started.context("nginx did not start")
}

async fn program() -> Result<PathBuf> {
    if let Some(program) = find() {
        return Ok(program);
    }
    if rustix::process::geteuid().is_root() {
        for package in ["nginx-light", "nginx"] {
            let mut install = Command::new("apt-get");
            // With this runlevel the package does not start a server of its own.
            install
                .env("RUNLEVEL", "1")
                .env("DEBIAN_FRONTEND", "noninteractive");
            install.args([
                "install",
                "--yes",
                "--quiet",
                "--no-install-recommends",
                package,
            ]);
            // No apt-get, or no such package: the next try, or the sentence below.
            drop(install.output().await);
            if let Some(program) = find() {
                return Ok(program);
            }
        }
    }
    bail!("nginx is not there to compare with; install it (Debian: apt-get install nginx-light)")
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM.map(PathBuf::from))
        .map(|folder| folder.join("nginx"))
        .find(|program| program.is_file())
}

/// nginx takes no port 0 and does not say where it listens.
async fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await?
        .local_addr()
}
