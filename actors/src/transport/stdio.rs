//! The stdio transport: one MCP client that started the hub as its child process.

use std::sync::Arc;

use actix::prelude::*;
use rmcp::{ServiceExt, transport::stdio_pipes};
use tokio::sync::{mpsc::UnboundedSender, watch};

use super::{http::Started, lobby::Lobby, mcp};
use crate::{
    audit::Trail,
    protocol::{AccessChanged, CatalogueChanged, Drain, Heartbeat, Presented, ReportHealth},
    supervise::{Link, spawn_linked},
};

/// Why there is no one left to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client has closed its end.
    HungUp,
    /// The transport crashed, and what it had read is gone with it.
    Crashed,
}

/// The actor that serves the client.
struct StdioTransport {
    lobby: Arc<Lobby>,
    key: Option<Arc<str>>,
    end: UnboundedSender<End>,
}

/// How the client is served.
#[derive(Debug, Clone)]
pub struct StdioOptions {
    /// The id of the key whose rights it has; everything is its own otherwise.
    pub key: Option<Arc<str>>,
    /// Where calls are put down.
    pub trail: Trail,
    /// Hears when the client is gone.
    pub end: UnboundedSender<End>,
}

/// Starts serving standard input and output.
pub fn start(options: StdioOptions, health: Recipient<ReportHealth>, link: Link) -> Started {
    let StdioOptions { key, trail, end } = options;
    let (arbiter, address) = spawn_linked(link, move || StdioTransport {
        lobby: Arc::new(Lobby::new(health, trail)),
        key,
        end,
    });
    Started {
        arbiter,
        heartbeat: address.clone().recipient(),
        listener: address.clone().recipient(),
        access: address.clone().recipient(),
        drain: address.recipient(),
    }
}

async fn serve(lobby: Arc<Lobby>, key: Option<Arc<str>>) {
    lobby.ready().await;
    let (input, output) = stdio_pipes();
    let (connection, connected) = watch::channel(());
    let handler = mcp::Handler::local(lobby, connected, Presented::Local { key });
    let lines = mcp::Lines::new(input, output, connection);
    match Box::pin(handler.serve(lines)).await {
        Ok(client) => drop(client.waiting().await),
        // Its words may hold the client's.
        Err(_) => tracing::debug!("the client left before it had begun"),
    }
}

// === impl StdioTransport ===

impl Actor for StdioTransport {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(
            serve(self.lobby.clone(), self.key.clone())
                .into_actor(self)
                .map(|(), actor, _| {
                    // Whoever waits for it may be gone, too.
                    let _ = actor.end.send(End::HungUp);
                }),
        );
    }
}

impl Handler<CatalogueChanged> for StdioTransport {
    type Result = ();

    fn handle(&mut self, CatalogueChanged(catalogue): CatalogueChanged, _: &mut Self::Context) {
        self.lobby.publish(catalogue);
    }
}

impl Handler<AccessChanged> for StdioTransport {
    type Result = ();

    fn handle(&mut self, changed: AccessChanged, _: &mut Self::Context) {
        self.lobby.access.change(changed);
    }
}

impl Handler<Drain> for StdioTransport {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        Box::pin(self.lobby.clone().drain().into_actor(self))
    }
}

impl Handler<Heartbeat> for StdioTransport {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
