//! Views: what each principal with a narrow scope sees, made once for each catalogue and then only
//! read, without a lock.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;

use super::mcp::Listing;
use crate::{catalogue::Catalogue, principal::Principal, scope::Scope};

/// Most views; beyond it they are made anew.
const MOST: usize = 1_000;

/// What one principal sees.
#[derive(Clone)]
pub struct Seen {
    /// What there is.
    pub catalogue: Arc<Catalogue>,
    /// The same as MCP clients see it.
    pub listing: Arc<Listing>,
}

/// The views, by their principal's id.
#[derive(Default)]
pub struct Views(ArcSwap<HashMap<Arc<str>, Arc<View>>>);

struct View {
    /// Of which catalogue.
    whole: Arc<Catalogue>,
    tools: Scope,
    models: Scope,
    seen: Seen,
}

// === impl Views ===

impl Views {
    /// Forgets all of them.
    pub fn clear(&self) {
        self.0.store(Arc::default());
    }

    /// What `principal` sees of `whole`.
    pub fn of(&self, principal: &Principal, whole: &Arc<Catalogue>) -> Seen {
        let views = self.0.load();
        if let Some(view) = views.get(&principal.id)
            && view.is_of(principal, whole)
        {
            return view.seen.clone();
        }
        let catalogue = Arc::new(whole.seen_by(principal));
        let listing = Arc::new(Listing::new(&catalogue));
        let seen = Seen { catalogue, listing };
        let view = Arc::new(View {
            whole: whole.clone(),
            tools: principal.tools.clone(),
            models: principal.models.clone(),
            seen: seen.clone(),
        });
        self.0.rcu(|views| {
            let mut views = match views.len() {
                0..MOST => HashMap::clone(views),
                _ => HashMap::new(),
            };
            views.insert(principal.id.clone(), view.clone());
            views
        });
        seen
    }
}

// === impl View ===

impl View {
    fn is_of(&self, principal: &Principal, whole: &Arc<Catalogue>) -> bool {
        Arc::ptr_eq(&self.whole, whole)
            && self.tools == principal.tools
            && self.models == principal.models
    }
}
