//! House: what settings and vault amount to, before anybody is started.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use hub_actors::{
    cache::Cache,
    catalogue::{
        Catalogue, Crypto, Fetcher, HubInfo, ModelInfo, Models, Provider, ProviderInfo, Results,
        Tool, ToolKind,
    },
    conversation::Format,
    db_sync::DbSpec,
    outbox::OutboxSpec,
    protocol::{EmbeddingRequest, SearchRequest},
    provider::ProviderSpec,
    transport::HttpOptions,
};

#[cfg(feature = "fixtures")]
use crate::fetcher::fixture;
use crate::{
    audit::Audit,
    cloud_db::{DatabaseSpec, VARIABLE},
    crypto::{self, CryptoSpec, Keyring},
    doors,
    embedders::{embedders, embeds},
    fetcher::FetcherSpec,
    identity::Identities,
    roles,
    settings::{
        self, LlmProvider, SearchProvider, Settings,
        readiness::{self, ProviderState, ToolStatus},
    },
    start::Premises,
    upstreams::{Upstreams, UpstreamsError},
    vault::{MASTER, Vault},
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

/// Everything that is started.
pub struct House {
    /// What the configuration names, with nobody up yet.
    pub catalogue: Catalogue,
    /// The LLM providers that can be used.
    pub providers: Vec<ProviderSpec>,
    /// The search providers that can be used.
    pub searchers: Vec<ProviderSpec<SearchRequest>>,
    /// The LLM providers that can be used and make vectors.
    pub embedders: Vec<ProviderSpec<EmbeddingRequest>>,
    /// The hub's own state.
    pub db: DbSpec,
    /// Who opens and seals envelopes, if there is a master key.
    pub crypto: Option<CryptoSpec>,
    /// Who fetches images, if the configuration wants them fetched.
    pub fetcher: Option<FetcherSpec>,
    /// The cloud's database, if a tool uses it.
    pub cloud: Option<CloudStorage>,
    /// How it is entered.
    pub http: HttpOptions,
    /// Who may enter.
    pub identities: Arc<Identities>,
    /// Where users' roles come from.
    pub roles: roles::Source,
    /// What is kept of calls; `None` if there is no folder to keep it in.
    pub audit: Option<Audit>,
    /// The id of the key whose rights a client at standard input has, if it has not all.
    pub stdio_key: Option<Arc<str>>,
}

/// The cloud's database, and where rows wait for it.
pub struct CloudStorage {
    /// Where rows wait.
    pub outbox: OutboxSpec,
    /// The database.
    pub database: DatabaseSpec,
}

// === impl House ===

impl House {
    /// Builds it on these premises. A provider without its key gets no actor.
    ///
    /// # Errors
    /// [`UpstreamsError`] if a provider has what it needs and still cannot be called.
    pub fn new(
        settings: &Settings,
        vault: &Vault,
        premises: Premises<'_>,
    ) -> Result<Self, UpstreamsError> {
        let Premises {
            host,
            places,
            identities,
            audit,
            stdio_key,
        } = premises;
        let trail = audit.as_ref().map(|audit| audit.trail.clone());
        let has = |name: &str| vault.has(name);
        let usable = || {
            let ready = |p: &&LlmProvider| readiness::state(*p, &has) == ProviderState::Ready;
            settings.llm_providers.iter().filter(ready)
        };
        let searching = || {
            let ready = |p: &&SearchProvider| readiness::state(*p, &has) == ProviderState::Ready;
            settings.search_providers.iter().filter(ready)
        };
        let addresses = usable().map(|p| p.base_url.as_str());
        let addresses = addresses.chain(searching().map(|p| p.base_url.as_str()));
        let addresses = addresses.chain(settings.hub.fetch_images.then_some("https:"));
        let upstreams = Upstreams::new(vault, &settings.limits, addresses)?;
        let providers = usable().map(|provider| upstreams.llm(provider));
        let searchers = searching().map(|provider| upstreams.search(provider));
        let embedding = usable().filter(|provider| embeds(provider));
        let embedders = embedding.map(|provider| upstreams.embedding(provider));
        let database = database(vault, &places.folder);
        let roles = match &database {
            Ok(Some(database)) => roles::Source::Database(Box::new(database.clone())),
            Ok(None) => roles::Source::Nowhere,
            Err(_) => roles::Source::Unusable,
        };
        let why = database.as_ref().err().map(String::as_str);
        let catalogue = catalogue(settings, &has, why);
        let keeps = |tool: &Arc<Tool>| matches!(tool.kind, ToolKind::Persist { .. });
        let kept = catalogue.active_tools().any(keeps);
        Ok(Self {
            providers: providers.collect::<Result<_, _>>()?,
            searchers: searchers.collect::<Result<_, _>>()?,
            embedders: embedders.collect::<Result<_, _>>()?,
            catalogue,
            fetcher: fetcher(&settings.hub, &upstreams),
            cloud: database
                .ok()
                .flatten()
                .filter(|_| kept)
                .map(|database| CloudStorage {
                    outbox: places.outbox,
                    database,
                }),
            db: DbSpec {
                place: places.state,
                interval: settings.db_sync.interval,
                max_records: settings.db_sync.max_records,
                last_results: settings.hub.last_results,
                answers: keeps_answers(settings).then_some(settings.limits.cache_bytes),
            },
            crypto: vault.master().map(|stretch| CryptoSpec {
                keyring: Keyring::new(stretch),
                record: places.envelopes,
                boot: crypto::now(),
            }),
            http: doors::options(&settings.hub, host, trail.unwrap_or_default()),
            identities,
            roles,
            audit,
            stdio_key,
        })
    }
}

/// Who fetches images, if that is wanted.
fn fetcher(hub: &settings::Hub, upstreams: &Upstreams<'_>) -> Option<FetcherSpec> {
    let spec = hub.fetch_images.then(|| FetcherSpec::new(upstreams.tls()));
    #[cfg(feature = "fixtures")]
    let spec = spec.map(|spec| spec.with(fixture::Fixture::read(&hub.fetch_fixture)));
    spec
}

/// The database that the vault names, if it names one; or why that cannot be used.
fn database(vault: &Vault, folder: &Path) -> Result<Option<DatabaseSpec>, String> {
    let Some(dsn) = vault.dsn(VARIABLE, folder) else {
        return Ok(None);
    };
    let dsn = dsn.map_err(|error| error.to_string())?;
    for warning in dsn.warnings() {
        tracing::warn!(database = dsn.place(), "{warning}");
    }
    DatabaseSpec::new(dsn)
        .map(Some)
        .map_err(|error| error.to_string())
}

fn catalogue(
    settings: &Settings,
    has: &dyn Fn(&str) -> bool,
    no_database: Option<&str>,
) -> Catalogue {
    let hub = &settings.hub;
    Catalogue {
        hub: Arc::new(HubInfo {
            name: hub.name.clone(),
            version: hub.version.clone(),
            description: hub.description.clone(),
            transport: hub.transport.clone(),
            started: Instant::now(),
            tag_replies: hub.tag_replies,
            max_wait: settings.limits.max_wait,
            request_timeout: settings.limits.request_timeout,
            search_timeout: settings.limits.search_timeout,
        }),
        tools: tools(settings, has, no_database),
        providers: settings
            .llm_providers
            .iter()
            .map(|p| provider(p, has))
            .collect(),
        searchers: settings
            .search_providers
            .iter()
            .map(|p| searcher(p, has))
            .collect(),
        embedders: embedders(settings, has),
        models: settings.models.iter().map(model).collect(),
        db: None,
        crypto: match MASTER.iter().all(|name| has(name)) {
            true => Crypto::Down,
            false => Crypto::NotConfigured,
        },
        cache: keeps_answers(settings).then(|| Arc::new(Cache::new(settings.limits.cache_bytes))),
        outbox: None,
        fetcher: match hub.fetch_images {
            true => Fetcher::Down,
            false => Fetcher::Off,
        },
        #[cfg(feature = "fixtures")]
        conformance: settings
            .tools
            .iter()
            .any(|tool| tool.provider_type == "conformance"),
    }
}

fn keeps_answers(settings: &Settings) -> bool {
    settings.tools.iter().any(|tool| tool.cache_ttl.is_some())
}

fn tools(
    settings: &Settings,
    has: &dyn Fn(&str) -> bool,
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

fn provider(provider: &LlmProvider, has: &dyn Fn(&str) -> bool) -> Provider {
    let models = provider.models.iter().map(|model| model.as_str().into());
    Provider {
        info: Arc::new(ProviderInfo {
            name: provider.name.as_str().into(),
            offer: Models {
                default: provider.default_model.as_str().into(),
                all: models.collect(),
                format: Format::read(&provider.api),
            },
            fallback: provider.fallback_to.as_deref().map(Into::into),
            inactive: why_inactive(readiness::state(provider, has), provider.env_key.as_deref()),
        }),
        up: None,
    }
}

fn searcher(provider: &SearchProvider, has: &dyn Fn(&str) -> bool) -> Provider<SearchRequest> {
    Provider {
        info: Arc::new(ProviderInfo {
            name: provider.name.as_str().into(),
            offer: Results {
                default: provider.default_results,
                most: provider.max_results,
            },
            fallback: provider.fallback_to.as_deref().map(Into::into),
            inactive: why_inactive(readiness::state(provider, has), provider.env_key.as_deref()),
        }),
        up: None,
    }
}

/// Why a provider cannot be used, and what to set.
pub fn why_inactive(state: ProviderState, env_key: Option<&str>) -> Option<String> {
    match (state, env_key) {
        (ProviderState::Ready, _) => None,
        (ProviderState::NoKey, Some(variable)) => Some(format!("set {variable}")),
        (ProviderState::NotBuilt, _) => Some("api is not set".to_owned()),
        _ => Some("active is false".to_owned()),
    }
}

fn model(model: &settings::Model) -> Arc<ModelInfo> {
    Arc::new(ModelInfo {
        name: model.name.as_str().into(),
        provider: model.provider.as_str().into(),
        calls: model.calls.as_deref().map(Into::into),
        context_tokens: model.context_tokens,
        max_output_tokens: model.max_output_tokens,
        requests_per_min: model.requests_per_min,
        requests_per_day: model.requests_per_day,
        cost_input_per_1k: model.cost_input_per_1k,
        cost_output_per_1k: model.cost_output_per_1k,
        cost_cached_input_per_1k: model.cost_cached_input_per_1k,
        capabilities: model.capabilities.clone(),
    })
}
