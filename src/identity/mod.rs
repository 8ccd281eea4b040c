//! Identity: who may enter, and with which rights.
//!
//! - `store`: guardian.db; `keys`: its table of API keys
//! - `key`: one key, and the one place where keys are made
//! - `shown`: a key as people see it
//! - `users`: the tables of users and sessions; `password`, `session`, `lockout`: their rules; `login`, `people`
//! - `admission`: whether anybody is asked at all
//! - `actor`: whom the doors ask

mod actor;
mod admission;
mod key;
mod keys;
mod lockout;
mod login;
mod password;
mod people;
mod session;
mod shown;
mod store;
mod users;

pub use self::{
    actor::{Act, Administer, Done, Identities, IdentityUp, administer, count, find, now, start},
    admission::{Admission, Entry},
    key::{FROM_OUTSIDE, NewKey, Rights},
    password::Hash,
    shown::{Shown, State},
    store::{Store, StoreError},
    users::{NewUser, User},
};
