//! Logs: who may say how much, and where it goes.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    sync::Arc,
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::Targets, fmt, prelude::*, registry};

/// The program's own voices. Dependencies stay at warnings whatever the level: at `trace`, an HTTP
/// library shows the headers it sends, and a key is one of them.
const OWN: [&str; 2] = ["hub", "hub_actors"];
/// A line for each call, if the settings ask for it.
const CALLS: &str = "calls";
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

// === impl LogOptions ===

impl LogOptions {
    /// Starts logging to standard error, and to the file if there is one.
    ///
    /// Returns sentences to warn with: a log file that cannot be written stops nothing.
    pub fn start(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let level = self.level(&mut warnings);
        let shown = if self.quiet {
            level.min(LevelFilter::WARN)
        } else {
            level
        };
        let stderr = fmt::layer()
            .with_ansi(false)
            .with_writer(std::io::stderr)
            .with_filter(self.targets(shown));
        let file = self.file.as_deref().and_then(|file| match self.open(file) {
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
            fmt::layer()
                .with_ansi(false)
                .with_writer(Arc::new(file))
                .with_filter(self.targets(level))
        });
        // Fails only if a test started logging before.
        drop(registry().with(stderr).with(file).try_init());
        warnings
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
            .with_targets(OWN.map(|own| (own, level)))
            .with_target(CALLS, calls)
    }

    fn open(&self, file: &Path) -> std::io::Result<File> {
        let temporary = file.file_name().map(|name| Path::new(TEMPORARY).join(name));
        let file = match temporary {
            Some(temporary) if self.to_tmp => temporary,
            _ => file.to_owned(),
        };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        OpenOptions::new().create(true).append(true).open(file)
    }
}
