//! Admission: whether anybody is asked who they are, and what a start does about it.

use hub_actors::{principal::Principal, protocol::Digest};

use super::{
    key::{Key, NewKey, Token},
    keys::{self, KeysError},
    rights::Rights,
    store::Store,
    users,
};
use crate::settings::Auth;

/// The name of the key that a first start makes.
pub const FIRST: &str = "admin";

/// What decides whether anybody is asked.
#[derive(Debug, Clone, Copy)]
pub struct Admission {
    /// HUB_AUTH
    pub auth: Auth,
    /// Nobody beyond this machine can reach the hub.
    pub loopback: bool,
    /// SHA-256 of HUB_API_KEY, if it is set.
    pub from_outside: Option<Digest>,
}

/// What a start has found, for the person at the terminal.
pub struct Entry {
    /// Nobody is asked.
    pub open: bool,
    /// HUB_API_KEY is set.
    pub from_outside: bool,
    /// Keys that can be used now.
    pub keys: usize,
    /// The first key, made just now.
    pub first: Option<Token>,
}

// === impl Admission ===

impl Admission {
    /// Whether nobody is asked, with these keys, and with users or without. A key that is revoked
    /// counts, too: a hub that was closed once does not open by itself.
    pub fn is_open(&self, keys: &[Key], has_users: bool) -> bool {
        match self.auth {
            Auth::Open => true,
            Auth::Required => false,
            Auth::Auto => {
                self.loopback && keys.is_empty() && !has_users && self.from_outside.is_none()
            }
        }
    }

    /// Looks at what there is. A hub that is closed and has never had a key gets one.
    ///
    /// # Errors
    /// [`KeysError`]
    pub fn enter(&self, store: &Store, now: u64) -> Result<Entry, KeysError> {
        let all = keys::all(store)?;
        let open = self.is_open(&all, !users::all(store)?.is_empty());
        let mut entry = Entry {
            open,
            from_outside: self.from_outside.is_some(),
            keys: all.iter().filter(|key| key.is_valid(now)).count(),
            first: None,
        };
        if !open && all.is_empty() && self.from_outside.is_none() {
            let first = NewKey {
                name: FIRST.to_owned(),
                rights: Rights::all(),
            };
            let (_, token) = keys::add(store, &Principal::local(), first, now)?;
            (entry.first, entry.keys) = (Some(token), 1);
        }
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked() {
        let (store, local) = (Store::in_memory().expect("opens"), Principal::local());
        let admission = |auth, loopback, outside: bool| Admission {
            auth,
            loopback,
            from_outside: outside.then_some([1; 32]),
        };
        let open =
            |admission: Admission| admission.is_open(&keys::all(&store).expect("is read"), false);
        assert!(open(admission(Auth::Auto, true, false)));
        assert!(!open(admission(Auth::Auto, true, true)));
        assert!(!open(admission(Auth::Auto, false, false)));
        assert!(!open(admission(Auth::Required, true, false)));
        assert!(open(admission(Auth::Open, false, true)));
        assert!(!admission(Auth::Auto, true, false).is_open(&[], true));
        let entry = admission(Auth::Auto, true, false).enter(&store, 1);
        assert!(entry.is_ok_and(|entry| entry.open && entry.first.is_none()));
        // The first start on a wide address makes a key, the second does not.
        let wide = admission(Auth::Auto, false, false);
        let first = wide.enter(&store, 2).expect("enters");
        assert!(!first.open && first.first.is_some() && first.keys == 1);
        let second = wide.enter(&store, 3).expect("enters");
        assert!(!second.open && second.first.is_none() && second.keys == 1);
        // It stays closed without it.
        keys::revoke(&store, &local, FIRST, 4).expect("is revoked");
        assert!(!open(admission(Auth::Auto, true, false)));
        let third = wide.enter(&store, 5).expect("enters");
        assert!(!third.open && third.first.is_none() && third.keys == 0);
    }
}
