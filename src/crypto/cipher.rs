//! Cipher: AES-256-GCM (NIST SP 800-38D), and what is authenticated beside the text.

use hub_actors::envelope::{Envelope, NONCE, TAG, VERSION};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

use super::keys::{ClientKey, Direction, LENGTH};

/// It cannot be opened, or not sealed. Nobody is told why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("wrong key, or not what was sealed")]
pub struct CryptoError;

/// What a message belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Purpose<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's path.
    pub path: &'a str,
    /// Of an answer: the id of the request that it answers.
    pub answers: Option<&'a str>,
}

/// A cipher's text with its nonce and tag.
pub(super) struct Sealed {
    pub nonce: [u8; NONCE],
    pub tag: [u8; TAG],
    pub data: Vec<u8>,
}

/// Opens an envelope.
///
/// # Errors
/// [`CryptoError`]
pub fn open(
    key: &ClientKey,
    context: Purpose<'_>,
    envelope: Envelope,
) -> Result<Vec<u8>, CryptoError> {
    let key = key.direction(context.direction())?;
    let about = context.authenticated(&envelope.kid, envelope.ts, &envelope.id);
    let Envelope {
        nonce, tag, data, ..
    } = envelope;
    decrypt(&key, about.as_bytes(), Sealed { nonce, tag, data })
}

/// Seals a text.
///
/// # Errors
/// [`CryptoError`], if the system has no randomness.
pub fn seal(
    key: &ClientKey,
    context: Purpose<'_>,
    (kid, ts, id): (&str, u64, &str),
    text: Vec<u8>,
) -> Result<Envelope, CryptoError> {
    let key = key.direction(context.direction())?;
    let about = context.authenticated(kid, ts, id);
    let Sealed { nonce, tag, data } = encrypt(&key, about.as_bytes(), text)?;
    Ok(Envelope {
        kid: kid.to_owned(),
        ts,
        id: id.to_owned(),
        nonce,
        tag,
        data,
    })
}

pub(super) fn decrypt(
    key: &[u8; LENGTH],
    about: &[u8],
    Sealed {
        nonce,
        tag,
        mut data,
    }: Sealed,
) -> Result<Vec<u8>, CryptoError> {
    data.extend_from_slice(&tag);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let opened = cipher(key)?.open_in_place(nonce, Aad::from(about), &mut data);
    let length = opened.map_err(|_| CryptoError)?.len();
    data.truncate(length);
    Ok(data)
}

/// With a random nonce: 96 bits are enough for four thousand million messages of one key.
pub(super) fn encrypt(
    key: &[u8; LENGTH],
    about: &[u8],
    mut data: Vec<u8>,
) -> Result<Sealed, CryptoError> {
    let nonce = random()?;
    let unique = Nonce::assume_unique_for_key(nonce);
    let tag = cipher(key)?
        .seal_in_place_separate_tag(unique, Aad::from(about), &mut data)
        .map_err(|_| CryptoError)?;
    let tag = tag.as_ref().try_into().map_err(|_| CryptoError)?;
    Ok(Sealed { nonce, tag, data })
}

/// Bytes from the system's generator.
///
/// # Errors
/// If it has none.
pub(super) fn random<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| CryptoError)?;
    Ok(bytes)
}

fn cipher(key: &[u8; LENGTH]) -> Result<LessSafeKey, CryptoError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| CryptoError)?;
    Ok(LessSafeKey::new(key))
}

// === impl Purpose ===

impl Purpose<'_> {
    fn direction(&self) -> Direction {
        match self.answers {
            None => Direction::Request,
            Some(_) => Direction::Answer,
        }
    }

    /// Version, method, path, whose key, when, which message; of an answer also to which. None of
    /// them can hold the separator.
    fn authenticated(&self, kid: &str, ts: u64, id: &str) -> String {
        let Self {
            method,
            path,
            answers,
        } = self;
        let mut text = format!("{VERSION}|{method}|{path}|{kid}|{ts}|{id}");
        if let Some(request) = answers {
            text.push('|');
            text.push_str(request);
        }
        text
    }
}
