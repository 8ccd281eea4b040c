//! Shown: a key as it is shown to people and scripts.

use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{key::Key, rights::Rights};

/// Everything there is to say about a key but the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Part of the key.
    pub id: String,
    /// For people.
    pub name: String,
    /// Whether it can be used.
    pub state: State,
    /// What it may do.
    #[serde(flatten)]
    pub rights: Rights,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// Who made it.
    pub created_by: String,
    /// When it was revoked.
    pub revoked: Option<u64>,
}

/// Whether a key can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Yes.
    Valid,
    /// Its time is over.
    Expired,
    /// Somebody has revoked it.
    Revoked,
}

// === impl Shown ===

impl Shown {
    /// A key as it is at that time.
    pub fn new(key: &Key, now: u64) -> Self {
        let state = match key.revoked {
            Some(_) => State::Revoked,
            None if key.is_valid(now) => State::Valid,
            None => State::Expired,
        };
        Self {
            id: key.id.to_string(),
            name: key.name.to_string(),
            state,
            rights: key.rights.clone(),
            created: key.created,
            created_by: key.created_by.clone(),
            revoked: key.revoked,
        }
    }

    /// Its line in a table.
    pub fn row(&self) -> [String; 7] {
        let Rights {
            tools,
            models,
            admin,
            limits,
            expires,
        } = &self.rights;
        let scope = |scope: &hub_actors::scope::Scope| match scope.to_string() {
            none if none.is_empty() => "-".to_owned(),
            names => names,
        };
        let limits: Vec<_> = [
            (limits.rpm, "/min"),
            (limits.rpd, "/day"),
            (limits.parallel, " at once"),
        ]
        .iter()
        .filter_map(|(most, what)| Some(format!("{}{what}", (*most)?)))
        .collect();
        let limits = match limits.as_slice() {
            [] => "-".to_owned(),
            limits => limits.join(", "),
        };
        let state = match (self.state, expires) {
            (State::Revoked, _) => "revoked".to_owned(),
            (State::Expired, _) => "expired".to_owned(),
            (State::Valid, None) => "valid".to_owned(),
            (State::Valid, Some(end)) => format!("until {}", date(*end)),
        };
        [
            self.name.clone(),
            self.id.clone(),
            scope(tools),
            scope(models),
            scope(admin),
            limits,
            state,
        ]
    }
}

/// A time as people and machines read it (RFC 3339).
pub fn date(seconds: u64) -> String {
    // What is later than the year 9999 has no such form.
    let seconds = seconds.min(253_402_300_799);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_read_again() {
        let key = Key {
            id: "a1".into(),
            name: "one".into(),
            hash: [7; 32],
            rights: Rights {
                expires: Some(100),
                ..Rights::all()
            },
            created: 1,
            created_by: "local".to_owned(),
            revoked: None,
        };
        let shown = Shown::new(&key, 50);
        let text = serde_json::to_string(&shown).expect("is JSON");
        let read: Shown = serde_json::from_str(&text).expect("is read");
        assert_eq!(read, shown);
        assert!(!text.contains("hash") && shown.state == State::Valid);
        assert_eq!(Shown::new(&key, 100).state, State::Expired);
        assert_eq!(date(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
