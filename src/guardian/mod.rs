//! Guardian: the supervisor. It starts every actor, sees every end, and starts again.
//!
//! Part of the error kernel: no I/O, no parsing, no outside data. If it dies, `main` exits.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{fut::wrap_future, prelude::*};
use hub_actors::{
    protocol::{ActorState, Announce, CloudIs, Exit, Heartbeat},
    supervise::{Link, Restart, RestartPolicy},
};
use tokio::sync::oneshot;

mod child;
mod entry;
#[cfg(feature = "fixtures")]
pub mod fixture;
mod inbox;

use self::child::Child;
pub use self::child::{Life, Parent, Role, StartChild};
use crate::identity::IdentityUp;

/// How often children are asked whether they still turn their loops.
const HEARTBEAT: Duration = Duration::from_millis(200);
/// A child that has not answered for this long is stuck.
const STUCK_AFTER: Duration = Duration::from_millis(400);

/// The time for draining is over: end what calls wait for.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CutOff;
/// Write what waits to be written, and close the files: nobody calls any more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Flush;

/// The supervisor's actor.
pub struct Guardian {
    children: BTreeMap<Arc<str>, Child>,
    policy: RestartPolicy,
    last_beat: Instant,
    draining: bool,
    /// The latest that Identity has said of itself.
    identity: Option<IdentityUp>,
    /// Dropped when the guardian ends: `main` waits for it.
    _alive: oneshot::Sender<()>,
}

// === impl Guardian ===

impl Guardian {
    /// Starts a guardian of `children` on this thread. The receiver fails when the guardian ends.
    pub fn start(
        children: impl IntoIterator<Item = (Arc<str>, StartChild)>,
        policy: RestartPolicy,
    ) -> (Addr<Self>, oneshot::Receiver<()>) {
        let (alive, ended) = oneshot::channel();
        let children = children
            .into_iter()
            .map(|(name, start)| (name, Child::new(start)));
        let guardian = Self {
            children: children.collect(),
            policy,
            last_beat: Instant::now(),
            draining: false,
            identity: None,
            _alive: alive,
        };
        (Actor::start(guardian), ended)
    }

    fn start_child(&mut self, name: &Arc<str>, ctx: &mut Context<Self>) {
        let Some(child) = self.children.get_mut(name) else {
            return;
        };
        child.incarnation += 1;
        let parent = ctx.address().recipient();
        let link = Link::new(parent, name.clone(), child.incarnation);
        let address = ctx.address();
        let parent = Parent {
            health: address.clone().recipient(),
            identity: address.clone().recipient(),
            keys: address.recipient(),
        };
        match (child.start)(link, &parent) {
            Ok(life) => {
                child.asked = None;
                child.state = ActorState::Running;
                child.life = Some(life);
                self.wire(name);
            }
            // The link is gone with the attempt, so the exit is already on its way to us.
            Err(error) => tracing::error!(actor = &**name, %error, "actor does not start"),
        }
    }

    /// Makes a new life known to those who need it, and those it needs known to it.
    fn wire(&self, name: &Arc<str>) {
        let Some(life) = self.life(name) else { return };
        match &life.role {
            Role::Registry(registry) => {
                for other in self.lives() {
                    if let Some(announce) = other.role.announcement() {
                        registry.do_send(announce);
                    }
                }
            }
            role => {
                if let (Role::Transport { access, .. }, Some(identity)) = (role, &self.identity) {
                    access.do_send(identity.access.clone());
                }
                if let (Some(announce), Some(registry)) = (role.announcement(), self.registry()) {
                    registry.do_send(announce);
                }
                if let Role::Outbox { .. } | Role::CloudDb(_) = role {
                    self.tell_outbox();
                }
            }
        }
    }

