//! Scope: which names someone may use, as a list of names and of beginnings (`claude-*`).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Longest name in a list.
const LONGEST: usize = 128;
/// Most names in a list.
const MOST: usize = 200;

/// Which names may be used. As JSON it is the text that it is read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// Every name.
    All,
    /// These, and none if there are none.
    Only(Vec<Pattern>),
}

/// One name, or all names with one beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// This name.
    Name(Box<str>),
    /// Every name that begins so; written with a `*` at its end.
    Prefix(Box<str>),
}

/// Why a text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A `*` is somewhere else than at the end.
    #[error("`{0}` has a `*` that is not at its end")]
    Star(String),
    /// A name that nothing can have.
    #[error("a name is empty, longer than {LONGEST} bytes, or has spaces or control characters")]
    Name,
    /// Too many names.
    #[error("there are more than {MOST} names")]
    TooMany,
}

// === impl Scope ===

impl Scope {
    /// No name.
    pub const NONE: Self = Self::Only(Vec::new());

    /// Whether `name` may be used.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(patterns) => patterns.iter().any(|pattern| pattern.matches(name)),
        }
    }

    /// Whether everything that `other` allows is allowed here, too.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(mine), Self::Only(theirs)) => theirs
                .iter()
                .all(|pattern| mine.iter().any(|wider| wider.covers(pattern))),
        }
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    /// Reads names with commas between them; `*` alone is every name, an empty text none.
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let mut patterns = Vec::new();
        let names = text.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            if name == "*" {
                return Ok(Self::All);
            }
            patterns.push(Pattern::read(name)?);
            if patterns.len() > MOST {
                return Err(ScopeError::TooMany);
            }
        }
        Ok(Self::Only(patterns))
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for Scope {
    /// What [`Scope::from_str`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns = match self {
            Self::All => return f.write_str("*"),
            Self::Only(patterns) => patterns,
        };
        for (index, pattern) in patterns.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            match pattern {
                Pattern::Name(name) => f.write_str(name)?,
                Pattern::Prefix(start) => write!(f, "{start}*")?,
            }
        }
        Ok(())
    }
}

// === impl Pattern ===

impl Pattern {
    fn read(text: &str) -> Result<Self, ScopeError> {
        let plain = |c: char| !c.is_control() && !c.is_whitespace();
        if text.len() > LONGEST || !text.chars().all(plain) {
            return Err(ScopeError::Name);
        }
        let (start, prefix) = match text.strip_suffix('*') {
            Some(start) => (start, true),
            None => (text, false),
        };
        if start.contains('*') {
            return Err(ScopeError::Star(text.to_owned()));
        }
        Ok(match prefix {
            true => Self::Prefix(start.into()),
            false => Self::Name(start.into()),
        })
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => **own == *name,
            Self::Prefix(start) => name.starts_with(&**start),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(own), Self::Name(theirs)) => own == theirs,
            (Self::Name(_), Self::Prefix(_)) => false,
            (Self::Prefix(start), Self::Name(theirs) | Self::Prefix(theirs)) => {
                theirs.starts_with(&**start)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().expect("is a scope")
    }

    #[test]
    fn names_and_beginnings() {
        let some = scope("llm_complete, db_* ,");
        for (name, allowed) in [
            ("llm_complete", true),
            ("llm_complete2", false),
            ("LLM_complete", false),
            ("db_", true),
            ("db_query", true),
            ("", false),
        ] {
            assert_eq!(some.allows(name), allowed, "{name}");
        }
        assert!(scope("*").allows("anything") && scope("a, *").allows("anything"));
        assert!(!scope("").allows("anything") && !Scope::NONE.allows(""));
        assert_eq!(scope(&some.to_string()), some);
        assert_eq!(scope(&Scope::All.to_string()), Scope::All);
    }

    #[test]
    fn a_scope_covers_what_it_allows_and_no_more() {
        let cases = [
            ("*", "*", true),
            ("*", "a, b*", true),
            ("a*", "*", false),
            ("a*", "a*, ab, abc*", true),
            ("ab*", "a*", false),
            ("a", "a*", false),
            ("a, b", "b", true),
            ("a", "a, b", false),
            ("a", "", true),
            ("", "a", false),
        ];
        for (mine, theirs, covered) in cases {
            assert_eq!(
                scope(mine).covers(&scope(theirs)),
                covered,
                "{mine} / {theirs}"
            );
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["a*b", "**", "a b", "a\nb", &"a".repeat(129)] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
        let many = vec!["a"; 201].join(",");
        assert_eq!(many.parse::<Scope>(), Err(ScopeError::TooMany));
    }
}
