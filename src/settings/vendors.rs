//! What is known of vendors without the file saying it, and what is known to be outdated.
//!
//! As of 2026-11-23, from the vendors' own documentation where not said otherwise. An entry that is
//! wrong here can only cost a warning: nothing is refused because of these tables.

/// A provider whose block needs to say little.
#[derive(Debug)]
pub(super) struct Vendor {
    /// The block's name.
    pub(super) name: &'static str,
    /// The wire format.
    pub(super) api: &'static str,
    pub(super) base_url: &'static str,
    /// The variable that usually holds the key; none if there is no key.
    pub(super) env_key: Option<&'static str>,
}

/// A model that no longer answers, or soon will not.
#[derive(Debug)]
pub(super) struct Retired {
    pub(super) model: &'static str,
    /// The day its vendor ended it, or ends it.
    pub(super) date: &'static str,
    /// What its vendor recommends in its place.
    pub(super) instead: &'static str,
}

/// A price that files copy from one another and that is not the model's.
///
/// Only the wrong figure is matched, so that a vendor's next price list makes no entry false.
#[derive(Debug)]
pub(super) struct WrongPrice {
    pub(super) model: &'static str,
    /// The figures to warn of: input and output, US dollars for 1,000 tokens.
    pub(super) wrong: (f64, f64),
    /// The vendor's list.
    pub(super) list: (f64, f64),
}

/// The LLM vendors whose address is known.
pub(super) const VENDORS: [Vendor; 10] = [
    vendor(
        "anthropic",
        "anthropic",
        "https://api.anthropic.com/v1",
        Some("ANTHROPIC_API_KEY"),
    ),
    vendor(
        "gemini",
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        Some("GEMINI_API_KEY"),
    ),
    vendor(
        "openai",
        "openai",
        "https://api.openai.com/v1",
        Some("OPENAI_API_KEY"),
    ),
    vendor(
        "openrouter",
        "openai",
        "https://openrouter.ai/api/v1",
        Some("OPENROUTER_API_KEY"),
    ),
    vendor(
        "huggingface",
        "openai",
        "https://router.huggingface.co/v1",
        Some("HF_TOKEN"),
    ),
    vendor(
        "mistral",
        "openai",
        "https://api.mistral.ai/v1",
        Some("MISTRAL_API_KEY"),
    ),
    vendor(
        "groq",
        "openai",
        "https://api.groq.com/openai/v1",
        Some("GROQ_API_KEY"),
    ),
    vendor("xai", "openai", "https://api.x.ai/v1", Some("XAI_API_KEY")),
    vendor(
        "deepseek",
        "openai",
        "https://api.deepseek.com",
        Some("DEEPSEEK_API_KEY"),
    ),
    vendor("ollama", "openai", "http://127.0.0.1:11434/v1", None),
];

/// The search vendors whose address is known. Their addresses are whole endpoints.
pub(super) const SEARCH_VENDORS: [Vendor; 3] = [
    vendor(
        "brave",
        "brave",
        "https://api.search.brave.com/res/v1/web/search",
        Some("BRAVE_API_KEY"),
    ),
    vendor(
        "tavily",
        "tavily",
        "https://api.tavily.com/search",
        Some("TAVILY_API_KEY"),
    ),
    vendor("searxng", "searxng", "http://127.0.0.1:8888/search", None),
];

