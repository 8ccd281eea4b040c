//! `GET /v1/models`: which names can be asked for, in the format of whoever asks.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde_json::{Value, json};

use super::{Anthropic, Door, OpenAi, begin, refusal::Refusal, refuse};
use crate::{
    catalogue::Catalogue,
    chat::COMPLETE,
    embedding,
    models::{Listed, Named, all, find},
    principal::Principal,
    request_id::RequestId,
    transport::{layers::Caller, lobby::Lobby, views::Seen},
};

/// Nobody knows when a model was made, and both formats want to: 1970, as Anthropic says it itself then.
const UNKNOWN: &str = "1970-01-01T00:00:00Z";

/// `GET /v1/models`
pub async fn list(
    request: HttpRequest,
    caller: web::ReqData<Caller>,
    lobby: web::Data<Lobby>,
) -> HttpResponse {
    let request_id = RequestId::new();
    let listed = |write: fn(&[Listed<'_>]) -> Value| {
        let seen = lobby.seen_by(&caller.0).ok_or_else(starting)?;
        Ok(write(&seen_by(&caller.0, &seen.catalogue)))
    };
    match speaks_anthropic(&request) {
        true => answer::<Anthropic>(listed(anthropic_list), &request_id),
        false => answer::<OpenAi>(listed(openai_list), &request_id),
    }
}

/// `GET /v1/models/{name}`; the name may hold slashes.
pub async fn one(
    request: HttpRequest,
    name: web::Path<String>,
    caller: web::ReqData<Caller>,
    lobby: web::Data<Lobby>,
) -> HttpResponse {
    let request_id = RequestId::new();
    let look = |write: fn(&Listed<'_>) -> Value| {
        let Seen { catalogue, .. } = lobby.seen_by(&caller.0).ok_or_else(starting)?;
        let listed = seen_by(&caller.0, &catalogue);
        if let Some(listed) = listed.iter().find(|listed| listed.name == *name) {
            return Ok(write(listed));
        }
        // Not every name is in the list: a provider may stand before each.
        let embeds = embedding::lookup(&catalogue, &name).is_some();
        if embeds {
            caller.0.may_call(COMPLETE).map_err(Refusal::from)?;
        } else if let Named::Model { .. } = find(&catalogue, &name).map_err(Refusal::from)? {
            caller.0.may_call(COMPLETE).map_err(Refusal::from)?;
        }
        Ok(write(&Listed {
            name: name.as_str().into(),
            provider: name.split_once('/').map(|(owner, _)| owner),
            info: None,
            embeds,
        }))
    };
    match speaks_anthropic(&request) {
        true => answer::<Anthropic>(look(anthropic), &request_id),
        false => answer::<OpenAi>(look(openai), &request_id),
    }
}

/// Whether a client speaks Anthropic's format: its SDKs always name a version of it.
pub fn speaks_anthropic(request: &HttpRequest) -> bool {
    let headers = request.headers();
    headers.contains_key("anthropic-version")
        || (headers.contains_key("x-api-key") && !headers.contains_key("authorization"))
}

fn answer<D: Door>(written: Result<Value, Refusal>, request_id: &RequestId) -> HttpResponse {
    let request_id = request_id.as_str();
    match written {
        Ok(value) => begin::<D>(StatusCode::OK, request_id).json(value),
        Err(refusal) => refuse::<D>(&refusal, request_id),
    }
}

fn starting() -> Refusal {
    let sentence = "The hub is starting. Try again in a second.";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", sentence)
}

/// What somebody may ask for. Who may not call the tool that asks models by their names sees none.
fn seen_by<'a>(principal: &Principal, catalogue: &'a Catalogue) -> Vec<Listed<'a>> {
    let mut listed = all(catalogue);
    if !principal.tools.allows(COMPLETE) {
        listed.retain(|listed| listed.provider.is_none());
    }
    listed
}

fn openai_list(listed: &[Listed<'_>]) -> Value {
    let data: Vec<_> = listed.iter().map(openai).collect();
    json!({"object": "list", "data": data})
}

fn openai(listed: &Listed<'_>) -> Value {
    json!({
        "id": listed.name,
        "object": "model",
        "created": 0,
        "owned_by": listed.provider.unwrap_or("hub"),
    })
}

fn anthropic_list(listed: &[Listed<'_>]) -> Value {
    // Its clients converse, and nothing else.
    let listed: Vec<_> = listed.iter().filter(|listed| !listed.embeds).collect();
    let data: Vec<_> = listed.iter().map(|listed| anthropic(listed)).collect();
    let id = |listed: Option<&Listed<'_>>| listed.map(|listed| listed.name.clone().into_owned());
    json!({
        "data": data,
        "first_id": id(listed.first().copied()),
        "has_more": false,
        "last_id": id(listed.last().copied()),
    })
}

fn anthropic(listed: &Listed<'_>) -> Value {
    let mut model = json!({
        "type": "model",
        "id": listed.name,
        "display_name": listed.name,
        "created_at": UNKNOWN,
    });
    if let (Some(info), Some(model)) = (listed.info, model.as_object_mut()) {
        if let Some(tokens) = info.context_tokens {
            model.insert("max_input_tokens".to_owned(), tokens.into());
        }
        if let Some(tokens) = info.max_output_tokens {
            model.insert("max_tokens".to_owned(), tokens.into());
        }
    }
    model
}
