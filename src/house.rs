//! House: what settings and vault amount to, before anybody is started.

mod catalogue;
mod embedders;
mod tools;

use std::{path::Path, sync::Arc};

use hub_actors::{
    catalogue::{Catalogue, Tool, ToolKind},
    db_sync::DbSpec,
    outbox::OutboxSpec,
    protocol::{EmbeddingRequest, SearchRequest},
    provider::ProviderSpec,
    transport::HttpOptions,
};

use self::{
    catalogue::{catalogue, keeps_answers},
    embedders::embeds,
};
#[cfg(feature = "fixtures")]
use crate::fetcher::fixture;
use crate::{
    audit::Audit,
    cloud_db::{DatabaseSpec, VARIABLE},
    crypto::{self, CryptoSpec, Keyring},
    doors,
    fetcher::FetcherSpec,
    identity::Identities,
    roles,
    settings::{
        self, LlmProvider, SearchProvider, Settings,
        readiness::{self, ProviderState},
    },
    start::Premises,
    upstreams::{Upstreams, UpstreamsError},
    vault::Vault,
};

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
