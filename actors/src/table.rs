//! Table: the name of a table of the cloud's database, which can only be a name.
//!
//! It comes from the configuration, never from a caller, and stands in SQL in quotes: so it needs no
//! escape that could be forgotten.

use std::fmt;

/// Longest part in bytes: PostgreSQL cuts what is longer (NAMEDATALEN - 1), and means another table.
const LONGEST: usize = 63;

/// `table` or `schema.table`: letters, digits and underscores of ASCII, no digit first. Upper and lower
/// case differ, because the name stands in quotes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Table(String);

/// Why a text is no table's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a table's name is `table` or `schema.table`, of letters, digits and `_`, {LONGEST} at most each"
)]
pub struct NoTable;

// === impl Table ===

impl Table {
    /// The table that older hubs have, too: `hub_results`.
    pub fn hub_results() -> Self {
        Self("hub_results".to_owned())
    }

    /// The tables of roles: `user_roles`, `user_permissions`, `role_permissions`,
    /// `user_role_assignments`.
    pub fn roles() -> [Self; 4] {
        [
            "user_roles",
            "user_permissions",
            "role_permissions",
            "user_role_assignments",
        ]
        .map(|name| Self(name.to_owned()))
    }

    /// Reads a name.
    ///
    /// # Errors
    /// [`NoTable`]
    pub fn new(name: &str) -> Result<Self, NoTable> {
        let parts: Vec<_> = name.split('.').collect();
        let ok = parts.len() <= 2 && parts.iter().all(|part| is_identifier(part));
        ok.then(|| Self(name.to_owned())).ok_or(NoTable)
    }

    /// The schema, if the name has one.
    pub fn schema(&self) -> Option<&str> {
        self.0.split_once('.').map(|(schema, _)| schema)
    }

    /// As configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For SQL: `"schema"."table"`.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('.', "\".\""))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_identifier(text: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.len() <= LONGEST
        && text.starts_with(starts)
        && text.chars().all(|c| starts(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_and_nothing_else() {
        let quoted = |name| Table::new(name).map(|table| table.quoted());
        assert_eq!(quoted("hub_results"), Ok("\"hub_results\"".to_owned()));
        assert_eq!(quoted("a.B2"), Ok("\"a\".\"B2\"".to_owned()));
        assert!(Table::new(&"a".repeat(63)).is_ok());
        let long = "a".repeat(64);
        for name in [
            "",
            " ",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "1a",
            "a b",
            "a-b",
            "ä",
            "a;",
            "a\"",
            "a\0",
            "a\n",
            "x; drop table",
            "x\"; DROP TABLE y; --",
            "pg_class--",
            "a/*",
            "$1",
            &long,
        ] {
            assert_eq!(Table::new(name), Err(NoTable), "{name}");
        }
    }
}
