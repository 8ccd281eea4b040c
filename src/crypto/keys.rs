//! Keys: master key and salt, stretched once; from there one key for each caller, and of that one for
//! each direction.
//!
//! A caller who has its own key learns nothing of the others', and needs neither master key nor salt.

use std::sync::Arc;

use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::cipher::CryptoError;
use crate::vault::Stretch;

/// Bytes of every key: AES-256.
pub const LENGTH: usize = 32;
/// What the key of a caller is derived for; the caller's id follows.
const CLIENT: &[u8] = b"hub /crypto ";

/// A key's bytes, wiped when dropped.
type Bytes = Zeroizing<[u8; LENGTH]>;

/// Master key and salt, stretched when somebody first asks.
#[derive(Clone)]
pub struct Keyring {
    stretch: Stretch,
    master: Arc<OnceCell<Arc<Master>>>,
}

/// The stretched master key.
pub struct Master(Bytes);

/// The key of one caller.
pub struct ClientKey(Bytes);

/// Which way a message goes. Nobody can be sent back their own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the hub.
    Request,
    /// From the hub.
    Answer,
}

/// The length, as ring wants to know it.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        LENGTH
    }
}

/// HKDF-SHA256 (RFC 5869) without a salt: what it starts from is random already.
fn derive(from: &Bytes, info: &[&[u8]]) -> Result<Bytes, CryptoError> {
    let key: Prk = Salt::new(HKDF_SHA256, &[]).extract(from.as_slice());
    let mut derived = Zeroizing::new([0; LENGTH]);
    key.expand(info, Length)
        .and_then(|expanded| expanded.fill(derived.as_mut_slice()))
        .map_err(|_| CryptoError)?;
    Ok(derived)
}

// === impl Keyring ===

impl Keyring {
    /// A keyring that has not stretched anything yet.
    pub fn new(stretch: Stretch) -> Self {
        Self {
            stretch,
            master: Arc::default(),
        }
    }

    /// The master key, if it is stretched already.
    pub fn get(&self) -> Option<Arc<Master>> {
        self.master.get().cloned()
    }

    /// The master key. Whoever asks first waits some tenths of a second, on no thread of an actor.
    ///
    /// # Errors
    /// If the thread that stretches it cannot be had.
    pub async fn stretched(&self) -> Result<Arc<Master>, CryptoError> {
        let stretch = || async {
            let stretch = self.stretch.clone();
            let stretched = tokio::task::spawn_blocking(move || stretch()).await;
            stretched.map(|bytes| Arc::new(Master(bytes)))
        };
        let master = self.master.get_or_try_init(stretch).await;
        master.cloned().map_err(|_| CryptoError)
    }
}

// === impl Master ===

impl Master {
    /// Stretches it here and now.
    pub fn new(stretch: &Stretch) -> Self {
        Self(stretch())
    }

    /// The key of the caller with this id.
    ///
    /// # Errors
    /// None that happens: the length is right.
    pub fn client(&self, kid: &str) -> Result<ClientKey, CryptoError> {
        Ok(ClientKey(derive(&self.0, &[CLIENT, kid.as_bytes()])?))
    }

    /// The key itself, as the Python hub used it.
    pub(super) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

// === impl ClientKey ===

impl ClientKey {
    /// From 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(
            data_encoding::HEXLOWER_PERMISSIVE
                .decode(text.trim().as_bytes())
                .ok()?,
        );
        let bytes: [u8; LENGTH] = bytes.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }

    /// As 64 hexadecimal digits.
    pub fn hexadecimal(&self) -> Zeroizing<String> {
        Zeroizing::new(data_encoding::HEXLOWER.encode(self.0.as_slice()))
    }

    /// The key of one direction.
    ///
    /// # Errors
    /// None that happens.
    pub(super) fn direction(&self, direction: Direction) -> Result<Bytes, CryptoError> {
        let info: &[u8] = match direction {
            Direction::Request => b"request",
            Direction::Answer => b"answer",
        };
        derive(&self.0, &[info])
    }
}
