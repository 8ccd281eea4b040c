//! Entry: the guardian between Identity, the doors, and those who administer. It passes on, and decides
//! nothing.

use actix::prelude::*;

use super::{Guardian, Role};
use crate::identity::{Administer, IdentityUp};

impl Handler<IdentityUp> for Guardian {
    type Result = ();

    /// Every door hears of it, those that are not there yet when they are.
    fn handle(&mut self, up: IdentityUp, _: &mut Self::Context) {
        for life in self.lives() {
            if let Role::Transport { access, .. } = &life.role {
                access.do_send(up.access.clone());
            }
        }
        self.identity = Some(up);
    }
}

impl Handler<Administer> for Guardian {
    type Result = ();

    /// Dropped, and so refused, while Identity does not run.
    fn handle(&mut self, asked: Administer, _: &mut Self::Context) {
        if let Some(identity) = &self.identity {
            identity.keys.do_send(asked);
        }
    }
}
