//! What DbSync hears, and what it does about it at once.

use actix::prelude::*;
use tokio::sync::oneshot;

use super::{DbSync, LAST, Question};
use crate::protocol::{
    DeleteState, Drain, FindAnswer, Heartbeat, KeepAnswer, Look, Query, ReadState, Record,
    WriteState,
};

impl Handler<WriteState> for DbSync {
    type Result = ();

    fn handle(&mut self, WriteState { key, value }: WriteState, ctx: &mut Self::Context) {
        self.changes.put(key, Some(value));
        self.accept(ctx);
    }
}

impl Handler<Look> for DbSync {
    type Result = ();

    fn handle(&mut self, _: Look, _: &mut Self::Context) {
        self.look();
    }
}

impl Handler<DeleteState> for DbSync {
    type Result = ();

    fn handle(&mut self, DeleteState { key }: DeleteState, ctx: &mut Self::Context) {
        self.look();
        self.changes.put(key, None);
        self.accept(ctx);
    }
}

impl Handler<ReadState> for DbSync {
    type Result = ();

    fn handle(&mut self, read: ReadState, ctx: &mut Self::Context) {
        self.look();
        match self.changes.get(&read.key) {
            // Who no longer waits misses nothing.
            Some(value) => drop(read.reply.send(Ok(value.map(|value| (*value).clone())))),
            None => self.ask(Question::State(read), ctx),
        }
    }
}

impl Handler<Record> for DbSync {
    type Result = ();

    fn handle(&mut self, record: Record, ctx: &mut Self::Context) {
        self.records.push(record);
        self.accept(ctx);
    }
}

impl Handler<KeepAnswer> for DbSync {
    type Result = ();

    fn handle(&mut self, keep: KeepAnswer, ctx: &mut Self::Context) {
        self.answers.push(keep);
        self.accept(ctx);
    }
}

impl Handler<FindAnswer> for DbSync {
    type Result = ();

    fn handle(&mut self, find: FindAnswer, ctx: &mut Self::Context) {
        self.finder.ask(find);
        self.find(ctx);
    }
}

impl Handler<Query> for DbSync {
    type Result = ();

    fn handle(&mut self, query: Query, ctx: &mut Self::Context) {
        self.ask(Question::Query(query), ctx);
    }
}

impl Handler<Drain> for DbSync {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Drain, ctx: &mut Self::Context) -> Self::Result {
        let (draining, drained) = oneshot::channel();
        self.draining = Some(draining);
        self.resting = false;
        self.sync(ctx);
        let drained = tokio::time::timeout(LAST, drained);
        Box::pin(drained.into_actor(self).map(|drained, actor, _| {
            if drained.is_err() {
                let lost = actor.waiting();
                tracing::error!(lost, "the state file could not be written to the end");
            }
        }))
    }
}

impl Handler<Heartbeat> for DbSync {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
