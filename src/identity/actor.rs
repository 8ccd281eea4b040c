//! Identity: the actor that knows everybody. Doors ask it who somebody is; it answers from memory, and
//! goes to the file only when that has changed.

mod inbox;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use actix::{fut::wrap_future, prelude::*};
use hub_actors::{
    principal::Principal,
    protocol::{AccessChanged, Digest, Presented},
    supervise::{Link, spawn_linked},
};
use subtle::ConstantTimeEq;
use tokio::{task::spawn_blocking, time::Instant};

use super::{
    desk::{Administer, now},
    granted::Roles,
    identities::Identities,
    key::{FROM_OUTSIDE, Key},
    keys,
    session::Session,
    sessions,
    store::{Store, StoreError},
    users::{self, User},
};
use crate::{guardian::Life, roles::Source};

/// How long a door may remember an answer.
const REMEMBERED: Duration = Duration::from_secs(10);
/// How often the file is looked at: another program may have revoked a key.
const LOOK: Duration = Duration::from_millis(250);
/// What is compared if there is no such key, so that it takes the same work.
const NOBODY: Digest = [0; 32];

/// Tells the guardian that Identity runs, or that who may enter has changed.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub struct IdentityUp {
    /// For the doors.
    pub access: AccessChanged,
    /// For those who administer.
    pub keys: Recipient<Administer>,
}

/// The actor.
pub(super) struct Identity {
    pub(super) shared: Arc<Identities>,
    parent: Recipient<IdentityUp>,
    /// All keys, as they are in the file.
    rows: Vec<Key>,
    /// Those that can be used, by id.
    valid: HashMap<Arc<str>, (Digest, Arc<Principal>)>,
    outside: Option<(Digest, Arc<Principal>)>,
    /// Who can log in, by id.
    pub(super) users: HashMap<i64, User>,
    /// Who has, by the hash of the session's id.
    pub(super) sessions: HashMap<Digest, Session>,
    /// Sessions that were used since that was last written.
    pub(super) used: HashSet<Digest>,
    pub(super) written: Instant,
    open: bool,
    /// The file's version that `rows` are of; `None` before it was read.
    version: Option<i64>,
    generation: u64,
    looking: bool,
    pub(super) roles: Roles,
}

/// Starts the next life of Identity. Doors learn of it when it has read the file.
pub fn start(
    shared: &Arc<Identities>,
    roles: &Source,
    parent: Recipient<IdentityUp>,
    link: Link,
) -> Life {
    let (shared, roles) = (shared.clone(), Roles::new(roles.clone()));
    let (arbiter, address) = spawn_linked(link, move || Identity::new(shared, roles, parent));
    Life::helper(arbiter, address.recipient())
}

/// The version first: a change between the two is then seen at the next look.
fn read(store: &Store) -> Result<Rows, StoreError> {
    Ok(Rows {
        version: store.version()?,
        keys: keys::all(store)?,
        users: users::all(store)?,
        sessions: sessions::all(store)?,
    })
}

/// What is in the file.
struct Rows {
    version: i64,
    keys: Vec<Key>,
    users: Vec<User>,
    sessions: Vec<Session>,
}

// === impl Identity ===

impl Identity {
    fn new(shared: Arc<Identities>, roles: Roles, parent: Recipient<IdentityUp>) -> Self {
        let outside = shared
            .admission
            .from_outside
            .map(|digest| (digest, Arc::new(Principal::all(FROM_OUTSIDE))));
        Self {
            shared,
            parent,
            rows: Vec::new(),
            valid: HashMap::new(),
            outside,
            users: HashMap::new(),
            sessions: HashMap::new(),
            used: HashSet::new(),
            written: Instant::now(),
            open: false,
            version: None,
            generation: 0,
            looking: false,
            roles,
        }
    }

    /// Makes `rows` count.
    pub(super) fn settle(&mut self) {
        let now = now();
        let valid = self.rows.iter().filter(|key| key.is_valid(now));
        self.valid = valid
            .map(|key| (key.id.clone(), (key.hash, self.principal(key))))
            .collect();
        self.open = self
            .shared
            .admission
            .is_open(&self.rows, !self.users.is_empty());
        // Before anybody is told: who has made the first key may use it before a door has heard of it.
        if !self.open {
            self.shared.closed.store(true, Ordering::SeqCst);
        }
        self.generation = self.shared.next_generation();
        let sessions = self.session_accounts();
        self.shared
            .end_others(|id| self.valid.contains_key(id) || sessions.contains(id));
    }

    fn principal(&self, key: &Key) -> Arc<Principal> {
        Arc::new(Principal {
            id: key.id.clone(),
            name: key.name.clone(),
            tools: key.rights.tools.clone(),
            models: key.rights.models.clone(),
            admin: key.rights.admin.clone(),
            expires: key.rights.expires,
            account: self.shared.account(&key.id, key.rights.limits),
        })
    }

