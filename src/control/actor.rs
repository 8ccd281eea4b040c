//! Control: the actor behind the control socket. It does what `hub key` asks, and puts it down.

use std::{
    io,
    os::unix::net::UnixListener as StdListener,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use actix::{fut::wrap_future, prelude::*};
use hub_actors::{
    audit::{Audited, Trail},
    protocol::Heartbeat,
    request_id::RequestId,
    supervise::{Link, spawn_linked},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::{
    request::{Answer, LONGEST, Request},
    socket,
};
use crate::{
    guardian::Life,
    identity::{Administer, FIRST},
};

/// Most commands at a time.
const MOST: usize = 16;
/// Longest time for one of them.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits after it could not accept (there may be no descriptors left), and before it asks
/// Identity again.
const PAUSE: Duration = Duration::from_millis(50);
/// How long Identity may take to be there.
const RESTARTED: Duration = Duration::from_secs(5);

/// The actor.
struct Control {
    listener: Option<StdListener>,
    keys: Recipient<Administer>,
    trail: Trail,
    places: Arc<Semaphore>,
}

/// Starts Control's next life behind `listener`. What it is asked about keys goes to `keys`.
pub fn start(listener: StdListener, keys: Recipient<Administer>, trail: Trail, link: Link) -> Life {
    let (arbiter, address) = spawn_linked(link, move || Control {
        listener: Some(listener),
        keys,
        trail,
        places: Arc::new(Semaphore::new(MOST)),
    });
    Life::helper(arbiter, address.recipient())
}

/// What came of a command, for the log and the audit.
pub fn put_down(trail: &Trail, what: Option<String>, answer: &Answer, since: Instant) {
    let Some(what) = what else { return };
    leave(
        trail,
        what,
        match answer {
            Answer::Done(_) => "ok",
            Answer::Failed(_) => "refused",
        },
        since,
    );
}

/// The first start has made a key, which nobody has asked for.
pub fn first_key(trail: &Trail, since: Instant) {
    leave(trail, format!("key add {FIRST}, by itself"), "ok", since);
}

fn leave(trail: &Trail, what: String, outcome: &'static str, since: Instant) {
    let who = Request::principal();
    tracing::info!(principal = &*who.name, act = what, outcome, "administered");
    trail.leave(Audited {
        at: SystemTime::now(),
        principal: who.id.clone(),
        name: who.name.clone(),
        door: "control",
        what,
        provider: "".into(),
        model: "".into(),
        outcome,
        cost_usd: None,
        ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
        request_id: RequestId::new().as_str().to_owned(),
    });
}

async fn serve(stream: UnixStream, keys: Recipient<Administer>, trail: Trail) -> io::Result<()> {
    if !socket::is_own(&stream) {
        tracing::warn!("another user's command was refused");
        return Ok(());
    }
    let (from, mut to) = stream.into_split();
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    let mut line = String::new();
    BufReader::new(from.take(most)).read_line(&mut line).await?;
    let since = Instant::now();
    let answer = match serde_json::from_str::<Request>(&line) {
        Ok(request) => {
            let what = request.audited();
            let answer = administer(&keys, request).await;
            put_down(&trail, what, &answer, since);
            answer
        }
        Err(_) => {
            Answer::Failed("the hub does not know this command; is it another version?".into())
        }
    };
    to.write_all(answer.line().as_bytes()).await?;
    to.shutdown().await
}

/// Asks Identity, and again if it is being restarted.
async fn administer(keys: &Recipient<Administer>, request: Request) -> Answer {
    let end = Instant::now() + RESTARTED;
    loop {
        let (reply, done) = oneshot::channel();
        keys.do_send(Administer {
            who: Request::principal(),
            act: request.clone().act(),
            reply,
        });
        match done.await {
            Ok(done) => return Answer::new(done),
            Err(_) if Instant::now() < end => tokio::time::sleep(PAUSE).await,
            Err(_) => {
                let sentence = "the hub is busy with itself; try again in a second";
                return Answer::Failed(sentence.to_owned());
            }
        }
    }
}

// === impl Control ===

impl Control {
    fn accept(&mut self, listener: UnixListener, ctx: &mut Context<Self>) {
        let places = self.places.clone();
        let accepted = async move {
            let place = places.acquire_owned().await;
            let accepted = listener.accept().await;
            if accepted.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
            (listener, accepted, place)
        };
        ctx.spawn(wrap_future::<_, Self>(accepted).map(
            |(listener, accepted, place), control, ctx| {
                if let Ok((stream, _)) = accepted {
                    let served = serve(stream, control.keys.clone(), control.trail.clone());
                    let served = async move {
                        // Whoever asked may be gone, or have nothing to say.
                        drop(timeout(PATIENCE, served).await);
                        drop(place);
                    };
                    ctx.spawn(wrap_future(served));
                }
                control.accept(listener, ctx);
            },
        ));
    }
}

impl Actor for Control {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let listener = self.listener.take().map(UnixListener::from_std);
        match listener {
            Some(Ok(listener)) => self.accept(listener, ctx),
            Some(Err(error)) => tracing::error!(%error, "the control socket cannot be used"),
            None => {}
        }
    }
}

impl Handler<Heartbeat> for Control {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
