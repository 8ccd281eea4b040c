//! Delivery: the database's state followed, and one load of rows after another brought there.

use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::Outbox;
use crate::{
    outbox::file::Load,
    protocol::{CloudState, Deliver, NotNow, Rejected},
    table::Table,
};

// === impl Outbox ===

impl Outbox {
    pub(super) fn wants_load(&self) -> bool {
        let known = self.arrived.len() + self.rejected.len();
        let waits = self.tally.pending > known as u64 || self.waiting.len() > 0;
        let connected = self.database() == Some(CloudState::Connected);
        waits && connected && !self.delivering && self.draining.is_none()
    }

    pub(super) fn database(&self) -> Option<CloudState> {
        self.cloud
            .as_ref()
            .map(|cloud| cloud.state.borrow().clone())
    }

    pub(super) fn deliver(&mut self, load: Load, ctx: &mut Context<Self>) {
        let Some(cloud) = &self.cloud else {
            return;
        };
        let ids: Vec<Uuid> = load.rows.iter().map(|row| row.id).collect();
        let table = match Table::new(&load.table) {
            Ok(table) => table,
            Err(error) => {
                let reason: Arc<str> = error.to_string().into();
                let rejected = ids.iter().map(|id| Rejected {
                    id: *id,
                    reason: reason.clone(),
                });
                return self.delivered(&ids, rejected.collect());
            }
        };
        let (reply, delivered) = oneshot::channel();
        cloud.deliveries.do_send(Deliver {
            table,
            rows: load.rows,
            reply,
        });
        self.delivering = true;
        ctx.spawn(delivered.into_actor(self).map(move |outcome, actor, ctx| {
            actor.delivering = false;
            match outcome {
                Ok(Ok(rejected)) => actor.delivered(&ids, rejected),
                Ok(Err(NotNow)) => actor.arrivals.clear(),
                Err(_) => {
                    // It has died: the guardian tells when there is another one.
                    actor.cloud = None;
                    actor.arrivals.clear();
                }
            }
            actor.visit(ctx);
        }));
    }

    pub(super) fn delivered(&mut self, ids: &[Uuid], rejected: Vec<Rejected>) {
        for row in &rejected {
            tracing::error!(id = %row.id, reason = &*row.reason, "a row becomes a dead letter");
            if let Some(arrival) = self.arrivals.remove(&row.id) {
                // Who no longer waits finds it in the outbox's health.
                let _ = arrival.send(Err(row.reason.clone()));
            }
        }
        for id in ids {
            if rejected.iter().any(|row| row.id == *id) {
                continue;
            }
            if let Some(arrival) = self.arrivals.remove(id) {
                // Who no longer waits has been told that it is on its way.
                let _ = arrival.send(Ok(()));
            }
            self.arrived.push(*id);
        }
        self.rejected.extend(rejected);
    }

    /// Follows the database's state until the actor behind it ends.
    pub(super) fn follow(
        &mut self,
        mut state: watch::Receiver<CloudState>,
        ctx: &mut Context<Self>,
    ) {
        let changed = async move { state.changed().await.map(|()| state) };
        self.watch = ctx.spawn(changed.into_actor(self).map(|changed, actor, ctx| {
            if let Ok(state) = changed {
                actor.turned(ctx);
                actor.follow(state, ctx);
            }
        }));
    }

    pub(super) fn turned(&mut self, ctx: &mut Context<Self>) {
        if self.database().is_none_or(|state| is_down(&state)) {
            // Their rows are kept, and that is all that can be said for now.
            self.arrivals.clear();
        }
        self.visit(ctx);
    }

    /// Whether who waits for an arrival has reason to.
    pub(super) fn may_arrive_soon(&self) -> bool {
        self.database().is_some_and(|state| !is_down(&state))
    }
}

fn is_down(state: &CloudState) -> bool {
    matches!(state, CloudState::Down { .. })
}
