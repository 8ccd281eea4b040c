//! Fault: a provider with a prompt for each way to fail. In test builds only.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::prelude::*;

use crate::{
    protocol::{Ask, Heartbeat, Reply},
    request::Request,
};

#[cfg(not(debug_assertions))]
compile_error!("the feature `fixtures` is for tests: a release must not be able to fail on demand");

/// Kills the child of that name; `toggle TOOL` makes a tool inactive, or active again.
pub type Kill = Arc<dyn Fn(&str) + Send + Sync>;

/// Whether the next life panics while it starts.
static PANIC_IN_STARTED: AtomicBool = AtomicBool::new(false);

/// The actor: answers `echo: <prompt>`, unless the prompt is a way to fail.
pub struct Fault {
    kill: Kill,
}

// === impl Fault ===

impl Fault {
    /// A healthy one.
    pub fn new(kill: Kill) -> Self {
        Self { kill }
    }
}

impl Actor for Fault {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        assert!(
            !PANIC_IN_STARTED.swap(false, Ordering::SeqCst),
            "asked to panic in started"
        );
    }
}

impl<R: Request> Handler<Ask<R>> for Fault {
    type Result = ();

    fn handle(&mut self, ask: Ask<R>, ctx: &mut Self::Context) {
        match ask.request.text() {
            "panic in handler" => panic!("asked to panic in the handler"),
            "panic in future" => {
                ctx.spawn(
                    async move {
                        let _held = ask;
                        panic!("asked to panic in a future")
                    }
                    .into_actor(self),
                );
            }
            "panic in started" => {
                PANIC_IN_STARTED.store(true, Ordering::SeqCst);
                panic!("asked to panic, now and in started");
            }
            "stop" => ctx.stop(),
            "block" => std::thread::park_timeout(Duration::from_secs(20)),
            "kill transport" => (self.kill)("transport.http"),
            "kill registry" => (self.kill)("registry"),
            "kill db_sync" => (self.kill)("db_sync"),
            "kill identity" => (self.kill)("identity"),
            "kill audit" => (self.kill)("audit"),
            "kill fetcher" => (self.kill)("fetcher"),
            "kill control" => (self.kill)("control"),
            toggle if toggle.starts_with("toggle ") => {
                (self.kill)(toggle);
                answer(ask);
            }
            _ => answer(ask),
        }
    }
}

fn answer<R: Request>(ask: Ask<R>) {
    drop(ask.reply.send(Reply {
        outcome: Ok(ask.request.echo()),
        tries: 1,
        dropped: Vec::new(),
    }));
}

impl Handler<Heartbeat> for Fault {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
