//! What can be asked of the bench: `cargo bench --bench bench -- --seconds 20`.

use std::num::NonZeroUsize;

use clap::Parser;

/// What the hub costs, beside nginx as the floor and no gateway at all.
#[derive(Debug, Clone, Parser)]
#[command(name = "bench")]
pub(crate) struct Arguments {
    /// Seconds for which each contestant is measured in each round
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub(crate) seconds: f64,
    /// Seconds of the same load before them, which do not count
    #[arg(long, default_value = "1", value_parser = seconds)]
    pub(crate) warm_up: f64,
    /// Callers at the same time, each with a connection of its own and one call in flight
    #[arg(long, default_value = "32")]
    pub(crate) connections: NonZeroUsize,
    /// How often each contestant has its turn
    #[arg(long, default_value = "3")]
    pub(crate) rounds: NonZeroUsize,
    /// How often the hub is started to see how long that takes
    #[arg(long, default_value = "7")]
    pub(crate) starts: NonZeroUsize,
    /// Be the fake upstream (the bench starts itself with this)
    #[arg(long, hide = true)]
    pub(crate) upstream: bool,
    /// `cargo bench` adds this; it means nothing here.
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

// === impl Arguments ===

impl Arguments {
    /// The same with so many callers. With one, it is seen what a call costs that waits for nobody.
    pub(crate) fn callers(&self, connections: usize) -> Self {
        Self {
            connections: NonZeroUsize::new(connections).unwrap_or(NonZeroUsize::MIN),
            ..self.clone()
        }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.01..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number of seconds from 0.01 to 86400".to_owned()),
    }
}
