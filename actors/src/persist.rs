//! `persist_result`: a row for the cloud's database, from parameters to what became of it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    catalogue::Catalogue,
    error::CallError,
    outbox::LONGEST,
    params::Params,
    protocol::{CloudState, Kept, OutboxHealth, Persist, PersistError, ReadState, ReportOutbox},
    table::Table,
};

/// How long a caller whose row is kept waits to hear that it has arrived.
const PATIENCE: Duration = Duration::from_secs(1);

/// Keeps what the caller sends, or else what is under `state_key`, until `end` at most.
///
/// # Errors
/// [`CallError::BadRequest`] without data, or with data that jsonb cannot hold;
/// [`CallError::Overloaded`] if the row could not be kept.
pub async fn persist(
    catalogue: &Catalogue,
    table: &Arc<Table>,
    state_key: Option<&Arc<str>>,
    mut params: Params,
    end: Instant,
) -> Result<Value, CallError> {
    let data = params.json(&["data", "prompt"])?;
    params.finish()?;
    let data = match (data, state_key) {
        (Some(data), _) => data,
        (None, Some(key)) => state(catalogue, key, end).await?,
        (None, None) => {
            return Err(CallError::BadRequest(
                "`persist_result` needs `data`: any JSON.".to_owned(),
            ));
        }
    };
    if has_nul(&data) {
        return Err(CallError::BadRequest(
            "`data` holds the character U+0000, which PostgreSQL cannot keep. Leave it out."
                .to_owned(),
        ));
    }
    let payload = data.to_string();
    drop(data);
    if payload.len() > LONGEST {
        return Err(CallError::BadRequest(format!(
            "`data` is longer than {} MiB. Keep it in parts.",
            LONGEST / 1024 / 1024
        )));
    }
    let Kept {
        id,
        durable,
        arrival,
    } = keep(catalogue, table, payload, end).await?;
    let patience = PATIENCE.min(end.saturating_duration_since(Instant::now()));
    let mut result = json!({"status": "queued", "id": id.to_string(), "table": table.as_str()});
    match timeout(patience, arrival).await {
        Ok(Ok(Ok(()))) => result["status"] = "persisted".into(),
        Ok(Ok(Err(reason))) => {
            result["status"] = "dead_letter".into();
            result["reason"] = (*reason).into();
        }
        // It takes a while, or the database is down.
        Ok(Err(_)) | Err(_) => {}
    }
    result["durability"] = match durable {
        true => "durable".into(),
        false => "ephemeral".into(),
    };
    Ok(result)
}

async fn keep(
    catalogue: &Catalogue,
    table: &Arc<Table>,
    payload: String,
    end: Instant,
) -> Result<Kept, CallError> {
    let unavailable = || {
        CallError::Overloaded(
            "The row cannot be kept at this moment. Try again in a second.".to_owned(),
        )
    };
    let outbox = catalogue.outbox.as_ref().ok_or_else(unavailable)?;
    let (reply, kept) = oneshot::channel();
    outbox.rows.do_send(Persist {
        table: table.clone(),
        payload,
        reply,
    });
    match timeout_at(end, kept).await {
        Ok(Ok(Ok(kept))) => Ok(kept),
        Ok(Ok(Err(PersistError::Full))) => Err(CallError::Overloaded(
            "The outbox is full: the database has taken no rows for a while. `health_check` says \
             why."
                .to_owned(),
        )),
        Ok(Ok(Err(PersistError::Unavailable))) | Ok(Err(_)) | Err(_) => Err(unavailable()),
    }
}

async fn state(catalogue: &Catalogue, key: &Arc<str>, end: Instant) -> Result<Value, CallError> {
    let unavailable = || {
        CallError::Overloaded(
            "The hub's state cannot be read at this moment. Try again in a second.".to_owned(),
        )
    };
    let db = catalogue.db.as_ref().ok_or_else(unavailable)?;
    let (reply, value) = oneshot::channel();
    db.reads.do_send(ReadState {
        key: key.clone(),
        reply,
    });
    match timeout_at(end, value).await {
        Ok(Ok(Ok(Some(value)))) => Ok(value),
        Ok(Ok(Ok(None))) => Err(CallError::BadRequest(format!(
            "There is nothing under `{key}` in the hub's state yet. Send `data`, or try again later."
        ))),
        Ok(Ok(Err(_))) | Ok(Err(_)) | Err(_) => Err(unavailable()),
    }
}

/// Whether the character U+0000 is in a text or a name. jsonb holds every other JSON text there is.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What `health_check` says of the database and the rows on their way there; `None` if there is no
/// outbox at this moment.
pub async fn health(catalogue: &Catalogue) -> Option<OutboxHealth> {
    let outbox = catalogue.outbox.as_ref()?;
    let (reply, health) = oneshot::channel();
    outbox.reports.do_send(ReportOutbox { reply });
    timeout(PATIENCE, health).await.ok()?.ok()
}

// === impl OutboxHealth ===

impl OutboxHealth {
    /// Whether everything is as it should be.
    pub fn is_well(&self) -> bool {
        let down = matches!(self.database, None | Some(CloudState::Down { .. }));
        !down && self.dead_letters == 0
    }

    /// For `health_check`: where the database stands.
    pub fn database(&self) -> Value {
        match &self.database {
            Some(CloudState::Connected) => json!({"state": "connected"}),
            Some(CloudState::Down { since, why }) => json!({
                "state": "down",
                "down_seconds": since.elapsed().as_secs(),
                "reason": **why,
            }),
            Some(CloudState::Connecting) | None => json!({"state": "connecting"}),
        }
    }

    /// For `health_check`: what waits.
    pub fn outbox(&self) -> Value {
        json!({
            "pending": self.pending,
            "dead_letters": self.dead_letters,
            "last_reason": self.last_reason.as_deref(),
            "durability": if self.durable { "durable" } else { "ephemeral" },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_found_wherever_it_hides() {
        for bad in [
            json!("a\0"),
            json!([1, ["\0"]]),
            json!({"a": {"b\0": 1}}),
            json!({"a": [{"b": "\0"}]}),
        ] {
            assert!(has_nul(&bad), "{bad}");
        }
        assert!(!has_nul(&json!({"a": ["\\u0000", "\u{1}", null, 1.5]})));
    }
}
