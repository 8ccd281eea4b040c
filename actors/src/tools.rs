//! Tools: runs one call of any tool. Every door calls [`run`]; only the two ends differ.

use std::sync::Arc;

use actix::Recipient;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    cache::{self, Answer, Asked},
    call::Answered,
    catalogue::{Catalogue, Tool, ToolKind},
    chat::{self, Chatted},
    db_query,
    error::CallError,
    history, inventory,
    outcome::{Outcome, ToolResult},
    params::{LlmParams, Params, clip},
    persist,
    plan::{Plan, list},
    principal::Principal,
    progress::Observer,
    protocol::{Found, ReportHealth},
    view::NO_MODEL,
};

/// One call, as every door understands it.
#[derive(Debug)]
pub struct Call {
    /// Who calls.
    pub principal: Arc<Principal>,
    /// Which tool.
    pub tool: String,
    /// Its parameters: an object, nothing, or PHP's empty array.
    pub params: Option<Value>,
    /// When it came in.
    pub received: Instant,
    /// Who wants to hear how it goes; nobody on doors that can only answer.
    pub observer: Option<Observer>,
}

/// Runs a call. `catalogue` is what there is for its principal.
///
/// # Errors
/// Every [`CallError`] there is.
pub async fn run(
    catalogue: &Arc<Catalogue>,
    health: &Recipient<ReportHealth>,
    call: Call,
) -> Result<Outcome, CallError> {
    let principal = call.principal;
    let tool = find(catalogue, &principal, &call.tool)?;
    let params = Params::new(&tool.name, call.params)?;
    let asked = |cache: Option<bool>, observer| Asked {
        catalogue,
        tool,
        principal: &principal,
        cache: cache != Some(false),
        observer,
    };
    match &tool.kind {
        ToolKind::Llm { .. } => {
            let params = params.llm()?;
            let asked = asked(params.cache, call.observer);
            let (prompt, plan) = planned(catalogue, &principal, tool, params, call.received)?;
            let given = cache::answer(asked, plan, Answer::told).await?;
            let outcome = given.answering()?.outcome(catalogue.hub.tag_replies);
            history::keep(catalogue, tool, prompt, &outcome);
            Ok(outcome)
        }
        ToolKind::Search {
            provider,
            default_results,
        } => {
            let (start, usual) = (provider.as_deref(), *default_results);
            let params = params.search()?;
            let unwanted = params.request.include_answer == Some(false);
            let query = history::prompt(catalogue, &params.request.query);
            let asked = asked(params.cache, call.observer);
            let plan = Plan::search(catalogue, tool, start, usual, params, call.received)?;
            let tell = move |_: &Catalogue, mut walked: Answered<Found>| {
                if unwanted {
                    // Not every vendor can be told so.
                    walked.answer.answer = None;
                }
                Ok(Answer::found(walked))
            };
            let given = cache::answer(asked, plan, tell).await?;
            let outcome = given.outcome(catalogue.hub.tag_replies);
            history::keep(catalogue, tool, query, &outcome);
            Ok(outcome)
        }
        ToolKind::ListActiveTools => {
            params.finish()?;
            Ok(Outcome::local(inventory::active_tools(catalogue)))
        }
        ToolKind::HealthCheck => {
            params.finish()?;
            let actors = health
                .send(ReportHealth)
                .await
                .map_err(|_| CallError::Internal)?;
            let outbox = persist::health(catalogue).await;
            let health = inventory::health(catalogue, &actors, outbox.as_ref());
            Ok(Outcome::local(health))
        }
        ToolKind::GetModelInfo => {
            inventory::model_info(catalogue, &principal, params).map(Outcome::local)
        }
        ToolKind::DbQuery => {
            let end = call.received + tool.timeout;
            let rows = db_query::query(catalogue, params, end).await?;
            Ok(Outcome {
                result: ToolResult::Rows(rows),
                provenance: None,
            })
        }
        ToolKind::Persist { table, state_key } => {
            let end = call.received + tool.timeout;
            persist::persist(catalogue, table, state_key.as_ref(), params, end)
                .await
                .map(Outcome::local)
        }
        ToolKind::NotBuilt => Err(CallError::NotConfigured(format!(
            "`{}` is not part of this version of the hub.",
            tool.name
        ))),
    }
}

/// The tool of that name, if `principal` may call it and it can be called.
///
/// # Errors
/// [`CallError::Forbidden`], [`CallError::UnknownTool`], [`CallError::NotConfigured`].
pub fn find<'a>(
    catalogue: &'a Catalogue,
    principal: &Principal,
    name: &str,
) -> Result<&'a Arc<Tool>, CallError> {
    principal.may_call(name)?;
    let Some(tool) = catalogue.tool(name) else {
        let active: Vec<_> = catalogue.active_tools().map(|tool| &*tool.name).collect();
        return Err(CallError::UnknownTool {
            name: clip(name),
            active: list(&active),
        });
    };
    match tool.inactive.as_deref() {
        None => Ok(tool),
        Some(why) if why == NO_MODEL => {
            Err(CallError::Forbidden(format!("`{}`: {why}.", tool.name)))
        }
        Some(why) => Err(CallError::NotConfigured(format!(
            "`{}` is not available: {why}.",
            tool.name
        ))),
    }
}

/// Runs a call of an LLM tool up to the first piece of its answer.
///
/// # Errors
/// Every [`CallError`] there is.
pub async fn tell(catalogue: &Arc<Catalogue>, call: Call) -> Result<Chatted, CallError> {
    let principal = call.principal;
    let tool = find(catalogue, &principal, &call.tool)?;
    let mut params = Params::new(&tool.name, call.params)?.llm()?;
    params.stream = true;
    let asked = Asked {
        catalogue,
        tool,
        principal: &principal,
        cache: params.cache != Some(false),
        observer: call.observer,
    };
    let (prompt, plan) = planned(catalogue, &principal, tool, params, call.received)?;
    let chatted = chat::through_cache(asked, prompt, plan).await?;
    chatted.answering()
}

/// The plan of a call of an LLM tool, and what is kept of its prompt.
fn planned(
    catalogue: &Catalogue,
    principal: &Principal,
    tool: &Tool,
    params: LlmParams,
    received: Instant,
) -> Result<(Option<String>, Plan), CallError> {
    let ToolKind::Llm { system, provider } = &tool.kind else {
        return Err(CallError::Internal);
    };
    if let Some(model) = &params.model {
        principal.may_use(model)?;
    }
    let prompt = history::prompt(catalogue, params.last_text());
    let (system, start) = (system.clone(), provider.as_deref());
    let plan = Plan::new(catalogue, tool, start, system, params, received)?;
    Ok((prompt, plan))
}
