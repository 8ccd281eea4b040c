//! Credential: what a request shows of who sent it, and how it is kept from everyone else.
//!
//! A key leaves this file as its digest alone.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use ring::digest::{SHA256, digest};

use crate::protocol::{Digest, Presented};

/// Longest key. Whatever is longer is none, and is not looked at.
pub const LONGEST: usize = 512;
/// What our own keys begin with; their id follows, then `_`.
const OURS: &str = "hub_";
/// Longest id.
const LONGEST_ID: usize = 32;

/// For hubs behind something that takes `Authorization` for itself, as private Hugging Face Spaces do.
pub const HUB_KEY: HeaderName = HeaderName::from_static("x-hub-key");
/// What clients of Anthropic send.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The key of a request: `X-Hub-Key`, else `Authorization: Bearer`, else `x-api-key`. `None` if it has
/// none that could be one.
pub fn presented(headers: &HeaderMap) -> Option<Presented> {
    let key = match (
        only(headers, &HUB_KEY),
        only(headers, &header::AUTHORIZATION),
    ) {
        (Found::One(key), _) => key,
        (Found::Nothing, Found::One(value)) => match bearer(value) {
            Some(key) => key,
            // Another scheme is for somebody in between.
            None => only(headers, &API_KEY).one()?,
        },
        (Found::Nothing, Found::Nothing) => only(headers, &API_KEY).one()?,
        (Found::Several, _) | (_, Found::Several) => return None,
    };
    if key.is_empty() || key.len() > LONGEST {
        return None;
    }
    Some(Presented::Key {
        id: id(key),
        digest: sha256(key),
    })
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Digest {
    let mut sum = Digest::default();
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

/// Whether a header says who somebody is. Nobody behind the doors gets to see it.
pub fn is_credential(name: &str) -> bool {
    [header::AUTHORIZATION, HUB_KEY, API_KEY, header::COOKIE]
        .iter()
        .any(|credential| credential.as_str() == name)
}

/// The values of one header.
enum Found<'a> {
    Nothing,
    One(&'a [u8]),
    /// Which one counts is for nobody to guess.
    Several,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Found<'a> {
    let mut values = headers
        .get_all(name)
        .map(|value| HeaderValue::as_bytes(value).trim_ascii())
        .filter(|value| !value.is_empty());
    match (values.next(), values.next()) {
        (None, _) => Found::Nothing,
        (Some(value), None) => Found::One(value),
        (Some(_), Some(_)) => Found::Several,
    }
}

/// What follows the word `Bearer`, which may be in any case (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    let key = rest.strip_prefix(b" ")?.trim_ascii();
    scheme.eq_ignore_ascii_case(b"bearer").then_some(key)
}

fn id(key: &[u8]) -> Option<Box<str>> {
    let key = std::str::from_utf8(key).ok()?;
    let (id, _) = key.strip_prefix(OURS)?.split_once('_')?;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain && (1..=LONGEST_ID).contains(&id.len())).then(|| id.into())
}

// === impl Found ===

impl<'a> Found<'a> {
    fn one(self) -> Option<&'a [u8]> {
        match self {
            Self::One(value) => Some(value),
            Self::Nothing | Self::Several => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)]) -> Option<Presented> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("is a name");
            map.append(name, HeaderValue::from_str(value).expect("is a value"));
        }
        presented(&map)
    }

    fn key(id: Option<&str>, key: &str) -> Option<Presented> {
        let (id, digest) = (id.map(Into::into), sha256(key.as_bytes()));
        Some(Presented::Key { id, digest })
    }

    #[test]
    fn a_key_comes_in_three_headers() {
        let whole = "hub_a1_se_cret";
        let expected = key(Some("a1"), whole);
        let bearer = format!("Bearer {whole}");
        for headers in [
            [("authorization", bearer.as_str()), ("x", "y")],
            [("Authorization", "bearer   hub_a1_se_cret "), ("x", "y")],
            [("X-Hub-Key", whole), ("x", "y")],
            [("x-api-key", whole), ("x", "y")],
            // Who is in between has its own.
            [("X-Hub-Key", whole), ("Authorization", "Bearer hf_other")],
            [("x-api-key", whole), ("Authorization", "Basic dTpw")],
            [("X-Hub-Key", ""), ("Authorization", &bearer)],
        ] {
            assert_eq!(of(&headers), expected, "{headers:?}");
        }
        assert_eq!(of(&[("x-api-key", "any words")]), key(None, "any words"));
    }

    #[test]
    fn what_is_no_key_is_none() {
        let long = "a".repeat(LONGEST + 1);
        for headers in [
            [("x", "y"), ("z", "")],
            [("Authorization", "Bearer "), ("z", "")],
            [("Authorization", "Bearer"), ("z", "")],
            [("Authorization", "hub_a1_secret"), ("z", "")],
            [("X-Hub-Key", long.as_str()), ("z", "")],
            [("X-Hub-Key", "a"), ("X-Hub-Key", "b")],
            [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        ] {
            assert_eq!(of(&headers), None, "{headers:?}");
        }
        for other in ["hub_", "hub__x", "hub_a", "hub_a-b_c", "xhub_a_b"] {
            assert_eq!(of(&[("X-Hub-Key", other)]), key(None, other), "{other}");
        }
    }
}
