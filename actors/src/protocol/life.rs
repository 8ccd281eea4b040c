//! Whether somebody lives, how they ended, and how everyone is.

use std::sync::Arc;

use actix::prelude::*;
use serde::Serialize;

/// Are you still turning your loop? No answer in time means stuck.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct Heartbeat;

/// Take no new calls, finish those in flight; answered when none is left.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct Drain;

/// Sent exactly once when a child ends, however it ends.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct ChildExited {
    /// The child's name.
    pub child: Arc<str>,
    /// Which of its lives ended.
    pub incarnation: u64,
    /// How.
    pub exit: Exit,
}

/// How a child's life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It returned (exit 0).
    Stopped,
    /// It panicked (SIGSEGV); the panic's words.
    Panicked(String),
    /// Its Arbiter was stopped (SIGKILL).
    Killed,
    /// It no longer answered heartbeats and was abandoned (a watchdog's bite).
    Stuck,
}

/// How is everyone? Asked by doors of the guardian.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "Vec<ActorHealth>")]
pub struct ReportHealth;

/// One actor's health.
#[derive(Debug, Clone, Serialize)]
pub struct ActorHealth {
    /// `registry`, `provider.anthropic`, `transport.http`, ..
    pub name: Arc<str>,
    /// Where it stands now.
    pub state: ActorState,
    /// Restarts since the hub started.
    pub restarts: u64,
    /// The last exit, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<&'static str>,
}

/// Where an actor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorState {
    /// Serving.
    Running,
    /// Ended; starts again after its backoff.
    Restarting,
    /// Ended too often; rests before it is tried again.
    Quarantined,
}
