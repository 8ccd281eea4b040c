//! Blob: what the Python hub kept encrypted: `data` in base64, `nonce` and `tag` in hexadecimal, under
//! the stretched master key itself, with nothing authenticated beside the text.

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use hub_actors::envelope::{NONCE, TAG};
use serde::{Deserialize, Serialize};

use super::{
    cipher::{CryptoError, Sealed, decrypt, encrypt},
    keys::Master,
};

/// Its fields.
#[derive(Serialize, Deserialize)]
pub struct Blob {
    data: String,
    nonce: String,
    tag: String,
}

// === impl Blob ===

impl Blob {
    /// Reads one; `None` if the text is none, or an envelope.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(json).ok()?;
        if fields.contains_key("v") {
            return None;
        }
        serde_json::from_value(fields.into()).ok()
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`CryptoError`]
    pub fn open(&self, master: &Master) -> Result<Vec<u8>, CryptoError> {
        let hexadecimal = |text: &str| HEXLOWER_PERMISSIVE.decode(text.as_bytes());
        let nonce: Result<[u8; NONCE], _> = hexadecimal(&self.nonce)
            .map_err(|_| CryptoError)?
            .try_into();
        let tag: Result<[u8; TAG], _> = hexadecimal(&self.tag).map_err(|_| CryptoError)?.try_into();
        let data = BASE64
            .decode(self.data.as_bytes())
            .map_err(|_| CryptoError)?;
        let (Ok(nonce), Ok(tag)) = (nonce, tag) else {
            return Err(CryptoError);
        };
        decrypt(master.bytes(), &[], Sealed { nonce, tag, data })
    }

    /// Seals a text.
    ///
    /// # Errors
    /// [`CryptoError`], if the system has no randomness.
    pub fn seal(master: &Master, text: Vec<u8>) -> Result<Self, CryptoError> {
        let Sealed { nonce, tag, data } = encrypt(master.bytes(), &[], text)?;
        Ok(Self {
            data: BASE64.encode(&data),
            nonce: HEXLOWER.encode(&nonce),
            tag: HEXLOWER.encode(&tag),
        })
    }
}
