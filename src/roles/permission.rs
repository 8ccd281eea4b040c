//! Permission: one thing that may be done, as it is written: `tool:llm_*`, `model:NAME`, `usage:read`.

use std::{fmt, str::FromStr};

use hub_actors::{params::clip, scope::Scope};
use serde::{Deserialize, Serialize};

/// What may be administered.
const ADMIN: [&str; 3] = ["admin:keys", "admin:config", "usage:read"];

/// One thing that may be done. As JSON it is the text that it is read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Permission {
    kind: Kind,
    names: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tool,
    Model,
    Admin,
}

/// What is no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no permission: there are tool:NAME and model:NAME (a `*` may end the name), \
     admin:keys, admin:config and usage:read"
)]
pub struct NoPermission(String);

/// What somebody's permissions come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Tools.
    pub tools: Scope,
    /// Models.
    pub models: Scope,
    /// Administrative permissions.
    pub admin: Scope,
}

// === impl Permission ===

impl FromStr for Permission {
    type Err = NoPermission;

    fn from_str(text: &str) -> Result<Self, NoPermission> {
        let text = text.trim();
        let no = || NoPermission(clip(text));
        let (kind, names) = match text.split_once(':') {
            _ if ADMIN.contains(&text) => (Kind::Admin, text),
            Some(("tool", names)) => (Kind::Tool, names),
            Some(("model", names)) => (Kind::Model, names),
            _ => return Err(no()),
        };
        if names.is_empty() || names.contains([',', ' ']) {
            return Err(no());
        }
        let names = names.parse().map_err(|_| no())?;
        Ok(Self { kind, names })
    }
}

impl TryFrom<String> for Permission {
    type Error = NoPermission;

    fn try_from(text: String) -> Result<Self, NoPermission> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.to_string()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Tool => write!(f, "tool:{}", self.names),
            Kind::Model => write!(f, "model:{}", self.names),
            Kind::Admin => write!(f, "{}", self.names),
        }
    }
}

// === impl Granted ===

impl Granted {
    /// Nothing at all.
    pub const NOTHING: Self = Self {
        tools: Scope::NONE,
        models: Scope::NONE,
        admin: Scope::NONE,
    };
    /// Everything.
    pub const ALL: Self = Self {
        tools: Scope::All,
        models: Scope::All,
        admin: Scope::All,
    };
    /// What every user may who is no administrator, where there are no roles.
    pub const CALLS: Self = Self {
        tools: Scope::All,
        models: Scope::All,
        admin: Scope::NONE,
    };

    /// Adds what a permission allows.
    pub fn add(&mut self, permission: Permission) {
        let scope = match permission.kind {
            Kind::Tool => &mut self.tools,
            Kind::Model => &mut self.models,
            Kind::Admin => &mut self.admin,
        };
        match (scope, permission.names) {
            (Scope::All, _) => {}
            (scope, Scope::All) => *scope = Scope::All,
            (Scope::Only(mine), Scope::Only(more)) => mine.extend(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_is_written() {
        for text in [
            "tool:llm_complete",
            "tool:llm_*",
            "tool:*",
            "model:a/b:c",
            "admin:keys",
            "usage:read",
        ] {
            let permission: Permission = text.parse().expect(text);
            assert_eq!(permission.to_string(), text);
        }
        for text in [
            "",
            "tool:",
            "tool",
            "tool:a,b",
            "tool:a,*",
            "model:a*b",
            "tool:a b",
            "admin:*",
            "admin:all",
            "*",
            "usage:write",
            "Tool:a",
            "x' OR 1=1 --",
        ] {
            assert!(text.parse::<Permission>().is_err(), "{text}");
        }
    }

    #[test]
    fn permissions_add_up() {
        let mut granted = Granted::NOTHING;
        for text in [
            "tool:llm_*",
            "tool:db_query",
            "model:*",
            "model:x",
            "usage:read",
        ] {
            granted.add(text.parse().expect(text));
        }
        assert!(granted.tools.allows("llm_complete") && granted.tools.allows("db_query"));
        assert!(!granted.tools.allows("web_search"));
        assert_eq!(granted.models, Scope::All);
        assert!(granted.admin.allows("usage:read") && !granted.admin.allows("admin:keys"));
    }
}
