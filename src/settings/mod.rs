//! Typed settings: what hub.pyfun says, checked, with every problem reported at once.

mod chain;
mod env_key;
mod headers;
mod hub;
mod layers;
mod load;
mod model;
mod names;
mod nearest;
mod provider;
pub mod readiness;
mod search;
mod section;
#[cfg(test)]
mod tests;
mod tool;
mod url;
mod vendors;

use std::{path::PathBuf, time::Duration};

use hub_actors::table::Table;

pub use layers::OVERRIDE_PREFIX;
pub use tool::SYSTEM_TOOLS;

use load::{NAMED_KINDS, PLAIN};

/// Everything hub.pyfun says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[HUB]`
    pub hub: Hub,
    /// `[HUB_LIMITS]`
    pub limits: Limits,
    /// `[LLM_PROVIDER.x]`, in the file's order.
    pub llm_providers: Vec<LlmProvider>,
    /// `[SEARCH_PROVIDER.x]`, in the file's order.
    pub search_providers: Vec<SearchProvider>,
    /// `[MODEL.x]`, in the file's order.
    pub models: Vec<Model>,
    /// `[TOOL.x]` or, without any, the built-in `llm_complete`, and `web_search` if
    /// there is a search provider.
    pub tools: Vec<Tool>,
    /// `[DB_SYNC]`
    pub db_sync: DbSync,
    /// `[DEBUG]`
    pub debug: Debug,
}

/// `[HUB]`
#[derive(Debug, Clone)]
pub struct Hub {
    /// HUB_NAME
    pub name: String,
    /// HUB_VERSION, else this program's own.
    pub version: String,
    /// HUB_DESCRIPTION
    pub description: String,
    /// HUB_TRANSPORT: `streamable-http` or `sse`.
    pub transport: String,
    /// HUB_HOST; the variable HOST wins.
    pub host: String,
    /// HUB_PORT; the variable PORT wins.
    pub port: u16,
    /// HUB_STATELESS: MCP without sessions.
    pub stateless: bool,
    /// HUB_ALLOWED_HOSTS and the host of HUB_SPACE_URL: names that requests may be sent to.
    pub allowed_hosts: Vec<String>,
    /// HUB_ALLOWED_ORIGINS: web pages that may call the hub.
    pub allowed_origins: Vec<String>,
    /// HUB_TAG_REPLIES: put `[provider] ` before each text, as the Python hub did.
    pub tag_replies: bool,
    /// HUB_DATA_DIR: the folder of the hub's own files; the variable HUB_DATA_DIR wins.
    pub data_dir: Option<PathBuf>,
    /// HUB_AUTH; the variable HUB_AUTH wins.
    pub auth: Auth,
    /// HUB_STATE_LAST_RESULTS: each tool's last answer is kept in `hub_state`.
    pub last_results: bool,
    /// HUB_FETCH_IMAGES: images at https addresses are fetched for providers that read none.
    pub fetch_images: bool,
    /// HUB_FETCH_FIXTURE: a test's own Internet.
    #[cfg(feature = "fixtures")]
    pub fetch_fixture: String,
}

/// Who is asked who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Everybody, unless the hub listens on the loopback and has no key.
    Auto,
    /// Everybody.
    Required,
    /// Nobody.
    Open,
}

/// `[HUB_LIMITS]`
#[derive(Debug, Clone)]
pub struct Limits {
    /// MAX_PARALLEL_REQUESTS, for each provider; at least 1.
    pub max_parallel_requests: usize,
    /// MAX_WAIT_SEC: how long a call waits for a busy provider before it goes on; 0 or more, decimals allowed.
    pub max_wait: Duration,
    /// RETRY_COUNT: retries after the first try, on the same provider.
    pub retry_count: u32,
    /// RETRY_DELAY_SEC: the first retry's longest pause; doubles with each; decimals allowed.
    pub retry_delay: Duration,
    /// REQUEST_TIMEOUT_SEC: longest time for one LLM provider.
    pub request_timeout: Duration,
    /// SEARCH_TIMEOUT_SEC: longest time for one search provider.
    pub search_timeout: Duration,
    /// CACHE_MAX_MB: most memory for kept answers, in bytes; as much in the file.
    pub cache_bytes: u64,
}

