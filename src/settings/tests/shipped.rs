//! The hub.pyfun that comes with the hub, and a file of the older kind.

use std::{collections::BTreeMap, time::Duration};

use super::{Settings, briefly, check, settings};

const SHIPPED: &str = include_str!("../../../hub.pyfun");

#[test]
fn nothing_is_wrong_with_it() {
    check(SHIPPED, &[]);
}

#[test]
fn it_has_every_provider_and_tool() {
    let settings = settings(SHIPPED);
    let providers: Vec<&str> = settings
        .llm_providers
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(
        providers,
        [
            "smollm",
            "anthropic",
            "gemini",
            "openrouter",
            "huggingface",
            "openai",
            "mistral",
            "xai",
            "groq",
            "deepseek",
            "ollama",
        ]
    );
    let search: Vec<&str> = settings
        .search_providers
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(search, ["brave", "tavily", "searxng"]);
    let tools: Vec<&str> = settings
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(
        tools,
        [
            "llm_complete",
            "code_review",
            "summarize",
            "translate",
            "web_search",
            "db_query",
            "persist_result",
        ]
    );
}

#[test]
fn it_listens_on_this_machine_only_and_waits_for_keys() {
    let settings = settings(SHIPPED);
    assert_eq!(
        (settings.hub.host.as_str(), settings.hub.port),
        ("127.0.0.1", 7860)
    );
    for provider in settings
        .llm_providers
        .iter()
        .filter(|provider| provider.active)
    {
        assert!(
            provider.env_key.is_some(),
            "{} is active without a key",
            provider.name
        );
        assert!(
            provider.base_url.starts_with("https://"),
            "{}",
            provider.name
        );
    }
    let ollama = settings.llm_providers.last().unwrap();
    assert_eq!((ollama.active, &ollama.env_key), (false, &None));
}

#[test]
fn it_says_what_the_defaults_say() {
    let shipped = settings(SHIPPED);
    let (bare, _) = Settings::load("f", None, &BTreeMap::new()).unwrap();
    assert_eq!(format!("{:?}", shipped.hub), format!("{:?}", bare.hub));
    assert_eq!(
        format!("{:?}", shipped.limits),
        format!("{:?}", bare.limits)
    );
    assert_eq!(format!("{:?}", shipped.debug), format!("{:?}", bare.debug));
}

#[test]
fn every_default_model_but_free_choices_has_limits() {
    let settings = settings(SHIPPED);
    for provider in settings
        .llm_providers
        .iter()
        .filter(|p| p.name != "huggingface")
    {
        let model = settings
            .models
            .iter()
            .find(|model| model.name == provider.default_model);
        assert!(
            model.is_some_and(|model| model.context_tokens.is_some()),
            "{} of {}",
            provider.default_model,
            provider.name
        );
    }
}

/// The faults that files of the Python hub have.
const OLDER: &str = r#"[PYFUN_FILE = .pyfun]
[HUB]
HUB_NAME            = "Multi-LLM-API-Gateway"
HUB_TRANSPORT       = "streamable-http"
HUB_STATELESS       = "true"
HUB_HOST            = "0.0.0.0"
HUB_MODE            = "mcp"
HUB_SPACE_URL       = ""
[HUB_END]
[PROVIDERS]
[LLM_PROVIDERS]
  [LLM_PROVIDER.gemini]
  base_url      = "https://generativelanguage.googleapis.com/v1beta"
  env_key       = "GEMINI_API_KEY"
  default_model = "gemini-2.5-flash-lite"
  models        = "gemini-2.0-flash, gemini-2.5-flash-lite, "
  fallback_to   = "" # last in chain, no further fallback
  [LLM_PROVIDER.gemini_END]
  [LLM_PROVIDER.huggingface]
  active        = "false"
  base_url      = "https://api-inference.huggingface.co/v1"
  env_key       = "HF_TOKEN"                # HF_TOKEN=hf_...
  default_model = "meta-llama/Llama-3.1-8B-Instruct"
  [LLM_PROVIDER.huggingface_END]
[LLM_PROVIDERS_END]
[PROVIDERS_END]
[MODELS]
  [MODEL.gemini-2.5-flash-lite]
  provider      = "gemini"
  [MODEL.gemini-2.0-flash-lite_END]
[MODELS_END]
[TOOLS]
  [TOOL.shellmaster]
  active                = "false"
  description           = "Generate safe shell commands"
  shellmaster_agent_url = "http://localhost:5004"
  timeout_sec           = "60"
  system_prompt         = "You are ShellMaster.
                           ALWAYS include a backup.
                           Output JSON: {command, backup}"
  [TOOL.shellmaster_END]
[TOOLS_END]
[DEBUG]
DEBUG = "ON"   # ON | OFF
[DEBUG_END]
[PARSER_PROVIDER]
#[PARSER_PROVIDER.x]
[PARSER_PROVIDER_END]
"#;

#[test]
fn a_file_of_the_older_kind_loads_with_its_faults_named() {
    check(
        OLDER,
        &[
            "16 warning: `gemini-2.0-flash` is outdated: its vendor's retirement date is 2026-06-01",
            "21 warning: `api-inference.huggingface.co` is outdated",
            "30 warning: `[MODEL.gemini-2.0-flash-lite_END]` closes nothing: \
             `[MODEL.gemini-2.5-flash-lite]` (line 28) is open",
            "36 warning: unknown key `shellmaster_agent_url` in [TOOL.shellmaster]",
            "38 warning: the value of `system_prompt` runs on to line 40",
        ],
    );
    let settings = settings(OLDER);
    let tool = &settings.tools[0];
    assert_eq!(
        tool.system_prompt.as_deref(),
        Some("You are ShellMaster.\nALWAYS include a backup.\nOutput JSON: {command, backup}")
    );
    assert_eq!(tool.timeout, Duration::from_secs(55));
    assert_eq!(settings.models.len(), 1);
}

#[test]
fn the_shipped_file_can_be_overridden_in_every_block() {
    let overrides: BTreeMap<String, String> = settings(SHIPPED)
        .llm_providers
        .iter()
        .map(|provider| {
            let name = provider.name.to_uppercase();
            (
                format!("HUB__LLM_PROVIDER__{name}__ACTIVE"),
                "false".to_owned(),
            )
        })
        .collect();
    let loaded = Settings::load("f", Some(SHIPPED.as_bytes()), &overrides);
    assert!(
        briefly(&loaded)
            .iter()
            .all(|problem| !problem.contains("matches nothing"))
    );
    let (settings, _) = loaded.unwrap();
    assert!(
        settings
            .llm_providers
            .iter()
            .all(|provider| !provider.active)
    );
}
