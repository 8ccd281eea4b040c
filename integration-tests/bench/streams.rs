//! Scenario: many streams at the same time, each with an event every few milliseconds, directly and
//! through the hub: how much later the first event comes, and what the others cost.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    api::{self, PROMPT},
    arguments::Arguments,
    histogram::Histogram,
    http::{self, Connection},
    hub,
    process::Memory,
    server::Server,
    spread::Spread,
    table::Table,
    upstream::{EVENTS, MODEL, PACE, number},
};

/// Streams at the same time.
const STREAMS: usize = 64;

/// All streams of one contestant in one round.
struct Sample {
    /// Milliseconds from the request until the first event is there, for half of the streams and for
    /// all but 1 %.
    first: [f64; 2],
    /// Milliseconds until the last, likewise.
    last: [f64; 2],
    /// Processor seconds of the contestant.
    cpu: f64,
    memory: Memory,
}

/// Measures both in turn, as often as there are rounds, and says what came out.
///
/// # Errors
/// If a single stream is not complete, with all events in order.
pub(crate) async fn measure(upstream: &Rc<Server>, arguments: &Arguments) -> Result<String> {
    let hub = Rc::new(hub::start(upstream.address, arguments.connections).await?);
    let (mut direct, mut through) = (Vec::new(), Vec::new());
    // The first round opens connections and does not count.
    for round in 0..=arguments.rounds.get() {
        for (name, server, samples) in [
            ("direct", upstream, &mut direct),
            ("hub", &hub, &mut through),
        ] {
            let sample = run(server).await;
            let sample = sample.with_context(|| format!("{name} failed"))?;
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    Ok(report(&direct, &through, arguments))
}

async fn run(server: &Rc<Server>) -> Result<Sample> {
    let body = json!({
        "model": MODEL,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": 1024,
        "stream": true,
    });
    let request: Rc<[u8]> = api::post(server, http::CHAT, &body).into();
    let mut connections = Vec::new();
    for _ in 0..STREAMS {
        connections.push(Connection::open(server.address).await?);
    }
    let before = server.process.cpu_seconds()?;
    let mut readers = JoinSet::new();
    for connection in connections {
        readers.spawn_local(read(connection, request.clone()));
    }
    let (mut firsts, mut lasts) = (Histogram::new(), Histogram::new());
    while let Some(ended) = readers.join_next().await {
        let (first, last) = ended??;
        firsts.record(first);
        lasts.record(last);
    }
    let quantiles =
        |of: &Histogram| [0.5, 0.99].map(|share| of.quantile(share).as_secs_f64() * 1e3);
    Ok(Sample {
        first: quantiles(&firsts),
        last: quantiles(&lasts),
        cpu: server.process.cpu_seconds()? - before,
        memory: server.process.memory()?,
    })
}

/// Reads one stream to its end, and says when its first and its last event had come.
async fn read(mut connection: Connection, request: Rc<[u8]>) -> Result<(Duration, Duration)> {
    let start = Instant::now();
    connection.send(&request).await?;
    connection.until(&number(0)).await?;
    let first = start.elapsed();
    let answer = connection.receive().await?;
    let last = start.elapsed();
    let answer = answer.context("the connection ended before the stream")?;
    ensure!(answer.status() == Some(200), "not a stream");
    let body = answer.unchunked()?;
    let mut rest = body.as_str();
    for event in 0..EVENTS {
        let known = number(event);
        let (between, behind) = rest
            .split_once(&known)
            .with_context(|| format!("no event {event} of {EVENTS} in its place"))?;
        let others = between.matches("\"content\":\"").count();
        ensure!(others == 0, "something else before event {event}");
        rest = behind;
    }
    ensure!(rest.ends_with("data: [DONE]\n\n"), "the stream has no end");
    Ok((first, last))
}

fn report(direct: &[Sample], hub: &[Sample], arguments: &Arguments) -> String {
    let mut figures = Table::default();
    figures.row([
        "",
        "first p50",
        "first p99",
        "last p50",
        "last p99",
        "CPU s",
        "RSS MiB",
        "peak MiB",
    ]);
    for (name, samples) in [("direct", direct), ("hub", hub)] {
        let median = |figure: fn(&Sample) -> f64| Spread::of(samples.iter().map(figure)).median;
        figures.row([
            name.to_owned(),
            format!("{:.2}", median(|sample| sample.first[0])),
            format!("{:.2}", median(|sample| sample.first[1])),
            format!("{:.1}", median(|sample| sample.last[0])),
            format!("{:.1}", median(|sample| sample.last[1])),
            format!("{:.2}", median(|sample| sample.cpu)),
            format!("{:.1}", median(|sample| sample.memory.now)),
            format!("{:.1}", median(|sample| sample.memory.most)),
        ]);
    }
    let added = |figure: fn(&Sample) -> f64| {
        let rounds = hub.iter().zip(direct);
        Spread::of(rounds.map(|(hub, direct)| figure(hub) - figure(direct)))
    };
    let cpu = hub
        .iter()
        .zip(direct)
        .map(|(hub, direct)| hub.cpu / direct.cpu);
    let mut ratios = Table::default();
    ratios.row(["", "first p50", "first p99", "last p99", "CPU ratio"]);
    ratios.row([
        "hub - direct".to_owned(),
        added(|sample| sample.first[0]).to_string(),
        added(|sample| sample.first[1]).to_string(),
        added(|sample| sample.last[1]).to_string(),
        Spread::of(cpu).to_string(),
    ]);
    let (pace, rounds) = (PACE.as_millis(), arguments.rounds);
    format!(
        "\n{STREAMS} streams of {EVENTS} events, {pace} ms apart, passed through: median of {rounds} \
         rounds\n{figures}  Times in ms, from the request until the first or the last event is there. \
         CPU is processor\n  seconds for all of it; that of direct is the upstream's own.\n\
         \nAdded, median of the rounds (least..most)\n{ratios}"
    )
}
