//! Audit: who called what, and how it ended: kept in a bounded file, without what was asked or answered.

mod actor;
mod log;

pub use self::{
    actor::{Audit, at_once},
    log::{Line, Log, LogError},
};
