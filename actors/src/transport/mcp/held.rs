//! Held: what a request has for as long as its handler is at work, which may be longer than its
//! door is.

use std::sync::Arc;

use crate::principal::Principal;
use http::request::Parts;
use rmcp::model::Extensions;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// Travels in a request's extensions, so that it goes when its parameters go.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// Who sent it.
    pub principal: Option<Arc<Principal>>,
    /// The memory for its body.
    #[expect(dead_code, reason = "held, not read")]
    pub body: Option<Arc<OwnedSemaphorePermit>>,
    /// The session that it belongs to; ends when that does.
    pub session: Option<watch::Receiver<()>>,
    /// A listener's place.
    pub listener: Option<Arc<OwnedSemaphorePermit>>,
}

// === impl Held ===

impl Held {
    /// What a request of `principal` holds, and its body's memory.
    pub fn of_caller(principal: Arc<Principal>, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            principal: Some(principal),
            body: permit.map(Arc::new),
            ..Self::default()
        }
    }

    /// What a request that came through HTTP holds.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        let parts = extensions.get::<Parts>();
        let held = parts.and_then(|parts| parts.extensions.get());
        held.or_else(|| extensions.get())
    }
}

/// Returns when the sender of `connection` is gone; never if there is none.
pub async fn end(connection: Option<watch::Receiver<()>>) {
    match connection {
        Some(mut connection) => while connection.changed().await.is_ok() {},
        None => std::future::pending().await,
    }
}
