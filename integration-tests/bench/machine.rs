//! The machine: what a reader must know before comparing figures.

use std::{fs, thread};

/// A line or two.
pub(crate) fn facts() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, name)| name);
    format!(
        "{cores} cores ({processor}), Linux {}\n\
         Callers, upstream and contestants share these cores, so only the ratios below mean \
         something elsewhere.",
        kernel.trim()
    )
}