    pub(super) fn tell(&self, ctx: &Context<Self>) {
        self.parent.do_send(IdentityUp {
            access: AccessChanged {
                generation: self.generation,
                open: self.open,
                closed: self.shared.closed.clone(),
                identity: ctx.address().recipient(),
                logins: ctx.address().recipient(),
                logouts: ctx.address().recipient(),
            },
            keys: ctx.address().recipient(),
        });
    }

    fn changed(&mut self, rows: Rows, ctx: &Context<Self>) {
        let first = self.version.replace(rows.version).is_none();
        let users = rows.users.into_iter().map(|user| (user.id, user)).collect();
        let ended = self.take_sessions(rows.sessions);
        if first || ended || rows.keys != self.rows || users != self.users {
            self.rows = rows.keys;
            self.users = users;
            self.settle();
            self.tell(ctx);
        }
    }

    /// Whether a key that could be used has expired.
    fn somebody_expired(&self) -> bool {
        let now = now();
        let expired = |(_, principal): &(Digest, Arc<Principal>)| {
            principal.expires.is_some_and(|end| end <= now)
        };
        self.valid.values().any(expired)
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.somebody_expired() {
            self.settle();
            self.tell(ctx);
        }
        self.write_sessions(ctx);
        self.look_at_roles(ctx);
        if std::mem::replace(&mut self.looking, true) {
            return;
        }
        let (shared, known) = (self.shared.clone(), self.version);
        let look = spawn_blocking(move || match shared.store.version()? {
            version if Some(version) == known => Ok(None),
            _ => read(&shared.store).map(Some),
        });
        ctx.spawn(wrap_future::<_, Self>(look).map(|looked, identity, ctx| {
            identity.looking = false;
            match looked {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(rows))) => identity.changed(rows, ctx),
                // Who is known stays known: a disk that fails later does not close the hub.
                Ok(Err(error)) => tracing::warn!(%error, "guardian.db cannot be read"),
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }));
    }

    /// Who shows this. The same work whether there is such a key or not.
    fn who(&self, presented: &Presented) -> Option<Arc<Principal>> {
        match presented {
            Presented::Key { id, digest } => {
                let named = id.as_deref().and_then(|id| self.valid.get(id));
                let named = one_of(named, digest);
                let outside = one_of(self.outside.as_ref(), digest);
                named.or(outside)
            }
            // Asked for before.
            Presented::Session { .. } => None,
            Presented::Local { key: None } => Some(Principal::local()),
            Presented::Local { key: Some(id) } => {
                self.valid.get(id).map(|(_, principal)| principal.clone())
            }
        }
    }
}

fn one_of(known: Option<&(Digest, Arc<Principal>)>, digest: &Digest) -> Option<Arc<Principal>> {
    let expected = known.map_or(&NOBODY, |(expected, _)| expected);
    let equal = bool::from(expected.ct_eq(digest));
    known
        .filter(|_| equal)
        .map(|(_, principal)| principal.clone())
}

impl Actor for Identity {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.roles.open();
        self.look(ctx);
        ctx.run_interval(LOOK, Self::look);
    }
}

#[cfg(test)]
mod tests {
    use hub_actors::protocol::ChildExited;
    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::{
        identity::{Act, Admission, NewKey, Rights},
        settings::Auth,
    };

    /// A guardian that passes nothing on: no door ever hears of a second change.
    struct Silent(mpsc::UnboundedSender<IdentityUp>);

    impl Actor for Silent {
        type Context = Context<Self>;
    }

    impl Handler<IdentityUp> for Silent {
        type Result = ();

        fn handle(&mut self, up: IdentityUp, _: &mut Self::Context) {
            drop(self.0.send(up));
        }
    }

    impl Handler<ChildExited> for Silent {
        type Result = ();

        fn handle(&mut self, _: ChildExited, _: &mut Self::Context) {}
    }

    #[actix::test]
    async fn who_has_the_first_key_finds_no_open_door_any_more() {
        let admission = Admission {
            auth: Auth::Auto,
            loopback: true,
            from_outside: None,
        };
        let shared = Identities::new(Store::in_memory().expect("opens"), admission);
        let (heard, mut ups) = mpsc::unbounded_channel();
        let guardian = Silent(heard).start();
        let link = Link::new(guardian.clone().recipient(), "identity".into(), 1);
        let _life = start(&shared, &Source::Nowhere, guardian.recipient(), link);
        let first = ups.recv().await.expect("it is up");
        assert!(first.access.is_open());
        let (reply, done) = oneshot::channel();
        first.keys.do_send(Administer {
            who: Principal::local(),
            act: Act::Add(NewKey {
                name: "first".to_owned(),
                rights: Rights::all(),
            }),
            reply,
        });
        done.await.expect("is answered").expect("is made");
        // What the door knows is old, and closed all the same.
        assert!(!first.access.is_open());
    }
}
