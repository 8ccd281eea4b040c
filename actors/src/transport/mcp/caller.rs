//! Caller: who sent a request, and what there is for them.

use std::sync::Arc;

use rmcp::{ErrorData, model::Extensions};
use serde_json::json;

use super::{handler::Handler, held::Held};
use crate::{
    error::CallError,
    principal::Principal,
    transport::{access::Denied, views::Seen},
};

// === impl Handler ===

impl Handler {
    /// Whose request has these extensions. No principal, no answer.
    pub(super) async fn principal(
        &self,
        extensions: &Extensions,
    ) -> Result<Arc<Principal>, ErrorData> {
        let held = Held::of(extensions).and_then(|held| held.principal.clone());
        if let Some(principal) = held {
            return Ok(principal);
        }
        let who = match &self.shown {
            Some(shown) => self.lobby.access.who(Some(shown)).await,
            None => Err(Denied::Unknown),
        };
        who.map_err(|denied| match denied {
            Denied::Unknown => ErrorData::invalid_request(
                CallError::Unauthorized.to_string(),
                Some(json!({"code": CallError::Unauthorized.code()})),
            ),
            Denied::Unavailable => ErrorData::internal_error(CallError::Internal.to_string(), None),
        })
    }

    /// What the audit calls it.
    pub(super) fn door(&self) -> &'static str {
        match self.shown {
            Some(_) => "stdio",
            None => "mcp",
        }
    }

    /// Whether its client started the hub, so that no door has counted its requests.
    pub(super) fn is_local(&self) -> bool {
        self.shown.is_some()
    }

    /// What there is for whoever sent the request with these extensions.
    pub(super) async fn seen(
        &self,
        extensions: &Extensions,
    ) -> Result<(Arc<Principal>, Seen), ErrorData> {
        let principal = self.principal(extensions).await?;
        let seen = self.lobby.seen_by(&principal).ok_or_else(|| {
            ErrorData::internal_error("The hub is starting. Try again in a second.", None)
        })?;
        Ok((principal, seen))
    }
}
