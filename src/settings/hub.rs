//! The sections about the hub itself: `[HUB]`, `[HUB_LIMITS]`, `[DB_SYNC]`, `[DEBUG]`.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use super::{Auth, DbSync, Debug, Hub, Limits, names, section::Section, section::quoted};
use crate::pyfun::Problem;

/// The transports there are.
const TRANSPORTS: [&str; 2] = ["streamable-http", "sse"];

/// Reads `[HUB]`.
pub(super) fn hub(mut section: Section<'_>, problems: &mut Vec<Problem>) -> Hub {
    let words = |text: Option<super::section::Text<'_>>| {
        text.map(|text| text.value.to_owned()).unwrap_or_default()
    };
    let hub = Hub {
        name: words(section.text("HUB_NAME")),
        version: words(section.text("HUB_VERSION")),
        description: words(section.text("HUB_DESCRIPTION")),
        transport: transport(&mut section),
        host: host(&mut section),
        // 0 asks the system for any free port.
        port: section
            .whole(
                "HUB_PORT",
                0..=65_535,
                "(a port number; 0 is any free port)",
            )
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or_default(),
        stateless: section.flag("HUB_STATELESS").unwrap_or(true),
        allowed_hosts: names::hosts(&mut section),
        allowed_origins: names::origins(&mut section),
        tag_replies: section.flag("HUB_TAG_REPLIES").unwrap_or_default(),
        data_dir: section
            .text("HUB_DATA_DIR")
            .map(|text| PathBuf::from(text.value)),
        auth: auth(&mut section),
        last_results: section.flag("HUB_STATE_LAST_RESULTS").unwrap_or(true),
        fetch_images: section.flag("HUB_FETCH_IMAGES").unwrap_or_default(),
        #[cfg(feature = "fixtures")]
        fetch_fixture: words(section.text("HUB_FETCH_FIXTURE")),
    };
    if let Some(mode) = section.text("HUB_MODE").filter(|mode| mode.value != "mcp") {
        section.report(
            Problem::note(mode.place, "`HUB_MODE` does nothing here")
                .help("the hub opens all of its doors; remove the line"),
        );
    }
    problems.extend(section.finish());
    hub
}

/// Reads `[HUB_LIMITS]`.
pub(super) fn limits(mut section: Section<'_>, problems: &mut Vec<Problem>) -> Limits {
    let limits = Limits {
        max_parallel_requests: section
            .whole("MAX_PARALLEL_REQUESTS", 1..=10_000, "requests")
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(1),
        max_wait: section
            .seconds("MAX_WAIT_SEC", 0.0..=60.0)
            .unwrap_or_default(),
        retry_count: section
            .whole("RETRY_COUNT", 0..=10, "retries")
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or_default(),
        retry_delay: section
            .seconds("RETRY_DELAY_SEC", 0.0..=60.0)
            .unwrap_or_default(),
        request_timeout: section
            .seconds("REQUEST_TIMEOUT_SEC", 0.01..=3_600.0)
            .unwrap_or(Duration::from_secs(55)),
        search_timeout: section
            .seconds("SEARCH_TIMEOUT_SEC", 0.01..=3_600.0)
            .unwrap_or(Duration::from_secs(30)),
        cache_bytes: section
            .whole("CACHE_MAX_MB", 1..=65_536, "MiB")
            .unwrap_or(64)
            * 1024
            * 1024,
    };
    problems.extend(section.finish());
    limits
}

/// Reads `[DB_SYNC]`.
pub(super) fn db_sync(mut section: Section<'_>, problems: &mut Vec<Problem>) -> DbSync {
    let db_sync = DbSync {
        sqlite_path: section
            .text("SQLITE_PATH")
            .map(|text| PathBuf::from(text.value)),
        interval: section
            .seconds("SYNC_INTERVAL_SEC", 1.0..=86_400.0)
            .unwrap_or(Duration::from_secs(30)),
        max_records: section
            .whole("MAX_CACHE_ENTRIES", 0..=100_000_000, "entries")
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or_default(),
    };
    problems.extend(section.finish());
    db_sync
}

/// Reads `[DEBUG]`.
pub(super) fn debug(mut section: Section<'_>, problems: &mut Vec<Problem>) -> Debug {
    let on = section.flag("DEBUG").unwrap_or_default();
    let level = level(&mut section);
    let log_file = section
        .text("LOG_FILE")
        .map(|text| PathBuf::from(text.value));
    let debug = Debug {
        level: level.filter(|_| on).map(str::to_owned),
        log_file: log_file.filter(|_| on),
        log_requests: section.flag("LOG_REQUESTS").unwrap_or_default(),
    };
    if section.flag("LOG_RESPONSES") == Some(true)
        && let Some(text) = section.text("LOG_RESPONSES")
    {
        section.report(
            Problem::warning(
                text.place,
                "`LOG_RESPONSES` does nothing: answers are not logged",
            )
            .help("write `LOG_RESPONSES = \"false\"`"),
        );
    }
    problems.extend(section.finish());
    debug
}

fn level(section: &mut Section<'_>) -> Option<&'static str> {
    let text = section.text("DEBUG_LEVEL")?;
    let level = match text.value.to_ascii_lowercase().as_str() {
        "full" | "debug" => "debug",
        "info" => "info",
        "warn" => "warn",
        "error" => "error",
        _ => {
            let message = format!("`DEBUG_LEVEL` is {}, no level", quoted(text.value));
            section.report(
                Problem::error(text.place, message).help("write FULL, INFO, WARN or ERROR"),
            );
            return None;
        }
    };
    Some(level)
}

/// What cannot be understood must not open a door.
fn auth(section: &mut Section<'_>) -> Auth {
    let Some(text) = section.text("HUB_AUTH") else {
        return Auth::Auto;
    };
    Auth::read(text.value).unwrap_or_else(|| {
        let message = format!("`HUB_AUTH` is {}", quoted(text.value));
        section.report(
            Problem::error(text.place, message)
                .help(format!("it can be {}", Auth::WORDS.join(", "))),
        );
        Auth::Required
    })
}

fn transport(section: &mut Section<'_>) -> String {
    let Some(text) = section.text("HUB_TRANSPORT") else {
        return String::new();
    };
    if !TRANSPORTS.contains(&text.value) {
        let message = format!("`HUB_TRANSPORT` is {}", quoted(text.value));
        section.report(
            Problem::error(text.place, message)
                .help(format!("it can be {}", TRANSPORTS.join(" or "))),
        );
    }
    text.value.to_owned()
}

fn host(section: &mut Section<'_>) -> String {
    let Some(text) = section.text("HUB_HOST") else {
        return String::new();
    };
    let name_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if text.value.parse::<IpAddr>().is_err() && !text.value.chars().all(name_char) {
        let message = format!("`HUB_HOST` is {}, no address", quoted(text.value));
        section.report(Problem::error(text.place, message).help(
            "an address or a name alone, such as 127.0.0.1 (this machine only) or 0.0.0.0 (open); \
             the port is HUB_PORT",
        ));
    }
    text.value.to_owned()
}
