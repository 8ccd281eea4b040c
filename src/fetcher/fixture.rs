//! Fixture: where names lead in a test, and which of these addresses may be asked though they are not
//! public. In test builds only. All other rules are those of a release.

use std::net::SocketAddr;

/// What a test says in `HUB_FETCH_FIXTURE`: `images.test=127.0.0.1:4433 exempt=127.0.0.1:4433`.
#[derive(Debug, Clone, Default)]
pub struct Fixture {
    names: Vec<(String, SocketAddr)>,
    exempt: Vec<SocketAddr>,
}

// === impl Fixture ===

impl Fixture {
    /// Reads it; words that are not understood are none.
    pub fn read(text: &str) -> Self {
        let mut fixture = Self::default();
        for (name, address) in text.split(' ').filter_map(|word| word.split_once('=')) {
            match (name, address.parse()) {
                ("exempt", Ok(address)) => fixture.exempt.push(address),
                (name, Ok(address)) => fixture.names.push((name.to_owned(), address)),
                (_, Err(_)) => {}
            }
        }
        fixture
    }

    /// Where a name leads; its port takes the place of the scheme's own.
    pub fn named(&self, name: &str) -> Option<SocketAddr> {
        let known = self.names.iter().find(|(known, _)| known == name);
        known.map(|(_, address)| *address)
    }

    /// Whether an address may be asked.
    pub fn exempts(&self, address: &SocketAddr) -> bool {
        self.exempt.contains(address) || super::public::is_public(address.ip())
    }
}
