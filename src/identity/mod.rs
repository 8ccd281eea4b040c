//! Identity: who may enter, and with which rights.
//!
//! - `store`: guardian.db; `keys`: its table of API keys
//! - `key`: one key, and the one place where keys are made; `rights`: what it may do
//! - `shown`: a key as people see it
//! - `admission`: whether anybody is asked at all
//! - `actor`: whom the doors ask; `identities`: what its lives share; `desk`: what it does for those who
//!   administer

mod actor;
mod admission;
mod desk;
mod identities;
mod key;
mod keys;
mod rights;
mod shown;
mod store;

pub use self::{
    actor::{IdentityUp, start},
    admission::{Admission, Entry},
    desk::{Act, Administer, Done, administer, count, find, now},
    identities::Identities,
    key::{FROM_OUTSIDE, NewKey},
    rights::Rights,
    shown::{Shown, State},
    store::{Store, StoreError},
};
