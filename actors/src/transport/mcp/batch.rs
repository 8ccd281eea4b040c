//! Batch: several messages in one request, which 2025-03-26 demands and 2025-06-18 removed.

use std::{num::NonZeroU32, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::Value;

use super::{
    accept::{self, Accept},
    door::{LARGEST_BATCH, LAST_WITH_BATCHES, Mcp, VERSION, forward, session},
    held::Held,
    refusal::refused,
    rpc::{self, Code},
};
use crate::{principal::Principal, transport::api::limited};

// === impl Mcp ===

impl Mcp {
    /// Answers each of them.
    pub(super) async fn batch(
        &self,
        request: &HttpRequest,
        accept: Accept,
        body: &[u8],
        held: Held,
        principal: &Arc<Principal>,
    ) -> HttpResponse {
        let refuse = |sentence: &str| rpc::refuse(StatusCode::BAD_REQUEST, Code::Invalid, sentence);
        let version = request.headers().get(VERSION);
        if version.is_some_and(|version| version.as_bytes() > LAST_WITH_BATCHES.as_bytes()) {
            return refuse("This version of MCP has no batches. Send one message at a time.");
        }
        let messages: Vec<Value> = match serde_json::from_slice(body) {
            Ok(messages) => messages,
            Err(_) => return HttpResponse::BadRequest().json(rpc::diagnose(body)),
        };
        if messages.is_empty() || messages.len() > LARGEST_BATCH {
            return refuse("A batch has 1 to 50 messages.");
        }
        let initializes = |message: &Value| message.get("method") == Some(&"initialize".into());
        if messages.iter().any(initializes) {
            return refuse("`initialize` cannot be part of a batch.");
        }
        if let Some(id) = session(request)
            && self.sessions.is_foreign(id, principal).await
        {
            return refused(request, b"", http::StatusCode::NOT_FOUND);
        }
        // One of them was counted at the gate.
        let others = u32::try_from(messages.len() - 1)
            .ok()
            .and_then(NonZeroU32::new);
        if let Some(Err(exhausted)) = others.map(|others| principal.account.charge(others)) {
            return limited(&exhausted.into());
        }
        let answers = messages.iter().map(async |message| {
            if !rpc::is_message(message) {
                return Some(rpc::diagnose_value(message));
            }
            let one = Bytes::from(message.to_string());
            let answer = self
                .service
                .handle(forward(request, one, held.clone()))
                .await;
            let status = answer.status();
            match accept::message(answer).await {
                Some(answer) => Some(answer),
                None if status.is_success() => None,
                None => Some(rpc::error(
                    message.get("id"),
                    Code::Invalid,
                    &format!("The request was refused with {status}."),
                )),
            }
        });
        let answers: Vec<Value> = join_all(answers).await.into_iter().flatten().collect();
        if answers.is_empty() {
            return HttpResponse::Accepted().finish();
        }
        accept.document(&Value::Array(answers))
    }
}
