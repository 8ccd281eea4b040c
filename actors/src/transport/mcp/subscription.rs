//! Subscription: tells a client that a list has changed. In sessions to whoever initialized, since
//! 2026-07-28 to whoever listens.

use rmcp::{
    RoleServer,
    service::{Peer, SubscriptionContext},
};
use tokio::{
    sync::watch,
    task::{AbortHandle, spawn},
};

use super::listing::Changes;

/// A session's task; it ends with the session.
pub struct Subscription(AbortHandle);

/// Tells a `subscriptions/listen` stream of each change, in the kinds that it asked for. Returns when
/// the stream or the hub ends.
pub async fn listen(context: &SubscriptionContext, mut changes: watch::Receiver<Changes>) {
    let (accepted, sink) = (context.accepted(), context.sink());
    let mut known = *changes.borrow_and_update();
    while changes.changed().await.is_ok() {
        let now = *changes.borrow_and_update();
        let mut sent = Ok(());
        if now.tools != known.tools && accepted.tools_list_changed == Some(true) {
            sent = sent.and(sink.notify_tool_list_changed().await);
        }
        if now.prompts != known.prompts && accepted.prompts_list_changed == Some(true) {
            sent = sent.and(sink.notify_prompt_list_changed().await);
        }
        if now.resources != known.resources && accepted.resources_list_changed == Some(true) {
            sent = sent.and(sink.notify_resource_list_changed().await);
        }
        if sent.is_err() {
            return;
        }
        known = now;
    }
}

async fn tell(peer: Peer<RoleServer>, mut changes: watch::Receiver<Changes>) {
    let mut known = *changes.borrow_and_update();
    while changes.changed().await.is_ok() {
        let now = *changes.borrow_and_update();
        let mut sent = Ok(());
        if now.tools != known.tools {
            sent = sent.and(peer.notify_tool_list_changed().await);
        }
        if now.prompts != known.prompts {
            sent = sent.and(peer.notify_prompt_list_changed().await);
        }
        if now.resources != known.resources {
            sent = sent.and(peer.notify_resource_list_changed().await);
        }
        if sent.is_err() {
            return;
        }
        known = now;
    }
}

// === impl Subscription ===

impl Subscription {
    /// Tells the client of `peer` of every change from now on.
    pub fn new(peer: Peer<RoleServer>, changes: watch::Receiver<Changes>) -> Self {
        Self(spawn(tell(peer, changes)).abort_handle())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.0.abort();
    }
}
