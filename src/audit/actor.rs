//! Auditor: the actor that writes what the doors leave, some at a time.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use actix::{fut::wrap_future, prelude::*};
use hub_actors::{
    audit::{Audited, Trail},
    protocol::{Drain, Heartbeat},
    supervise::{Link, spawn_linked},
};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::spawn_blocking,
    time::sleep,
};

use super::log::{Log, LogError};
use crate::{
    data_folder::DataFolder,
    guardian::{Life, Role},
};

/// What waits to be written; beyond it lines are lost, and counted. About 1 MiB.
const ROOM: usize = 4_096;
/// Most lines of one transaction.
const AT_ONCE: usize = 512;
/// How long it waits for more before it writes.
const GATHER: Duration = Duration::from_millis(200);
/// When it tries again to open a file that it could not.
const AGAIN: Duration = Duration::from_secs(5);

/// What all lives of the auditor share.
#[derive(Debug)]
pub struct Audit {
    /// Where the doors leave their lines.
    pub trail: Trail,
    folder: DataFolder,
    /// The next life goes on where the last one ended.
    lines: Arc<Mutex<mpsc::Receiver<Audited>>>,
}

/// The actor.
struct Auditor {
    /// Those who wait until everything is written.
    drains: mpsc::UnboundedSender<oneshot::Sender<()>>,
    work: Option<Work>,
}

/// What it does all its life.
struct Work {
    lines: Arc<Mutex<mpsc::Receiver<Audited>>>,
    drains: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    trail: Trail,
    folder: DataFolder,
}

// === impl Audit ===

impl Audit {
    /// An audit in that folder.
    ///
    /// # Errors
    /// If its file cannot be used.
    pub fn new(folder: &DataFolder) -> Result<Self, LogError> {
        drop(Log::open(folder)?);
        let (trail, lines) = Trail::new(ROOM);
        Ok(Self {
            trail,
            folder: folder.clone(),
            lines: Arc::new(Mutex::new(lines)),
        })
    }

    /// Starts the auditor's next life.
    pub fn start(&self, link: Link) -> Life {
        let (drains, waiting) = mpsc::unbounded_channel();
        let work = Work {
            lines: self.lines.clone(),
            drains: waiting,
            trail: self.trail.clone(),
            folder: self.folder.clone(),
        };
        let (arbiter, address) = spawn_linked(link, move || Auditor {
            drains,
            work: Some(work),
        });
        Life {
            arbiter,
            heartbeat: address.clone().recipient(),
            role: Role::Keeper {
                drain: address.recipient(),
            },
        }
    }
}

/// Puts something down while no hub runs. What cannot be put down stops nothing.
pub fn at_once(folder: &DataFolder, work: impl FnOnce(&Trail)) {
    let (trail, mut lines) = Trail::new(1);
    work(&trail);
    if let Ok(line) = lines.try_recv()
        && let Ok(mut log) = Log::open(folder)
    {
        drop(log.add(&[line]));
    }
}

// === impl Work ===

impl Work {
    async fn run(mut self) {
        let shared = self.lines.clone();
        let mut lines = shared.lock().await;
        let log = loop {
            match lend(&self.folder, Log::open).await {
                Ok(log) => break Arc::new(std::sync::Mutex::new(log)),
                Err(error) => tracing::warn!(%error, "calls are not put down"),
            }
            sleep(AGAIN).await;
        };
        let mut some = Vec::new();
        loop {
            let mut drain = tokio::select! {
                count = lines.recv_many(&mut some, AT_ONCE) => match count {
                    0 => return,
                    _ => None,
                },
                drain = self.drains.recv() => drain,
            };
            if drain.is_none() {
                // Others follow.
                drain = tokio::select! {
                    () = sleep(GATHER) => None,
                    drain = self.drains.recv() => drain,
                };
            }
            loop {
                while some.len() < AT_ONCE
                    && let Ok(line) = lines.try_recv()
                {
                    some.push(line);
                }
                if some.is_empty() {
                    break;
                }
                self.write(&log, std::mem::take(&mut some)).await;
            }
            if let Some(drain) = drain {
                // Whoever waited may have given up.
                let _ = drain.send(());
            }
        }
    }

    async fn write(&self, log: &Arc<std::sync::Mutex<Log>>, lines: Vec<Audited>) {
        let count = lines.len();
        let written = lend(log, move |log| {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.add(&lines)
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, count, "lines of the audit are lost");
        }
        let lost = self.trail.lost();
        if lost > 0 {
            tracing::warn!(
                lost,
                "lines of the audit are lost: more came than could be written"
            );
        }
    }
}

/// Works with something on a thread that may wait for the disk. A panic there is one here.
async fn lend<T, R>(with: &T, work: impl FnOnce(&T) -> R + Send + 'static) -> R
where
    T: Clone + Send + 'static,
    R: Send + 'static,
{
    let with = with.clone();
    match spawn_blocking(move || work(&with)).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

// === impl Auditor ===

impl Actor for Auditor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(work) = self.work.take() {
            ctx.spawn(wrap_future(work.run()));
        }
    }
}

impl Handler<Drain> for Auditor {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        let (drained, wait) = oneshot::channel();
        // A life whose work has ended has nothing to write.
        drop(self.drains.send(drained));
        Box::pin(wrap_future(async move { drop(wait.await) }))
    }
}

impl Handler<Heartbeat> for Auditor {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
