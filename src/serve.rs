//! Serve: brings the house up, keeps it up, and takes it down in order.

use std::{
    io,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::prelude::*;
use hub_actors::{
    db_sync,
    protocol::Drain,
    provider::{self, ProviderSpec},
    registry::ToolRegistry,
    supervise::{RestartPolicy, spawn_linked},
    transport::{self, stdio::End},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    exit,
    guardian::{Flush, Guardian, Life, Role, StartChild},
    house::House,
};

/// Longest time that calls in flight get after SIGTERM or SIGINT.
const DRAIN: Duration = Duration::from_secs(30);

/// Longest time for the last write of the hub's state, after that.
const FLUSH: Duration = Duration::from_secs(5);

/// A first restart comes at once, a child that keeps ending rests for five seconds. Five in ten
/// seconds is OTP's intensity of one in five, made tolerant of a burst.
const RESTARTS: RestartPolicy = RestartPolicy {
    max_restarts: 5,
    within: Duration::from_secs(10),
    backoff: Duration::from_millis(20),
    quarantine: Duration::from_secs(5),
};

/// Serves until a signal comes, then drains. `announce` runs once everybody has been started.
pub fn serve(house: House, listener: TcpListener, announce: impl FnOnce()) -> u8 {
    System::new().block_on(async {
        let (guardian, ended) = Guardian::start(children(house, listener), RESTARTS);
        #[cfg(feature = "fixtures")]
        crate::guardian::fixture::set(&guardian);
        announce();
        match until_signal(ended).await {
            Ok(()) => drain(&guardian).await,
            Err(sentence) => {
                tracing::error!("{sentence}");
                exit::INTERNAL
            }
        }
    })
}

async fn until_signal(ended: oneshot::Receiver<()>) -> Result<(), &'static str> {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return Err("signals cannot be received");
    };
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        _ = ended => Err("the guardian ended; restart the hub"),
    }
}

/// Lets calls in flight finish. A second signal ends the waiting.
async fn drain(guardian: &Addr<Guardian>) -> u8 {
    tracing::info!("stopping; calls in flight get {} s", DRAIN.as_secs());
    let (_alive, never) = oneshot::channel();
    tokio::select! {
        drained = timeout(DRAIN, guardian.send(Drain)) => {
            if drained.is_err() {
                tracing::warn!("some calls were still in flight and are cut off");
            }
        }
        _ = until_signal(never) => tracing::warn!("second signal, stopping at once"),
    }
    flush(guardian).await;
    exit::OK
}

/// Lets the state be written that calls have left.
async fn flush(guardian: &Addr<Guardian>) {
    // DbSync says itself what it could not write.
    drop(timeout(FLUSH, guardian.send(Flush)).await);
}

/// Serves one client over standard input and output until it closes them, or a signal comes.
pub fn serve_stdio(house: House) -> u8 {
    System::new().block_on(async {
        let (end, mut hung_up) = mpsc::unbounded_channel();
        let started = AtomicBool::new(false);
        let stdio: StartChild = Box::new(move |link, health| {
            // A client cannot be served by a second life.
            if started.swap(true, Ordering::SeqCst) {
                let _ = end.send(End::Crashed);
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let started = transport::stdio::start(end.clone(), health.clone(), link);
            Ok(transport_life(started))
        });
        let mut children = inner(house);
        children.push(("transport.stdio".into(), stdio));
        let (guardian, ended) = Guardian::start(children, RESTARTS);
        #[cfg(feature = "fixtures")]
        crate::guardian::fixture::set(&guardian);
        tokio::select! {
            end = hung_up.recv() => match end {
                Some(End::HungUp) => {
                    flush(&guardian).await;
                    exit::OK
                }
                Some(End::Crashed) | None => exit::INTERNAL,
            },
            signal = until_signal(ended) => match signal {
                Ok(()) => drain(&guardian).await,
                Err(sentence) => {
                    tracing::error!("{sentence}");
                    exit::INTERNAL
                }
            }
        }
    })
}

fn children(house: House, listener: TcpListener) -> Vec<(Arc<str>, StartChild)> {
    let options = house.http.clone();
    let http: StartChild = Box::new(move |link, health| {
        let started = transport::start(&listener, options.clone(), health.clone(), link)?;
        Ok(transport_life(started))
    });
    let mut children = inner(house);
    children.push(("transport.http".into(), http));
    children
}

/// Everyone behind the doors.
fn inner(house: House) -> Vec<(Arc<str>, StartChild)> {
    let catalogue = Arc::new(house.catalogue);
    let registry: StartChild = Box::new(move |link, _| {
        let catalogue = catalogue.clone();
        let (arbiter, address) = spawn_linked(link, move || ToolRegistry::new(catalogue));
        Ok(Life {
            arbiter,
            heartbeat: address.clone().recipient(),
            role: Role::Registry(address.recipient()),
        })
    });
    let spec = house.db;
    let db: StartChild = Box::new(move |link, _| Ok(db_life(db_sync::start(&spec, link))));
    let mut children: Vec<(Arc<str>, StartChild)> =
        vec![("registry".into(), registry), ("db_sync".into(), db)];
    children.extend(house.providers.into_iter().map(|spec| {
        let name = format!("provider.{}", spec.name).into();
        let start: StartChild = Box::new(move |link, _| Ok(start_provider(&spec, link)));
        (name, start)
    }));
    children
}

fn transport_life(started: transport::Started) -> Life {
    Life {
        arbiter: started.arbiter,
        heartbeat: started.heartbeat,
        role: Role::Transport {
            listener: started.listener,
            drain: started.drain,
        },
    }
}

fn db_life(started: db_sync::Started) -> Life {
    Life {
        arbiter: started.arbiter,
        heartbeat: started.heartbeat,
        role: Role::DbSync {
            up: started.up,
            drain: started.drain,
        },
    }
}

fn start_provider(spec: &ProviderSpec, link: hub_actors::supervise::Link) -> Life {
    let started = provider::start(spec, link);
    Life {
        arbiter: started.arbiter,
        heartbeat: started.heartbeat,
        role: Role::Provider {
            up: started.up,
            _life: started.life,
        },
    }
}

/// Why the address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has it.
    #[error(
        "{0} is in use by another program. Set the variable PORT, or HUB_PORT in [HUB], to another \
         port (0 takes any free one)"
    )]
    InUse(String),
    /// A port below 1024 needs a privilege.
    #[error("{0} may not be used by this user. Set PORT to one above 1023")]
    Denied(String),
    /// Anything else.
    #[error("{0} cannot be listened on. Set HOST and PORT to an address of this machine")]
    Other(String, #[source] io::Error),
}

/// Binds the address, once: a transport that restarts finds the port still its own.
///
/// # Errors
/// [`BindError`]
pub fn bind(host: &str, port: u16) -> Result<TcpListener, BindError> {
    TcpListener::bind((host, port)).map_err(|error| {
        let address = format!("{host}:{port}");
        match error.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse(address),
            io::ErrorKind::PermissionDenied => BindError::Denied(address),
            _ => BindError::Other(address, error),
        }
    })
}
