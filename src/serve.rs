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
    protocol::{Drain, ProviderUp},
    provider::{self, ProviderSpec},
    registry::ToolRegistry,
    request::Request,
    supervise::{Link, RestartPolicy, spawn_linked},
    transport::{self, stdio::End},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use crate::{
    exit,
    guardian::{Guardian, Life, Role, StartChild},
    house::House,
};

/// Longest time that calls in flight get after SIGTERM or SIGINT.
const DRAIN: Duration = Duration::from_secs(30);

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
    exit::OK
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
                Some(End::HungUp) => exit::OK,
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
    let mut children: Vec<(Arc<str>, StartChild)> = vec![("registry".into(), registry)];
    children.extend(house.providers.into_iter().map(|spec| {
        let name = format!("provider.{}", spec.name).into();
        let start: StartChild = Box::new(move |link, _| {
            let role = |up, life| Role::Provider { up, _life: life };
            Ok(start_provider(&spec, link, role))
        });
        (name, start)
    }));
    // Their names are their own: a vendor can be of both kinds.
    children.extend(house.searchers.into_iter().map(|spec| {
        let name = format!("search.{}", spec.name).into();
        let start: StartChild = Box::new(move |link, _| {
            let role = |up, life| Role::Searcher { up, _life: life };
            Ok(start_provider(&spec, link, role))
        });
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

fn start_provider<R: Request>(
    spec: &ProviderSpec<R>,
    link: Link,
    role: impl FnOnce(ProviderUp<R>, watch::Sender<()>) -> Role,
) -> Life {
    let started = provider::start(spec, link);
    Life {
        arbiter: started.arbiter,
        heartbeat: started.heartbeat,
        role: role(started.up, started.life),
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