    /// Tells the outbox who brings its rows to the database.
    fn tell_outbox(&self) {
        let cloud = self.lives().find_map(|life| match &life.role {
            Role::CloudDb(up) => Some(up.clone()),
            _ => None,
        });
        for life in self.lives() {
            if let Role::Outbox { cloud: outbox, .. } = &life.role {
                outbox.do_send(CloudIs(cloud.clone()));
            }
        }
    }

    fn life(&self, name: &Arc<str>) -> Option<&Life> {
        self.children
            .get(name)
            .and_then(|child| child.life.as_ref())
    }

    fn lives(&self) -> impl Iterator<Item = &Life> {
        self.children
            .values()
            .filter_map(|child| child.life.as_ref())
    }

    fn registry(&self) -> Option<&Recipient<Announce>> {
        self.lives().find_map(|life| match &life.role {
            Role::Registry(registry) => Some(registry),
            _ => None,
        })
    }

    fn ended(&mut self, name: &Arc<str>, exit: &Exit, ctx: &mut Context<Self>) {
        let policy = self.policy;
        let Some(child) = self.children.get_mut(name) else {
            return;
        };
        let life = child.life.take();
        // Whatever else this life has to say, from now on it is an echo.
        child.incarnation += 1;
        child.asked = None;
        child.last_exit = Some(exit.word());
        let decision = child.exited(policy);
        if let Some(life) = life {
            // Detached futures die with the thread. A stuck one cannot be killed: it is abandoned.
            life.arbiter.stop();
            if let (Some(farewell), Some(registry)) = (life.role.farewell(), self.registry()) {
                registry.do_send(farewell);
            }
            if let Role::CloudDb(_) = life.role {
                self.tell_outbox();
            }
        }
        if self.draining {
            return;
        }
        let panic = match exit {
            Exit::Panicked(words) => Some(words.as_str()),
            _ => None,
        };
        let (pause, quarantined) = match decision {
            Restart::After(pause) => (pause, false),
            Restart::Quarantine(pause) => (pause, true),
        };
        tracing::warn!(
            actor = &**name,
            exit = exit.word(),
            panic,
            quarantined,
            ?pause,
            "actor ended"
        );
        let name = name.clone();
        ctx.run_later(pause, move |guardian, ctx| guardian.restart(&name, ctx));
    }

    fn restart(&mut self, name: &Arc<str>, ctx: &mut Context<Self>) {
        if self.draining {
            return;
        }
        if let Some(child) = self.children.get_mut(name) {
            child.restarts += 1;
        }
        self.start_child(name, ctx);
    }

    /// Asks every child for a sign of life and finds those that owe one for too long.
    fn beat(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        // On a starved machine our own loop is late too; that is nobody's fault and nobody's time.
        let late = now.duration_since(self.last_beat).saturating_sub(HEARTBEAT);
        self.last_beat = now;
        let mut stuck = Vec::new();
        for (name, child) in &mut self.children {
            let Some(life) = &child.life else { continue };
            match &mut child.asked {
                Some(since) => {
                    *since += late;
                    if now.saturating_duration_since(*since) > STUCK_AFTER {
                        stuck.push(name.clone());
                    }
                }
                None => {
                    child.asked = Some(now);
                    let (name, incarnation) = (name.clone(), child.incarnation);
                    let answer = wrap_future::<_, Self>(life.heartbeat.send(Heartbeat));
                    ctx.spawn(answer.map(move |answered, guardian, _| {
                        let child = guardian.children.get_mut(&name);
                        if let (Ok(()), Some(child)) = (answered, child)
                            && child.incarnation == incarnation
                        {
                            child.asked = None;
                        }
                    }));
                }
            }
        }
        for name in stuck {
            self.ended(&name, &Exit::Stuck, ctx);
        }
    }
}

impl Actor for Guardian {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let names: Vec<_> = self.children.keys().cloned().collect();
        for name in names {
            self.start_child(&name, ctx);
        }
        ctx.run_interval(HEARTBEAT, Self::beat);
    }
}
