//! Book: what Identity remembers of roles. What it does not know, or no longer, nobody may do.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::{permission::Granted, table::Read};
use crate::cloud_db::DatabaseSpec;

/// Tests have no minute to wait.
const IS_TEST: bool = cfg!(feature = "fixtures");
/// How old it may be before it is read again.
const REFRESH: Duration = Duration::from_secs(if IS_TEST { 1 } else { 15 });
/// Pause between two tries to read it.
pub const RETRY: Duration = Duration::from_secs(if IS_TEST { 1 } else { 5 });
/// How long it counts if it cannot be read again.
const COUNTS: Duration = Duration::from_secs(if IS_TEST { 8 } else { 60 });

/// Where roles come from.
#[derive(Clone)]
pub enum Source {
    /// From nowhere: DATABASE_URL is not set.
    Nowhere,
    /// DATABASE_URL is set, and cannot be used.
    Unusable,
    /// From this database.
    Database(Box<DatabaseSpec>),
}

/// What is remembered.
#[derive(Debug, Default)]
pub struct Book {
    known: Known,
    /// When what is known was asked for.
    at: Option<Instant>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Known {
    /// Nothing: it was never read.
    #[default]
    Nothing,
    /// There are no tables for roles.
    NoTables,
    /// What each user is granted, by name.
    Users(HashMap<String, Granted>),
}

// === impl Book ===

impl Book {
    /// Takes over what was read; whether that changes anything. An older answer does not.
    pub fn take(&mut self, read: Read) -> bool {
        if self.at.is_some_and(|at| at > read.at) {
            return false;
        }
        let known = match (read.users, &self.known) {
            (Some(users), _) => Known::Users(users),
            // Tables that vanish open nothing.
            (None, Known::Users(_)) => Known::Users(HashMap::new()),
            (None, _) => Known::NoTables,
        };
        let counted = self.counts();
        self.at = Some(read.at);
        let changed = known != self.known || !counted;
        self.known = known;
        changed
    }

    /// It may be wrong: what comes from roles does not count until it is read again. With `has_tables`
    /// there are tables for certain.
    pub fn doubt(&mut self, has_tables: bool) {
        self.at = None;
        if has_tables {
            self.known = Known::Users(HashMap::new());
        }
    }

    /// Whether it should be read again.
    pub fn is_old(&self) -> bool {
        self.at.is_none_or(|at| at.elapsed() >= REFRESH)
    }

    /// Whether what is known of roles counts.
    pub fn counts(&self) -> bool {
        match self.known {
            Known::Nothing => false,
            Known::NoTables => true,
            Known::Users(_) => self.at.is_some_and(|at| at.elapsed() < COUNTS),
        }
    }

    /// What a user may do who is no administrator.
    pub fn granted(&self, user: &str) -> Granted {
        match &self.known {
            Known::NoTables => Granted::CALLS,
            Known::Users(users) if self.counts() => {
                users.get(user).cloned().unwrap_or(Granted::NOTHING)
            }
            Known::Nothing | Known::Users(_) => Granted::NOTHING,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(users: Option<&[&str]>) -> Read {
        let grant = |name: &&str| ((*name).to_owned(), Granted::CALLS);
        Read {
            at: Instant::now(),
            users: users.map(|users| users.iter().map(grant).collect()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_known_or_no_longer_is_not_allowed() {
        let mut book = Book::default();
        assert!(book.granted("ada") == Granted::NOTHING && book.is_old());
        let early = read(Some(&["ada"]));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(book.take(read(None)));
        assert_eq!(book.granted("ada"), Granted::CALLS, "there are no roles");
        assert!(!book.take(early), "an older answer");
        assert!(book.take(read(Some(&["ada"]))));
        assert_eq!(book.granted("ada"), Granted::CALLS);
        assert_eq!(book.granted("bob"), Granted::NOTHING);
        assert!(!book.take(read(Some(&["ada"]))));
        tokio::time::advance(COUNTS - Duration::from_millis(1)).await;
        assert!(book.is_old() && book.granted("ada") == Granted::CALLS);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(book.granted("ada"), Granted::NOTHING, "a minute old");
        assert!(book.take(read(Some(&["ada"]))) && book.counts());
        book.doubt(false);
        assert_eq!(book.granted("ada"), Granted::NOTHING);
        assert!(book.take(read(None)), "the tables have vanished");
        assert_eq!(book.granted("ada"), Granted::NOTHING);
        let mut book = Book::default();
        book.take(read(None));
        book.doubt(false);
        assert_eq!(book.granted("ada"), Granted::CALLS);
        book.doubt(true);
        assert_eq!(book.granted("ada"), Granted::NOTHING);
    }
}
