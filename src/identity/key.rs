//! Key: an API key, and the one place where keys are made.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hub_actors::{principal::Principal, protocol::Digest, transport::sha256};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::rights::{ADMIN_KEYS, Rights};

/// The name of the key that comes from outside.
pub const FROM_OUTSIDE: &str = "HUB_API_KEY";
/// Longest name, in characters.
const LONGEST_NAME: usize = 64;
/// Characters of an id. It tells keys apart and keeps no secret.
const ID: usize = 8;
/// Letters that no font confuses.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A key as it is kept: everything but itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Part of the key; never used again.
    pub id: Arc<str>,
    /// For people; no two keys that can be used have the same.
    pub name: Arc<str>,
    /// SHA-256 of the key. It has 256 random bits, so nothing slower is needed.
    pub hash: Digest,
    /// What it may do.
    pub rights: Rights,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// Whose name made it.
    pub created_by: String,
    /// When it was revoked.
    pub revoked: Option<u64>,
}

/// A key that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// For people.
    pub name: String,
    /// What it may do.
    pub rights: Rights,
}

/// A key itself. Shown once, wiped when dropped.
pub struct Token(Zeroizing<String>);

/// Why there is no such key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// A name that nobody could type or read.
    #[error(
        "a key's name has 1 to {LONGEST_NAME} characters, no control characters, and no space at its ends"
    )]
    Name,
    /// The name means the key from outside.
    #[error("{FROM_OUTSIDE} is the name of the key in that variable; choose another one")]
    Reserved,
    /// It would end before it begins.
    #[error("the key would have expired already")]
    Expired,
    /// Whoever wants it may not make keys.
    #[error("this needs the permission {ADMIN_KEYS}")]
    Forbidden,
    /// It would have more than whoever makes it.
    #[error("a key cannot make one with more than it has: its {0} would be wider")]
    Wider(&'static str),
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

// === impl Key ===

impl Key {
    /// Makes a key for `creator`. The one place where that happens: what is made here has no right
    /// that its creator does not have.
    ///
    /// # Errors
    /// [`KeyError`]
    pub fn issue(creator: &Principal, new: NewKey, now: u64) -> Result<(Self, Token), KeyError> {
        let NewKey { name, rights } = new;
        let plain = name.chars().all(|c| !c.is_control()) && name.trim() == name;
        if !plain || !(1..=LONGEST_NAME).contains(&name.chars().count()) {
            return Err(KeyError::Name);
        }
        if name == FROM_OUTSIDE {
            return Err(KeyError::Reserved);
        }
        if rights.expires.is_some_and(|end| end <= now) {
            return Err(KeyError::Expired);
        }
        rights.within(creator)?;
        let id = random_id()?;
        let token = Token::new(&id)?;
        let key = Self {
            hash: sha256(token.0.as_bytes()),
            id: id.into(),
            name: name.into(),
            rights,
            created: now,
            created_by: creator.name.to_string(),
            revoked: None,
        };
        Ok((key, token))
    }

    /// Whether it can be used at that time.
    pub fn is_valid(&self, now: u64) -> bool {
        self.revoked.is_none() && self.rights.expires.is_none_or(|end| now < end)
    }
}

fn random_id() -> Result<String, KeyError> {
    let mut bytes = [0; ID];
    fill(&mut bytes)?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map(char::from);
    Ok(bytes.iter().filter_map(letter).collect())
}

fn fill(bytes: &mut [u8]) -> Result<(), KeyError> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| KeyError::Random)
}

// === impl Token ===

impl Token {
    /// `hub_ID_` and 256 random bits.
    fn new(id: &str) -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        fill(&mut *secret)?;
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(*secret));
        Ok(Self(Zeroizing::new(format!("hub_{id}_{}", *encoded))))
    }

    /// The key itself, to be shown to whoever asked for it.
    pub fn show(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(rights: Rights) -> NewKey {
        let name = "child".to_owned();
        NewKey { name, rights }
    }

    #[test]
    fn a_key_is_shown_once_and_kept_as_a_digest() {
        let (key, token) =
            Key::issue(&Principal::local(), wanted(Rights::all()), 7).expect("is made");
        let (other, _) =
            Key::issue(&Principal::local(), wanted(Rights::all()), 7).expect("is made");
        assert_ne!((&key.id, key.hash), (&other.id, other.hash));
        let secret = token
            .show()
            .strip_prefix(&format!("hub_{}_", key.id))
            .expect("has its id");
        assert_eq!(URL_SAFE_NO_PAD.decode(secret).expect("is base64").len(), 32);
        assert!(!format!("{key:?}").contains(secret));
        assert_eq!(key.hash, sha256(token.show().as_bytes()));
    }

    #[test]
    fn names_and_times_that_make_no_sense_are_refused() {
        let issue = |name: &str, expires| {
            let rights = Rights {
                expires,
                ..Rights::all()
            };
            let new = NewKey {
                name: name.to_owned(),
                rights,
            };
            Key::issue(&Principal::local(), new, 7).map(drop)
        };
        for name in ["", " a", "a\nb", &"a".repeat(65)] {
            assert_eq!(issue(name, None), Err(KeyError::Name), "{name}");
        }
        assert_eq!(issue("HUB_API_KEY", None), Err(KeyError::Reserved));
        assert_eq!(issue("a", Some(7)), Err(KeyError::Expired));
        assert_eq!(issue("der Schlüssel", Some(8)), Ok(()));
    }
}