/// `[LLM_PROVIDER.x]`
#[derive(Debug, Clone)]
pub struct LlmProvider {
    /// The block's name.
    pub name: String,
    /// active
    pub active: bool,
    /// api: the wire format's name (`hub_actors::provider::wire::by_name`).
    pub api: String,
    /// base_url, without a trailing slash; http or https, no user info, query or fragment.
    pub base_url: String,
    /// env_key: the variable that holds the key; `None` if it needs no key (`env_key = ""`).
    pub env_key: Option<String>,
    /// api_version_header: the format version to ask for (anthropic).
    pub api_version: Option<String>,
    /// default_model
    pub default_model: String,
    /// models, without duplicates; holds at least `default_model`.
    pub models: Vec<String>,
    /// embedding_models, without duplicates: those that make vectors.
    pub embedding_models: Vec<String>,
    /// fallback_to, if any.
    pub fallback_to: Option<String>,
    /// extra_headers: name and value; `$KEY` in a value stands for the provider's key.
    pub extra_headers: Vec<(String, String)>,
    /// drop_params
    pub drop_params: Vec<String>,
    /// max_tokens_field says `max_completion_tokens`.
    pub max_completion_tokens: bool,
}

/// `[SEARCH_PROVIDER.x]`
#[derive(Debug, Clone)]
pub struct SearchProvider {
    /// The block's name.
    pub name: String,
    /// active
    pub active: bool,
    /// api: the wire format's name (`hub_actors::provider::wire::search::by_name`); `None` if the hub
    /// does not speak its format, which keeps it from being used.
    pub api: Option<String>,
    /// base_url: the whole endpoint, without a trailing slash; as for an LLM provider otherwise.
    pub base_url: String,
    /// env_key, as for an LLM provider.
    pub env_key: Option<String>,
    /// default_results: hits if a call does not say; at most `max_results`.
    pub default_results: u32,
    /// max_results: most hits of a call.
    pub max_results: u32,
    /// include_answer: ask for an answer above the hits.
    pub include_answer: bool,
    /// fallback_to, if any.
    pub fallback_to: Option<String>,
}

/// `[MODEL.x]`
#[derive(Debug, Clone)]
pub struct Model {
    /// The block's name.
    pub name: String,
    /// provider
    pub provider: String,
    /// model: what the provider calls it, if the block's name is another; ours.
    pub calls: Option<String>,
    /// context_tokens
    pub context_tokens: Option<u64>,
    /// max_output_tokens
    pub max_output_tokens: Option<u32>,
    /// requests_per_min
    pub requests_per_min: Option<u64>,
    /// requests_per_day
    pub requests_per_day: Option<u64>,
    /// cost_input_per_1k, US dollars.
    pub cost_input_per_1k: Option<f64>,
    /// cost_output_per_1k, US dollars.
    pub cost_output_per_1k: Option<f64>,
    /// cost_cached_input_per_1k, US dollars; ours.
    pub cost_cached_input_per_1k: Option<f64>,
    /// capabilities
    pub capabilities: Vec<String>,
}

/// `[TOOL.x]`
#[derive(Debug, Clone)]
pub struct Tool {
    /// The block's name.
    pub name: String,
    /// active
    pub active: bool,
    /// description
    pub description: String,
    /// provider_type: `llm`, `search`, `db`, `persist`, or another word, which is inactive.
    pub provider_type: String,
    /// default_provider, if any.
    pub default_provider: Option<String>,
    /// timeout_sec, capped at 55 s: existing clients give up after 60.
    pub timeout: Duration,
    /// system_prompt, if any.
    pub system_prompt: Option<String>,
    /// default_results, if any: hits of a search if a call does not say.
    pub default_results: Option<u32>,
    /// cache_ttl_sec, if any: how long an answer is given again to who asks the same.
    pub cache_ttl: Option<Duration>,
    /// target_table: where `persist` keeps rows.
    pub target_table: Table,
    /// state_read_key, if any: the key of `hub_state` that `persist` keeps if a call sends no data.
    pub state_read_key: Option<String>,
}

/// `[DB_SYNC]`
#[derive(Debug, Clone)]
pub struct DbSync {
    /// SQLITE_PATH: the file of the hub's own state; without it the state is kept in memory.
    pub sqlite_path: Option<PathBuf>,
    /// SYNC_INTERVAL_SEC: longest time before what is to be kept is written.
    pub interval: Duration,
    /// MAX_CACHE_ENTRIES: so many calls are kept with what was asked and answered; 0 keeps none.
    pub max_records: usize,
}

/// `[DEBUG]`
#[derive(Debug, Clone)]
pub struct Debug {
    /// DEBUG and DEBUG_LEVEL together, as a log level; LOG_LEVEL wins.
    pub level: Option<String>,
    /// LOG_FILE, if DEBUG is on.
    pub log_file: Option<PathBuf>,
    /// LOG_REQUESTS: a line for each call.
    pub log_requests: bool,
}

// === impl Auth ===

impl Auth {
    /// The words.
    pub const WORDS: [&'static str; 3] = ["auto", "required", "open"];

    /// Reads one of them, in any case.
    pub fn read(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "auto" => Some(Self::Auto),
            "required" => Some(Self::Required),
            "open" => Some(Self::Open),
            _ => None,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Required => "required",
            Self::Open => "open",
        }
    }
}
