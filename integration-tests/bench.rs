//! `make bench`: what the hub costs, beside nginx as the floor and no gateway at all.
//!
//! The same calls go to an instant fake upstream directly, through nginx as a plain proxy, and
//! through the hub, in turn, so that whatever else the machine does falls on all of them. Nothing
//! is asserted on times, and only the ratios mean something on another machine. An answer other
//! than 200 ends the run.
//!
//! # Layout
//! - one file per scenario ([`bench::api`]): who is called, with which bytes. A further one is a
//!   file beside it and a line in [`run`]. [`bench::streams`] measures by itself: a stream has a first
//!   event and a last.
//! - [`bench::hub`], [`bench::nginx`], [`bench::upstream`]: what is started.
//! - [`bench::load`] measures, [`bench::report`] prints.

mod bench {
    pub(crate) mod api;
    pub(crate) mod arguments;
    pub(crate) mod auth;
    pub(crate) mod chat;
    pub(crate) mod contestant;
    pub(crate) mod histogram;
    pub(crate) mod http;
    pub(crate) mod hub;
    pub(crate) mod load;
    pub(crate) mod machine;
    pub(crate) mod mcp;
    pub(crate) mod nginx;
    pub(crate) mod process;
    pub(crate) mod report;
    pub(crate) mod server;
    pub(crate) mod spread;
    pub(crate) mod startup;
    pub(crate) mod streams;
    pub(crate) mod table;
    pub(crate) mod upstream;
}

use std::{
    io::{self, Write},
    process::ExitCode,
    rc::Rc,
};

use bench::{
    api,
    arguments::Arguments,
    auth,
    chat::{self, CONNECTIONS},
    contestant::Scenario,
    load::{self, Sample},
    machine, mcp, report, startup, streams, upstream,
};
use clap::Parser;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    task::LocalSet,
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| LocalSet::new().block_on(&runtime, start(&arguments)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if standard error is closed.
            drop(writeln!(io::stderr(), "bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn start(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.upstream {
        return upstream::serve().await;
    }
    // Ended by force, this program would leave what it has started behind.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        ended = run(arguments) => ended,
        _ = terminate.recv() => anyhow::bail!("stopped before the end"),
        _ = interrupt.recv() => anyhow::bail!("stopped before the end"),
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    say(&machine::facts())?;
    let upstream = Rc::new(upstream::start().await?);
    say(&startup::measure(&upstream, arguments).await?.to_string())?;
    compete(&api::scenario(&upstream, arguments).await?, arguments).await?;
    compete(&auth::scenario(&upstream, arguments).await?, arguments).await?;
    let mcp = mcp::scenario(&upstream, arguments).await?;
    compete(&mcp, &arguments.callers(1)).await?;
    compete(&mcp, arguments).await?;
    let most = arguments.callers(CONNECTIONS.into_iter().max().unwrap_or_default());
    let chat = chat::scenario(&upstream, &most).await?;
    for connections in CONNECTIONS {
        compete(&chat, &arguments.callers(connections)).await?;
    }
    say(&streams::measure(&upstream, arguments).await?)
}

/// Every contestant in turn, as often as there are rounds.
async fn compete(scenario: &Scenario, arguments: &Arguments) -> anyhow::Result<()> {
    let mut samples: Vec<Vec<Sample>> = scenario.contestants.iter().map(|_| Vec::new()).collect();
    for _ in 0..arguments.rounds.get() {
        for (contestant, samples) in scenario.contestants.iter().zip(&mut samples) {
            samples.push(load::measure(contestant, arguments).await?);
        }
    }
    say(&report::report(scenario, &samples, arguments))
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{text}").map_err(anyhow::Error::from)
}
