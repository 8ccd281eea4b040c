//! Principal: who calls. Every call carries one, whichever door it came through.

use std::sync::{Arc, LazyLock};

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Unique and never used again. Whatever is kept for one principal is kept under it.
    pub id: Arc<str>,
}

// === impl Principal ===

impl Principal {
    /// Whoever comes where nobody is asked who they are.
    pub fn anyone() -> Arc<Self> {
        static ANYONE: LazyLock<Arc<Principal>> = LazyLock::new(|| {
            Arc::new(Principal {
                id: "anyone".into(),
            })
        });
        ANYONE.clone()
    }
}
