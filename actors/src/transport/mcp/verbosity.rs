//! Verbosity: which log messages a client wants.

use std::sync::atomic::{AtomicU8, Ordering};

use rmcp::model::LoggingLevel;

/// The least level that one client asked for; none before it asked.
#[derive(Debug, Default)]
pub struct Verbosity(AtomicU8);

// === impl Verbosity ===

impl Verbosity {
    /// The client wants this level and what is above.
    pub fn set(&self, level: LoggingLevel) {
        self.0.store(rank(level), Ordering::Relaxed);
    }

    /// Whether a message of this level is wanted. A level in the request itself (2026-07-28) wins.
    pub fn wants(&self, level: LoggingLevel, in_request: Option<LoggingLevel>) -> bool {
        let least = in_request.map_or_else(|| self.0.load(Ordering::Relaxed), rank);
        least > 0 && rank(level) >= least
    }
}

/// RFC 5424's severities, the other way round; 0 is nothing at all.
fn rank(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 1,
        LoggingLevel::Info => 2,
        LoggingLevel::Notice => 3,
        LoggingLevel::Warning => 4,
        LoggingLevel::Error => 5,
        LoggingLevel::Critical => 6,
        LoggingLevel::Alert => 7,
        LoggingLevel::Emergency => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_to_clients_that_did_not_ask() {
        let verbosity = Verbosity::default();
        assert!(!verbosity.wants(LoggingLevel::Emergency, None));
        assert!(verbosity.wants(LoggingLevel::Warning, Some(LoggingLevel::Info)));
        verbosity.set(LoggingLevel::Warning);
        assert!(verbosity.wants(LoggingLevel::Warning, None));
        assert!(!verbosity.wants(LoggingLevel::Info, None));
    }
}
