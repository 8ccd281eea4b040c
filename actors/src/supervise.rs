//! Links between a parent and its children: how a child starts, and how its end is told.
//!
//! actix restarts an actor after `ctx.stop()` only; a panic drops the actor, its mailbox and the far
//! end of every `Addr`. Three ideas replace that:
//!
//! 1. *One incarnation, one Arbiter.* A child's event loop, its connections and its futures live on
//!    one thread. `arbiter.stop()` ends all of them at once: it is the kill switch.
//! 2. *A link is a value with a `Drop`.* However the child ends (return, panic, kill), dropping its
//!    [`Link`] tells the parent, exactly once, and says why.
//! 3. *Only the parent knows who is alive*, and announces it. A call that is caught in a crash sees
//!    its reply channel close; it never hangs.

use std::{any::Any, sync::Arc, time::Duration};

use actix::{dev::channel, prelude::*};

use crate::protocol::{ChildExited, Exit};

/// Messages a mailbox holds before `try_send` refuses; `do_send` ignores it.
const MAILBOX_CAPACITY: usize = 64;

/// Tells the parent of a child's end when dropped.
pub struct Link {
    parent: Recipient<ChildExited>,
    child: Arc<str>,
    incarnation: u64,
    exit: Exit,
}

/// When to start a child again: OTP's restart intensity, plus a backoff, minus the giving up.
#[derive(Debug, Clone, Copy)]
pub struct RestartPolicy {
    /// Exits within the window that are answered with a quick restart.
    pub max_restarts: usize,
    /// The window.
    pub within: Duration,
    /// Pause before the first restart; doubles with each exit in the window.
    pub backoff: Duration,
    /// Rest of a child that went over the limit. OTP would end the parent here; a gateway degrades.
    pub quarantine: Duration,
}

/// What to do after an exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Start again after this pause.
    After(Duration),
    /// Too many exits: rest this long, then start again.
    Quarantine(Duration),
}

/// Starts `make()` on an Arbiter of its own and ties its end to `link`.
///
/// A panic in `make`, in `started`, in a handler or in a future that the actor's context drives ends
/// the child and is told as [`Exit::Panicked`]. A `ResponseFuture` is driven by a task of its own:
/// its panic would be invisible here, so no actor of the hub uses one.
pub fn spawn_linked<A>(link: Link, make: impl FnOnce() -> A + Send + 'static) -> (Arbiter, Addr<A>)
where
    A: Actor<Context = Context<A>>,
{
    let (sender, receiver) = channel::channel(MAILBOX_CAPACITY);
    let arbiter = Arbiter::new();
    arbiter.spawn_fn(move || {
        actix::spawn(async move {
            // The inner task is where a panic is caught: tokio turns it into a `JoinError`.
            let life = actix::spawn(async move {
                Context::with_receiver(receiver).into_future(make()).await;
            });
            link.end(match life.await {
                Ok(()) => Exit::Stopped,
                Err(error) if error.is_panic() => Exit::Panicked(words(&*error.into_panic())),
                Err(_) => Exit::Killed,
            });
        });
    });
    (arbiter, Addr::new(sender))
}

/// What a panic said, if it said it in words.
pub fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic".to_owned())
}

// === impl Link ===

impl Link {
    /// A link that says [`Exit::Killed`] unless the child's end is seen.
    pub fn new(parent: Recipient<ChildExited>, child: Arc<str>, incarnation: u64) -> Self {
        Self {
            parent,
            child,
            incarnation,
            exit: Exit::Killed,
        }
    }

    fn end(mut self, exit: Exit) {
        self.exit = exit;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.parent.do_send(ChildExited {
            child: self.child.clone(),
            incarnation: self.incarnation,
            exit: std::mem::replace(&mut self.exit, Exit::Killed),
        });
    }
}

// === impl RestartPolicy ===

impl RestartPolicy {
    /// What to do after the latest of `recent` exits inside the window.
    pub fn decide(&self, recent: usize) -> Restart {
        if recent > self.max_restarts {
            return Restart::Quarantine(self.quarantine);
        }
        let doublings = u32::try_from(recent.saturating_sub(1))
            .unwrap_or(u32::MAX)
            .min(10);
        Restart::After((self.backoff * 2u32.pow(doublings)).min(self.quarantine))
    }
}

