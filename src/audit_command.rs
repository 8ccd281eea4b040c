//! `hub audit`: who called what, and how it ended.

use std::time::{Duration, SystemTime};

use clap::Args;

use crate::{
    audit::{Line, Log, LogError},
    cli::{Files, complain, fail, say},
    data_folder::DataFolder,
    exit, local,
    table::Table,
};

/// What to show.
#[derive(Args)]
pub struct AuditArgs {
    /// How far to look back: `90s`, `15m`, `1h`, `7d`
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    since: Duration,
    /// Print one JSON object for each line
    #[arg(long)]
    json: bool,
}

/// Shows it, and returns the exit code. The file is read: a hub that runs need not be asked.
pub fn run(files: &Files, arguments: &AuditArgs) -> u8 {
    let folder = match local::data_folder(files) {
        Ok(Some(folder)) => folder,
        Ok(None) => {
            complain("nothing is kept: set HUB_DATA_DIR, or SQLITE_PATH in hub.pyfun");
            return exit::CONFIG;
        }
        Err(code) => return code,
    };
    let lines = match read(&folder, arguments.since) {
        Ok(lines) => lines,
        Err(error) => return fail(exit::UNAVAILABLE, &error),
    };
    if arguments.json {
        for line in &lines {
            say(serde_json::to_string(line).unwrap_or_default());
        }
    } else if lines.is_empty() {
        complain("nothing has happened in this time");
    } else {
        say(table(&lines).trim_end());
    }
    exit::OK
}

fn read(folder: &DataFolder, since: Duration) -> Result<Vec<Line>, LogError> {
    let then = SystemTime::now().checked_sub(since);
    match Log::existing(folder)? {
        Some(log) => log.since(then.unwrap_or(SystemTime::UNIX_EPOCH)),
        None => Ok(Vec::new()),
    }
}

fn table(lines: &[Line]) -> String {
    let mut table = Table::new([
        "at",
        "who",
        "door",
        "what",
        "outcome",
        "answered by",
        "ms",
        "usd",
    ]);
    for line in lines {
        let answered = match line.model.as_str() {
            "" => line.provider.clone(),
            model => format!("{} ({model})", line.provider),
        };
        table.row([
            line.at.clone(),
            line.name.clone(),
            line.door.clone(),
            line.what.clone(),
            line.outcome.clone(),
            answered,
            line.ms.to_string(),
            line.cost_usd
                .map_or_else(String::new, |usd| format!("{usd:.6}")),
        ]);
    }
    table.to_string()
}
