//! `[HUB]`, `[HUB_LIMITS]`, `[DB_SYNC]`, `[DEBUG]`: values, ranges, defaults.

use std::{path::Path, time::Duration};

use super::{GOOD, check, help, settings};

/// One line in a section, which is at line 7.
fn check_line(section: &str, line: &str, expected: &[&str]) {
    let text = format!("{GOOD}[{section}]\n{line}\n[{section}_END]\n");
    let expected: Vec<String> = expected
        .iter()
        .map(|problem| format!("7 {problem}"))
        .collect();
    check(
        &text,
        &expected.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

#[test]
fn defaults() {
    let settings = settings(GOOD);
    let (hub, limits, debug) = (&settings.hub, &settings.limits, &settings.debug);
    assert_eq!(hub.name, "Multi-LLM Hub");
    assert_eq!(hub.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(hub.transport, "streamable-http");
    assert_eq!((hub.host.as_str(), hub.port), ("127.0.0.1", 7860));
    assert!(!hub.tag_replies && !hub.fetch_images);
    assert_eq!(limits.max_parallel_requests, 64);
    assert_eq!(limits.max_wait, Duration::from_secs(1));
    assert_eq!(limits.retry_count, 1);
    assert_eq!(limits.retry_delay, Duration::from_millis(500));
    assert_eq!(limits.request_timeout, Duration::from_secs(55));
    assert_eq!(debug.level, None);
    assert_eq!(debug.log_file, None);
    assert!(debug.log_requests);
}

#[test]
fn an_empty_value_means_the_default() {
    let settings = settings(&format!(
        "{GOOD}[HUB]\nHUB_PORT = \"\"\nHUB_NAME = \"\"\n[HUB_END]\n\
         [HUB_LIMITS]\nRETRY_DELAY_SEC = \"\"\n[HUB_LIMITS_END]\n"
    ));
    assert_eq!(settings.hub.port, 7860);
    assert_eq!(settings.hub.name, "Multi-LLM Hub");
    assert_eq!(settings.limits.retry_delay, Duration::from_millis(500));
}

#[test]
fn values() {
    let settings = settings(&format!(
        "{GOOD}[HUB]\nHUB_VERSION = \"9\"\nHUB_TRANSPORT = \"sse\"\nHUB_HOST = \"::1\"\n\
         HUB_PORT = \"0\"\nHUB_TAG_REPLIES = \"YES\"\nHUB_FETCH_IMAGES = \"on\"\nHUB_STATELESS = \"true\"\n\
         HUB_SPACE_URL = \"\"\nHUB_MODE = \"mcp\"\n[HUB_END]\n\
         [HUB_LIMITS]\nMAX_PARALLEL_REQUESTS = \"5\"\nMAX_WAIT_SEC = \"0.25\"\nRETRY_COUNT = \"0\"\n\
         RETRY_DELAY_SEC = \"2\"\nREQUEST_TIMEOUT_SEC = \"60\"\n[HUB_LIMITS_END]\n\
         [DEBUG]\nDEBUG = \"ON\"\nDEBUG_LEVEL = \"FULL\"\nLOG_FILE = \"hub_debug.log\"\n\
         LOG_REQUESTS = \"false\"\nLOG_RESPONSES = \"false\"\n[DEBUG_END]\n"
    ));
    assert_eq!(settings.hub.version, "9");
    assert_eq!(settings.hub.transport, "sse");
    assert_eq!((settings.hub.host.as_str(), settings.hub.port), ("::1", 0));
    assert!(settings.hub.tag_replies && settings.hub.fetch_images);
    assert_eq!(settings.limits.max_parallel_requests, 5);
    assert_eq!(settings.limits.max_wait, Duration::from_millis(250));
    assert_eq!(settings.limits.retry_count, 0);
    assert_eq!(settings.limits.request_timeout, Duration::from_secs(60));
    assert_eq!(settings.debug.level.as_deref(), Some("debug"));
    assert_eq!(
        settings.debug.log_file.as_deref(),
        Some(Path::new("hub_debug.log"))
    );
    assert!(!settings.debug.log_requests);
}

#[test]
fn debug_off_means_no_level_and_no_file() {
    let settings = settings(&format!(
        "{GOOD}[DEBUG]\nDEBUG = \"OFF\"\nDEBUG_LEVEL = \"FULL\"\nLOG_FILE = \"x.log\"\n[DEBUG_END]\n"
    ));
    assert_eq!(settings.debug.level, None);
    assert_eq!(settings.debug.log_file, None);
}

#[test]
fn whole_numbers_are_strict() {
    let check = |value: &str, problem: &[&str]| {
        check_line("HUB", &format!("HUB_PORT = \"{value}\""), problem);
    };
    check("8080", &[]);
    check("007", &[]);
    for value in ["80a", "-1", "+1", "1_000", "1.0", "0x10", "1e3", "١"] {
        check(
            value,
            &[&format!(
                "error: `HUB_PORT` is \"{value}\", not a whole number"
            )],
        );
    }
    for value in ["65536", "99999999999999999999999999"] {
        check(
            value,
            &[&format!("error: `HUB_PORT` is \"{value}\", out of range")],
        );
    }
}

#[test]
fn decimals_are_strict() {
    let check = |value: &str, problem: &[&str]| {
        check_line(
            "HUB_LIMITS",
            &format!("RETRY_DELAY_SEC = \"{value}\""),
            problem,
        );
    };
    check("0", &[]);
    check("0.5", &[]);
    check("60", &[]);
    for value in ["-1", ".5", "1.", "1,5", "1e3", "inf", "NaN", "2s", "1.2.3"] {
        check(
            value,
            &[&format!(
                "error: `RETRY_DELAY_SEC` is \"{value}\", not a number"
            )],
        );
    }
    check(
        "60.1",
        &["error: `RETRY_DELAY_SEC` is \"60.1\", out of range"],
    );
}

#[test]
fn a_range_is_named() {
    let text = format!("{GOOD}[HUB_LIMITS]\nMAX_PARALLEL_REQUESTS = \"0\"\n[HUB_LIMITS_END]\n");
    assert_eq!(help(&text), "it can be 1 to 10000 requests");
    let text = format!("{GOOD}[HUB_LIMITS]\nMAX_WAIT_SEC = \"1 s\"\n[HUB_LIMITS_END]\n");
    assert!(help(&text).contains("it counts seconds"), "{}", help(&text));
}

#[test]
fn booleans_are_strict() {
    for value in ["true", "FALSE", "On", "off", "yes", "No"] {
        check_line("DEBUG", &format!("LOG_REQUESTS = \"{value}\""), &[]);
    }
    for value in ["1", "0", "enabled", "ja"] {
        check_line(
            "DEBUG",
            &format!("LOG_REQUESTS = \"{value}\""),
            &[&format!(
                "error: `LOG_REQUESTS` is \"{value}\", not true or false"
            )],
        );
    }
}

#[test]
fn words_of_a_list() {
    check_line(
        "HUB",
        "HUB_TRANSPORT = \"websocket\"",
        &["error: `HUB_TRANSPORT` is \"websocket\""],
    );
    check_line(
        "DEBUG",
        "DEBUG_LEVEL = \"LOUD\"",
        &["error: `DEBUG_LEVEL` is \"LOUD\", no level"],
    );
}

#[test]
fn hosts() {
    for host in ["127.0.0.1", "0.0.0.0", "::", "localhost", "hub.internal"] {
        check_line("HUB", &format!("HUB_HOST = \"{host}\""), &[]);
    }
    for host in ["127.0.0.1:80", "http://x", "[::1]", "a b"] {
        check_line(
            "HUB",
            &format!("HUB_HOST = \"{host}\""),
            &[&format!("error: `HUB_HOST` is \"{host}\", no address")],
        );
    }
}

#[test]
fn what_does_nothing_is_said() {
    check_line(
        "HUB",
        "HUB_MODE = \"rest\"",
        &["note: `HUB_MODE` does nothing here"],
    );
}

#[test]
fn who_is_asked_is_one_of_three_words() {
    for word in ["auto", "required", "Open", ""] {
        check_line("HUB", &format!("HUB_AUTH = \"{word}\""), &[]);
    }
    check_line(
        "HUB",
        "HUB_AUTH = \"none\"",
        &["error: `HUB_AUTH` is \"none\""],
    );
}

#[test]
fn unknown_keys_are_warned_of_with_the_nearest() {
    check_line(
        "HUB",
        "HUB_PROT = \"1\"",
        &["warning: unknown key `HUB_PROT` in [HUB]"],
    );
    let text = format!("{GOOD}[HUB]\nHUB_PROT = \"1\"\n[HUB_END]\n");
    assert_eq!(help(&text), "did you mean `HUB_PORT`?");
    let text = format!("{GOOD}[DEBUG]\nCOLOUR = \"1\"\n[DEBUG_END]\n");
    assert_eq!(
        help(&text),
        "it is ignored; known here: DEBUG, DEBUG_LEVEL, LOG_FILE, LOG_REQUESTS, LOG_RESPONSES"
    );
}

#[test]
fn the_database_section_is_checked() {
    let db = settings(GOOD).db_sync;
    assert_eq!(
        (db.sqlite_path, db.interval, db.max_records),
        (None, Duration::from_secs(30), 0)
    );
    let lines = "SQLITE_PATH = \"a.db\"\nSYNC_INTERVAL_SEC = \"5\"\nMAX_CACHE_ENTRIES = \"7\"";
    let db = settings(&format!("{GOOD}[DB_SYNC]\n{lines}\n[DB_SYNC_END]\n")).db_sync;
    assert_eq!(
        (db.sqlite_path, db.interval, db.max_records),
        (Some("a.db".into()), Duration::from_secs(5), 7)
    );
    check_line("DB_SYNC", "SQLITE_PATH = \"app/.hub_state.db\"", &[]);
    check_line(
        "DB_SYNC",
        "SYNC_INTERVAL_SEC = \"0\"",
        &["error: `SYNC_INTERVAL_SEC` is \"0\", out of range"],
    );
    check_line(
        "DB_SYNC",
        "MAX_CACHE_ENTRIES = \"many\"",
        &["error: `MAX_CACHE_ENTRIES` is \"many\", not a whole number"],
    );
}
