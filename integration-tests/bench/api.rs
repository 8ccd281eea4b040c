//! Scenario: `llm_complete` over `POST /api`, one OpenAI-compatible provider, nothing fails.

use std::rc::Rc;

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    arguments::Arguments,
    contestant::{Contestant, Scenario},
    http, hub, nginx,
    server::Server,
    upstream::{self, MODEL},
};

/// A question of the length that people ask.
pub(crate) const PROMPT: &str = "Our nightly import fails with `duplicate key value violates unique \
    constraint` since we added a second worker. Each of them reads a batch of 500 rows and writes \
    them with INSERT. What is the simplest change that makes this safe?";

/// Starts nginx and a hub of their own for it.
pub(crate) async fn scenario(upstream: &Rc<Server>, arguments: &Arguments) -> Result<Scenario> {
    let nginx = Rc::new(nginx::start(upstream.address, arguments.connections).await?);
    let hub = Rc::new(hub::start(upstream.address, arguments.connections).await?);
    let contestant = |name, server: &Rc<Server>, request| Contestant {
        name,
        server: server.clone(),
        request,
        answer: upstream::ANSWER,
    };
    Ok(Scenario {
        title: "llm_complete over POST /api".to_owned(),
        contestants: vec![
            contestant("direct", upstream, completion(upstream)),
            contestant("nginx", &nginx, completion(&nginx)),
            contestant("hub", &hub, call(&hub)),
        ],
    })
}

/// What a caller sends to the hub.
pub(crate) fn call(hub: &Server) -> Vec<u8> {
    let body = json!({"tool": "llm_complete", "params": {"prompt": PROMPT}});
    post(hub, "/api", &body)
}

/// What the hub sends for it, and what a caller sends to the door for SDKs.
pub(crate) fn completion(server: &Server) -> Vec<u8> {
    let body = json!({
        "model": MODEL,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": 1024,
    });
    post(server, http::CHAT, &body)
}

/// A request to `server`.
pub(crate) fn post(server: &Server, path: &str, body: &Value) -> Vec<u8> {
    http::post(server.address, path, &body.to_string())
}
