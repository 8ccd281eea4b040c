//! Inventory: what the hub says about itself. Names of variables, never values.

use serde_json::{Value, json};

use crate::{
    catalogue::Catalogue,
    error::CallError,
    params::Params,
    plan::unknown_model,
    principal::Principal,
    protocol::{ActorHealth, ActorState, OutboxHealth},
};

/// `list_active_tools`: the fields that existing clients read, and what is inactive and why.
pub fn active_tools(catalogue: &Catalogue) -> Value {
    let hub = &catalogue.hub;
    let tools = || catalogue.active_tools();
    let inactive_tools: serde_json::Map<_, _> = catalogue
        .tools
        .iter()
        .filter_map(|tool| Some((tool.name.to_string(), tool.inactive.as_deref()?.into())))
        .collect();
    let llm = catalogue.providers.iter();
    let llm = llm.map(|p| (&p.info.name, &p.info.inactive));
    let search = catalogue.searchers.iter();
    let search = search.map(|p| (&p.info.name, &p.info.inactive));
    let inactive_providers: serde_json::Map<_, _> = llm
        .chain(search)
        .filter_map(|(name, inactive)| Some((name.to_string(), inactive.as_deref()?.into())))
        .collect();
    json!({
        "hub": hub.name,
        "version": hub.version,
        "description": hub.description,
        "transport": hub.transport,
        "active_tools": tools().map(|tool| &*tool.name).collect::<Vec<_>>(),
        "tools": tools()
            .map(|tool| json!({"name": &*tool.name, "description": tool.description}))
            .collect::<Vec<_>>(),
        "active_llm_providers":
            catalogue.usable_providers().map(|p| &*p.info.name).collect::<Vec<_>>(),
        "active_search_providers":
            catalogue.usable_searchers().map(|p| &*p.info.name).collect::<Vec<_>>(),
        "available_models": catalogue.available_models(),
        "available_embedding_models": catalogue.available_embedding_models(),
        "inactive_tools": inactive_tools,
        "inactive_providers": inactive_providers,
    })
}

/// `health_check`: `ok` if every actor runs, and the database takes what it is given if there is one;
/// else `degraded`.
pub fn health(
    catalogue: &Catalogue,
    actors: &[ActorHealth],
    outbox: Option<&OutboxHealth>,
) -> Value {
    let degraded = actors
        .iter()
        .any(|actor| actor.state != ActorState::Running)
        || outbox.is_some_and(|outbox| !outbox.is_well());
    let mut health = json!({
        "status": if degraded { "degraded" } else { "ok" },
        "service": catalogue.hub.name,
        "version": catalogue.hub.version,
        "uptime_seconds": catalogue.hub.started.elapsed().as_secs(),
        "transport": catalogue.hub.transport,
        "active_tools": catalogue.active_tools().count(),
        "active_llm_providers": catalogue.usable_providers().count(),
        "active_search_providers": catalogue.usable_searchers().count(),
        "actors": actors,
    });
    if let Some(outbox) = outbox {
        health["database"] = outbox.database();
        health["outbox"] = outbox.outbox();
    }
    health
}

/// `get_model_info`: what the configuration says of one model.
///
/// # Errors
/// [`CallError::BadRequest`] without a model, [`CallError::Forbidden`] for one that `principal` may not
/// use, [`CallError::UnknownModel`] with near names.
pub fn model_info(
    catalogue: &Catalogue,
    principal: &Principal,
    mut params: Params,
) -> Result<Value, CallError> {
    let name = params.text(&["model", "model_name", "prompt"])?;
    params.finish()?;
    let Some(name) = name else {
        return Err(CallError::BadRequest(
            "`get_model_info` needs a `model`: its name.".to_owned(),
        ));
    };
    principal.may_use(&name)?;
    let offered_by: Vec<_> = catalogue
        .providers
        .iter()
        .filter(|provider| provider.info.offers(&name).is_some())
        .map(|provider| &*provider.info.name)
        .collect();
    let embedders = catalogue.embedders.iter();
    let embedders = embedders.filter(|provider| provider.info.offers(&name).is_some());
    let made_by: Vec<_> = embedders.map(|provider| &*provider.info.name).collect();
    let embeds = !made_by.is_empty();
    let offered_by = match offered_by.is_empty() {
        true => made_by,
        false => offered_by,
    };
    let info = catalogue.model(&name);
    if info.is_none() && offered_by.is_empty() {
        return Err(unknown_model(catalogue, &name));
    }
    let provider = info
        .map(|info| &*info.provider)
        .or_else(|| offered_by.first().copied());
    Ok(json!({
        "model": name,
        "provider": provider,
        "offered_by": offered_by,
        "available": catalogue.available_models().contains(&name.as_str())
            || catalogue.available_embedding_models().contains(&name.as_str()),
        "embedding": embeds,
        "context_tokens": info.and_then(|info| info.context_tokens),
        "max_output_tokens": info.and_then(|info| info.max_output_tokens),
        "requests_per_min": info.and_then(|info| info.requests_per_min),
        "requests_per_day": info.and_then(|info| info.requests_per_day),
        "cost_input_per_1k": info.and_then(|info| info.cost_input_per_1k),
        "cost_output_per_1k": info.and_then(|info| info.cost_output_per_1k),
        "cost_cached_input_per_1k": info.and_then(|info| info.cost_cached_input_per_1k),
        "capabilities": info.map(|info| info.capabilities.clone()).unwrap_or_default(),
    }))
}
