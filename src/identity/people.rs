//! People: what Identity knows of users and their sessions. In memory, as it knows keys; the file is
//! written behind.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix::{fut::wrap_future, prelude::*};
use hub_actors::{
    account::Limits,
    principal::Principal,
    protocol::{Browser, Digest},
    scope::Scope,
};
use tokio::{task::spawn_blocking, time::Instant};

use super::{actor::Identity, desk::now, session::Session, sessions, users::User};

/// How often it is written down when sessions were used.
const WRITTEN: Duration = Duration::from_secs(60);
/// A session so young, in seconds, may be missing in what was read of the file.
const JUST_NOW: u64 = 5;

/// A user's id as a principal.
fn user_id(user: &User) -> String {
    format!("user-{}", user.id)
}

// === impl Identity ===

impl Identity {
    /// Whether there is a user of that id who can log in.
    pub(super) fn knows_user(&self, id: &str) -> bool {
        let mut users = self.users.values();
        users.any(|user| !user.is_locked && user_id(user) == id)
    }

    /// Takes over the file's sessions; whether one has ended. What was used or begun since then is
    /// newer than the file.
    pub(super) fn take_sessions(&mut self, rows: Vec<Session>) -> bool {
        let mut sessions: HashMap<_, _> = rows.into_iter().map(|row| (row.hash, row)).collect();
        let before = std::mem::take(&mut self.sessions);
        let (count, now) = (before.len(), now());
        let mut kept = 0;
        for (hash, session) in before {
            match sessions.get_mut(&hash) {
                Some(row) => row.seen = row.seen.max(session.seen),
                None if session.created.saturating_add(JUST_NOW) > now => {
                    sessions.insert(hash, session);
                }
                None => continue,
            }
            kept += 1;
        }
        self.sessions = sessions;
        kept < count
    }

    /// Ends the sessions of a user, and what is still going on in them.
    pub(super) fn end_sessions(&mut self, user: &User) {
        self.sessions.retain(|_, session| session.user != user.id);
        self.shared.end(&user_id(user));
    }

    /// Makes doors ask again.
    pub(super) fn forget_answers(&mut self, ctx: &Context<Self>) {
        self.settle();
        self.tell(ctx);
    }

    /// A user, as doors know them.
    pub(super) fn of_user(&self, user: &User) -> Arc<Principal> {
        let id: Arc<str> = user_id(user).into();
        Arc::new(Principal {
            name: user.name.as_str().into(),
            tools: Scope::All,
            models: Scope::All,
            admin: if user.is_admin {
                Scope::All
            } else {
                Scope::NONE
            },
            expires: None,
            account: self.shared.account(&id, Limits::default()),
            id,
        })
    }

    /// Whose session it is, if it is good for this browser. It has been used with that.
    pub(super) fn of_session(
        &mut self,
        digest: &Digest,
        browser: Browser,
    ) -> Option<(Arc<Principal>, u64)> {
        let now = now();
        let session = self.sessions.get_mut(digest)?;
        if !session.is_good(browser.address, &browser.agent, now) {
            return None;
        }
        session.seen = now;
        let (ends, user) = (session.ends(), session.user);
        self.used.insert(*digest);
        let user = self.users.get(&user).filter(|user| !user.is_locked)?;
        Some((self.of_user(user), ends))
    }

    /// Writes down when sessions were used, once a minute, and forgets those that are over.
    pub(super) fn write_sessions(&mut self, ctx: &mut Context<Self>) {
        if self.written.elapsed() < WRITTEN {
            return;
        }
        self.written = Instant::now();
        let now = now();
        let over = self
            .sessions
            .values()
            .filter(|session| session.ends() <= now);
        let over: Vec<_> = over.map(|session| session.hash).collect();
        for hash in &over {
            self.sessions.remove(hash);
        }
        let used = std::mem::take(&mut self.used);
        let seen = used.iter().filter_map(|hash| self.sessions.get(hash));
        let seen: Vec<_> = seen.map(|session| (session.hash, session.seen)).collect();
        if seen.is_empty() && over.is_empty() {
            return;
        }
        let shared = self.shared.clone();
        let written = spawn_blocking(move || sessions::touch(&shared.store, &seen, &over));
        ctx.spawn(wrap_future::<_, Self>(written).map(|written, _, _| {
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "what sessions did is known in memory alone");
            }
        }));
    }
}
