//! Session: what a browser has in place of a password. Kept as its hash; good for one address and one
//! browser, half an hour after it was last used, and twelve hours at most.

use std::net::IpAddr;

use data_encoding::BASE64URL_NOPAD;
use hub_actors::{protocol::Digest, transport::sha256};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// Ends when it was not used for so long, in seconds.
pub const IDLE: u64 = 30 * 60;
/// Ends in any case, in seconds.
pub const LONGEST: u64 = 12 * 60 * 60;
/// Random bytes of an id.
const ID: usize = 32;

/// A session, but for its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of its id.
    pub hash: Digest,
    /// Whose.
    pub user: i64,
    /// Where it began.
    pub address: IpAddr,
    /// SHA-256 of the browser's User-Agent.
    pub agent: Digest,
    /// When it began, in seconds since 1970.
    pub created: u64,
    /// When it was last used.
    pub seen: u64,
}

// === impl Session ===

impl Session {
    /// Begins one; its id is told once.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn begin(
        user: i64,
        address: IpAddr,
        agent: Digest,
        now: u64,
    ) -> Result<(Self, Zeroizing<String>), ring::error::Unspecified> {
        let mut random = Zeroizing::new([0; ID]);
        SystemRandom::new().fill(random.as_mut_slice())?;
        let id = Zeroizing::new(BASE64URL_NOPAD.encode(random.as_slice()));
        let session = Self {
            hash: sha256(id.as_bytes()),
            user,
            address,
            agent,
            created: now,
            seen: now,
        };
        Ok((session, id))
    }

    /// Whether it is good for them.
    pub fn is_good(&self, address: IpAddr, agent: &Digest, now: u64) -> bool {
        self.ends() > now && self.address == address && self.agent == *agent
    }

    /// When it ends, if it is not used again.
    pub fn ends(&self) -> u64 {
        let idle = self.seen.saturating_add(IDLE);
        idle.min(self.created.saturating_add(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_good_for_one_address_and_browser_and_for_a_time() {
        let (home, away): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let (browser, other) = (sha256(b"Firefox"), sha256(b"curl"));
        let begun = Session::begin(7, home, browser, 1_000).expect("begins");
        let (mut session, id) = begun;
        assert_eq!(session.hash, sha256(id.as_bytes()));
        assert_eq!(id.len(), 43, "256 bits");
        assert!(session.is_good(home, &browser, 1_000 + IDLE - 1));
        assert!(!session.is_good(home, &browser, 1_000 + IDLE));
        assert!(!session.is_good(away, &browser, 1_000));
        assert!(!session.is_good(home, &other, 1_000));
        session.seen = 1_000 + LONGEST - 10;
        assert!(session.is_good(home, &browser, 1_000 + LONGEST - 1));
        assert!(!session.is_good(home, &browser, 1_000 + LONGEST));
        let (next, _) = Session::begin(7, home, browser, 1_000).expect("begins");
        assert_ne!(next.hash, session.hash);
    }
}
