//! What the outbox hears, and what it does about it at once.

use std::time::SystemTime;

use actix::prelude::*;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Accepted, LAST, Outbox, refuse};
use crate::protocol::{
    CloudIs, Drain, Heartbeat, OutboxHealth, Persist, PersistError, ReportOutbox,
};

impl Handler<Persist> for Outbox {
    type Result = ();

    fn handle(&mut self, row: Persist, ctx: &mut Self::Context) {
        if self.broken {
            return refuse(row.reply);
        }
        if self.is_full(row.payload.len() as u64) {
            // Who no longer waits misses nothing.
            let _ = row.reply.send(Err(PersistError::Full));
            return;
        }
        let accepted = Accepted {
            id: Uuid::now_v7(),
            table: row.table,
            payload: row.payload.into(),
            at: SystemTime::now(),
        };
        self.waiting.push(accepted, row.reply);
        self.visit(ctx);
    }
}

impl Handler<CloudIs> for Outbox {
    type Result = ();

    fn handle(&mut self, CloudIs(cloud): CloudIs, ctx: &mut Self::Context) {
        ctx.cancel_future(self.watch);
        let state = cloud.as_ref().map(|cloud| cloud.state.clone());
        self.cloud = cloud;
        self.turned(ctx);
        if let Some(state) = state {
            self.follow(state, ctx);
        }
    }
}

impl Handler<ReportOutbox> for Outbox {
    type Result = ();

    fn handle(&mut self, report: ReportOutbox, _: &mut Self::Context) {
        let (now, visiting) = (&self.tally, &self.visiting);
        let rejected = visiting.rejected + self.rejected.len() as u64;
        let gone = rejected + visiting.arrived + self.arrived.len() as u64;
        let come = visiting.accepted + self.waiting.len() as u64;
        let reason = self.rejected.last().map(|row| &row.reason);
        let reason = reason.or(visiting.last_reason.as_ref());
        // Who no longer waits misses nothing.
        let _ = report.reply.send(OutboxHealth {
            database: self.database(),
            pending: (now.pending + come).saturating_sub(gone),
            dead_letters: now.dead + rejected,
            last_reason: reason.or(now.last_reason.as_ref()).cloned(),
            durable: self.spec.durable,
        });
    }
}

impl Handler<Drain> for Outbox {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Drain, ctx: &mut Self::Context) -> Self::Result {
        let (draining, drained) = oneshot::channel();
        self.draining = Some(draining);
        self.resting = false;
        self.visit(ctx);
        let drained = tokio::time::timeout(LAST, drained);
        Box::pin(drained.into_actor(self).map(|drained, actor, _| {
            let rows = actor.tally.pending;
            if drained.is_err() {
                tracing::error!("the outbox could not be closed");
            } else if rows > 0 {
                tracing::info!(rows, "rows wait in the outbox for the next start");
            }
        }))
    }
}

impl Handler<Heartbeat> for Outbox {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
