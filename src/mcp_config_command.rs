//! `hub mcp-config`: what an MCP client's configuration needs to find this hub.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::{
    cli::{Files, complain, fail, say},
    environment::Environment,
    exit,
    local::Local,
};

/// What the hub is called in its clients.
const NAME: &str = "multi-llm-hub";

/// Which client, and how it reaches the hub.
#[derive(Args)]
pub struct McpConfigArgs {
    /// The client
    client: Client,
    /// Where the hub is [default: this machine, the port of PORT or hub.pyfun]
    #[arg(long, value_name = "URL", conflicts_with = "stdio")]
    url: Option<String>,
    /// Let the client start a hub of its own (Claude Desktop always does)
    #[arg(long)]
    stdio: bool,
}

/// Clients whose configuration we know.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Client {
    ClaudeDesktop,
    Cursor,
    Vscode,
    Windsurf,
}

/// Prints the snippet on standard output, and where it goes on standard error.
pub fn run(files: &Files, arguments: &McpConfigArgs) -> u8 {
    let environment = match Environment::read(files.env_file.as_deref()) {
        Ok((environment, _)) => environment,
        Err(error) => return fail(exit::CONFIG, &error),
    };
    let client = arguments.client;
    if client == Client::ClaudeDesktop && arguments.url.is_some() {
        complain(
            "Claude Desktop's file has no place for an address. Add it in Claude: Settings, \
             Connectors, Add custom connector. Without --url you get a hub that Claude starts.",
        );
        return exit::USAGE;
    }
    let server = if arguments.stdio || client == Client::ClaudeDesktop && arguments.url.is_none() {
        match std::env::current_exe() {
            Ok(program) => process(client, &program, files),
            Err(error) => return fail(exit::INTERNAL, &error),
        }
    } else {
        let Local { url: local, sse } = Local::new(files, &environment);
        let hub = arguments.url.clone().unwrap_or(local);
        address(client, &url(&hub, sse))
    };
    say(format!("{:#}", snippet(client, server)));
    complain(format!("goes into {}", client.file()));
    exit::OK
}

/// The hub's address with the path of its MCP door, unless it has one.
fn url(hub: &str, sse: bool) -> String {
    let hub = hub.trim_end_matches('/');
    if hub.ends_with("/mcp") || hub.ends_with("/sse") {
        return hub.to_owned();
    }
    format!("{hub}/{}", if sse { "sse" } else { "mcp" })
}

fn address(client: Client, url: &str) -> Value {
    match client {
        Client::Cursor | Client::ClaudeDesktop => json!({"url": url}),
        Client::Windsurf => json!({"serverUrl": url}),
        Client::Vscode => {
            let kind = if url.ends_with("/sse") { "sse" } else { "http" };
            json!({"type": kind, "url": url})
        }
    }
}

fn process(client: Client, program: &Path, files: &Files) -> Value {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut arguments = vec![
        PathBuf::from("stdio"),
        PathBuf::from("--config"),
        absolute(&files.config),
    ];
    // A client starts the hub in a folder of its own choice, so `.env` must be named.
    let keys = files.env_file.clone().unwrap_or_else(|| ".env".into());
    if files.env_file.is_some() || keys.exists() {
        arguments.extend([PathBuf::from("--env-file"), absolute(&keys)]);
    }
    let arguments: Vec<_> = arguments
        .iter()
        .map(|path| path.to_string_lossy())
        .collect();
    let mut server = json!({"command": program.to_string_lossy(), "args": arguments});
    if client == Client::Vscode {
        server["type"] = "stdio".into();
    }
    server
}

fn snippet(client: Client, server: Value) -> Value {
    let all = match client {
        Client::Vscode => "servers",
        _ => "mcpServers",
    };
    json!({all: {NAME: server}})
}

// === impl Client ===

impl Client {
    fn file(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => {
                "claude_desktop_config.json (Settings, Developer, Edit Config); then restart Claude"
            }
            Self::Cursor => "~/.cursor/mcp.json, or .cursor/mcp.json in a project",
            Self::Vscode => ".vscode/mcp.json in a workspace, or `MCP: Open User Configuration`",
            Self::Windsurf => "~/.codeium/windsurf/mcp_config.json",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_own_words() {
        let cases = [
            (
                Client::Cursor,
                false,
                "/mcpServers/multi-llm-hub/url",
                "http://h:1/mcp",
            ),
            (
                Client::Windsurf,
                false,
                "/mcpServers/multi-llm-hub/serverUrl",
                "http://h:1/mcp",
            ),
            (Client::Vscode, false, "/servers/multi-llm-hub/type", "http"),
            (
                Client::Vscode,
                true,
                "/servers/multi-llm-hub/url",
                "http://h:1/sse",
            ),
        ];
        for (client, sse, pointer, expected) in cases {
            let snippet = snippet(client, address(client, &url("http://h:1/", sse)));
            assert_eq!(
                snippet.pointer(pointer),
                Some(&expected.into()),
                "{snippet}"
            );
        }
    }
}
