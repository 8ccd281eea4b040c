//! Place: where the answer to one question is, or will be: in memory, and in the state file.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::oneshot, time::timeout};

use super::{Answer, Cache, Key};
use crate::protocol::{AnswersUp, FindAnswer, KeepAnswer, KeptAnswer};

/// Longest wait for the file: little beside what asking a provider takes, much beside what it takes to
/// find a row.
const FILE_PATIENCE: Duration = Duration::from_millis(50);

/// Where an answer is kept.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) cache: Arc<Cache>,
    pub(super) file: Option<AnswersUp>,
    pub(super) key: Key,
    /// Which tool's it is.
    pub(super) tool: Arc<str>,
    /// For how long it is kept.
    pub(super) time: Duration,
}

// === impl Place ===

impl Place {
    /// The answer, if it is there and its time is not over.
    pub(super) async fn find(&self) -> Option<Arc<Answer>> {
        if let Some(answer) = self.cache.get(&self.key) {
            return Some(answer);
        }
        let KeptAnswer { answer, until } = self.look_up().await?;
        // The configuration may have become stricter since.
        let left = until.duration_since(SystemTime::now()).unwrap_or_default();
        self.cache
            .put(self.key, answer.clone(), left.min(self.time));
        Some(answer)
    }

    /// Keeps an answer, if it is small enough.
    pub(super) fn keep(&self, answer: Arc<Answer>) {
        if self.cache.put(self.key, answer.clone(), self.time)
            && let Some(file) = &self.file
        {
            file.keep.do_send(KeepAnswer {
                key: self.key,
                tool: self.tool.clone(),
                answer,
                until: SystemTime::now() + self.time,
            });
        }
    }

    async fn look_up(&self) -> Option<KeptAnswer> {
        let (reply, found) = oneshot::channel();
        let key = self.key;
        let file = self.file.as_ref()?;
        file.find.do_send(FindAnswer { key, reply });
        timeout(FILE_PATIENCE, found).await.ok()?.ok()?
    }
}
