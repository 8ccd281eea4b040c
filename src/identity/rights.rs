//! Rights: what a key may do, and that it is never more than whoever made it may do.

use hub_actors::{account::Limits, principal::Principal, scope::Scope};
use serde::{Deserialize, Serialize};

use super::key::KeyError;

/// The permission to make and revoke keys.
pub const ADMIN_KEYS: &str = "admin:keys";
/// What a key may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rights {
    /// Tools.
    pub tools: Scope,
    /// Models.
    pub models: Scope,
    /// Administrative permissions.
    pub admin: Scope,
    /// How much.
    #[serde(default)]
    pub limits: Limits,
    /// Until when, in seconds since 1970.
    #[serde(default)]
    pub expires: Option<u64>,
}

// === impl Rights ===

impl Rights {
    /// Everything, without limits.
    pub fn all() -> Self {
        Self {
            tools: Scope::All,
            models: Scope::All,
            admin: Scope::All,
            limits: Limits::default(),
            expires: None,
        }
    }

    /// Whether `creator` may give all of it away.
    ///
    /// # Errors
    /// [`KeyError::Forbidden`], [`KeyError::Wider`]
    pub(super) fn within(&self, creator: &Principal) -> Result<(), KeyError> {
        if !creator.admin.allows(ADMIN_KEYS) || creator.account.is_over() {
            return Err(KeyError::Forbidden);
        }
        let most = creator.account.limits();
        let limits = self.limits;
        let covered = [
            ("tools", creator.tools.covers(&self.tools)),
            ("models", creator.models.covers(&self.models)),
            ("admin", creator.admin.covers(&self.admin)),
            ("rpm", is_within(limits.rpm, most.rpm)),
            ("rpd", is_within(limits.rpd, most.rpd)),
            ("parallel", is_within(limits.parallel, most.parallel)),
            ("time", is_within(self.expires, creator.expires)),
        ];
        match covered.into_iter().find(|(_, covered)| !covered) {
            Some((what, _)) => Err(KeyError::Wider(what)),
            None => Ok(()),
        }
    }
}

/// No limit is more than any.
fn is_within<T: PartialOrd>(wanted: Option<T>, most: Option<T>) -> bool {
    match (wanted, most) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(wanted), Some(most)) => wanted <= most,
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, sync::Arc};

    use hub_actors::account::Account;

    use super::*;
    use crate::identity::key::{Key, NewKey};

    fn wanted(rights: Rights) -> NewKey {
        let name = "child".to_owned();
        NewKey { name, rights }
    }

    fn rights(tools: &str, models: &str, admin: &str) -> Rights {
        Rights {
            tools: tools.parse().expect("is a scope"),
            models: models.parse().expect("is a scope"),
            admin: admin.parse().expect("is a scope"),
            ..Rights::all()
        }
    }

    #[test]
    fn a_key_cannot_make_one_with_more_than_it_has() {
        let limit = |n| NonZeroU32::new(n);
        let limits = Limits {
            rpm: limit(10),
            rpd: limit(100),
            parallel: limit(2),
        };
        let creator = Principal {
            tools: "llm_*, db_query".parse().expect("is a scope"),
            models: "claude-*".parse().expect("is a scope"),
            admin: "admin:keys".parse().expect("is a scope"),
            expires: Some(1_000),
            account: Account::new(limits),
            ..Principal::all("creator")
        };
        let own = Rights {
            limits,
            expires: Some(1_000),
            ..rights("llm_*, db_query", "claude-*", "admin:keys")
        };
        let issue = |rights: &Rights| Key::issue(&creator, wanted(rights.clone()), 7).map(drop);
        assert_eq!(issue(&own), Ok(()));
        let less = Rights {
            limits: Limits {
                rpm: limit(1),
                rpd: limit(1),
                parallel: limit(1),
            },
            expires: Some(8),
            ..rights("llm_complete", "", "")
        };
        assert_eq!(issue(&less), Ok(()));
        let wider = [
            (
                "tools",
                Rights {
                    tools: Scope::All,
                    ..own.clone()
                },
            ),
            (
                "models",
                Rights {
                    models: "claude-x, g".parse().expect("x"),
                    ..own.clone()
                },
            ),
            (
                "admin",
                Rights {
                    admin: Scope::All,
                    ..own.clone()
                },
            ),
            (
                "rpm",
                Rights {
                    limits: Limits {
                        rpm: limit(11),
                        ..limits
                    },
                    ..own.clone()
                },
            ),
            (
                "rpd",
                Rights {
                    limits: Limits {
                        rpd: None,
                        ..limits
                    },
                    ..own.clone()
                },
            ),
            (
                "parallel",
                Rights {
                    limits: Limits {
                        parallel: limit(3),
                        ..limits
                    },
                    ..own.clone()
                },
            ),
            (
                "time",
                Rights {
                    expires: Some(1_001),
                    ..own.clone()
                },
            ),
            (
                "time",
                Rights {
                    expires: None,
                    ..own.clone()
                },
            ),
        ];
        for (what, rights) in wider {
            assert_eq!(issue(&rights), Err(KeyError::Wider(what)));
        }
        // Nobody without the permission makes any, however little it may do.
        for who in [
            Principal::anyone(),
            Arc::new(Principal {
                admin: Scope::NONE,
                ..creator.clone()
            }),
        ] {
            let made = Key::issue(&who, wanted(less.clone()), 7).map(drop);
            assert_eq!(made, Err(KeyError::Forbidden));
        }
        creator.account.end();
        assert_eq!(issue(&less), Err(KeyError::Forbidden), "revoked meanwhile");
    }
}
