//! Records of calls: `tool_cache`, and the queue in front of it.
//!
//! The queue is bounded in number and bytes. When the file cannot keep up, the oldest records go, and
//! are counted: a record is worth less than the call it tells of.

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, Error, params};

use crate::protocol::Record;

/// Most records that wait.
const MOST: usize = 1_000;
/// Most bytes that wait.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Records that wait for the file, oldest first.
#[derive(Debug, Default)]
pub struct Queue {
    records: VecDeque<Record>,
    bytes: usize,
    /// Records that were given up.
    dropped: u64,
}

// === impl Queue ===

impl Queue {
    /// Adds the newest record.
    pub fn push(&mut self, record: Record) {
        self.bytes += record.size();
        self.records.push_back(record);
        self.shorten();
    }

    /// Takes everything.
    pub fn take(&mut self) -> Vec<Record> {
        self.bytes = 0;
        self.records.drain(..).collect()
    }

    /// Puts back what could not be written; it is older than what has come since.
    pub fn put_back(&mut self, records: Vec<Record>) {
        for record in records.into_iter().rev() {
            self.bytes += record.size();
            self.records.push_front(record);
        }
        self.shorten();
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// How many were given up since this was asked last.
    pub fn dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    fn shorten(&mut self) {
        while self.records.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.records.pop_front() else {
                return;
            };
            self.bytes -= oldest.size();
            self.dropped += 1;
        }
    }
}

// === impl Record ===

impl Record {
    fn size(&self) -> usize {
        self.prompt.len() + self.response.len()
    }
}

/// Writes records, inside a transaction, and removes the oldest beyond `max`.
///
/// # Errors
/// SQLite's.
pub fn write(connection: &Connection, records: &[Record], max: usize) -> Result<(), Error> {
    if records.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare(
        "INSERT INTO tool_cache (tool_name, prompt, response, provider, model, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, strftime('%Y-%m-%dT%H:%M:%fZ', ?6, 'unixepoch'))",
    )?;
    for record in records {
        insert.execute(params![
            record.tool,
            record.prompt,
            record.response,
            record.provider,
            record.model,
            since_1970(record.at).as_secs_f64(),
        ])?;
    }
    trim(connection, max)
}

/// Removes the oldest records beyond `max`.
///
/// # Errors
/// SQLite's.
pub fn trim(connection: &Connection, max: usize) -> Result<(), Error> {
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    connection.execute(
        "DELETE FROM tool_cache
         WHERE id <= (SELECT id FROM tool_cache ORDER BY id DESC LIMIT 1 OFFSET ?1)",
        [max],
    )?;
    Ok(())
}

fn since_1970(at: SystemTime) -> Duration {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(prompt: String) -> Record {
        Record {
            tool: "llm_complete".into(),
            prompt,
            response: String::new(),
            provider: "p".into(),
            model: "m".into(),
            at: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let mut queue = Queue::default();
        for number in 0..MOST + 3 {
            queue.push(record(number.to_string()));
        }
        assert_eq!((queue.len(), queue.dropped()), (MOST, 3));
        let taken = queue.take();
        assert_eq!(taken.first().map(|r| r.prompt.as_str()), Some("3"));
        queue.push(record("new".to_owned()));
        queue.put_back(taken);
        assert_eq!((queue.len(), queue.dropped()), (MOST, 1));
        let taken = queue.take();
        assert_eq!(taken.first().map(|r| r.prompt.as_str()), Some("4"));
        assert_eq!(taken.last().map(|r| r.prompt.as_str()), Some("new"));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut queue = Queue::default();
        for _ in 0..20 {
            queue.push(record("a".repeat(1024 * 1024)));
        }
        assert_eq!((queue.len(), queue.dropped()), (16, 4));
    }
}
