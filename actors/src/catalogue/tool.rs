//! A tool, as the configuration has it.

use std::{sync::Arc, time::Duration};

use crate::table::Table;

/// One tool.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Its name, unique.
    pub name: Arc<str>,
    /// For people and models.
    pub description: String,
    /// What it does.
    pub kind: ToolKind,
    /// Longest time for one call, fallbacks and retries included.
    pub timeout: Duration,
    /// How long an answer is good for others who ask the same; `None` if it is not.
    pub cache_ttl: Option<Duration>,
    /// Why it cannot be called, in one sentence that says what to do; `None` if it can.
    pub inactive: Option<String>,
}

/// What a tool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolKind {
    /// Asks an LLM.
    Llm {
        /// Its system role.
        system: Option<Arc<str>>,
        /// Where its chain starts, if the caller does not say.
        provider: Option<Arc<str>>,
    },
    /// Searches the web.
    Search {
        /// Where its chain starts, if the caller does not say.
        provider: Option<Arc<str>>,
        /// How many hits, if the caller does not say; the provider's own number if not set.
        default_results: Option<u32>,
    },
    /// Lists tools, providers and models.
    ListActiveTools,
    /// Reports each actor's state.
    HealthCheck,
    /// Describes one model.
    GetModelInfo,
    /// Answers one SELECT on the hub's own state.
    DbQuery,
    /// Keeps a row in the cloud's database.
    Persist {
        /// Where it goes.
        table: Arc<Table>,
        /// The key of `hub_state` whose value is kept if the caller sends no data.
        state_key: Option<Arc<str>>,
    },
    /// Named by the configuration, not in this version of the hub.
    NotBuilt,
}
