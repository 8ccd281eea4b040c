//! Stop: the signals that end the hub, and how it ends in order.

use std::{io, time::Duration};

use actix::prelude::*;
use hub_actors::protocol::Drain;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{sleep, timeout},
};

use crate::{
    exit,
    guardian::{CutOff, Flush, Guardian},
};

/// Longest time that calls in flight get after SIGTERM or SIGINT.
const DRAIN: Duration = Duration::from_secs(30);
/// The end of that time, in which calls that were cut off are answered.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Longest time for the last write of the hub's state, after that.
const FLUSH: Duration = Duration::from_secs(5);

/// SIGTERM and SIGINT, whichever comes.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// Lets calls in flight finish. Those that do not are cut off in time to be told so. A second signal
/// ends the waiting.
pub async fn drain(guardian: &Addr<Guardian>, signals: &mut Signals) -> u8 {
    tracing::info!("stopping; calls in flight get {} s", DRAIN.as_secs());
    let mut drained = std::pin::pin!(guardian.send(Drain));
    let finished = tokio::select! {
        _ = &mut drained => true,
        () = sleep(DRAIN - LAST_WORDS) => false,
        () = signals.next() => {
            tracing::warn!("second signal, stopping at once");
            flush(guardian).await;
            return exit::OK;
        }
    };
    if !finished {
        tracing::warn!("some calls were still in flight and are cut off");
        guardian.do_send(CutOff);
        // Their callers are told; whoever does not listen is not waited for.
        drop(timeout(LAST_WORDS, drained).await);
    }
    flush(guardian).await;
    exit::OK
}

/// Lets the state be written that calls have left.
pub async fn flush(guardian: &Addr<Guardian>) {
    // DbSync says itself what it could not write.
    drop(timeout(FLUSH, guardian.send(Flush)).await);
}

// === impl Signals ===

impl Signals {
    /// From here on they are received, and no longer end the process by themselves. Call it before
    /// anybody can know that the hub is there, and so ask it to go.
    ///
    /// # Errors
    /// If the system does not let us.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
