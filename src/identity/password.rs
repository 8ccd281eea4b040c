//! Password: PBKDF2-HMAC-SHA256 in the words of Python's passlib (`$pbkdf2-sha256$rounds$salt$checksum`),
//! so that what it hashed can still be checked.

use std::{fmt, num::NonZeroU32, sync::LazyLock};

use data_encoding::{Encoding, Specification};
use ring::{
    pbkdf2::{self, PBKDF2_HMAC_SHA256},
    rand::{SecureRandom, SystemRandom},
};

/// Longest password, in bytes: what is longer costs more to hash than it is worth.
pub const LONGEST: usize = 1024;
/// Shortest one that a new user gets.
pub const SHORTEST: usize = 8;

/// Rounds of new hashes (OWASP's password storage cheat sheet).
pub const ROUNDS: u32 = 600_000;
/// Fewer are no protection, more are an attack on us.
const BOUNDS: std::ops::RangeInclusive<u32> = 1_000..=2_000_000;
/// Bytes of a new salt.
const SALT: usize = 16;
/// Longest salt that passlib makes.
const LONGEST_SALT: usize = 1024;
/// Bytes of a checksum.
const CHECKSUM: usize = 32;
const SCHEME: &str = "$pbkdf2-sha256$";

/// passlib's base64: `.` for `+`, no padding, and nothing in the bits that are left over.
static AB64: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./");
    specification.encoding().ok()
});

/// A password as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hash {
    rounds: NonZeroU32,
    salt: Vec<u8>,
    checksum: [u8; CHECKSUM],
}

/// Why there is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The text is no hash that could be checked.
    #[error("it is no $pbkdf2-sha256$ hash of {} to {} rounds", BOUNDS.start(), BOUNDS.end())]
    Malformed,
    /// The password is too short or too long.
    #[error("a password has {SHORTEST} to {LONGEST} bytes")]
    Length,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

// === impl Hash ===

impl Hash {
    /// Hashes a new password.
    ///
    /// # Errors
    /// [`PasswordError`]
    pub fn new(password: &str) -> Result<Self, PasswordError> {
        if !(SHORTEST..=LONGEST).contains(&password.len()) {
            return Err(PasswordError::Length);
        }
        Self::again(password)
    }

    /// Hashes a password that is right, however short it is.
    ///
    /// # Errors
    /// [`PasswordError::Random`]
    pub fn again(password: &str) -> Result<Self, PasswordError> {
        Self::of_rounds(password, ROUNDS)
    }

