//! A caller of `POST /crypto`, written after the README alone: it shares no code with the hub.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf, pbkdf2,
};
use serde_json::{Value, json};

use super::{
    http,
    hub::{Hub, HubBuilder},
    reply::Reply,
};

/// The hub's variables in these tests.
pub(crate) const VARIABLES: [(&str, &str); 2] = [
    ("MASTER_ENCRYPTION_KEY", "a master key of the tests"),
    ("PERSISTENT_ENCRYPTION_SALT", "a salt of the tests"),
];

/// Where nobody is asked who they are.
pub(crate) const ANYONE: &str = "anyone";

/// A caller with a key of its own.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) kid: String,
    key: [u8; 32],
}

fn derive(key: &[u8], info: &[u8]) -> [u8; 32] {
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(key);
    let mut derived = [0; 32];
    let info = [info];
    let okm = key.expand(&info, hkdf::HKDF_SHA256).unwrap();
    okm.fill(&mut derived).unwrap();
    derived
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

/// The stretched master key of [`VARIABLES`].
pub(crate) fn master() -> [u8; 32] {
    let mut master = [0; 32];
    let [(_, key), (_, salt)] = VARIABLES;
    let rounds = 480_000.try_into().unwrap();
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(
        algorithm,
        rounds,
        salt.as_bytes(),
        key.as_bytes(),
        &mut master,
    );
    master
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// AES-256-GCM: the text, and the tag behind it.
pub(crate) fn encrypt(
    key: &[u8; 32],
    nonce: [u8; 12],
    about: &str,
    text: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let mut data = text.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(about), &mut data)
        .unwrap();
    (data, tag.as_ref().to_vec())
}

/// The fields of a cipher's text, as the Python hub wrote them too.
pub(crate) fn fields(key: &[u8; 32], about: &str, text: &[u8]) -> Value {
    let nonce: [u8; 12] = ring::rand::generate(&ring::rand::SystemRandom::new())
        .unwrap()
        .expose();
    let (data, tag) = encrypt(key, nonce, about, text);
    json!({"data": STANDARD.encode(data), "nonce": hexadecimal(&nonce), "tag": hexadecimal(&tag)})
}

// === impl HubBuilder ===

impl HubBuilder {
    /// With a master key.
    pub(crate) fn sealed(self) -> Self {
        VARIABLES
            .into_iter()
            .fold(self, |hub, (name, value)| hub.env(name, value))
    }
}

// === impl Caller ===

impl Caller {
    /// The caller of this id.
    pub(crate) fn new(kid: &str) -> Self {
        Self {
            kid: kid.to_owned(),
            key: derive(&master(), format!("hub /crypto {kid}").as_bytes()),
        }
    }

    /// The key, as a caller is given it.
    pub(crate) fn key(&self) -> String {
        hexadecimal(&self.key)
    }

    /// A new id.
    pub(crate) fn id() -> String {
        let id: [u8; 16] = ring::rand::generate(&ring::rand::SystemRandom::new())
            .unwrap()
            .expose();
        hexadecimal(&id)
    }

    /// A call in an envelope, as of `ts`.
    pub(crate) fn seal_at(&self, call: &Value, ts: u64) -> Value {
        let (kid, id) = (&self.kid, Self::id());
        let about = format!("1|POST|/crypto|{kid}|{ts}|{id}");
        let mut envelope = fields(
            &derive(&self.key, b"request"),
            &about,
            call.to_string().as_bytes(),
        );
        for (name, value) in [
            ("v", json!(1)),
            ("kid", json!(kid)),
            ("ts", json!(ts)),
            ("id", json!(id)),
        ] {
            envelope[name] = value;
        }
        envelope
    }

    /// A call in an envelope.
    pub(crate) fn seal(&self, call: &Value) -> Value {
        self.seal_at(call, now())
    }

    /// What is in the answer to `sent`; `None` if it is not from the hub.
    pub(crate) fn open(&self, sent: &Value, got: &Value) -> Option<Value> {
        let text = |name: &str| got[name].as_str().unwrap_or_default();
        let about = format!(
            "1|POST|/crypto|{}|{}|{}|{}",
            text("kid"),
            got["ts"],
            text("id"),
            sent["id"].as_str().unwrap()
        );
        let key =
            LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derive(&self.key, b"answer")).unwrap());
        let mut data = STANDARD.decode(text("data")).ok()?;
        data.extend(bytes(text("tag")));
        let nonce = Nonce::try_assume_unique_for_key(&bytes(text("nonce"))).ok()?;
        let opened = key.open_in_place(nonce, Aad::from(about), &mut data).ok()?;
        serde_json::from_slice(opened).ok()
    }
}

// === impl Hub ===

impl Hub {
    /// `POST /crypto` with this body.
    pub(crate) async fn crypto(&self, body: impl AsRef<[u8]>) -> Reply {
        self.raw(&request(body.as_ref())).await
    }
}

/// The bytes of `POST /crypto` with this body.
pub(crate) fn request(body: &[u8]) -> Vec<u8> {
    http::request(
        "POST",
        "/crypto",
        &[("Content-Type", "application/json")],
        body,
    )
}
