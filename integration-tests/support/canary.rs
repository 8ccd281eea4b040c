//! Recognisable secrets, and the search for them in any disguise.

use std::{
    collections::HashMap,
    fmt::Write,
    hash::{BuildHasher, Hasher, RandomState},
};

use base64::{Engine, engine::general_purpose};

/// So many bytes in a row of any disguise of a secret count as a leak: far too many for chance,
/// few enough to catch a secret that was cut or masked in the middle.
const FRAGMENT: usize = 12;

/// What is left of a shorter secret in base64, without its outermost characters, is no fragment.
const SHORTEST: usize = 2 * FRAGMENT;

/// Secrets of one test and every fragment they must not be recognised by.
#[derive(Debug, Default)]
pub(crate) struct Canaries {
    fragments: HashMap<[u8; FRAGMENT], String>,
}

// === impl Canaries ===

impl Canaries {
    /// A new random secret that is searched for under `name`.
    ///
    /// It has what real keys have, what each way of escaping changes (`/ + = " %`), and a run of
    /// lower-case letters that passes for a machine word.
    pub(crate) fn hatch(&mut self, name: &str) -> String {
        let letters = letters(26);
        let secret = format!("{}/{}+%\"{}=", letters, random_hex(), random_hex());
        self.watch(name, &secret);
        secret
    }

    /// Searches for a secret that somebody else has made.
    ///
    /// # Panics
    ///
    /// If it is too short to be searched for: what nobody can find would pass for absent.
    #[track_caller]
    pub(crate) fn watch(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= SHORTEST, "{name} is too short to watch");
        for disguise in disguises(secret) {
            for window in disguise.windows(FRAGMENT) {
                let fragment = window.try_into().unwrap();
                self.fragments.insert(fragment, name.to_owned());
            }
        }
    }

    /// Which secrets are in `bytes`, with the text around the first fragment of each.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let mut found: HashMap<&str, String> = HashMap::new();
        for (at, window) in bytes.windows(FRAGMENT).enumerate() {
            if let Some(name) = self.fragments.get(window) {
                found.entry(name).or_insert_with(|| {
                    let around = at.saturating_sub(60)..(at + 60).min(bytes.len());
                    let around = String::from_utf8_lossy(&bytes[around]).into_owned();
                    format!("{name} in ..{around}..")
                });
            }
        }
        found.into_values().collect()
    }

    /// Asserts that none is in `bytes`; `place` says where they come from.
    #[track_caller]
    pub(crate) fn assert_absent(&self, place: &str, bytes: &[u8]) {
        let found = self.found_in(bytes);
        assert!(found.is_empty(), "secrets in {place}: {found:#?}");
    }
}

/// The secret part of an API key, `hub_ID_SECRET`. It is base64url: there may be more underscores
/// in it, also as the last character.
pub(crate) fn secret_of(key: &str) -> &str {
    let parts = key.splitn(3, '_').nth(2);
    parts
        .filter(|secret| secret.len() == 43)
        .unwrap_or_else(|| panic!("no API key: {key}"))
}

fn disguises(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let mut disguises = vec![
        bytes.to_vec(),
        secret.to_lowercase().into_bytes(),
        secret.to_uppercase().into_bytes(),
        serde_json::to_string(secret).unwrap().into_bytes(),
        secret.replace('/', "\\/").into_bytes(),
        bytes.iter().rev().copied().collect(),
        escaped(bytes, "%", |byte| byte.is_ascii_alphanumeric()),
        escaped(bytes, "\\x", |byte| byte.is_ascii_alphanumeric()),
        escaped(bytes, "\\u00", |byte| byte.is_ascii_alphanumeric()),
        escaped(bytes, "", |_| false),
        escaped(bytes, "", |_| false).to_ascii_lowercase(),
    ];
    // A secret in the middle of a longer text falls on one of three alignments. The outermost
    // characters depend on the neighbours and are left out.
    for padding in 0..3 {
        let shifted = [&b"   "[..padding], bytes].concat();
        for engine in [&general_purpose::STANDARD, &general_purpose::URL_SAFE] {
            let encoded = engine.encode(&shifted).into_bytes();
            disguises.push(encoded[4..encoded.len() - 4].to_vec());
        }
    }
    disguises
}

fn escaped(bytes: &[u8], mark: &str, plain: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut text = String::new();
    for &byte in bytes {
        if plain(byte) {
            text.push(byte as char);
        } else {
            write!(text, "{mark}{byte:02X}").unwrap();
        }
    }
    text.into_bytes()
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn random_hex() -> String {
    format!("{:016x}", random())
}

fn letters(count: usize) -> String {
    let letter = |_| (b'a' + (random() % 26) as u8) as char;
    (0..count).map(letter).collect()
}

#[test]
fn a_secret_may_end_with_an_underscore() {
    let secret = format!("{}_", "a_".repeat(21));
    assert_eq!(secret_of(&format!("hub_k7_{secret}")), secret);
}

#[test]
fn recognises_a_secret_in_every_disguise() {
    let mut canaries = Canaries::default();
    let secret = canaries.hatch("KEY");
    let json = serde_json::json!({ "message": format!("bad key {secret}!") }).to_string();
    let encoded = general_purpose::STANDARD.encode(format!("ab{secret}cd"));
    let half = &secret[5..20];
    for text in [json.as_str(), &encoded, half, &secret.to_uppercase()] {
        assert_eq!(canaries.found_in(text.as_bytes()).len(), 1, "{text}");
    }
    assert!(
        canaries
            .found_in(b"nothing to see here, move along")
            .is_empty()
    );
}
