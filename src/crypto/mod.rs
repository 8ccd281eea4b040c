//! Crypto: envelopes are opened and sealed here, and the keys never leave.
//!
//! # Layout
//! - `keys`: from the master key to the key of one direction of one caller
//! - `cipher`: AES-256-GCM, and what is authenticated beside the text
//! - `opened`: which envelopes have been opened
//! - `keeper`: the actor that doors ask
//! - `blob`: what the Python hub kept encrypted

mod blob;
mod cipher;
mod keeper;
mod keys;
mod opened;

use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::HEXLOWER;

pub use self::{
    blob::Blob,
    cipher::{CryptoError, Purpose, open, seal},
    keeper::{CryptoSpec, start},
    keys::{ClientKey, Keyring, Master},
};

/// A new envelope's id: 128 bits of chance.
///
/// # Errors
/// If the system has no randomness.
pub fn new_id() -> Result<String, CryptoError> {
    Ok(HEXLOWER.encode(&cipher::random::<16>()?))
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
