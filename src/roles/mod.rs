//! Roles: what users may do, kept in PostgreSQL, where several hubs can share it.
//!
//! - `permission`: one thing that may be done, and what several come to
//! - `desk`: what `hub role` does; `table`: reading who may do what
//! - `book`: what Identity remembers of that, and for how long it counts

mod book;
mod desk;
mod permission;
mod table;

pub use self::{
    book::{Book, RETRY, Source},
    desk::{RoleAct, RolesError, perform},
    permission::{Granted, Permission},
    table::{Read, Role, read},
};

use std::time::Duration;

/// Longest time for what is asked of the database here.
const PATIENCE: Duration = Duration::from_secs(5);
