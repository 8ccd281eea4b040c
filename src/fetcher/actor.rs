//! The fetcher's actor: calls ask it for images. What a fetching costs is bounded: its time, how many there
//! are at once, how many wait, the memory of them all.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix::prelude::*;
use hub_actors::{
    protocol::{FetchError, FetchImage, Heartbeat},
    supervise::{Link, spawn_linked},
};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    names::PublicNames,
    reader::{Reader, room},
};

/// Longest time for one image, waiting and redirects included.
const WHOLE: Duration = Duration::from_secs(10);
/// How many may be fetched or wait for it.
const QUEUE: usize = 256;

/// What the Guardian knows of it.
#[derive(Clone)]
pub struct FetcherSpec {
    tls: rustls::ClientConfig,
    names: PublicNames,
    room: Arc<Semaphore>,
}

/// A started fetcher.
pub struct Started {
    /// Its thread: the kill switch.
    pub arbiter: Arbiter,
    /// Where it is asked whether it still turns its loop.
    pub heartbeat: Recipient<Heartbeat>,
    /// Where it is asked for images.
    pub up: Recipient<FetchImage>,
}

/// The actor.
struct Fetcher {
    spec: FetcherSpec,
    reader: Option<Rc<Reader>>,
    queue: Arc<Semaphore>,
}

/// Starts its next life.
pub fn start(spec: &FetcherSpec, link: Link) -> Started {
    let spec = spec.clone();
    let (arbiter, address) = spawn_linked(link, move || Fetcher {
        spec,
        reader: None,
        queue: Arc::new(Semaphore::new(QUEUE)),
    });
    Started {
        arbiter,
        heartbeat: address.clone().recipient(),
        up: address.recipient(),
    }
}

async fn serve(reader: Rc<Reader>, FetchImage { url, mut reply }: FetchImage) {
    let fetched = tokio::select! {
        fetched = timeout(WHOLE, reader.read(&url)) => fetched.unwrap_or(Err(FetchError::TooSlow)),
        () = reply.closed() => return,
    };
    if let Err(error) = &fetched {
        // Never the address: it is part of what was asked.
        tracing::info!(%error, "image not fetched");
    }
    // A caller that left in this instant needs no image.
    drop(reply.send(fetched));
}

// === impl FetcherSpec ===

impl FetcherSpec {
    /// One that believes these roots of trust.
    pub fn new(tls: rustls::ClientConfig) -> Self {
        Self {
            tls,
            names: PublicNames::default(),
            room: room(),
        }
    }

    /// The same in a test's own Internet.
    #[cfg(feature = "fixtures")]
    pub fn with(mut self, fixture: super::fixture::Fixture) -> Self {
        self.names.fixture = fixture;
        self
    }
}

// === impl Fetcher ===

impl Actor for Fetcher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let FetcherSpec { tls, names, room } = self.spec.clone();
        match Reader::new(tls, names, room) {
            Ok(reader) => self.reader = Some(Rc::new(reader)),
            Err(error) => {
                tracing::error!(%error, "no client to fetch images with");
                ctx.stop();
            }
        }
    }
}

impl Handler<FetchImage> for Fetcher {
    type Result = ();

    fn handle(&mut self, fetch: FetchImage, ctx: &mut Self::Context) {
        // Without a client the actor is stopping; dropping the message tells the caller.
        let Some(reader) = self.reader.clone() else {
            return;
        };
        let Ok(queued) = self.queue.clone().try_acquire_owned() else {
            drop(fetch.reply.send(Err(FetchError::Busy)));
            return;
        };
        let serving = async move {
            serve(reader, fetch).await;
            drop(queued);
        };
        ctx.spawn(serving.into_actor(self));
    }
}

impl Handler<Heartbeat> for Fetcher {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
