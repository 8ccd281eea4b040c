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
    /// The key that is sent with every request that brings none of its own.
    pub(crate) key: Option<String>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its process.
    pub(crate) process: Running,
}

/// A hub that is about to start.
#[derive(Debug)]
pub(crate) struct HubBuilder(Program, Option<String>);

// === impl HubBuilder ===

impl HubBuilder {
    pub(crate) fn env(self, name: &str, value: impl Display) -> Self {
        let value = value.to_string();
        // Whoever gives it a key has that key.
        let key = (name == "HUB_API_KEY").then(|| value.clone());
        Self(self.0.env(name, value), key.or(self.1))
    }

    /// A folder for its own files, and so a control socket and keys that stay.
    pub(crate) fn data(self) -> Self {
        self.env("HUB_DATA_DIR", "data")
    }

    /// The text of hub.pyfun.
    pub(crate) fn pyfun(self, text: &Pyfun) -> Self {
        self.pyfun_text(&text.to_string())
    }

    /// The same, for texts that are the subject of a test.
    pub(crate) fn pyfun_text(self, text: &str) -> Self {
        Self(self.0.file("hub.pyfun", text), self.1)
    }

    /// The text of the file with secrets. Without this call there is none.
    pub(crate) fn env_file(self, text: &str) -> Self {
        Self(self.0.file("secrets.env", text), self.1)
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(self) -> Hub {
        let mut hub = Hub::listening(self.0.spawn()).await;
        hub.key = self.1;
        hub
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
        HubBuilder(Program::new(arguments).env("PORT", 0), None)
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
        Self {
            key: None,
            address,
            process,
        }
    }

    /// Sends these bytes on a connection of their own.
    pub(crate) async fn try_raw(&self, bytes: &[u8]) -> std::io::Result<Reply> {
        let start = Instant::now();
        let bytes = self.signed(bytes);
        let exchange = http::exchange(self.address, &bytes);
        let message = within(PATIENCE, "an answer of the hub", exchange).await?;
        Ok(Reply::new(message, start.elapsed()))
    }

    /// The request with the hub's key, unless it brings one or there is none.
    pub(crate) fn signed(&self, bytes: &[u8]) -> Vec<u8> {
        let Some(key) = &self.key else {
            return bytes.to_vec();
        };
        let head = String::from_utf8_lossy(bytes).to_ascii_lowercase();
        let end = head.find("\r\n\r\n").unwrap_or(head.len());
        let brings = ["\r\nauthorization:", "\r\nx-hub-key:", "\r\nx-api-key:"]
            .iter()
            .any(|name| head[..end].contains(name));
        match bytes.windows(2).position(|two| two == b"\r\n") {
            Some(line) if !brings => {
                let header = format!("\r\nAuthorization: Bearer {key}");
                [&bytes[..line], header.as_bytes(), &bytes[line..]].concat()
            }
            _ => bytes.to_vec(),
        }
    }

    /// `hub ARGUMENTS..` with this hub's configuration and folder, as its owner at the terminal.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Finished {
        let folder = self.process.folder.path();
        let pyfun = fs::read_to_string(folder.join("hub.pyfun")).unwrap();
        Program::new(arguments)
            .file("hub.pyfun", pyfun)
            .env("HUB_DATA_DIR", folder.join("data").display())
            .run()
            .await
    }

    /// Makes a key with these flags besides its name, and returns it.
    pub(crate) async fn add_key(&self, name: &str, flags: &[&str]) -> String {
        let arguments = [&["key", "add", "--name", name], flags].concat();
        let finished = self.command(&arguments).await;
        finished.assert_exit(0).stdout.trim().to_owned()
    }

    /// `POST /api` with this key.
    pub(crate) async fn call_with(&self, key: &str, tool: &str, params: Value) -> Reply {
        let body = json!({"tool": tool, "params": params}).to_string();
        let bearer = format!("Bearer {key}");
        let headers = [
            ("Content-Type", "application/json"),
            ("Authorization", bearer.as_str()),
        ];
        let bytes = http::request("POST", "/api", &headers, body.as_bytes());
        let reply = self.raw(&bytes).await;
        reply.assert_contract();
        reply
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
