//! `extra_headers`: what a provider wants besides the key in its usual header.

use http::{HeaderName, HeaderValue};

use super::section::Section;
use crate::pyfun::{Problem, redact::looks_like_key};

/// What stands for the provider's key in a value.
const KEY: &str = "$KEY";

/// Headers of one connection (RFC 9110, section 7.6.1) and those that the client sets itself from
/// the address and the body.
const REFUSED: [&str; 13] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
    "content-length",
    "content-type",
    "content-encoding",
];

/// Reads `extra_headers = "Name: value, Name2: value"`. No message repeats a value: it may hold a
/// secret.
pub(super) fn extra_headers(has_key: bool, section: &mut Section<'_>) -> Vec<(String, String)> {
    let Some((items, place)) = section.list("extra_headers") else {
        return Vec::new();
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    for item in items {
        match header(&item, has_key) {
            Ok((name, _)) if headers.iter().any(|(known, _)| *known == name) => section.report(
                Problem::error(place.clone(), format!("`extra_headers` has `{name}` twice"))
                    .help("keep one of them"),
            ),
            Ok((name, value)) => {
                if looks_like_key(&value) {
                    section.report(
                        Problem::warning(
                            place.clone(),
                            format!("the value of `{name}` looks like a key"),
                        )
                        .help("keys belong into the environment: `$KEY` stands for the provider's"),
                    );
                }
                headers.push((name, value));
            }
            Err((message, help)) => {
                section.report(Problem::error(place.clone(), message).help(help));
            }
        }
    }
    headers
}

fn header(item: &str, has_key: bool) -> Result<(String, String), (String, &'static str)> {
    let form = "write `Name: value`, with a comma between headers; a value cannot hold a comma";
    let Some((name, value)) = item.split_once(':') else {
        return Err(("`extra_headers` has a part without `:`".to_owned(), form));
    };
    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err((
            "`extra_headers` has a name that no header can have".to_owned(),
            form,
        ));
    }
    if REFUSED.contains(&name.as_str()) {
        return Err((
            format!("`extra_headers` cannot set `{name}`"),
            "the hub sets this header itself; remove it",
        ));
    }
    if value.is_empty() || HeaderValue::from_str(value).is_err() {
        return Err((
            format!("the value of `{name}` in `extra_headers` cannot be sent"),
            "it must be plain text, and not empty",
        ));
    }
    if value.replace(KEY, "").contains('$') {
        return Err((
            format!("the value of `{name}` has a `$` in it that is not `{KEY}`"),
            "only `$KEY` is known: it stands for the value of the `env_key` variable",
        ));
    }
    if value.contains(KEY) && !has_key {
        return Err((
            format!("the value of `{name}` is `{KEY}`, and there is no key"),
            "name the key's variable in `env_key`",
        ));
    }
    Ok((name, value.to_owned()))
}
