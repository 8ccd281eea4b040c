//! Vault: named secrets. The only place in the program where one is taken out of its wrapping.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use hub_actors::{
    protocol::Digest,
    transport::{LONGEST_KEY, sha256},
    upstream::{FindSecret, Sight},
};
use reqwest::header::{HeaderValue, InvalidHeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    cloud_db::{Dsn, DsnError},
    seal::Variables,
};

/// Stands for the provider's key in `extra_headers`.
const PLACEHOLDER: &str = "$KEY";

/// What is shorter is no key, and turns up in honest texts ("demo", "ollama").
const SHORTEST_FOUND: usize = 8;

/// The shortest key that callers may use: 16 hexadecimal digits have 64 bits.
const SHORTEST_KEY: usize = 16;

/// A secret that cannot be a key of callers'.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} must have {SHORTEST_KEY} to {LONGEST_KEY} visible ASCII characters and no spaces; \
     `openssl rand -hex 32` makes a good one"
)]
pub struct UnfitKey(String);

/// Secrets by the name of the variable that brought them. Wiped when dropped; `Debug` shows none.
#[derive(Debug, Default)]
pub struct Vault(BTreeMap<String, SecretString>);

// === impl Vault ===

impl Vault {
    /// Takes the variables called `names` out of `variables`.
    pub fn take(variables: &mut Variables, names: &[String]) -> Self {
        let take = |name: &String| {
            let value = variables.remove(name)?;
            Some((name.clone(), SecretString::from(value.as_str())))
        };
        Self(names.iter().filter_map(take).collect())
    }

    /// Whether there is a secret of that name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A sensitive header's value: `prefix` and the secret. `None` if there is no such secret.
    pub fn bearer(
        &self,
        name: &str,
        prefix: &str,
    ) -> Option<Result<HeaderValue, InvalidHeaderValue>> {
        let secret = self.0.get(name)?;
        Some(sensitive(&format!(
            "{prefix}{}",
            secret.expose_secret().trim()
        )))
    }

    /// SHA-256 of a secret that callers will send in a header, to know it by.
    ///
    /// # Errors
    /// If it is too short to keep anybody out, or no header can carry it.
    pub fn digest(&self, name: &str) -> Option<Result<Digest, UnfitKey>> {
        let secret = self.0.get(name)?.expose_secret().trim();
        let visible = secret.bytes().all(|byte| byte.is_ascii_graphic());
        Some(
            match visible && (SHORTEST_KEY..=LONGEST_KEY).contains(&secret.len()) {
                true => Ok(sha256(secret.as_bytes())),
                false => Err(UnfitKey(name.to_owned())),
            },
        )
    }

    /// The database that a DSN of that name names, with its password inside. `None` if there is no such
    /// secret. Relative files in it start at `folder`.
    pub fn dsn(&self, name: &str, folder: &Path) -> Option<Result<Dsn, DsnError>> {
        let secret = self.0.get(name)?;
        Some(Dsn::new(secret.expose_secret(), folder))
    }

    /// Says whether a text holds the secret of that name, or ends where it begins, and nothing else
    /// about it.
    pub fn finder(&self, name: Option<&str>) -> FindSecret {
        let secret = name.and_then(|name| self.0.get(name)).cloned();
        Arc::new(move |text| {
            let secret = secret.as_ref().map(|secret| secret.expose_secret().trim());
            secret.map_or(Sight::Clear, |secret| sight(secret, text))
        })
    }

    /// A sensitive header's value: `template` with each `$KEY` replaced by the secret of that name,
    /// or by nothing.
    pub fn fill(
        &self,
        template: &str,
        name: Option<&str>,
    ) -> Result<HeaderValue, InvalidHeaderValue> {
        let secret = name.and_then(|name| self.0.get(name));
        let secret = secret.map_or("", |secret| secret.expose_secret().trim());
        sensitive(&template.replace(PLACEHOLDER, secret))
    }
}

fn sight(secret: &str, text: &str) -> Sight {
    if secret.len() < SHORTEST_FOUND {
        return Sight::Clear;
    }
    if text.contains(secret) {
        return Sight::Holds;
    }
    let (secret, text) = (secret.as_bytes(), text.as_bytes());
    let longest = text.len().min(secret.len() - 1);
    let begins = (SHORTEST_FOUND..=longest)
        .any(|length| secret.get(..length) == text.get(text.len() - length..));
    if begins { Sight::Begins } else { Sight::Clear }
}

fn sensitive(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    #[test]
    fn nothing_shows_a_secret() {
        let secret = "sk-canary-5309";
        let mut variables =
            Variables::from([("A_KEY".to_owned(), Zeroizing::new(secret.to_owned()))]);
        let vault = Vault::take(&mut variables, &["A_KEY".to_owned(), "B_KEY".to_owned()]);
        assert!(variables.is_empty() && vault.has("A_KEY") && !vault.has("B_KEY"));
        let header = vault
            .bearer("A_KEY", "Bearer ")
            .expect("is set")
            .expect("is a header");
        let extra = vault.fill("key=$KEY", Some("A_KEY")).expect("is a header");
        assert_eq!(header.as_bytes(), b"Bearer sk-canary-5309");
        assert_eq!(extra.as_bytes(), b"key=sk-canary-5309");
        let holds = vault.finder(Some("A_KEY"));
        for (text, expected) in [
            ("you sent sk-canary-5309.", Sight::Holds),
            ("you sent sk-canary-530", Sight::Begins),
            ("you sent sk-canar", Sight::Begins),
            ("you sent sk-cana", Sight::Clear),
            ("you sent sk-canary-530.", Sight::Clear),
        ] {
            assert_eq!(holds(text), expected, "{text}");
        }
        assert_eq!(vault.finder(None)("sk-canary-5309"), Sight::Clear);
        assert!(!format!("{vault:?} {header:?} {extra:?}").contains(secret));
    }
}
