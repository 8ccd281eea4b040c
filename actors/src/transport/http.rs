//! The HTTP transport: one actix-web server, its routes, and the actor that owns it.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use actix::prelude::*;
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    web,
};

use super::{
    guard::Guard,
    layers::{Around, Front, Gate},
    lobby::Lobby,
    mcp::{Mcp, McpOptions},
    openapi::Reference,
    routes, status,
};
use crate::{
    audit::Trail,
    protocol::{AccessChanged, CatalogueChanged, Drain, Heartbeat, ReportHealth},
    supervise::{Link, spawn_linked},
};

/// Longest time for a client to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: longer than most proxies keep theirs, so that it is they
/// who close, and no request is lost to a connection that closes as it is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long the last answers have to leave once all calls are done, in seconds.
const FLUSH_TIMEOUT: u64 = 3;

/// The actor that owns the server. When it ends, however it ends, the server ends with it; the port
/// does not, for the Guardian holds the listener too.
pub struct HttpTransport {
    listener: TcpListener,
    lobby: Arc<Lobby>,
    mcp: Arc<Mcp>,
    options: HttpOptions,
    server: Option<ServerHandle>,
}

/// How the doors behave.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Whose requests are served.
    pub guard: Guard,
    /// `/mcp`
    pub mcp: McpOptions,
    /// Where calls are put down.
    pub trail: Trail,
}

/// A started transport.
pub struct Started {
    /// Its thread: the kill switch. The server's workers end with it.
    pub arbiter: Arbiter,
    /// Where it is asked whether it still turns its loop.
    pub heartbeat: Recipient<Heartbeat>,
    /// Where it learns of changes.
    pub listener: Recipient<CatalogueChanged>,
    /// Where it learns who may enter.
    pub access: Recipient<AccessChanged>,
    /// Where it is asked to finish.
    pub drain: Recipient<Drain>,
}

/// Starts a transport's next life on `listener`.
///
/// # Errors
/// If the listener cannot be shared with it.
pub fn start(
    listener: &TcpListener,
    options: HttpOptions,
    health: Recipient<ReportHealth>,
    link: Link,
) -> io::Result<Started> {
    let listener = listener.try_clone()?;
    let (arbiter, address) = spawn_linked(link, move || {
        let lobby = Arc::new(Lobby::new(health, options.trail.clone()));
        HttpTransport {
            listener,
            mcp: Arc::new(Mcp::new(lobby.clone(), options.mcp)),
            lobby,
            options,
            server: None,
        }
    });
    Ok(Started {
        arbiter,
        heartbeat: address.clone().recipient(),
        listener: address.clone().recipient(),
        access: address.clone().recipient(),
        drain: address.recipient(),
    })
}

// === impl HttpTransport ===

impl HttpTransport {
    /// Starts the server. Not before there is a catalogue, and it is known who may enter: until then
    /// callers wait in the listener's queue, and none of them is told to come back.
    fn open(&mut self, ctx: &mut Context<Self>) {
        let ready = self.lobby.unready().is_none() && self.lobby.access.is_known();
        if self.server.is_some() || !ready {
            return;
        }
        let server = match self.serve() {
            Ok(server) => server,
            Err(error) => {
                tracing::error!(%error, "the http server does not start");
                return ctx.stop();
            }
        };
        self.server = Some(server.handle());
        // Inside the context: dropped with it, and a dropped server closes its connections.
        ctx.spawn(server.into_actor(self).map(|ended, _, ctx| {
            tracing::debug!(?ended, "the http server ended");
            ctx.stop();
        }));
    }

    fn serve(&self) -> io::Result<Server> {
        let lobby = web::Data::from(self.lobby.clone());
        let mcp = web::Data::from(self.mcp.clone());
        let front = Around(Front(Arc::new(self.options.guard.clone())));
        let access = self.lobby.access.clone();
        let sse = self.options.mcp.sse;
        let catalogue = self.lobby.catalogue.load();
        let version = catalogue.as_ref().map(|known| &*known.hub.version);
        let reference = Reference::new(routes::doors(sse), version.unwrap_or_default());
        let reference = web::Data::new(reference);
        let app = move || {
            let mut app = App::new();
            for door in routes::doors(sse) {
                let access = access.clone();
                let resource = (door.routes)(web::resource(door.path));
                app = app.service(resource.wrap(Around(Gate { access, door })));
            }
            app.wrap(front.clone())
                .app_data(lobby.clone())
                .app_data(mcp.clone())
                .app_data(reference.clone())
                // What is no path at all (`OPTIONS *`).
                .default_service(web::to(status::nothing))
        };
        let server = HttpServer::new(app)
            .disable_signals()
            .client_request_timeout(HEAD_TIMEOUT)
            .keep_alive(KEEP_ALIVE)
            .shutdown_timeout(FLUSH_TIMEOUT)
            .tcp_nodelay(true)
            // A client that hangs up is noticed while its call waits, and the vendor's request is
            // cancelled. The price: a client that half-closes after sending gets no answer.
            .h1_allow_half_closed(false)
            .listen(self.listener.try_clone()?)?
            .run();
        Ok(server)
    }
}

impl Actor for HttpTransport {
    type Context = Context<Self>;
}

impl Handler<CatalogueChanged> for HttpTransport {
    type Result = ();

    fn handle(&mut self, CatalogueChanged(catalogue): CatalogueChanged, ctx: &mut Self::Context) {
        self.lobby.publish(catalogue);
        self.open(ctx);
    }
}

impl Handler<AccessChanged> for HttpTransport {
    type Result = ();

    fn handle(&mut self, changed: AccessChanged, ctx: &mut Self::Context) {
        self.lobby.access.change(changed);
        self.open(ctx);
    }
}

impl Handler<Drain> for HttpTransport {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        let (lobby, mcp, server) = (self.lobby.clone(), self.mcp.clone(), self.server.clone());
        let drained = async move {
            // The port stays open meanwhile, so that `/readyz` and new callers get an answer.
            lobby.drain().await;
            mcp.close();
            if let Some(server) = server {
                // Gracefully: the last answers are still on their way out.
                server.stop(true).await;
            }
        };
        Box::pin(drained.into_actor(self))
    }
}

impl Handler<Heartbeat> for HttpTransport {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
