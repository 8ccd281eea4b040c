//! Identity: who may enter, and with which rights.
//!
//! - `store`: guardian.db; `keys`: its table of API keys
//! - `key`: one key, and the one place where keys are made
//! - `shown`: a key as people see it
//! - `admission`: whether anybody is asked at all
//! - `actor`: whom the doors ask

mod actor;
mod admission;
mod key;
mod keys;
mod shown;
mod store;

pub use self::{
    actor::{Act, Administer, Done, Identities, IdentityUp, administer, count, find, now, start},
    admission::{Admission, Entry},
    key::{FROM_OUTSIDE, NewKey, Rights},
    shown::{Shown, State},
    store::{Store, StoreError},
};
