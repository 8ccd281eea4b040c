//! Report: the figures of one scenario, and how the last contestant compares with the others.

use super::{
    arguments::Arguments, contestant::Scenario, load::Sample, spread::Spread, table::Table,
};

/// A figure that is compared.
type Figure = fn(&Sample) -> f64;

const COMPARED: [(&str, Figure); 4] = [
    ("requests/s", |sample| sample.rate),
    ("p50", |sample| sample.p50),
    ("p99", |sample| sample.p99),
    ("CPU", |sample| sample.cpu),
];

/// Two tables as text. `samples` are the contestants' rounds, in the contestants' order.
pub(crate) fn report(
    scenario: &Scenario,
    samples: &[Vec<Sample>],
    arguments: &Arguments,
) -> String {
    let Arguments {
        rounds,
        seconds,
        connections,
        ..
    } = arguments;
    format!(
        "\n{}: {connections} connections, median of {rounds} rounds of {seconds} s\n{}  \
         CPU is processor seconds per 10,000 answers; that of direct is the upstream's own. RSS \
         counts every process of a contestant.\n\
         \nRatios, median of the rounds (least..most)\n{}{}",
        scenario.title,
        figures(scenario, samples),
        ratios(scenario, samples),
        added(samples),
    )
}

fn figures(scenario: &Scenario, samples: &[Vec<Sample>]) -> Table {
    let mut table = Table::default();
    table.row([
        "",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "CPU s",
        "RSS MiB",
        "peak MiB",
    ]);
    for (contestant, samples) in scenario.contestants.iter().zip(samples) {
        let median = |figure: Figure| Spread::of(samples.iter().map(figure)).median;
        table.row([
            contestant.name.to_owned(),
            format!("{:.0}", median(|sample| sample.rate)),
            format!("{:.3}", median(|sample| sample.p50)),
            format!("{:.3}", median(|sample| sample.p99)),
            format!("{:.3}", median(|sample| sample.cpu)),
            format!("{:.1}", median(|sample| sample.memory.now)),
            format!("{:.1}", median(|sample| sample.memory.most)),
        ]);
    }
    table
}

/// How much longer the last contestant takes than the first.
fn added(samples: &[Vec<Sample>]) -> String {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return String::new();
    };
    let added = |figure: Figure| {
        let rounds = last.iter().zip(first);
        Spread::of(rounds.map(|(own, other)| figure(own) - figure(other)))
    };
    format!(
        "  added: p50 {:.3} ms, p99 {:.3} ms\n",
        added(|sample| sample.p50),
        added(|sample| sample.p99),
    )
}

/// The last contestant against each of the others, round by round: what disturbed the machine
/// in a round disturbed both.
fn ratios(scenario: &Scenario, samples: &[Vec<Sample>]) -> Table {
    let mut table = Table::default();
    table.row(std::iter::once("").chain(COMPARED.map(|(name, _)| name)));
    let mut entries: Vec<_> = scenario.contestants.iter().zip(samples).collect();
    let Some((subject, measured)) = entries.pop() else {
        return table;
    };
    for (contestant, others) in entries.into_iter().rev() {
        let mut row = vec![format!("{}/{}", subject.name, contestant.name)];
        for (_, figure) in COMPARED {
            let rounds = measured.iter().zip(others);
            let ratios = rounds.map(|(own, other)| figure(own) / figure(other));
            row.push(Spread::of(ratios).to_string());
        }
        table.row(row);
    }
    table
}
