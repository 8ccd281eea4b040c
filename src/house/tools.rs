//! Tools, as the catalogue has them: those of the configuration, those that clients look for, and the
//! hub's own.

use std::{sync::Arc, time::Duration};

use hub_actors::catalogue::{Tool, ToolKind};

use crate::settings::{
    Settings,
    readiness::{self, IsSet, ToolStatus},
};

/// Tools that need nothing.
const SYSTEM_TOOLS: [(&str, &str, ToolKind); 3] = [
    (
        "list_active_tools",
        "List the tools, providers and models that can be used now, and what is inactive and why",
        ToolKind::ListActiveTools,
    ),
    (
        "health_check",
        "Report the hub's status, uptime, and each actor's state and restarts",
        ToolKind::HealthCheck,
    ),
    (
        "get_model_info",
        "Describe one model: context, limits, rates, prices, capabilities",
        ToolKind::GetModelInfo,
    ),
];

/// Tools that clients ask for, whether or not the configuration names them.
const PLANNED_TOOLS: [(&str, &str, &str); 1] = [(
    "web_search",
    "Search the web",
    "no search provider is configured: add a [SEARCH_PROVIDER.brave] block",
)];

/// Longest time for one of them: they ask nobody outside.
const SYSTEM_TIMEOUT: Duration = Duration::from_secs(5);

/// All of them, with why those that cannot be called are inactive. `no_database` says why there is none, if
/// one was asked for.
pub(super) fn tools(
    settings: &Settings,
    has: &IsSet<'_>,
    no_database: Option<&str>,
) -> Vec<Arc<Tool>> {
    let mut statuses = readiness::tool_status(settings, has);
    if let Some(why) = no_database {
        readiness::without_database(&mut statuses, why);
    }
    let configured = settings.tools.iter().zip(statuses).map(|(tool, status)| {
        Arc::new(Tool {
            name: tool.name.as_str().into(),
            description: tool.description.clone(),
            timeout: tool.timeout,
            cache_ttl: tool.cache_ttl,
            inactive: why_not(status),
            kind: match tool.provider_type.as_str() {
                "llm" => ToolKind::Llm {
                    system: tool.system_prompt.as_deref().map(Into::into),
                    provider: tool.default_provider.as_deref().map(Into::into),
                },
                "search" => ToolKind::Search {
                    provider: tool.default_provider.as_deref().map(Into::into),
                    default_results: tool.default_results,
                },
                "db" => ToolKind::DbQuery,
                "persist" => ToolKind::Persist {
                    table: Arc::new(tool.target_table.clone()),
                    state_key: tool.state_read_key.as_deref().map(Into::into),
                },
                _ => ToolKind::NotBuilt,
            },
        })
    });
    let named = |name: &str| settings.tools.iter().any(|tool| tool.name == name);
    let planned = PLANNED_TOOLS.into_iter().filter(|(name, ..)| !named(name));
    let planned = planned.map(|(name, description, why)| {
        Arc::new(Tool {
            name: name.into(),
            description: description.to_owned(),
            timeout: SYSTEM_TIMEOUT,
            cache_ttl: None,
            inactive: Some(why.to_owned()),
            kind: ToolKind::NotBuilt,
        })
    });
    let system = SYSTEM_TOOLS.into_iter().map(|(name, description, kind)| {
        Arc::new(Tool {
            name: name.into(),
            description: description.to_owned(),
            timeout: SYSTEM_TIMEOUT,
            cache_ttl: None,
            inactive: None,
            kind,
        })
    });
    configured.chain(planned).chain(system).collect()
}

/// Why a tool is inactive, and what to set.
fn why_not(status: ToolStatus) -> Option<String> {
    let reason = status.reason?;
    Some(match status.missing.as_slice() {
        [] => reason,
        variables => format!("{reason}: set {}", variables.join(" or ")),
    })
}
