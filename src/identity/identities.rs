//! Identities: what all lives of Identity share, so that one that restarts forgets nothing.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hub_actors::account::Account;

use super::{admission::Admission, key::Key, store::Store};

/// What all lives of Identity share.
#[derive(Debug)]
pub struct Identities {
    /// guardian.db
    pub store: Store,
    /// Whether anybody is asked.
    pub admission: Admission,
    /// What each key has used; by its id.
    accounts: Mutex<HashMap<Arc<str>, Arc<Account>>>,
    generation: AtomicU64,
}

// === impl Identities ===

impl Identities {
    /// Nobody has used anything yet.
    pub fn new(store: Store, admission: Admission) -> Arc<Self> {
        Arc::new(Self {
            store,
            admission,
            accounts: Mutex::default(),
            generation: AtomicU64::new(0),
        })
    }

    /// The account of a key, the same in all lives.
    pub(super) fn account(&self, key: &Key) -> Arc<Account> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts
            .entry(key.id.clone())
            .or_insert_with(|| Account::new(key.rights.limits));
        account.clone()
    }

    /// The number of another change.
    pub(super) fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Ends the accounts of all keys but those that are `valid`.
    pub(super) fn end_others(&self, valid: impl Fn(&str) -> bool) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|id, account| {
            let stays = valid(id);
            if !stays {
                account.end();
            }
            stays
        });
    }
}