/// Sources: ai.google.dev/gemini-api/docs/deprecations, platform.claude.com model deprecations and
/// release notes, console.groq.com/docs/deprecations, docs.x.ai migration guides.
const RETIRED: [Retired; 20] = [
    retired("gemini-2.0-flash", "2026-06-01", "gemini-3.5-flash-lite"),
    retired(
        "gemini-2.0-flash-001",
        "2026-06-01",
        "gemini-3.5-flash-lite",
    ),
    retired(
        "gemini-2.0-flash-lite",
        "2026-06-01",
        "gemini-3.5-flash-lite",
    ),
    retired(
        "gemini-2.0-flash-lite-001",
        "2026-06-01",
        "gemini-3.5-flash-lite",
    ),
    retired("gemini-2.5-flash", "2026-12-01", "gemini-3.5-flash-lite"),
    retired("gemini-2.5-pro", "2026-12-01", "gemini-3.8-flash"),
    retired(
        "gemini-3-pro-preview",
        "2026-03-09",
        "gemini-3.1-pro-preview",
    ),
    retired(
        "gemini-3.1-flash-lite-preview",
        "2026-05-25",
        "gemini-3.1-flash-lite",
    ),
    retired("claude-opus-4-20250514", "2026-06-15", "claude-opus-5-5"),
    retired(
        "claude-sonnet-4-20250514",
        "2026-06-15",
        "claude-sonnet-5-5",
    ),
    retired("claude-opus-4-1-20250805", "2026-08-05", "claude-opus-5-5"),
    retired(
        "llama-3.3-70b-versatile",
        "2026-08-16",
        "openai/gpt-oss-120b",
    ),
    retired("llama-3.1-8b-instant", "2026-08-16", "openai/gpt-oss-20b"),
    retired("embedding-001", "2025-10-30", "gemini-embedding-001"),
    retired("text-embedding-004", "2026-01-14", "gemini-embedding-001"),
    retired("grok-3", "2026-05-15", "grok-4.3"),
    retired("grok-4-0709", "2026-05-15", "grok-4.3"),
    retired("grok-4-fast-reasoning", "2026-05-15", "grok-4.3"),
    retired("grok-4-fast-non-reasoning", "2026-05-15", "grok-4.3"),
    retired("grok-code-fast-1", "2026-05-15", "grok-4.3"),
];

/// Sources: platform.claude.com pricing, ai.google.dev/gemini-api/docs/pricing.
const WRONG_PRICES: [WrongPrice; 4] = [
    WrongPrice {
        model: "claude-opus-4-6",
        wrong: (0.015, 0.075),
        list: (0.005, 0.025),
    },
    WrongPrice {
        model: "claude-haiku-4-5-20251001",
        wrong: (0.000_25, 0.001_25),
        list: (0.001, 0.005),
    },
    WrongPrice {
        model: "gemini-2.5-flash",
        wrong: (0.000_1, 0.000_4),
        list: (0.000_3, 0.002_5),
    },
    WrongPrice {
        model: "gemini-3.1-flash-lite-preview",
        wrong: (0.000_1, 0.000_4),
        list: (0.000_25, 0.001_5),
    },
];

/// The day the tables were last compared with the vendors'.
pub(super) const AS_OF: &str = "2026-11-23";

/// The LLM vendor that a block of this name means.
pub(super) fn by_name(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.name == name)
}

/// The search vendor that a block of this name means.
pub(super) fn search_by_name(name: &str) -> Option<&'static Vendor> {
    SEARCH_VENDORS.iter().find(|vendor| vendor.name == name)
}

/// Whether, when and for what a model was retired.
pub(super) fn retirement(model: &str) -> Option<&'static Retired> {
    RETIRED.iter().find(|retired| retired.model == model)
}

/// The vendor's list price (input, output), if the file's is one that is known to be wrong.
pub(super) fn wrong_price(model: &str, input: f64, output: f64) -> Option<(f64, f64)> {
    let same = |a: f64, b: f64| (a - b).abs() < 1e-9;
    WRONG_PRICES
        .iter()
        .find(|price| {
            price.model == model && same(price.wrong.0, input) && same(price.wrong.1, output)
        })
        .map(|price| price.list)
}

const fn vendor(
    name: &'static str,
    api: &'static str,
    base_url: &'static str,
    env_key: Option<&'static str>,
) -> Vendor {
    Vendor {
        name,
        api,
        base_url,
        env_key,
    }
}

const fn retired(model: &'static str, date: &'static str, instead: &'static str) -> Retired {
    Retired {
        model,
        date,
        instead,
    }
}
