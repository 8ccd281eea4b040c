//! Load: callers in a closed loop, each with one call in flight, and what they see.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    arguments::Arguments,
    contestant::Contestant,
    histogram::Histogram,
    http::{Connection, Message},
    process::Memory,
};

/// One contestant in one round.
#[derive(Debug)]
pub(crate) struct Sample {
    /// Answers per second.
    pub(crate) rate: f64,
    /// Milliseconds that half of the answers did not exceed.
    pub(crate) p50: f64,
    /// Milliseconds that 99 % of them did not exceed.
    pub(crate) p99: f64,
    /// Processor seconds of the contestant for 10,000 answers.
    pub(crate) cpu: f64,
    /// At the end of the round.
    pub(crate) memory: Memory,
}

/// What the callers share.
struct Shared {
    phase: Cell<Phase>,
    latencies: RefCell<Histogram>,
    request: Vec<u8>,
    answer: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    WarmUp,
    Measured,
    Over,
}

/// Calls one contestant for the time that `arguments` say.
///
/// # Errors
/// If a single answer is not the right one.
pub(crate) async fn measure(contestant: &Contestant, arguments: &Arguments) -> Result<Sample> {
    let sample = run(contestant, arguments).await;
    sample.with_context(|| format!("{} failed", contestant.name))
}

async fn run(contestant: &Contestant, arguments: &Arguments) -> Result<Sample> {
    let process = &contestant.server.process;
    let shared = Rc::new(Shared {
        phase: Cell::new(Phase::WarmUp),
        latencies: RefCell::new(Histogram::new()),
        request: contestant.request.clone(),
        answer: contestant.answer,
    });
    let mut callers = JoinSet::new();
    for _ in 0..arguments.connections.get() {
        let connection = Connection::open(contestant.server.address).await?;
        callers.spawn_local(caller(connection, shared.clone()));
    }
    pass(arguments.warm_up, &mut callers).await?;

    // What runs on this thread between the two readings is the load and nothing else.
    let before = process.cpu_seconds()?;
    let start = Instant::now();
    shared.phase.set(Phase::Measured);
    pass(arguments.seconds, &mut callers).await?;
    let seconds = start.elapsed().as_secs_f64();
    shared.phase.set(Phase::Over);
    let cpu = process.cpu_seconds()? - before;
    let memory = process.memory()?;

    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    let latencies = shared.latencies.borrow();
    ensure!(latencies.count() > 0, "no answer in {seconds:.1} s");
    let answers = latencies.count() as f64;
    let milliseconds = |share| latencies.quantile(share).as_secs_f64() * 1e3;
    Ok(Sample {
        rate: answers / seconds,
        p50: milliseconds(0.5),
        p99: milliseconds(0.99),
        cpu: cpu / answers * 1e4,
        memory,
    })
}

/// Lets time pass. No caller ends by itself, unless it fails.
async fn pass(seconds: f64, callers: &mut JoinSet<Result<()>>) -> Result<()> {
    tokio::select! {
        Some(ended) = callers.join_next() => ended?,
        () = sleep(Duration::from_secs_f64(seconds)) => Ok(()),
    }
}

async fn caller(mut connection: Connection, shared: Rc<Shared>) -> Result<()> {
    let mut first = true;
    while shared.phase.get() != Phase::Over {
        let start = Instant::now();
        connection.send(&shared.request).await?;
        let answer = connection.receive().await?;
        let latency = start.elapsed();
        let answer = answer.context("it closed a connection that was to be kept")?;
        // Searching for the words takes time from the others; the status is seen every time.
        check(&answer, first.then_some(shared.answer))?;
        first = false;
        if shared.phase.get() == Phase::Measured {
            shared.latencies.borrow_mut().record(latency);
        }
    }
    Ok(())
}

/// Whether this is a good answer, with these words in it.
///
/// # Errors
/// What came instead.
pub(crate) fn check(answer: &Message<'_>, words: Option<&str>) -> Result<()> {
    if answer.status() == Some(200) && words.is_none_or(|words| answer.contains(words)) {
        return Ok(());
    }
    bail!(
        "not the right answer:\n{}{}",
        String::from_utf8_lossy(answer.head),
        String::from_utf8_lossy(answer.body)
    )
}
