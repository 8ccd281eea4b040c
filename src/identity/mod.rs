//! Identity: who may enter, and with which rights.
//!
//! - `store`: guardian.db; `keys`: its table of API keys
//! - `key`: one key, and the one place where keys are made; `rights`: what it may do
//! - `shown`: a key as people see it
//! - `users`, `sessions`: the tables of people and their sessions; `password`, `session`, `lockout`: their rules; `login`, `people`
//! - `granted`: what users may do, from their roles
//! - `admission`: whether anybody is asked at all
//! - `actor`: whom the doors ask; `identities`: what its lives share; `desk`: what it does for those who
//!   administer

mod actor;
mod admission;
mod desk;
mod granted;
mod identities;
mod key;
mod keys;
mod lockout;
mod login;
mod password;
mod people;
mod rights;
mod session;
mod sessions;
mod shown;
mod store;
mod users;

pub use self::{
    actor::{IdentityUp, start},
    admission::{Admission, Entry},
    desk::{Act, Administer, Done, administer, count, find, now},
    identities::Identities,
    key::{FROM_OUTSIDE, NewKey},
    password::Hash,
    rights::Rights,
    shown::{Shown, State},
    store::{Store, StoreError},
    users::{NewUser, User},
};
