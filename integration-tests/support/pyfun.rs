//! hub.pyfun as the tests need it: small, and pointing at loopback.
//!
//! The models are invented: real names retire, and `hub check` would say so.

use std::fmt;

use super::upstream::FakeUpstream;

/// The text of a configuration file, under construction.
#[derive(Debug, Clone)]
pub(crate) struct Pyfun {
    limits: Vec<(String, String)>,
    providers: Vec<Provider>,
    timeout_sec: u32,
    extra: String,
}

/// One `[LLM_PROVIDER.x]`.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    name: &'static str,
    keys: Vec<(&'static str, String)>,
}

// === impl Provider ===

impl Provider {
    /// Claude's format at `base`.
    pub(crate) fn anthropic(base: &str) -> Self {
        Self::new("anthropic", &format!("{base}/v1"))
            .key("env_key", "ANTHROPIC_API_KEY")
            .key("api_version_header", "2023-06-01")
            .key("default_model", "claude-fast-1")
            .key("models", "claude-fast-1, claude-strong-1")
    }

    /// Gemini's format at `base`.
    pub(crate) fn gemini(base: &str) -> Self {
        Self::new("gemini", &format!("{base}/v1beta"))
            .key("env_key", "GEMINI_API_KEY")
            .key("default_model", "gemini-fast-1")
            .key("models", "gemini-fast-1, gemini-fast-1-lite")
    }

    /// OpenAI's format at `base`.
    pub(crate) fn openrouter(base: &str) -> Self {
        Self::new("openrouter", &format!("{base}/api/v1"))
            .key("env_key", "OPENROUTER_API_KEY")
            .key("default_model", "acme/open-20b:free")
            .key("models", "acme/open-20b:free")
    }

    /// The provider that fails on demand.
    pub(crate) fn fragile() -> Self {
        Self::new("fragile", "http://127.0.0.1:9")
            .key("api", "fault")
            .key("env_key", "")
            .key("default_model", "fault-1")
            .key("models", "fault-1")
    }

    pub(crate) fn new(name: &'static str, base_url: &str) -> Self {
        Self {
            name,
            keys: vec![("base_url", base_url.to_owned())],
        }
    }

    /// Sets a key, in place of what it was.
    pub(crate) fn key(mut self, name: &'static str, value: &str) -> Self {
        self.keys.retain(|(known, _)| *known != name);
        self.keys.push((name, value.to_owned()));
        self
    }

    pub(crate) fn fallback_to(self, name: &str) -> Self {
        self.key("fallback_to", name)
    }
}

// === impl Pyfun ===

impl Pyfun {
    /// A chain of these, in this order unless they say otherwise. No retries.
    pub(crate) fn chain(providers: impl IntoIterator<Item = Provider>) -> Self {
        let mut providers: Vec<_> = providers.into_iter().collect();
        let names: Vec<_> = providers.iter().map(|provider| provider.name).collect();
        for (provider, next) in providers.iter_mut().zip(names.iter().skip(1)) {
            if !provider.keys.iter().any(|(name, _)| *name == "fallback_to") {
                provider.keys.push(("fallback_to", (*next).to_owned()));
            }
        }
        Self {
            limits: Vec::new(),
            providers,
            timeout_sec: 20,
            extra: String::new(),
        }
        .limit("RETRY_COUNT", "0")
        .limit("RETRY_DELAY_SEC", "0.05")
    }

    /// anthropic -> gemini -> openrouter, all at one address.
    pub(crate) fn three(upstream: &FakeUpstream) -> Self {
        let base = &upstream.url();
        Self::chain([
            Provider::anthropic(base),
            Provider::gemini(base),
            Provider::openrouter(base),
        ])
    }

    /// One provider alone: OpenAI's format.
    pub(crate) fn alone(base: &str) -> Self {
        Self::chain([Provider::openrouter(base)])
    }

    /// A key of `[HUB_LIMITS]`.
    pub(crate) fn limit(mut self, name: &str, value: &str) -> Self {
        self.limits.retain(|(known, _)| known != name);
        self.limits.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `timeout_sec` of every tool.
    pub(crate) fn timeout_sec(mut self, seconds: u32) -> Self {
        self.timeout_sec = seconds;
        self
    }

    /// Text at the end of the file.
    pub(crate) fn and(mut self, text: &str) -> Self {
        self.extra.push_str(text);
        self
    }
}

impl fmt::Display for Pyfun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[PYFUN_FILE = .pyfun]\n[HUB]")?;
        writeln!(
            f,
            "HUB_NAME = \"Test Hub\"\nHUB_HOST = \"127.0.0.1\"\n[HUB_END]"
        )?;
        writeln!(f, "[HUB_LIMITS]")?;
        for (name, value) in &self.limits {
            writeln!(f, "{name} = \"{value}\"")?;
        }
        writeln!(f, "[HUB_LIMITS_END]\n[LLM_PROVIDERS]")?;
        for Provider { name, keys } in &self.providers {
            writeln!(f, "  [LLM_PROVIDER.{name}]\n  active = \"true\"")?;
            for (key, value) in keys {
                writeln!(f, "  {key} = \"{value}\"")?;
            }
            writeln!(f, "  [LLM_PROVIDER.{name}_END]")?;
        }
        writeln!(f, "[LLM_PROVIDERS_END]\n[TOOLS]")?;
        let first = self.providers.first().map_or("", |first| first.name);
        for tool in ["llm_complete", "code_review", "summarize", "translate"] {
            writeln!(
                f,
                "  [TOOL.{tool}]\n  active = \"true\"\n  provider_type = \"llm\""
            )?;
            writeln!(f, "  description = \"{tool} for the tests\"")?;
            writeln!(f, "  default_provider = \"{first}\"")?;
            writeln!(f, "  timeout_sec = \"{}\"", self.timeout_sec)?;
            writeln!(f, "  system_prompt = \"You are {tool}.\"")?;
            writeln!(f, "  [TOOL.{tool}_END]")?;
        }
        for (tool, kind) in [
            ("web_search", "search"),
            ("db_query", "db"),
            ("persist_result", "persist"),
        ] {
            writeln!(
                f,
                "  [TOOL.{tool}]\n  active = \"true\"\n  provider_type = \"{kind}\""
            )?;
            writeln!(
                f,
                "  description = \"{tool} for the tests\"\n  timeout_sec = \"5\""
            )?;
            writeln!(f, "  [TOOL.{tool}_END]")?;
        }
        writeln!(f, "[TOOLS_END]\n{}", self.extra)
    }
}
