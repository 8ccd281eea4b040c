//! State: the keys of `hub_state` that have changed and are not written yet.
//!
//! A change counts from the moment it is accepted: who reads sees it, though the file does not have it
//! yet. Only the latest change of a key is kept, so there are never more of them than keys.

use std::{collections::BTreeMap, sync::Arc};

use rusqlite::{Connection, Error, params};
use serde_json::Value;

/// Changes that wait for the file.
#[derive(Debug, Default)]
pub struct Changes {
    latest: BTreeMap<Arc<str>, Change>,
    count: u64,
}

/// The latest change of one key.
#[derive(Debug, Clone)]
pub struct Change {
    /// The new value; `None` deletes the key.
    value: Option<Arc<Value>>,
    /// Which change this is.
    number: u64,
}

/// Changes on their way into the file.
pub type Taken = Vec<(Arc<str>, Change)>;

// === impl Changes ===

impl Changes {
    /// Accepts a change.
    pub fn put(&mut self, key: Arc<str>, value: Option<Value>) {
        self.count += 1;
        let change = Change {
            value: value.map(Arc::new),
            number: self.count,
        };
        self.latest.insert(key, change);
    }

    /// What a key is changed to: `None` if it is not changed, `Some(None)` if it is deleted.
    pub fn get(&self, key: &str) -> Option<Option<Arc<Value>>> {
        self.latest.get(key).map(|change| change.value.clone())
    }

    /// How many keys wait.
    pub fn len(&self) -> usize {
        self.latest.len()
    }

    /// Everything that waits. It goes on waiting until [`Changes::written`].
    pub fn take(&self) -> Taken {
        self.latest
            .iter()
            .map(|(key, change)| (key.clone(), change.clone()))
            .collect()
    }

    /// Forgets what the file has. What has changed since stays.
    pub fn written(&mut self, taken: &Taken) {
        for (key, change) in taken {
            if self.latest.get(key).map(|latest| latest.number) == Some(change.number) {
                self.latest.remove(key);
            }
        }
    }
}

/// Writes changes, inside a transaction.
///
/// # Errors
/// SQLite's.
pub fn write(connection: &Connection, changes: &Taken) -> Result<(), Error> {
    let mut put = connection.prepare(
        "INSERT INTO hub_state (key, value, updated_at)
         VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%fZ'))
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
    )?;
    let mut delete = connection.prepare("DELETE FROM hub_state WHERE key = ?1")?;
    for (key, change) in changes {
        match &change.value {
            Some(value) => put.execute(params![key, value.to_string()])?,
            None => delete.execute(params![key])?,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_during_a_write_is_not_forgotten() {
        let mut changes = Changes::default();
        changes.put("a".into(), Some(1.into()));
        changes.put("b".into(), Some(1.into()));
        let taken = changes.take();
        changes.put("a".into(), None);
        changes.written(&taken);
        assert_eq!(changes.get("a"), Some(None));
        assert_eq!(changes.get("b"), None);
        assert_eq!(changes.len(), 1);
    }
}
