//! People: what Identity knows of users and their sessions. In memory, as it knows keys; the file is
//! written behind.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use actix::{fut::wrap_future, prelude::*};
use data_encoding::HEXLOWER;
use hub_actors::{
    account::Limits,
    principal::Principal,
    protocol::{Browser, Digest},
};
use tokio::{task::spawn_blocking, time::Instant};

use super::{actor::Identity, desk::now, session::Session, sessions, users::User};

/// How often it is written down when sessions were used.
const WRITTEN: Duration = Duration::from_secs(60);
/// A session so young, in seconds, may be missing in what was read of the file.
const JUST_NOW: u64 = 5;

/// Under what the account of a session is kept: each has its own, so that each can end.
fn account_id(session: &Session) -> String {
    format!("session {}", HEXLOWER.encode(&session.hash))
}

// === impl Identity ===

impl Identity {
    /// The accounts of all sessions.
    pub(super) fn session_accounts(&self) -> HashSet<String> {
        self.sessions.values().map(account_id).collect()
    }

    /// Ends a session, and what is still going on in it: also for doors that remember it.
    pub(super) fn end_session(&mut self, hash: &Digest) {
        if let Some(session) = self.sessions.remove(hash) {
            self.shared.end(&account_id(&session));
        }
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
                None => {
                    self.shared.end(&account_id(&session));
                    continue;
                }
            }
            kept += 1;
        }
        self.sessions = sessions;
        kept < count
    }

    /// Ends the sessions of a user.
    pub(super) fn end_sessions(&mut self, user: &User) {
        let own = self
            .sessions
            .values()
            .filter(|session| session.user == user.id);
        let own: Vec<_> = own.map(|session| session.hash).collect();
        own.iter().for_each(|hash| self.end_session(hash));
    }

    /// A user with a session, as doors know them.
    pub(super) fn of_user(&self, user: &User, session: &Session) -> Arc<Principal> {
        let account: Arc<str> = account_id(session).into();
        let granted = self.roles.granted(user);
        Arc::new(Principal {
            name: user.name.as_str().into(),
            tools: granted.tools,
            models: granted.models,
            admin: granted.admin,
            expires: None,
            account: self.shared.account(&account, Limits::default()),
            id: format!("user-{}", user.id).into(),
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
        let session = session.clone();
        self.used.insert(*digest);
        let mut users = self.users.get(&session.user).into_iter();
        let user = users.find(|user| !user.is_locked)?;
        Some((self.of_user(user, &session), session.ends()))
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
        over.iter().for_each(|hash| self.end_session(hash));
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
