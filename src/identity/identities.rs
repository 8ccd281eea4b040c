//! Identities: what all lives of Identity share, so that one that restarts forgets nothing.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use hub_actors::account::{Account, Limits};
use tokio::sync::Semaphore;

use super::{
    admission::Admission,
    lockout::Lockout,
    login::{AT_A_TIME, WAITING},
    password::ROUNDS,
    store::Store,
};

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
    /// The doors ask everybody. It stays so: a hub that was closed once does not open by itself.
    pub(super) closed: Arc<AtomicBool>,
    /// What is counted of logins.
    lockout: Mutex<Lockout>,
    /// Rounds that every login takes.
    pub(super) rounds: u32,
    /// For those whose password is being checked.
    pub(super) turns: Arc<Semaphore>,
    /// For those who wait for that.
    pub(super) waiting: Arc<Semaphore>,
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
            closed: Arc::default(),
            lockout: Mutex::default(),
            rounds: ROUNDS,
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            waiting: Arc::new(Semaphore::new(WAITING)),
        })
    }

    /// What is counted of logins.
    pub(super) fn lockout(&self) -> MutexGuard<'_, Lockout> {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account of a key or a user, the same in all lives.
    pub(super) fn account(&self, id: &Arc<str>, limits: Limits) -> Arc<Account> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts
            .entry(id.clone())
            .or_insert_with(|| Account::new(limits));
        account.clone()
    }

    /// The number of another change.
    pub(super) fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Ends one account: what is still going on under it, too.
    pub(super) fn end(&self, id: &str) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.remove(id) {
            account.end();
        }
    }

    /// Ends the accounts of all but those that are `valid`.
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
