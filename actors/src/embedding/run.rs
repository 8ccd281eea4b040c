//! One request for vectors. It is planned, walked and kept as a conversation is; only the two ends differ.

use std::sync::Arc;

use tokio::time::Instant;

use super::find;
use crate::{
    call::walk,
    catalogue::Catalogue,
    chat::{COMPLETE, Chatted, DEADLINE},
    error::CallError,
    history,
    plan::Plan,
    principal::Principal,
    protocol::{Embedded, EmbeddingRequest},
};

/// The parameter that many models do not know.
const DIMENSIONS: &str = "dimensions";

/// A request for vectors, as its door understands it.
#[derive(Debug)]
pub struct Embedding {
    /// Who calls.
    pub principal: Arc<Principal>,
    /// Under which name its records are kept.
    pub door: &'static str,
    /// What is asked for: a model, or `provider/model`.
    pub model: String,
    /// What is asked.
    pub request: EmbeddingRequest,
    /// When it came in.
    pub received: Instant,
}

/// Runs a request up to its vectors.
///
/// # Errors
/// Every [`CallError`] there is.
pub async fn run(
    catalogue: &Catalogue,
    embedding: Embedding,
) -> Result<Chatted<Embedded>, CallError> {
    let Embedding {
        principal,
        door,
        model,
        request,
        received,
    } = embedding;
    let first = find(catalogue, &model).or_else(|unknown| {
        let bare = model
            .split_once('/')
            .filter(|(owner, _)| catalogue.provider(owner).is_some());
        principal.may_use(bare.map_or(&model, |(_, bare)| bare))?;
        Err(unknown)
    })?;
    if !principal.sees_all() && request.others.iter().any(|name| name == "models") {
        return Err(CallError::Forbidden(
            "This key may name no further models: leave `models` out.".to_owned(),
        ));
    }
    // Who may not ask models by their names may not ask these either.
    principal.may_call(COMPLETE)?;
    let prompt = history::prompt(catalogue, request.input.first());
    let plan = Plan::embedding(catalogue, first, request, DEADLINE, received)?;
    let asked = plan.request.dimensions;
    let mut walked = walk(&plan, catalogue, None).await?;
    // Some servers take it and go their own way.
    let missed = asked.is_some_and(|asked| walked.answer.dimensions as u64 != u64::from(asked));
    if missed && !walked.dropped.iter().any(|name| name == DIMENSIONS) {
        walked.dropped.push(DIMENSIONS.into());
    }
    Ok(Chatted::new(catalogue, door.into(), prompt, walked))
}
