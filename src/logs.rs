//! Logs: who may say how much, and where it goes.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{Layer, filter::Targets, fmt, prelude::*, registry, registry::LookupSpan};

use crate::one_line::OneLine;

/// The program's own voices. Dependencies stay at warnings whatever the level: at `trace`, an HTTP
/// library shows the headers it sends, and a key is one of them.
const OWN: [&str; 2] = ["hub", "hub_actors"];
/// A line for each call, if the settings ask for it.
const CALLS: &str = "calls";
/// Lines that wait for a slow terminal or disk; the room for them is there from the start.
const QUEUE: usize = 8192;
/// Where the log file goes with LOG_TO_TMP.
const TEMPORARY: &str = "/tmp";

/// What is logged.
#[derive(Debug, Default)]
pub struct LogOptions {
    /// `error`, `warn`, `info`, `debug`, `trace` or `off`.
    pub level: Option<String>,
    /// A copy of the log, appended to.
    pub file: Option<PathBuf>,
    /// LOG_TO_TMP: the file goes to /tmp instead.
    pub to_tmp: bool,
    /// ENABLE_PUBLIC_LOGS is off: standard error shows warnings and errors alone.
    pub quiet: bool,
    /// A line for each call.
    pub calls: bool,
}

/// Running logs. Dropping it writes what is still on its way.
///
/// Lines are written by a thread of their own, as many at once as there are: a call never waits for
/// a terminal or a disk. Under a flood that neither can follow, lines are lost, not calls.
pub struct Logging {
    _guards: Vec<WorkerGuard>,
}

fn writer(to: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUE)
        .finish(BufWriter::new(to))
}

fn layer<S>(writer: NonBlocking, targets: Targets) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fmt::layer()
        .with_ansi(false)
        .with_writer(OneLine(writer))
        .with_filter(targets)
}

// === impl LogOptions ===

impl LogOptions {
    /// Starts logging to standard error, and to the file if there is one.
    ///
    /// Also returns sentences to warn with: a log file that cannot be written stops nothing.
    pub fn start(&self) -> (Logging, Vec<String>) {
        let mut warnings = Vec::new();
        let level = self.level(&mut warnings);
        let shown = if self.quiet {
            level.min(LevelFilter::WARN)
        } else {
            level
        };
        let (stderr, guard) = writer(std::io::stderr());
        let mut guards = vec![guard];
        let stderr = layer(stderr, self.targets(shown));
        let file = self.file().and_then(|file| match open(&file) {
            Ok(file) => Some(file),
            Err(error) => {
                let file = file.display();
                warnings.push(format!(
                    "LOG_FILE {file} cannot be written ({})",
                    error.kind()
                ));
                None
            }
        });
        let file = file.map(|file| {
            let (file, guard) = writer(file);
            guards.push(guard);
            layer(file, self.targets(level))
        });
        // Fails only if a test started logging before.
        drop(registry().with(stderr).with(file).try_init());
        (Logging { _guards: guards }, warnings)
    }

    /// Where the copy of the log goes.
    pub fn file(&self) -> Option<PathBuf> {
        let file = self.file.as_ref()?;
        let temporary = file.file_name().map(|name| Path::new(TEMPORARY).join(name));
        Some(match temporary {
            Some(temporary) if self.to_tmp => temporary,
            _ => file.clone(),
        })
    }

    fn level(&self, warnings: &mut Vec<String>) -> LevelFilter {
        let Some(word) = &self.level else {
            return LevelFilter::INFO;
        };
        word.parse().unwrap_or_else(|_| {
            warnings.push(format!(
                "LOG_LEVEL `{word}` is no level; use error, warn, info, debug, trace or off"
            ));
            LevelFilter::INFO
        })
    }

    fn targets(&self, level: LevelFilter) -> Targets {
        let calls = if self.calls { level } else { LevelFilter::OFF };
        Targets::new()
            .with_default(level.min(LevelFilter::WARN))
            // It shows the messages that it cannot handle, and people's prompts are in them.
            .with_target("rmcp", LevelFilter::OFF)
            // It shows what a database says, who may say what it was sent.
            .with_target("deadpool", LevelFilter::OFF)
            .with_targets(OWN.map(|own| (own, level)))
            .with_target(CALLS, calls)
    }
}

fn open(file: &Path) -> std::io::Result<File> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(file)
}
