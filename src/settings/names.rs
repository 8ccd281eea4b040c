//! Names and origins that are the hub's: `HUB_SPACE_URL`, `HUB_ALLOWED_HOSTS`, `HUB_ALLOWED_ORIGINS`.

use reqwest::Url;

use super::section::{Section, quoted};
use crate::pyfun::Problem;

/// Names that requests may be sent to, in lower case, without ports.
pub(super) fn hosts(section: &mut Section<'_>) -> Vec<String> {
    let mut hosts = Vec::new();
    let (listed, place) = match section.list("HUB_ALLOWED_HOSTS") {
        Some((listed, place)) => (listed, Some(place)),
        None => (Vec::new(), None),
    };
    for entry in listed {
        let url = Url::parse(&format!("http://{entry}")).ok();
        let host = url
            .filter(|url| url.path() == "/" && url.username().is_empty())
            .and_then(|url| url.host_str().map(plain));
        match (host, &place) {
            (Some(host), _) if !entry.contains(['*', '/']) => hosts.push(host),
            (_, Some(place)) => {
                let message = format!("`HUB_ALLOWED_HOSTS` has {}, no host", quoted(&entry));
                section.report(
                    Problem::error(place.clone(), message)
                        .help("names alone, as in \"hub.example.com, hub\": no scheme, no `*`"),
                );
            }
            (_, None) => {}
        }
    }
    if let Some(text) = section.text("HUB_SPACE_URL") {
        match web(text.value) {
            Some(url) => hosts.extend(url.host_str().map(plain)),
            None => section.report(
                Problem::warning(
                    text.place,
                    format!("`HUB_SPACE_URL` is {}, no URL", quoted(text.value)),
                )
                .help("write it as `https://name.hf.space`; the hub answers to this name, too"),
            ),
        }
    }
    hosts
}

/// Origins of web pages that may call the hub, as browsers write them.
pub(super) fn origins(section: &mut Section<'_>) -> Vec<String> {
    let Some((listed, place)) = section.list("HUB_ALLOWED_ORIGINS") else {
        return Vec::new();
    };
    let mut origins = Vec::new();
    for entry in listed {
        match web(&entry).filter(|url| url.path() == "/" && url.query().is_none()) {
            Some(url) => origins.push(url.origin().ascii_serialization()),
            None => {
                let message = format!("`HUB_ALLOWED_ORIGINS` has {}, no origin", quoted(&entry));
                section.report(
                    Problem::error(place.clone(), message).help(
                        "scheme and host, as in \"https://app.example.com\"; no path, no `*`",
                    ),
                );
            }
        }
    }
    origins
}

fn web(text: &str) -> Option<Url> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Without the brackets of an IPv6 address.
fn plain(host: &str) -> String {
    host.trim_matches(['[', ']']).to_ascii_lowercase()
}