    pub(super) fn of_rounds(password: &str, rounds: u32) -> Result<Self, PasswordError> {
        let rounds = NonZeroU32::new(rounds).ok_or(PasswordError::Malformed)?;
        let mut salt = vec![0; SALT];
        let filled = SystemRandom::new().fill(&mut salt);
        filled.map_err(|_| PasswordError::Random)?;
        let mut checksum = [0; CHECKSUM];
        let password = password.as_bytes();
        pbkdf2::derive(PBKDF2_HMAC_SHA256, rounds, &salt, password, &mut checksum);
        Ok(Self {
            rounds,
            salt,
            checksum,
        })
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`PasswordError::Malformed`]
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        Self::read(text).ok_or(PasswordError::Malformed)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(SCHEME)?.split('$');
        let (rounds, salt, checksum) = (parts.next()?, parts.next()?, parts.next()?);
        let plain = rounds.bytes().all(|byte| byte.is_ascii_digit()) && !rounds.starts_with('0');
        if parts.next().is_some() || !plain {
            return None;
        }
        let rounds = rounds
            .parse()
            .ok()
            .filter(|rounds| BOUNDS.contains(rounds))?;
        let ab64 = AB64.as_ref()?;
        let decode = |text: &str| ab64.decode(text.as_bytes()).ok();
        let salt = decode(salt).filter(|salt| (1..=LONGEST_SALT).contains(&salt.len()))?;
        Some(Self {
            rounds: NonZeroU32::new(rounds)?,
            salt,
            checksum: decode(checksum)?.try_into().ok()?,
        })
    }

    /// Whether this is the password. Takes `rounds` rounds at least, whatever the hash has: how long it
    /// takes shall not tell whose hash it was.
    pub fn verify(&self, password: &str, rounds: u32) -> bool {
        let password = password.as_bytes();
        let fits = password.len() <= LONGEST;
        let password = if fits { password } else { &[] };
        let right = pbkdf2::verify(
            PBKDF2_HMAC_SHA256,
            self.rounds,
            &self.salt,
            password,
            &self.checksum,
        );
        if let Some(rest) = NonZeroU32::new(rounds.saturating_sub(self.rounds.get())) {
            let mut waste = [0; CHECKSUM];
            pbkdf2::derive(PBKDF2_HMAC_SHA256, rest, &self.salt, password, &mut waste);
            std::hint::black_box(waste);
        }
        fits && right.is_ok()
    }

    /// Its rounds.
    pub fn rounds(&self) -> u32 {
        self.rounds.get()
    }

    /// What is checked for somebody whom nobody knows.
    pub fn nobody() -> Self {
        Self {
            rounds: NonZeroU32::MIN,
            salt: vec![0; SALT],
            checksum: [0; CHECKSUM],
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |bytes: &[u8]| {
            AB64.as_ref()
                .map_or(String::new(), |ab64| ab64.encode(bytes))
        };
        let (salt, checksum) = (encode(&self.salt), encode(&self.checksum));
        write!(f, "{SCHEME}{}${salt}${checksum}", self.rounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by passlib 1.7.4 (`pbkdf2_sha256.using(rounds, salt_size).hash`).
    const MADE_BY_PASSLIB: &str = include_str!("passlib.txt");

    #[test]
    fn what_passlib_hashed_is_checked() {
        let mut count = 0;
        for line in MADE_BY_PASSLIB.lines() {
            let (hash, password) = line.split_once(' ').expect("two words");
            let parsed = Hash::parse(hash).expect("is one");
            assert!(parsed.verify(password, 0), "{line}");
            assert!(!parsed.verify(&format!("{password} "), 0), "{line}");
            assert_eq!(parsed.to_string(), hash);
            count += 1;
        }
        assert_eq!(count, 20);
    }

    #[test]
    fn what_is_malformed_is_no_hash() {
        let salt = "c2FsdHNhbHRzYWx0c2Fs";
        let checksum = Hash::of_rounds("x", 1000).expect("is made").to_string();
        let checksum = checksum.rsplit('$').next().expect("has one").to_owned();
        let short = &checksum[..42];
        let cases = [
            String::new(),
            "$".to_owned(),
            "password".to_owned(),
            "$pbkdf2-sha256$".to_owned(),
            format!("pbkdf2-sha256$1000${salt}${checksum}"),
            format!("$pbkdf2-sha256$1000${salt}"),
            format!("$pbkdf2-sha256$1000${salt}$"),
            format!("$pbkdf2-sha256$1000$${checksum}"),
            format!("$pbkdf2-sha256$${salt}${checksum}"),
            format!("$pbkdf2-sha256$999${salt}${checksum}"),
            format!("$pbkdf2-sha256$2000001${salt}${checksum}"),
            format!("$pbkdf2-sha256$01000${salt}${checksum}"),
            format!("$pbkdf2-sha256$+1000${salt}${checksum}"),
            format!("$pbkdf2-sha256$-1000${salt}${checksum}"),
            format!("$pbkdf2-sha256$1e3${salt}${checksum}"),
            format!("$pbkdf2-sha256$ 1000${salt}${checksum}"),
            format!("$pbkdf2-sha256$99999999999${salt}${checksum}"),
            format!("$pbkdf2-sha256$1000${salt}=${checksum}"),
            format!("$pbkdf2-sha256$1000${salt}${checksum}="),
            format!("$pbkdf2-sha256$1000${salt}+${checksum}"),
            format!("$pbkdf2-sha256$1000${salt}-${checksum}"),
            format!("$pbkdf2-sha256$1000$a${checksum}"),
            format!("$pbkdf2-sha256$1000${salt}${short}"),
            format!("$pbkdf2-sha256$1000${salt}${checksum}AAAA"),
            format!("$pbkdf2-sha256$1000${salt}${checksum}$"),
            format!("$pbkdf2-sha256$1000${salt}${checksum}\n"),
            format!(" $pbkdf2-sha256$1000${salt}${checksum}"),
            format!("$pbkdf2-sha512$1000${salt}${checksum}"),
            format!("$PBKDF2-SHA256$1000${salt}${checksum}"),
            format!("$pbkdf2-sha256$1000${salt}$\u{e9}{}", &checksum[2..]),
        ];
        assert_eq!(cases.len(), 30);
        for text in cases {
            assert_eq!(Hash::parse(&text), Err(PasswordError::Malformed), "{text}");
        }
    }

    #[test]
    fn a_new_hash_has_a_salt_of_its_own_and_bounds() {
        let one = Hash::of_rounds("correct horse", 1000).expect("is made");
        let other = Hash::of_rounds("correct horse", 1000).expect("is made");
        assert_ne!(one, other);
        assert!(one.verify("correct horse", 5000) && !one.verify("correct house", 0));
        assert!(!Hash::nobody().verify("", 1000));
        let long = "x".repeat(LONGEST + 1);
        for password in ["short", long.as_str()] {
            assert_eq!(Hash::new(password), Err(PasswordError::Length));
        }
        let long = Hash::of_rounds(&long, 1000).expect("is made");
        assert!(!long.verify(&"x".repeat(LONGEST + 1), 0), "never looked at");
    }
}
