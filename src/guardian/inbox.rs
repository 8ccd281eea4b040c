//! What the Guardian hears, and what it does about it at once.

use actix::prelude::*;
use futures_util::future::join_all;
use hub_actors::protocol::{ActorHealth, ChildExited, Drain, ReportHealth};

use super::{CutOff, Flush, Guardian, Role};

impl Handler<ChildExited> for Guardian {
    type Result = ();

    fn handle(&mut self, exited: ChildExited, ctx: &mut Self::Context) {
        let current = self
            .children
            .get(&exited.child)
            .map(|child| child.incarnation);
        // An echo of an earlier life changes nothing.
        if current == Some(exited.incarnation) {
            self.ended(&exited.child, &exited.exit, ctx);
        }
    }
}

impl Handler<ReportHealth> for Guardian {
    type Result = MessageResult<ReportHealth>;

    fn handle(&mut self, _: ReportHealth, _: &mut Self::Context) -> Self::Result {
        let health = self.children.iter().map(|(name, child)| ActorHealth {
            name: name.clone(),
            state: child.state,
            restarts: child.restarts,
            last_exit: child.last_exit,
        });
        MessageResult(health.collect())
    }
}

impl Handler<CutOff> for Guardian {
    type Result = ();

    /// The providers end, and who fetches for them, so every call in flight is answered: nobody is left to
    /// ask.
    fn handle(&mut self, _: CutOff, _: &mut Self::Context) {
        for life in self.lives() {
            if let Role::Provider { .. } | Role::Embedder { .. } | Role::Fetcher(_) = life.role {
                life.arbiter.stop();
            }
        }
    }
}

impl Handler<Drain> for Guardian {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, drain: Drain, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        let transports = self.lives().filter_map(|life| match &life.role {
            Role::Transport {
                drain: transport, ..
            } => Some(transport.send(drain)),
            _ => None,
        });
        let all = join_all(transports.collect::<Vec<_>>());
        // A transport that dies while it drains has nothing left to finish.
        Box::pin(async move { drop(all.await) }.into_actor(self))
    }
}

impl Handler<Flush> for Guardian {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Flush, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        let files = self.lives().filter_map(|life| match &life.role {
            Role::DbSync { drain, .. } | Role::Outbox { drain, .. } | Role::Keeper { drain } => {
                Some(drain.send(Drain))
            }
            _ => None,
        });
        let all = join_all(files.collect::<Vec<_>>());
        // One that dies meanwhile has said so.
        Box::pin(async move { drop(all.await) }.into_actor(self))
    }
}
