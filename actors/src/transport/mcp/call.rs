//! Call: `tools/call`, from its params to its result, on the same path as every other door's.

use std::{num::NonZeroU32, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolRequestParams, CallToolResult, ContentBlock, LoggingLevel,
        LoggingMessageNotificationParam, MetaObject, ProgressNotificationParam,
    },
    service::RequestContext,
};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::handler::Handler;
use crate::{
    conversation::Source,
    error::CallError,
    outcome::{About, Outcome, ToolResult},
    progress::Progress,
    protocol::Rows,
    provider::wire::media,
    request_id::RequestId,
    tools::Call,
    transport::calls::{Recorded, milliseconds},
};

/// Under which name in `_meta` a result says how it came about.
const META: &str = "multi-llm-hub/call";

/// How long a result waits for what was said before it to leave.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs a call. It ends early, and hangs up on the vendor, when the client cancels it or goes away.
///
/// # Errors
/// Invalid params for a tool that is not listed, invalid request for what the caller may not use. Everything else is a result with `isError`, so that
/// the model that called can read what to do better.
pub async fn call(
    handler: &Handler,
    request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResult, ErrorData> {
    let received = Instant::now();
    let principal = handler.principal(&context.extensions).await?;
    let seen = handler.lobby.seen_by(&principal);
    let listed = seen.is_some_and(|seen| seen.listing.tool(&request.name).is_some());
    let wants_log = handler
        .verbosity
        .wants(LoggingLevel::Warning, context.meta.log_level());
    let observed = wants_log || context.meta.get_progress_token().is_some();
    let (observer, mut progress) = mpsc::unbounded_channel();
    let request_id = RequestId::new();
    let request_id = request_id.as_str();
    let recorded = Recorded::new(
        &handler.lobby,
        handler.door(),
        &principal,
        &request.name,
        request_id,
        received,
    );
    let run = async {
        if handler.is_local() {
            principal.account.charge(NonZeroU32::MIN)?;
        }
        let call = Call {
            principal,
            tool: request.name.into_owned(),
            params: request.arguments.map(Value::Object),
            received,
            observer: observed.then_some(observer),
        };
        let (outcome, _in_flight) = handler.lobby.run(call).await?;
        Ok(outcome)
    };
    let told = async {
        while let Some(progress) = progress.recv().await {
            tell(&progress, wants_log, &context).await;
        }
    };
    // Side by side: a client that does not read holds up what it is told, and nothing else.
    let work = async {
        match select(pin!(run), pin!(told)).await {
            // What was said last comes before the result.
            Either::Left((outcome, told)) => {
                drop(timeout(LAST_WORDS, told).await);
                outcome
            }
            Either::Right(((), run)) => run.await,
        }
    };
    let outcome = tokio::select! {
        biased;
        () = context.ct.cancelled() => return Err(gone()),
        () = handler.hung_up(&context.extensions) => return Err(gone()),
        outcome = work => outcome,
    };
    let ms = milliseconds(received);
    if let Some(recorded) = recorded {
        recorded.end(ms, &outcome);
    }
    match outcome {
        Ok(outcome) => Ok(result(outcome, request_id, ms)),
        Err(error @ (CallError::Forbidden(_) | CallError::Unauthorized)) => {
            Err(ErrorData::invalid_request(
                error.to_string(),
                Some(json!({"code": error.code(), "request_id": request_id})),
            ))
        }
        Err(error) if !listed => Err(ErrorData::invalid_params(error.to_string(), None)),
        Err(error) => Ok(failed(&error, request_id)),
    }
}

/// Nobody reads it: the client has cancelled, or is gone.
fn gone() -> ErrorData {
    ErrorData::internal_error("The call was cancelled.", None)
}

async fn tell(progress: &Progress, wants_log: bool, context: &RequestContext<RoleServer>) {
    let sentence = progress.sentence();
    if wants_log {
        let message = LoggingMessageNotificationParam::new(
            LoggingLevel::Warning,
            json!({
                "message": sentence,
                "provider": &*progress.provider,
                "outcome": progress.kind.word(),
                "status": progress.status,
            }),
        );
        // A client that is gone is noticed by the loop, not here.
        drop(
            context
                .peer
                .notify_logging_message(message.with_logger("hub"))
                .await,
        );
    }
    if let Some(token) = context.meta.get_progress_token() {
        let message = ProgressNotificationParam::new(token, progress.done as f64)
            .with_total(progress.of as f64)
            .with_message(sentence);
        drop(context.peer.notify_progress(message).await);
    }
}

fn result(outcome: Outcome, request_id: &str, ms: u64) -> CallToolResult {
    let Outcome { result, provenance } = outcome;
    let mut result = match result {
        ToolResult::Text(text) => CallToolResult::success(vec![ContentBlock::text(&*text)]),
        ToolResult::Json(object) => CallToolResult::structured(object),
        // Structured content is an object, in every version.
        ToolResult::Rows(Rows { rows, truncated }) => {
            CallToolResult::structured(json!({"rows": rows, "truncated": truncated}))
        }
    };
    if let Some(About::Completion { images, .. }) = provenance.as_ref().map(|p| &p.about) {
        result
            .content
            .extend(images.iter().map(|address| image(address)));
    }
    // A search's text is for reading; its hits are for programs. They need not come a third time.
    if let Some(About::Search(findings)) = provenance.as_ref().map(|p| &p.about) {
        result.structured_content = serde_json::to_value(findings).ok();
    }
    let mut about = json!({"request_id": request_id, "duration_ms": ms});
    if let (Some(Ok(Value::Object(provenance))), Some(about)) =
        (provenance.map(serde_json::to_value), about.as_object_mut())
    {
        let twice = |name: &str| matches!(name, "results" | "answer" | "images");
        about.extend(provenance.into_iter().filter(|(name, _)| !twice(name)));
    }
    result.with_meta(Some(meta(about)))
}

/// A picture, or where it is.
fn image(address: &str) -> ContentBlock {
    match media::at(address.to_owned()) {
        Source::Inline { media_type, data } => ContentBlock::image(data, media_type),
        Source::Url { url, .. } => ContentBlock::text(url),
        Source::Id { id, .. } => ContentBlock::text(id),
    }
}

/// The sentence, and for machines the code and what was tried. Not as structured content: that would
/// have to be what the tool's output schema says.
fn failed(error: &CallError, request_id: &str) -> CallToolResult {
    let about = json!({
        "request_id": request_id,
        "code": error.code(),
        "attempts": error.attempts(),
        "retry_after": error.retry_after().map(|wait| wait.as_millis().div_ceil(1000)),
    });
    CallToolResult::error(vec![ContentBlock::text(error.to_string())]).with_meta(Some(meta(about)))
}

fn meta(about: Value) -> MetaObject {
    let mut meta = MetaObject::new();
    meta.0.insert(META.to_owned(), about);
    meta
}
