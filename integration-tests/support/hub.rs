//! A hub that serves.

use std::{fmt::Display, fs, net::SocketAddr, time::Duration};

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    deadline::{eventually, within},
    http,
    program::{Finished, Program, Running},
    pyfun::Pyfun,
    reply::Reply,
    upstream::FakeUpstream,
};

/// Longest wait for the line that says where it listens, on a machine that is busy compiling.
const START: Duration = Duration::from_secs(20);

/// Longest wait for any answer: what the clients in the field wait for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running hub on a port of its own. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Hub {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its process.
    pub(crate) process: Running,
}

/// A hub that is about to start.
#[derive(Debug)]
pub(crate) struct HubBuilder(Program);

// === impl HubBuilder ===

impl HubBuilder {
    pub(crate) fn env(self, name: &str, value: impl Display) -> Self {
        Self(self.0.env(name, value))
    }

    /// As this user, if one is named; see [`Program::user`].
    pub(crate) fn user(self, user: Option<u32>) -> Self {
        Self(self.0.user(user))
    }

    /// The text of hub.pyfun.
    pub(crate) fn pyfun(self, text: &Pyfun) -> Self {
        self.pyfun_text(&text.to_string())
    }

    /// The same, for texts that are the subject of a test.
    pub(crate) fn pyfun_text(self, text: &str) -> Self {
        Self(self.0.file("hub.pyfun", text))
    }

    /// The text of the file with secrets. Without this call there is none.
    pub(crate) fn env_file(self, text: &str) -> Self {
        Self(self.0.file("secrets.env", text))
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(self) -> Hub {
        Hub::listening(self.0.spawn()).await
    }

    /// A key for each provider of [`Pyfun::three`].
    pub(crate) fn keys(self) -> Self {
        self.env("ANTHROPIC_API_KEY", "key-of-anthropic")
            .env("GEMINI_API_KEY", "key-of-gemini")
            .env("OPENROUTER_API_KEY", "key-of-openrouter")
    }
}

// === impl Hub ===

impl Hub {
    /// `hub serve` on a free port.
    pub(crate) fn builder() -> HubBuilder {
        let arguments = [
            "serve",
            "--config",
            "hub.pyfun",
            "--env-file",
            "secrets.env",
        ];
        HubBuilder(Program::new(arguments).env("PORT", 0))
    }

    /// anthropic -> gemini -> openrouter, all at `upstream`, with keys and without retries.
    pub(crate) async fn three(upstream: &FakeUpstream) -> Self {
        Self::with(&Pyfun::three(upstream)).await
    }

    /// This configuration, with [`HubBuilder::keys`].
    pub(crate) async fn with(pyfun: &Pyfun) -> Self {
        Self::builder().pyfun(pyfun).keys().start().await
    }

    /// Waits until a process says where it listens.
    pub(crate) async fn listening(mut process: Running) -> Self {
        let look = async || {
            let log = process.stderr.text();
            if let Some(address) = address_in(&log) {
                return Some(address);
            }
            let ended = process.ended();
            assert!(ended.is_none(), "the hub ended: {ended:?}\n{log}");
            None
        };
        let (address, _) = eventually(START, "the line `listening on http://..`", look).await;
        Self { address, process }
    }

    /// Sends these bytes on a connection of their own.
    pub(crate) async fn try_raw(&self, bytes: &[u8]) -> std::io::Result<Reply> {
        let start = Instant::now();
        let exchange = http::exchange(self.address, bytes);
        let message = within(PATIENCE, "an answer of the hub", exchange).await?;
        Ok(Reply::new(message, start.elapsed()))
    }

    /// The same, for when an answer must come.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Reply {
        let reply = self.try_raw(bytes).await;
        reply.unwrap_or_else(|error| {
            panic!(
                "no answer: {error}\nstderr:\n{}",
                self.process.stderr.text()
            )
        })
    }

    /// `GET path`
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.raw(&http::request("GET", path, &[], b"")).await
    }

    /// `POST /api` with this JSON text, which may be none.
    pub(crate) async fn post(&self, body: impl AsRef<[u8]>) -> Reply {
        self.raw(&api_request(body.as_ref())).await
    }

    /// `POST /api`, and the answer held against the contract.
    pub(crate) async fn api(&self, body: Value) -> Reply {
        let reply = self.post(body.to_string()).await;
        reply.assert_contract();
        reply
    }

    /// `POST /api` with this tool and these parameters.
    pub(crate) async fn call(&self, tool: &str, params: Value) -> Reply {
        self.api(json!({"tool": tool, "params": params})).await
    }

    /// `llm_complete` with nothing but a prompt.
    pub(crate) async fn prompt(&self, prompt: &str) -> Reply {
        self.call("llm_complete", json!({"prompt": prompt})).await
    }

    /// `prompt` sent to a provider of that name.
    pub(crate) async fn prompt_at(&self, provider: &str, prompt: &str) -> Reply {
        let params = json!({"prompt": prompt, "provider": provider});
        self.call("llm_complete", params).await
    }

    /// What `health_check` says about an actor; `null` if it does not know it.
    pub(crate) async fn health_of(&self, actor: &str) -> Value {
        let reply = self.call("health_check", json!({})).await;
        let actors = reply.result()["actors"].as_array().cloned();
        let found = actors
            .unwrap_or_default()
            .into_iter()
            .find(|entry| entry["name"] == actor);
        found.unwrap_or_default()
    }

    /// Everything it has written: logs, output, every file of its folder but its own inputs.
    pub(crate) fn traces(&self) -> Vec<(String, Vec<u8>)> {
        let mut traces = vec![
            ("stdout".to_owned(), self.process.stdout.bytes()),
            ("stderr".to_owned(), self.process.stderr.bytes()),
        ];
        let mut folders = vec![self.process.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("hub.pyfun") && !path.ends_with("secrets.env") {
                    let bytes = fs::read(&path).unwrap_or_default();
                    traces.push((path.display().to_string(), bytes));
                }
            }
        }
        traces
    }

    /// A line of `/proc/PID/status` in KiB, such as `VmRSS` (now) or `VmHWM` (at most so far).
    pub(crate) fn memory_kib(&self, line: &str) -> u64 {
        let status = fs::read_to_string(self.process.proc_file("status")).unwrap();
        let value = status
            .lines()
            .find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))
            .and_then(|text| text.split_whitespace().next()?.parse().ok());
        value.unwrap_or_else(|| panic!("no {line} in {status}"))
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    /// Waits for its end.
    pub(crate) async fn finish(self, limit: Duration) -> Finished {
        self.process.finish(limit).await
    }
}

/// The bytes of `POST /api` with this body.
pub(crate) fn api_request(body: &[u8]) -> Vec<u8> {
    let headers = [("Content-Type", "application/json")];
    http::request("POST", "/api", &headers, body)
}

fn address_in(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once("listening on http://")?;
    // Until the line is complete the port may be cut.
    let (line, _) = rest.split_once('\n')?;
    let end = line.find(|c: char| !matches!(c, '0'..='9' | '.' | ':'));
    let address = &line[..end.unwrap_or(line.len())];
    address.trim_end_matches('.').parse().ok()
}
