//! Principal: who calls. Every call carries one, whichever door it came through.

use std::sync::{Arc, LazyLock};

use crate::{account::Account, error::CallError, params::clip, scope::Scope};

/// Who calls, and what they may do. Data: whoever holds it need not ask anybody.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Unique and never used again. Whatever is kept for one principal is kept under it.
    pub id: Arc<str>,
    /// For people.
    pub name: Arc<str>,
    /// The tools that exist for them.
    pub tools: Scope,
    /// The models that exist for them.
    pub models: Scope,
    /// What they may administer, by the permission's name: `admin:keys`, `usage:read`.
    pub admin: Scope,
    /// When all of this ends, in seconds since 1970; `None` if it does not.
    pub expires: Option<u64>,
    /// What they have used. The same account through all of this principal's answers.
    pub account: Arc<Account>,
}

// === impl Principal ===

impl Principal {
    /// Whoever comes where nobody is asked who they are. They may call everything, administer nothing.
    pub fn anyone() -> Arc<Self> {
        static ANYONE: LazyLock<Arc<Principal>> = LazyLock::new(|| {
            Arc::new(Principal {
                admin: Scope::NONE,
                ..Principal::all("anyone")
            })
        });
        ANYONE.clone()
    }

    /// The person at this machine who started the hub, or could: the files are theirs.
    pub fn local() -> Arc<Self> {
        static LOCAL: LazyLock<Arc<Principal>> =
            LazyLock::new(|| Arc::new(Principal::all("local")));
        LOCAL.clone()
    }

    /// Somebody of that id and name who may do everything, without limits.
    pub fn all(name: &str) -> Self {
        Self {
            id: name.into(),
            name: name.into(),
            tools: Scope::All,
            models: Scope::All,
            admin: Scope::All,
            expires: None,
            account: Account::endless(),
        }
    }

    /// Whether they may call a tool.
    ///
    /// # Errors
    /// [`CallError::Forbidden`], whether there is such a tool or not.
    pub fn may_call(&self, tool: &str) -> Result<(), CallError> {
        if self.tools.allows(tool) {
            return Ok(());
        }
        Err(CallError::Forbidden(format!(
            "The tool `{}` is outside of what this key may use.",
            clip(tool)
        )))
    }

    /// Whether they may use a model that they have named.
    ///
    /// # Errors
    /// [`CallError::Forbidden`], whether there is such a model or not.
    pub fn may_use(&self, model: &str) -> Result<(), CallError> {
        if self.models.allows(model) {
            return Ok(());
        }
        Err(CallError::Forbidden(format!(
            "The model `{}` is outside of what this key may use.",
            clip(model)
        )))
    }

    /// Whether every tool and model exists for them.
    pub fn sees_all(&self) -> bool {
        self.tools == Scope::All && self.models == Scope::All
    }
}
