//! Doors: what the settings say of how the hub is entered.

use std::net::IpAddr;

use hub_actors::{
    audit::Trail,
    transport::{Guard, HttpOptions, mcp::McpOptions},
};

use crate::settings::Hub;

/// The options of the doors of a hub that listens on `host` and puts calls down in `trail`.
pub fn options(hub: &Hub, host: &str, trail: Trail) -> HttpOptions {
    HttpOptions {
        guard: guard(hub, host),
        mcp: McpOptions {
            stateless: hub.stateless,
            sse: hub.transport == "sse",
        },
        trail,
    }
}

/// A hub that listens on the loopback has the loopback's names only. One that listens beyond is known
/// by addresses, which cannot be rebound, and by the names that its configuration gives it.
fn guard(hub: &Hub, host: &str) -> Guard {
    let mut hosts = hub.allowed_hosts.clone();
    let address: Option<IpAddr> = host.parse().ok();
    if address.is_none() {
        hosts.push(host.to_ascii_lowercase());
    }
    Guard {
        hosts,
        any_address: !is_loopback(host),
        origins: hub.allowed_origins.clone(),
    }
}

/// Whether only programs of this machine reach a hub that listens on `host`.
pub fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}
