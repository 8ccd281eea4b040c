//! Tools: runs one call of any tool. Every door calls [`run`]; only the two ends differ.

use std::sync::Arc;

use actix::Recipient;
use serde::{Serialize, Serializer};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    call::{Answered, Attempt, walk},
    catalogue::{Catalogue, Tool, ToolKind},
    db_query,
    error::CallError,
    history, inventory,
    params::{Params, clip},
    plan::{Plan, list},
    progress::Observer,
    protocol::{FinishReason, ReportHealth, Rows, Usage},
};

/// One call, as every door understands it.
#[derive(Debug)]
pub struct Call {
    /// Which tool.
    pub tool: String,
    /// Its parameters: an object, nothing, or PHP's empty array.
    pub params: Option<Value>,
    /// When it came in.
    pub received: Instant,
    /// Who wants to hear how it goes; nobody on doors that can only answer.
    pub observer: Option<Observer>,
}

/// A successful call.
#[derive(Debug)]
pub struct Outcome {
    /// What the caller asked for.
    pub result: ToolResult,
    /// How it came about; `None` for tools that ask no provider.
    pub provenance: Option<Provenance>,
}

/// A tool's result.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ToolResult {
    /// An answer, alone.
    Text(String),
    /// An object.
    Json(Value),
    /// A query's rows.
    #[serde(serialize_with = "rows")]
    Rows(Rows),
}

/// Who answered, at which price.
#[derive(Debug, Serialize)]
pub struct Provenance {
    /// Who answered.
    pub provider: Arc<str>,
    /// The model that was asked.
    pub model: Arc<str>,
    /// The model that the vendor says answered, if it has another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// From the hub's own cache.
    pub cached: bool,
    /// Why the text ends where it ends.
    pub finish_reason: FinishReason,
    /// Tokens.
    pub usage: Usage,
    /// US dollars; null if the configuration does not know the model's prices.
    pub cost_usd: Option<f64>,
    /// Who was asked, in order.
    pub attempts: Vec<Attempt>,
}

/// Runs a call.
///
/// # Errors
/// Every [`CallError`] there is.
pub async fn run(
    catalogue: &Catalogue,
    health: &Recipient<ReportHealth>,
    call: Call,
) -> Result<Outcome, CallError> {
    let Some(tool) = catalogue.tool(&call.tool) else {
        let active: Vec<_> = catalogue.active_tools().map(|tool| &*tool.name).collect();
        return Err(CallError::UnknownTool {
            name: clip(&call.tool),
            active: list(&active),
        });
    };
    if let Some(why) = &tool.inactive {
        return Err(CallError::NotConfigured(format!(
            "`{}` is not available: {why}.",
            tool.name
        )));
    }
    let params = Params::new(&tool.name, call.params)?;
    match &tool.kind {
        ToolKind::Llm { system, provider } => {
            let (system, start) = (system.clone(), provider.as_deref());
            let params = params.llm()?;
            let prompt = history::prompt(catalogue, &params.prompt);
            let plan = Plan::new(catalogue, tool, start, system, params, call.received)?;
            let walked = walk(plan, &catalogue.hub, call.observer.as_ref()).await?;
            let outcome = answered(catalogue, tool, walked);
            history::keep(catalogue, tool, prompt, &outcome);
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
            Ok(Outcome::local(inventory::health(catalogue, &actors)))
        }
        ToolKind::GetModelInfo => inventory::model_info(catalogue, params).map(Outcome::local),
        ToolKind::DbQuery => {
            let end = call.received + tool.timeout;
            let rows = db_query::query(catalogue, params, end).await?;
            Ok(Outcome {
                result: ToolResult::Rows(rows),
                provenance: None,
            })
        }
        ToolKind::NotBuilt => Err(CallError::NotConfigured(format!(
            "`{}` is not part of this version of the hub.",
            tool.name
        ))),
    }
}

fn answered(catalogue: &Catalogue, tool: &Tool, answered: Answered) -> Outcome {
    let Answered {
        completion,
        model,
        attempts,
    } = answered;
    let provider = attempts
        .last()
        .map_or_else(|| tool.name.clone(), |last| last.provider.clone());
    let listed = catalogue
        .model(&model)
        .and_then(|info| info.cost(&completion.usage));
    let text = if catalogue.hub.tag_replies {
        format!("[{provider}] {}", completion.text)
    } else {
        completion.text
    };
    Outcome {
        result: ToolResult::Text(text),
        provenance: Some(Provenance {
            answered_by: completion.model.filter(|answered| **answered != *model),
            provider,
            model,
            cached: false,
            finish_reason: completion.finish,
            usage: completion.usage,
            cost_usd: completion.usage.cost_usd.or(listed),
            attempts,
        }),
    }
}

/// The rows alone: whether they are all is said beside them.
fn rows<S: Serializer>(rows: &Rows, serializer: S) -> Result<S::Ok, S::Error> {
    rows.rows.serialize(serializer)
}

// === impl Outcome ===

impl Outcome {
    /// Whether rows were left out; `None` where there can be none.
    pub fn truncated(&self) -> Option<bool> {
        match &self.result {
            ToolResult::Rows(rows) => Some(rows.truncated),
            _ => None,
        }
    }

    fn local(object: Value) -> Self {
        Self {
            result: ToolResult::Json(object),
            provenance: None,
        }
    }
}
