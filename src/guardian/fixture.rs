//! Fixture: a way for tests to kill a child by name. In test builds only.

use std::sync::OnceLock;

use actix::prelude::*;
use hub_actors::{protocol::Announce, provider::fault};

use super::Guardian;

static GUARDIAN: OnceLock<Addr<Guardian>> = OnceLock::new();

#[derive(Message)]
#[rtype(result = "()")]
struct Kill(String);

/// Makes the guardian reachable for [`kill`].
pub fn set(guardian: &Addr<Guardian>) {
    // A process has one guardian.
    drop(GUARDIAN.set(guardian.clone()));
}

/// What a provider with `api = "fault"` can do to others.
pub fn kill() -> fault::Kill {
    std::sync::Arc::new(|name| {
        if let Some(guardian) = GUARDIAN.get() {
            guardian.do_send(Kill(name.to_owned()));
        }
    })
}

impl Handler<Kill> for Guardian {
    type Result = ();

    fn handle(&mut self, Kill(name): Kill, _: &mut Self::Context) {
        if let Some(tool) = name.strip_prefix("toggle ") {
            if let Some(registry) = self.registry() {
                registry.do_send(Announce::Toggled(tool.into()));
            }
        } else if let Some(life) = self.life(&name.as_str().into()) {
            life.arbiter.stop();
        }
    }
}
