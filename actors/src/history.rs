//! History: what a successful call leaves in the hub's state, if that is wanted.
//!
//! Prompts and answers are people's own. They are kept only where the configuration says so, and never
//! more than the first 64 KiB of each.

use std::{sync::Arc, time::SystemTime};

use serde_json::{Value, json};
use tokio::sync::mpsc::error::TrySendError;

use crate::{
    catalogue::{Catalogue, Tool},
    db_sync::MOST_LAST_RESULTS,
    outcome::{Outcome, Provenance},
    protocol::{DbUp, Look, Record, WriteState},
};

/// Most bytes of a prompt or an answer that are kept.
pub const MOST: usize = 64 * 1024;

/// What is kept of a prompt; `None` if nothing is. To be asked before the prompt goes its way.
pub fn prompt(catalogue: &Catalogue, prompt: &str) -> Option<String> {
    let db = catalogue.db.as_ref()?;
    db.keeps_records.then(|| start(prompt, MOST).to_owned())
}

/// Keeps what was answered: in `tool_cache` if `prompt` is there, and as `TOOL.last_result` in
/// `hub_state`. The call does not wait for it.
pub fn keep(catalogue: &Catalogue, tool: &Tool, prompt: Option<String>, outcome: &Outcome) {
    let (Some(db), Some(text), Some(provenance)) =
        (&catalogue.db, outcome.text(), &outcome.provenance)
    else {
        return;
    };
    let Provenance {
        provider, model, ..
    } = provenance;
    keep_text(db, &tool.name, prompt, text, provider, model);
}

/// The same, for who has no tool.
pub fn keep_text(
    db: &DbUp,
    tool: &Arc<str>,
    prompt: Option<String>,
    text: &str,
    provider: &Arc<str>,
    model: &Arc<str>,
) {
    let at = SystemTime::now();
    if let Some(prompt) = prompt {
        db.records.do_send(Record {
            tool: tool.clone(),
            prompt,
            response: start(text, MOST).to_owned(),
            provider: provider.clone(),
            model: model.clone(),
            at,
        });
    }
    if let Some(last_results) = &db.last_results {
        let write = WriteState {
            key: format!("{tool}.last_result").into(),
            value: last_result(text, provider, model),
        };
        match last_results.try_send(write) {
            // Woken once for many calls.
            Ok(()) if last_results.capacity() == MOST_LAST_RESULTS / 2 => db.looks.do_send(Look),
            Ok(()) => {}
            Err(TrySendError::Full(write)) => {
                db.looks.do_send(Look);
                db.writes.do_send(write);
            }
            // It is being restarted; what it had not written is gone.
            Err(TrySendError::Closed(_)) => {}
        }
    }
}

/// At most [`MOST`] bytes as JSON, escapes included.
fn last_result(text: &str, provider: &str, model: &str) -> Value {
    let mut most = MOST;
    loop {
        let kept = start(text, most);
        let value = json!({
            "result": kept,
            "truncated": kept.len() < text.len(),
            "provider": provider,
            "model": model,
        });
        // An escape makes six bytes of one, so a short text need not be measured.
        let fits = kept.len() <= MOST / 8 || value.to_string().len() <= MOST;
        if fits {
            return value;
        }
        most = most * 3 / 4;
    }
}

/// The first bytes, `most` or a little less: no character is cut.
fn start(text: &str, most: usize) -> &str {
    let end = text.floor_char_boundary(most);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_is_cut() {
        assert_eq!(start("short", MOST), "short");
        let long = format!("{}ü", "a".repeat(MOST - 1));
        assert_eq!(start(&long, MOST).len(), MOST - 1);
    }

    #[test]
    fn the_last_result_is_bounded_as_json() {
        let short = last_result("short", "p", "m");
        let expected =
            json!({"result": "short", "truncated": false, "provider": "p", "model": "m"});
        assert_eq!(short, expected);
        for long in ["a".repeat(3 * MOST), "\u{1}".repeat(MOST), "ü".repeat(MOST)] {
            let value = last_result(&long, "p", "m");
            assert_eq!(value["truncated"], true);
            let length = value.to_string().len();
            assert!((MOST / 2..=MOST).contains(&length), "{length}");
        }
    }
}
