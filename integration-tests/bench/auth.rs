//! Scenario: the same call to a hub that asks for a key, beside one that asks nobody: what it costs to
//! know who calls.

use std::rc::Rc;

use anyhow::Result;

use super::{
    api,
    arguments::Arguments,
    contestant::{Contestant, Scenario},
    hub,
    server::Server,
    upstream,
};

/// Starts both.
pub(crate) async fn scenario(upstream: &Rc<Server>, arguments: &Arguments) -> Result<Scenario> {
    let open = Rc::new(hub::start(upstream.address, arguments.connections).await?);
    let closed = Rc::new(hub::start_closed(upstream.address, arguments.connections).await?);
    let contestant = |name, server: &Rc<Server>| Contestant {
        name,
        server: server.clone(),
        request: api::call(server),
        answer: upstream::ANSWER,
    };
    Ok(Scenario {
        title: "llm_complete over POST /api, open and with a key".to_owned(),
        contestants: vec![contestant("open", &open), contestant("key", &closed)],
    })
}
