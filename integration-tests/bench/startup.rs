//! Start-up: how soon a started hub answers, and what it weighs before it works.

use std::{fmt, fs, time::Duration};

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::{
    api, arguments::Arguments, http::Connection, hub, load, server::Server, spread::Spread,
    upstream,
};

/// From the first answer to the look at the memory.
const REST: Duration = Duration::from_secs(1);

/// What was seen.
pub(crate) struct Startup {
    starts: usize,
    /// Milliseconds from the start of the process to the first answer over `POST /api`.
    first_answer: Spread,
    /// MiB.
    idle: Spread,
    /// MiB.
    binary: f64,
}

/// Starts a hub as often as `arguments` say, one after the other.
pub(crate) async fn measure(upstream: &Server, arguments: &Arguments) -> Result<Startup> {
    let (mut first_answers, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..arguments.starts.get() {
        let hub = hub::start(upstream.address, arguments.connections).await?;
        let mut connection = Connection::open(hub.address).await?;
        connection.send(&api::call(&hub)).await?;
        let answer = connection.receive().await?;
        let elapsed = hub.spawned.elapsed();
        let answer = answer.context("the hub closed its first connection")?;
        load::check(&answer, Some(upstream::ANSWER))?;
        first_answers.push(elapsed.as_secs_f64() * 1e3);
        sleep(REST).await;
        idle.push(hub.process.memory()?.now);
    }
    Ok(Startup {
        starts: arguments.starts.get(),
        first_answer: Spread::of(first_answers),
        idle: Spread::of(idle),
        binary: fs::metadata(hub::BINARY)?.len() as f64 / f64::from(1 << 20),
    })
}

// === impl Startup ===

impl fmt::Display for Startup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            starts,
            first_answer,
            idle,
            binary,
        } = self;
        write!(
            formatter,
            "\nThe hub, median of {starts} starts (least..most)\n  \
               start to first answer  {first_answer:.1} ms\n  \
               idle RSS 1 s later     {idle:.1} MiB\n  \
               size of the binary     {binary:.1} MiB"
        )
    }
}
