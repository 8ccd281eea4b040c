//! Scenario: `POST /v1/chat/completions` for a provider of the same format: the body passes as it is.

use std::rc::Rc;

use anyhow::Result;

use super::{
    api,
    arguments::Arguments,
    contestant::{Contestant, Scenario},
    hub, nginx,
    server::Server,
    upstream,
};

/// Callers at the same time, one figure after the other.
pub(crate) const CONNECTIONS: [usize; 3] = [1, 32, 128];

/// Starts nginx and a hub of their own for it, for the most callers.
pub(crate) async fn scenario(upstream: &Rc<Server>, arguments: &Arguments) -> Result<Scenario> {
    let most = arguments.connections;
    let nginx = Rc::new(nginx::start(upstream.address, most).await?);
    let hub = Rc::new(hub::start(upstream.address, most).await?);
    let contestant = |name, server: &Rc<Server>| Contestant {
        name,
        server: server.clone(),
        request: api::completion(server),
        answer: upstream::ANSWER,
    };
    Ok(Scenario {
        title: "POST /v1/chat/completions, passed through".to_owned(),
        contestants: vec![
            contestant("direct", upstream),
            contestant("nginx", &nginx),
            contestant("hub", &hub),
        ],
    })
}
