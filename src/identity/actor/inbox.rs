//! What Identity hears, and what it does about it at once.

use std::time::Duration;

use actix::{fut::wrap_future, prelude::*};
use hub_actors::protocol::{Authenticate, Heartbeat, Presented, Verdict};
use tokio::{task::spawn_blocking, time::Instant};

use super::{Identity, REMEMBERED, read};
use crate::identity::desk::{Act, Administer, Done, administer, now};

impl Handler<Authenticate> for Identity {
    type Result = ();

    fn handle(&mut self, asked: Authenticate, _: &mut Self::Context) {
        let (principal, ends) = match &asked.presented {
            Presented::Session { digest, browser } => self.of_session(digest, *browser).unzip(),
            other => (self.who(other), None),
        };
        let mut remembered = REMEMBERED;
        let mut valid = true;
        let expires = principal.as_ref().and_then(|principal| principal.expires);
        if let Some(end) = expires.or(ends) {
            let left = Duration::from_secs(end.saturating_sub(now()));
            valid = !left.is_zero();
            remembered = remembered.min(left);
        }
        let verdict = Verdict {
            principal: principal.filter(|_| valid),
            generation: self.generation,
            until: Instant::now() + remembered,
        };
        // Whoever asked may be gone.
        let _ = asked.reply.send(verdict);
    }
}

impl Handler<Administer> for Identity {
    type Result = ();

    fn handle(&mut self, asked: Administer, ctx: &mut Self::Context) {
        let Administer { who, act, reply } = asked;
        if let Act::Role(act) = act {
            return self.change_roles(act, reply, ctx);
        }
        let shared = self.shared.clone();
        let work = spawn_blocking(move || {
            let done = administer(&shared.store, &who, act);
            (done, read(&shared.store))
        });
        ctx.spawn(wrap_future::<_, Self>(work).map(|worked, identity, ctx| {
            let (done, rows) = match worked {
                Ok(worked) => worked,
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            };
            // First the doors, then whoever asked.
            if let Ok(Done::Changed(user)) = &done {
                identity.end_sessions(user);
                identity.shared.lockout().clear(&user.name);
            }
            if let Ok(rows) = rows {
                identity.changed(rows, ctx);
            }
            let _ = reply.send(done);
        }));
    }
}

impl Handler<Heartbeat> for Identity {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
