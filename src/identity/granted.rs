//! Granted: what users may do, from their roles. Read at login and in the background while somebody is
//! logged in; nobody who asks waits for the database.

use std::collections::HashSet;

use actix::{fut::wrap_future, prelude::*};
use tokio::{sync::oneshot, time::Instant};

use super::{
    actor::Identity,
    desk::{AdministerError, Done},
    users::User,
};
use crate::{
    cloud_db::{Database, Fault},
    roles::{self, Book, Granted, RETRY, Read, RoleAct, RolesError, Source},
};

/// What one life of Identity knows of roles.
pub(super) struct Roles {
    source: Source,
    database: Option<Database>,
    book: Book,
    /// Whether the doors have been told that it counts.
    counted: bool,
    reading: bool,
    /// The last try failed, and that was said.
    failed: bool,
    /// When it was last tried to read it in the background.
    tried: Option<Instant>,
}

// === impl Roles ===

impl Roles {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            database: None,
            book: Book::default(),
            counted: false,
            reading: false,
            failed: false,
            tried: None,
        }
    }

    /// Opens the database: connections belong to the thread that makes them.
    pub(super) fn open(&mut self) {
        let Source::Database(spec) = &self.source else {
            return;
        };
        match Database::open(spec) {
            Ok(database) => self.database = Some(database),
            Err(error) => tracing::error!(%error, "roles cannot be read"),
        }
    }

    /// What a user may do.
    pub(super) fn granted(&self, user: &User) -> Granted {
        match self.source {
            _ if user.is_admin => Granted::ALL,
            Source::Nowhere => Granted::CALLS,
            Source::Unusable => Granted::NOTHING,
            Source::Database(_) => self.book.granted(&user.name),
        }
    }

    /// What must be read before this user is let in.
    pub(super) fn needed(&self, user: &User) -> Option<Database> {
        let needed = !user.is_admin && self.book.is_old();
        self.database.clone().filter(|_| needed)
    }
}

// === impl Identity ===

impl Identity {
    /// Takes over what was read of roles, or why it was not.
    pub(super) fn take_roles(&mut self, read: Result<Read, Fault>, ctx: &Context<Self>) {
        match read {
            Ok(read) => {
                self.roles.failed = false;
                if self.roles.book.take(read) {
                    self.roles.counted = true;
                    self.settle();
                    self.tell(ctx);
                }
            }
            Err(fault) => {
                if !std::mem::replace(&mut self.roles.failed, true) {
                    tracing::warn!(
                        reason = %fault,
                        "roles cannot be read; those known count for a minute, and it is tried again"
                    );
                }
            }
        }
    }

    /// Reads roles again when that is due, and closes when it was not possible for too long.
    pub(super) fn look_at_roles(&mut self, ctx: &mut Context<Self>) {
        let counts = self.roles.book.counts();
        if std::mem::replace(&mut self.roles.counted, counts) && !counts {
            if self.has_role_sessions() {
                tracing::warn!("roles are too old to count; users without admin may do nothing");
            }
            self.settle();
            self.tell(ctx);
        }
        let roles = &self.roles;
        let due = roles.book.is_old() && roles.tried.is_none_or(|at| at.elapsed() >= RETRY);
        let Some(database) = roles.database.clone().filter(|_| due && !roles.reading) else {
            return;
        };
        // A database that sleeps while nobody is there costs less.
        if !self.has_role_sessions() {
            return;
        }
        (self.roles.reading, self.roles.tried) = (true, Some(Instant::now()));
        let read = async move { roles::read(&database).await };
        ctx.spawn(wrap_future::<_, Self>(read).map(|read, identity, ctx| {
            identity.roles.reading = false;
            identity.take_roles(read, ctx);
        }));
    }

    /// Whether somebody is logged in whose rights come from roles.
    fn has_role_sessions(&self) -> bool {
        let is_admin = |id| self.users.get(id).is_some_and(|user| user.is_admin);
        let mut sessions = self.sessions.values();
        sessions.any(|session| !is_admin(&session.user))
    }

    /// Does what `hub role` asks. The doors learn of it before whoever asked.
    pub(super) fn change_roles(
        &mut self,
        act: RoleAct,
        reply: oneshot::Sender<Result<Done, AdministerError>>,
        ctx: &mut Context<Self>,
    ) {
        let Some(database) = self.roles.database.clone() else {
            return drop(reply.send(Err(RolesError::NoDatabase.into())));
        };
        let users: HashSet<_> = self.users.values().map(|user| user.name.clone()).collect();
        let work = async move {
            let done = roles::perform(&database, &act, &users).await;
            let changed = act != RoleAct::List;
            let read = match changed {
                true => Some(roles::read(&database).await),
                false => None,
            };
            (done, read)
        };
        ctx.spawn(
            wrap_future::<_, Self>(work).map(|(done, read), identity, ctx| {
                if let Some(read) = read {
                    if read.is_err() {
                        // What was known may be what has just been taken from somebody.
                        identity.roles.book.doubt(done.is_ok());
                        identity.roles.tried = None;
                    }
                    identity.take_roles(read, ctx);
                    identity.look_at_roles(ctx);
                }
                let _ = reply.send(done.map(Done::Roles).map_err(Into::into));
            }),
        );
    }
}
