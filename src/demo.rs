//! `hub demo`: the same hub, with a bundled vendor on loopback. No key, no network.

mod vendor;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use clap::Args;
use zeroize::Zeroizing;

use crate::{
    cli::{complain, fail},
    environment::Overrides,
    exit,
    house::House,
    identity::{Admission, Identities, Store},
    logs::LogOptions,
    seal::{self, Variables},
    settings::{Auth, Settings},
    start::{self, DEFAULT_PORT},
    state_file::Places,
    summary,
    vault::Vault,
};

/// The demo's configuration; `{port}` stands for the bundled vendor's.
const CONFIGURATION: &str = include_str!("demo/demo.pyfun");

/// Where the demo listens.
#[derive(Args)]
pub struct DemoArgs {
    /// The port to listen on; a free one if it is taken [default: PORT, else 7860]
    #[arg(long)]
    port: Option<u16>,
}

/// Serves the demo. Like the real one it executes itself with a clean environment first: the keys
/// that a newcomer has there are none of its business.
pub fn run(arguments: &DemoArgs) -> u8 {
    match seal::handed_over() {
        Ok(Some(variables)) => sealed(arguments, &variables),
        Ok(None) => {
            let port = std::env::var("PORT").ok();
            let port = port.map(|port| ("PORT".to_owned(), Zeroizing::new(port)));
            fail(
                exit::INTERNAL,
                &seal::reexec(&port.into_iter().collect(), None),
            )
        }
        Err(error) => fail(exit::INTERNAL, &error),
    }
}

fn sealed(arguments: &DemoArgs, variables: &Variables) -> u8 {
    let asked = variables
        .get("PORT")
        .and_then(|port| port.trim().parse().ok());
    let asked = arguments.port.or(asked).unwrap_or(DEFAULT_PORT);
    let logs = LogOptions {
        level: Some("warn".to_owned()),
        ..LogOptions::default()
    };
    let (_logging, _) = logs.start();
    let vendor = match vendor::start() {
        Ok(address) => address,
        Err(error) => {
            complain(format!(
                "the bundled vendor does not start ({})",
                error.kind()
            ));
            return exit::INTERNAL;
        }
    };
    let text = CONFIGURATION.replace("{port}", &vendor.port().to_string());
    let settings = match Settings::load("demo.pyfun", Some(text.as_bytes()), &Overrides::new()) {
        Ok((settings, _)) => settings,
        Err(problems) => {
            summary::problems(&problems);
            return exit::INTERNAL;
        }
    };
    let names = ["DEMO_KEY".to_owned()];
    let mut key = [("DEMO_KEY".to_owned(), Zeroizing::new("demo".to_owned()))].into();
    let vault = Vault::take(&mut key, &names);
    // A taken port must not spoil a first minute.
    let port = match TcpListener::bind((Ipv4Addr::LOCALHOST, asked)) {
        Ok(_) => asked,
        Err(_) => 0,
    };
    let announce = |listener: &TcpListener, _: &House| {
        let guide = summary::address(listener).map(guide);
        Ok(guide.unwrap_or_else(|| String::from("the demo has no address")))
    };
    // In memory: a first minute leaves no file behind.
    let store = match Store::in_memory() {
        Ok(store) => store,
        Err(error) => return fail(exit::INTERNAL, &error),
    };
    let admission = Admission {
        auth: Auth::Open,
        loopback: true,
        from_outside: None,
    };
    let place = start::Premises {
        host: "127.0.0.1",
        places: Places::memory(),
        identities: Identities::new(store, admission),
        audit: None,
        stdio_key: None,
    };
    start::open_with(&settings, &vault, place, port, None, announce)
}

/// What a newcomer reads first.
fn guide(hub: SocketAddr) -> String {
    format!(
        r#"The demo hub is listening on http://{hub}. Its vendors are bundled: no key, no network.
Try these, in another terminal:

  # 1. Ask. anthropic is overloaded in this demo, so gemini answers; `meta.attempts` shows it.
  curl -s http://{hub}/api -H 'Content-Type: application/json' -d '{{"tool":"llm_complete","params":{{"prompt":"Why is the sky blue?"}}}}'

  # 2. Ask one provider by name.
  curl -s http://{hub}/api -H 'Content-Type: application/json' -d '{{"tool":"llm_complete","params":{{"prompt":"Hello","provider":"openrouter"}}}}'

  # 3. See who runs, and how often each was restarted.
  curl -s http://{hub}/api -H 'Content-Type: application/json' -d '{{"tool":"health_check","params":{{}}}}'

  # 4. OpenAI's SDKs, with base_url="http://{hub}/v1", and Anthropic's, with base_url="http://{hub}".
  # 5. The same tools for an MCP client (Cursor, VS Code, Claude, ..): http://{hub}/mcp
  # 6. Every door, to read in a browser: http://{hub}/docs

Stop it with Ctrl-C. Then: put a key into .env, look at hub.pyfun, and run `hub`."#
    )
}
