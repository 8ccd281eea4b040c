//! Scenario: `tools/call` of a tool that asks nobody outside, over `POST /mcp`, beside the same tool
//! over `POST /api`: what the protocol costs.

use std::rc::Rc;

use anyhow::Result;
use serde_json::json;

use super::{
    arguments::Arguments,
    contestant::{Contestant, Scenario},
    http, hub,
    server::Server,
};

/// In every right answer of either door.
const ANSWER: &str = "uptime_seconds";

/// Starts a hub of its own for it.
pub(crate) async fn scenario(upstream: &Rc<Server>, arguments: &Arguments) -> Result<Scenario> {
    let hub = Rc::new(hub::start(upstream.address, arguments.connections).await?);
    let contestant = |name, path, body: serde_json::Value| Contestant {
        name,
        server: hub.clone(),
        request: http::post(hub.address, path, &body.to_string()),
        answer: ANSWER,
    };
    Ok(Scenario {
        title: "health_check over POST /mcp".to_owned(),
        contestants: vec![
            contestant("api", "/api", json!({"tool": "health_check"})),
            contestant(
                "mcp",
                "/mcp",
                json!({
                    "jsonrpc": "2.0",
                    "id": 1,
                    "method": "tools/call",
                    "params": {"name": "health_check", "arguments": {}},
                }),
            ),
        ],
    })
}
