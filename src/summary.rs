//! Summary: what a start says to the person at the terminal.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
};

use crate::{
    house::House,
    pyfun::Problems,
    settings::{Hub, Settings},
};

/// Prints on standard error, where logs go too: standard output belongs to the commands' answers.
pub fn print(text: &str) {
    // A hub whose standard error is closed serves all the same.
    drop(writeln!(io::stderr(), "{text}"));
}

/// Prints problems, if there are any.
pub fn problems(problems: &Problems) {
    if problems.iter().next().is_some() {
        print(&problems.to_string());
    }
}

/// Where a listener listens.
pub fn address(listener: &TcpListener) -> Option<SocketAddr> {
    listener.local_addr().ok()
}

/// Where MCP clients go.
fn doors(hub: &Hub) -> &'static str {
    match hub.transport.as_str() {
        "sse" => "/mcp and /sse",
        _ => "/mcp",
    }
}

/// Address, tools active, tools not and why.
pub fn startup(listener: &TcpListener, house: &House, settings: &Settings) -> String {
    let catalogue = &house.catalogue;
    let hub = &settings.hub;
    let mut text = format!("{} {}", hub.name, hub.version);
    if let Some(address) = address(listener) {
        let _ = write!(text, "\n  listening on http://{address}");
        let _ = write!(text, "\n  doors       POST /api, SDKs at /v1, MCP at {}", doors(hub));
        if !address.ip().is_loopback() {
            text.push_str(
                "\n  warning: everyone who reaches this address can use your keys; this version \
                 asks no one who they are. Put it behind something that does.",
            );
        }
    }
    let active: Vec<_> = catalogue.active_tools().map(|tool| &*tool.name).collect();
    let _ = write!(text, "\n  tools       {}", active.join(", "));
    let providers: Vec<_> = catalogue
        .usable_providers()
        .map(|p| &*p.info.name)
        .collect();
    let providers = match providers.as_slice() {
        [] => "none yet: put a key into .env (`hub check` says which)".to_owned(),
        names => names.join(", "),
    };
    let _ = write!(text, "\n  providers   {providers}");
    let searchers: Vec<_> = catalogue
        .usable_searchers()
        .map(|p| &*p.info.name)
        .collect();
    if !searchers.is_empty() {
        let _ = write!(text, "\n  search      {}", searchers.join(", "));
    }
    let llm = settings.llm_providers.iter().zip(&catalogue.providers);
    let llm = llm.map(|(configured, provider)| {
        let key = configured.env_key.as_deref();
        let waits = configured.active && provider.info.inactive.is_some();
        (&configured.name, key, waits)
    });
    let search = settings.search_providers.iter().zip(&catalogue.searchers);
    let search = search.map(|(configured, provider)| {
        let key = configured.env_key.as_deref();
        let waits = configured.active && provider.info.inactive.is_some();
        (&configured.name, key, waits)
    });
    let keyless: Vec<_> = llm
        .chain(search)
        .filter(|(_, _, waits)| *waits)
        .filter_map(|(name, key, _)| Some(format!("{name} ({})", key?)))
        .collect();
    if !keyless.is_empty() {
        let _ = write!(text, "\n  no key      {}", keyless.join(", "));
    }
    // One line for each reason, not for each tool.
    let mut inactive: Vec<(&str, Vec<&str>)> = Vec::new();
    for tool in &catalogue.tools {
        let Some(why) = tool.inactive.as_deref() else {
            continue;
        };
        match inactive.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, names)) => names.push(&tool.name),
            None => inactive.push((why, vec![&tool.name])),
        }
    }
    for (index, (why, names)) in inactive.iter().enumerate() {
        let heading = if index == 0 { "not active" } else { "" };
        let _ = write!(text, "\n  {heading:<11} {}: {why}", names.join(", "));
    }
    text
}
