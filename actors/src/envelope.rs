//! Envelope: a sealed message in the JSON that travels. What is in it, nothing here can read.
//!
//! There is one way only to write each: base64 is padded and exact, hexadecimal is in lower case, no
//! field is unknown, missing or there twice. So a message that was changed on its way is no envelope, or
//! another one.

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The only version so far.
pub const VERSION: u8 = 1;
/// Bytes of a nonce (NIST SP 800-38D, section 8.2.1).
pub const NONCE: usize = 12;
/// Bytes of a tag.
pub const TAG: usize = 16;

/// Longest `kid` and `id`.
const LONGEST_NAME: usize = 64;
/// Shortest `id`: in 16 characters there is room for chance.
const SHORTEST_ID: usize = 16;

/// A sealed message, request or answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Whose key sealed it.
    pub kid: String,
    /// When, in seconds since 1970.
    pub ts: u64,
    /// Its own name, used once.
    pub id: String,
    /// What the cipher needs to be different each time.
    pub nonce: [u8; NONCE],
    /// What shows that nothing was changed.
    pub tag: [u8; TAG],
    /// The cipher's text.
    pub data: Vec<u8>,
}

/// A sealed message, as it travels.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = Envelope)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fields {
    /// The version: 1.
    v: u8,
    /// Whose key sealed it.
    kid: String,
    /// When, in seconds since 1970.
    ts: u64,
    /// Its own name, used once.
    id: String,
    /// In hexadecimal, 12 bytes.
    nonce: String,
    /// In hexadecimal, 16 bytes.
    tag: String,
    /// In base64: the sealed text.
    data: String,
}

/// Whether a text can be a `kid`. Nothing in it could be taken for a separator.
pub fn is_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(fits)
}

fn exactly<const N: usize>(hexadecimal: &str) -> Option<[u8; N]> {
    HEXLOWER
        .decode(hexadecimal.as_bytes())
        .ok()?
        .try_into()
        .ok()
}

// === impl Envelope ===

impl Envelope {
    /// Reads one; `None` if the bytes are none.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let fields: Fields = serde_json::from_slice(json).ok()?;
        let Fields { v, kid, ts, id, .. } = fields;
        if v != VERSION || !is_name(&kid) || !is_name(&id) || id.len() < SHORTEST_ID {
            return None;
        }
        Some(Self {
            kid,
            ts,
            id,
            nonce: exactly(&fields.nonce)?,
            tag: exactly(&fields.tag)?,
            data: BASE64.decode(fields.data.as_bytes()).ok()?,
        })
    }

    /// Writes it.
    pub fn json(&self) -> String {
        let fields = Fields {
            v: VERSION,
            kid: self.kid.clone(),
            ts: self.ts,
            id: self.id.clone(),
            nonce: HEXLOWER.encode(&self.nonce),
            tag: HEXLOWER.encode(&self.tag),
            data: BASE64.encode(&self.data),
        };
        // Strings and numbers alone: this cannot fail.
        serde_json::to_string(&fields).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            kid: "anyone".to_owned(),
            ts: 1_700_000_000,
            id: "0123456789abcdef".to_owned(),
            nonce: [0xab; NONCE],
            tag: [0xcd; TAG],
            data: b"anything".to_vec(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(
            Envelope::parse(envelope().json().as_bytes()),
            Some(envelope())
        );
    }

    #[test]
    fn there_is_one_way_to_write_it() {
        let json = envelope().json();
        let changes = [
            ("\"v\":1", "\"v\":2"),
            ("\"v\":1", "\"v\":\"1\""),
            ("abab", "ABAB"),
            ("cdcd\"", "cd\""),
            ("YW55dGhpbmc=", "YW55dGhpbmc"),
            ("YW55dGhpbmc=", "YW55dGhpbmd="),
            ("YW55dGhpbmc=", "YW55 dGhpbmc="),
            ("1700000000", "1700000000.0"),
            ("1700000000", "-1"),
            ("0123456789abcdef", "0123456789abcde"),
            ("anyone", "any|one"),
            ("anyone", ""),
            ("\"kid\"", "\"kid\":\"a\",\"kid\""),
            ("\"kid\"", "\"more\":1,\"kid\""),
        ];
        for (from, to) in changes {
            let changed = json.replacen(from, to, 1);
            assert_ne!(changed, json, "{from}");
            assert_eq!(Envelope::parse(changed.as_bytes()), None, "{changed}");
        }
    }
}
