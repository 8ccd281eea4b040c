//! Summary: what a start says to the person at the terminal.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
};

use crate::{
    house::House,
    identity::{Admission, Entry},
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
        let _ = write!(
            text,
            "\n  doors       POST /api, SDKs at /v1, MCP at {}",
            doors(hub)
        );
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
    let embedders: Vec<_> = catalogue
        .usable_embedders()
        .map(|p| &*p.info.name)
        .collect();
    if !embedders.is_empty() {
        let _ = write!(text, "\n  embeddings  {}", embedders.join(", "));
    }
    if let Some(cloud) = &house.cloud {
        let _ = write!(text, "\n  database    {}", cloud.database.place());
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

/// Who may enter, and how. `keeps` says whether a key outlives the hub.
pub fn entry(entry: &Entry, admission: &Admission, hub: &Hub, keeps: bool) -> String {
    let mut text = String::from("\n  entry       ");
    if entry.open && !admission.loopback {
        text.push_str(
            "OPEN\n  WARNING: HUB_AUTH is \"open\", so everyone who reaches this address can use your \
             providers' keys, and nobody is asked who they are. Set HUB_AUTH to \"auto\", or put it \
             behind something that asks.",
        );
        return text;
    }
    if entry.open {
        text.push_str(
            "open to every program of this machine; `hub key add` makes a key and closes it",
        );
        if !hub.allowed_hosts.is_empty() {
            text.push_str(
                "\n  WARNING: this hub has names (HUB_ALLOWED_HOSTS), so something in front of it lets \
                 others in, and nobody is asked who they are. Set HUB_AUTH to \"required\".",
            );
        }
        return text;
    }
    let mut ways = Vec::new();
    if entry.from_outside {
        ways.push("the key in HUB_API_KEY".to_owned());
    }
    match entry.keys {
        0 => {}
        1 => ways.push("one key".to_owned()),
        keys => ways.push(format!("{keys} keys")),
    }
    match ways.as_slice() {
        [] => text.push_str(
            "closed, and there is no key that can be used: make one with `hub key add --name me`, or \
             set HUB_API_KEY",
        ),
        ways => {
            let ways = ways.join(" and ");
            let _ = write!(text, "with {ways}, sent as `Authorization: Bearer KEY`");
        }
    }
    if let Some(first) = &entry.first {
        let _ = write!(
            text,
            "\n\n  Here is the first key. It may do everything, and is shown this once:\n\n    {}\n",
            first.show()
        );
        if !keeps {
            text.push_str(
                "\n  It is gone when the hub ends, for there is no folder to keep it in: set \
                 HUB_DATA_DIR, or bring a key of your own in HUB_API_KEY.\n",
            );
        }
    }
    text
}