// === impl Exit ===

impl Exit {
    /// The exit in a word, without the panic's own words: those go to the log only.
    pub fn word(&self) -> &'static str {
        match self {
            Exit::Stopped => "stopped",
            Exit::Panicked(_) => "panicked",
            Exit::Killed => "killed",
            Exit::Stuck => "stuck",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    /// Passes on every exit it is told of.
    struct Parent(mpsc::UnboundedSender<Exit>);

    impl Actor for Parent {
        type Context = Context<Self>;
    }

    impl Handler<ChildExited> for Parent {
        type Result = ();
        fn handle(&mut self, exited: ChildExited, _: &mut Self::Context) {
            self.0.send(exited.exit).expect("the test listens");
        }
    }

    /// A way to fail for each message.
    struct Toy;

    #[derive(Message, Clone, Copy)]
    #[rtype(result = "()")]
    enum End {
        Stop,
        PanicInHandler,
        PanicInFuture,
    }

    impl Actor for Toy {
        type Context = Context<Self>;
    }

    impl Handler<End> for Toy {
        type Result = ();
        fn handle(&mut self, end: End, ctx: &mut Self::Context) {
            match end {
                End::Stop => ctx.stop(),
                End::PanicInHandler => panic!("in the handler"),
                End::PanicInFuture => {
                    ctx.spawn(async { panic!("in the future") }.into_actor(self));
                }
            }
        }
    }

    async fn exit_after(
        make: fn() -> Toy,
        end: impl AsyncFnOnce(&Arbiter, Addr<Toy>),
    ) -> Vec<Exit> {
        let (told, mut exits) = mpsc::unbounded_channel();
        let parent = Parent(told).start();
        let link = Link::new(parent.clone().recipient(), "toy".into(), 1);
        let (arbiter, address) = spawn_linked(link, make);
        end(&arbiter, address).await;
        let first = exits.recv().await.expect("an exit is told");
        arbiter.stop();
        drop(arbiter.join());
        let mut all = vec![first];
        while let Ok(more) = exits.try_recv() {
            all.push(more);
        }
        all
    }

    #[actix::test]
    async fn every_end_is_told_once() {
        let cases = [
            (End::Stop, Exit::Stopped),
            (End::PanicInHandler, Exit::Panicked("in the handler".into())),
            (End::PanicInFuture, Exit::Panicked("in the future".into())),
        ];
        for (end, exit) in cases {
            let seen = exit_after(|| Toy, async move |_, toy| toy.do_send(end)).await;
            assert_eq!(seen, [exit]);
        }
    }

    #[actix::test]
    async fn a_panicking_constructor_is_an_exit_and_its_callers_do_not_hang() {
        let seen = exit_after(
            || panic!("not today"),
            async |_, toy| assert_eq!(toy.send(End::Stop).await, Err(MailboxError::Closed)),
        );
        assert_eq!(seen.await, [Exit::Panicked("not today".into())]);
    }

    #[actix::test]
    async fn stopping_the_arbiter_kills() {
        let seen = exit_after(|| Toy, async |arbiter, _| assert!(arbiter.stop())).await;
        assert_eq!(seen, [Exit::Killed]);
    }

    #[actix::test]
    async fn a_child_that_nobody_addresses_stops() {
        assert_eq!(
            exit_after(|| Toy, async |_, toy| drop(toy)).await,
            [Exit::Stopped]
        );
    }

    #[test]
    fn backoff_doubles_up_to_quarantine() {
        let ms = Duration::from_millis;
        let policy = RestartPolicy {
            max_restarts: 4,
            within: ms(10_000),
            backoff: ms(20),
            quarantine: ms(5_000),
        };
        let decisions: Vec<_> = (1..=5).map(|recent| policy.decide(recent)).collect();
        assert_eq!(
            decisions,
            [
                Restart::After(ms(20)),
                Restart::After(ms(40)),
                Restart::After(ms(80)),
                Restart::After(ms(160)),
                Restart::Quarantine(ms(5_000)),
            ]
        );
    }
}
