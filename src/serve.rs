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
    db_sync, outbox,
    protocol::ProviderUp,
    provider::{self, ProviderSpec},
    registry::ToolRegistry,
    request::Request,
    supervise::{Link, RestartPolicy, spawn_linked},
    transport::{
        self,
        stdio::{End, StdioOptions},
    },
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    cloud_db,
    control::{self, Bound},
    crypto, exit, fetcher,
    guardian::{Guardian, Life, Role, StartChild},
    house::{CloudStorage, House},
    identity,
    stop::{Signals, drain, flush},
};

/// A first restart comes at once, a child that keeps ending rests for five seconds. Five in ten
/// seconds is OTP's intensity of one in five, made tolerant of a burst.
const RESTARTS: RestartPolicy = RestartPolicy {
    max_restarts: 5,
    within: Duration::from_secs(10),
    backoff: Duration::from_millis(20),
    quarantine: Duration::from_secs(5),
};

/// Serves until a signal comes, then drains. `announce` runs once everybody has been started.
pub fn serve(
    house: House,
    listener: TcpListener,
    control: Option<&Bound>,
    announce: impl FnOnce(),
) -> u8 {
    System::new().block_on(async {
        let Ok(mut signals) = Signals::new() else {
            return deaf();
        };
        let (guardian, ended) = start(children(house, listener, control));
        announce();
        tokio::select! {
            () = signals.next() => drain(&guardian, &mut signals).await,
            _ = ended => orphaned(),
        }
    })
}

/// Serves one client over standard input and output until it closes them, or a signal comes.
pub fn serve_stdio(house: House) -> u8 {
    System::new().block_on(async {
        let Ok(mut signals) = Signals::new() else {
            return deaf();
        };
        let (end, mut hung_up) = mpsc::unbounded_channel();
        let started = AtomicBool::new(false);
        let options = StdioOptions {
            key: house.stdio_key.clone(),
            trail: house.http.trail.clone(),
            end,
        };
        let stdio: StartChild = Box::new(move |link, parent| {
            // A client cannot be served by a second life.
            if started.swap(true, Ordering::SeqCst) {
                let _ = options.end.send(End::Crashed);
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let started = transport::stdio::start(options.clone(), parent.health.clone(), link);
            Ok(transport_life(started))
        });
        let mut children = inner(house);
        children.push(("transport.stdio".into(), stdio));
        let (guardian, ended) = start(children);
        tokio::select! {
            end = hung_up.recv() => match end {
                Some(End::HungUp) => {
                    flush(&guardian).await;
                    exit::OK
                }
                Some(End::Crashed) | None => exit::INTERNAL,
            },
            () = signals.next() => drain(&guardian, &mut signals).await,
            _ = ended => orphaned(),
        }
    })
}

fn start(children: Vec<(Arc<str>, StartChild)>) -> (Addr<Guardian>, oneshot::Receiver<()>) {
    let (guardian, ended) = Guardian::start(children, RESTARTS);
    #[cfg(feature = "fixtures")]
    crate::guardian::fixture::set(&guardian);
    (guardian, ended)
}

fn deaf() -> u8 {
    tracing::error!("signals cannot be received");
    exit::INTERNAL
}

fn orphaned() -> u8 {
    tracing::error!("the guardian ended; restart the hub");
    exit::INTERNAL
}

fn children(
    house: House,
    listener: TcpListener,
    control: Option<&Bound>,
) -> Vec<(Arc<str>, StartChild)> {
    let options = house.http.clone();
    let trail = options.trail.clone();
    let http: StartChild = Box::new(move |link, parent| {
        let health = parent.health.clone();
        let started = transport::start(&listener, options.clone(), health, link)?;
        Ok(transport_life(started))
    });
    let mut children = inner(house);
    children.push(("transport.http".into(), http));
    // One that cannot be shared is said to be so by whoever bound it.
    if let Some(Ok(listener)) = control.map(Bound::listener) {
        let start: StartChild = Box::new(move |link, parent| {
            let listener = listener.try_clone()?;
            Ok(control::start(
                listener,
                parent.keys.clone(),
                trail.clone(),
                link,
            ))
        });
        children.push(("control".into(), start));
    }
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
    let (identities, roles) = (house.identities, house.roles);
    let identity: StartChild = Box::new(move |link, parent| {
        let parent = parent.identity.clone();
        Ok(identity::start(&identities, &roles, parent, link))
    });
    let mut children: Vec<(Arc<str>, StartChild)> = vec![
        ("registry".into(), registry),
        ("db_sync".into(), db),
        ("identity".into(), identity),
    ];
    children.extend(house.crypto.map(|spec| {
        let start: StartChild = Box::new(move |link, _| {
            let started = crypto::start(&spec, link);
            Ok(Life {
                arbiter: started.arbiter,
                heartbeat: started.heartbeat,
                role: Role::Crypto(started.up),
            })
        });
        ("crypto".into(), start)
    }));
    children.extend(house.fetcher.map(|spec| {
        let start: StartChild = Box::new(move |link, _| {
            let started = fetcher::start(&spec, link);
            Ok(Life {
                arbiter: started.arbiter,
                heartbeat: started.heartbeat,
                role: Role::Fetcher(started.up),
            })
        });
        ("fetcher".into(), start)
    }));
    if let Some(audit) = house.audit {
        let start: StartChild = Box::new(move |link, _| Ok(audit.start(link)));
        children.push(("audit".into(), start));
    }
    if let Some(CloudStorage { outbox, database }) = house.cloud {
        let outbox: StartChild = Box::new(move |link, _| {
            let started = outbox::start(&outbox, link);
            Ok(Life {
                arbiter: started.arbiter,
                heartbeat: started.heartbeat,
                role: Role::Outbox {
                    up: started.up,
                    drain: started.drain,
                    cloud: started.cloud,
                },
            })
        });
        let database: StartChild = Box::new(move |link, _| {
            let started = cloud_db::start(&database, link);
            Ok(Life {
                arbiter: started.arbiter,
                heartbeat: started.heartbeat,
                role: Role::CloudDb(started.up),
            })
        });
        children.push(("outbox".into(), outbox));
        children.push(("cloud_db".into(), database));
    }
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
    children.extend(house.embedders.into_iter().map(|spec| {
        let name = format!("embed.{}", spec.name).into();
        let start: StartChild = Box::new(move |link, _| {
            let role = |up, life| Role::Embedder { up, _life: life };
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
            access: started.access,
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
