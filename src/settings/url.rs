//! Base URLs: what may stand in one, and what is risky.

use std::net::IpAddr;

use reqwest::Url;

use super::section::Section;
use crate::pyfun::{Place, Problem};

/// Reads `base_url`: http or https, a host, no user info, query or fragment; without a slash at the
/// end. Nothing if it is not set or wrong.
///
/// A query or user info is refused because it may hold a key: URLs reach logs and error messages.
pub(super) fn base_url(section: &mut Section<'_>) -> Option<(String, Place)> {
    let text = section.text("base_url")?;
    let wrong = |message: &str, help: &str| {
        Problem::error(text.place.clone(), message.to_owned()).help(help.to_owned())
    };
    let url = match Url::parse(text.value) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
        Ok(_) => {
            section.report(wrong(
                "`base_url` is no http or https URL",
                "write it as `https://host/path`",
            ));
            return None;
        }
        Err(error) => {
            section.report(wrong(
                &format!("`base_url` is no URL: {error}"),
                "write it as `https://host/path`",
            ));
            return None;
        }
    };
    let refused = if !url.username().is_empty() || url.password().is_some() {
        Some("a user or password")
    } else if url.query().is_some() {
        Some("a query")
    } else if url.fragment().is_some() {
        Some("a fragment")
    } else {
        None
    };
    if let Some(part) = refused {
        section.report(wrong(
            &format!("`base_url` has {part} in it"),
            "keys belong into the environment (`env_key`), never into a URL",
        ));
        return None;
    }
    if url.host_str() == Some("api-inference.huggingface.co") {
        section.report(
            Problem::warning(
                text.place.clone(),
                "`api-inference.huggingface.co` is outdated",
            )
            .help("its successor is `https://router.huggingface.co/v1`"),
        );
    }
    let address = url.as_str().trim_end_matches('/').to_owned();
    Some((address, text.place))
}

/// Warns of a key that could be read on the way.
pub(super) fn check_exposure(base_url: &str, env_key: Option<&str>, section: &mut Section<'_>) {
    if env_key.is_none() || !exposes_key(base_url) {
        return;
    }
    let place = section.text("base_url").map(|text| text.place);
    let place = place.unwrap_or_else(|| section.place());
    section.report(
        Problem::warning(place, "the key would travel unencrypted over http")
            .help("use https, or `env_key = \"\"` if the server needs no key"),
    );
}

/// Whether a key sent to this URL could be read on the way: http, and not this machine.
fn exposes_key(base_url: &str) -> bool {
    let Ok(url) = Url::parse(base_url) else {
        return false;
    };
    url.scheme() == "http" && !url.host_str().is_some_and(is_loopback)
}

/// Whether both URLs lead to the same host.
pub(super) fn same_host(a: &str, b: &str) -> bool {
    match (Url::parse(a), Url::parse(b)) {
        (Ok(a), Ok(b)) => a.host_str() == b.host_str(),
        _ => false,
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
