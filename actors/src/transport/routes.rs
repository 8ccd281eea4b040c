//! Routes: every door with a path, in one table. The server is built from it, and so is the test that
//! knocks at each of them without a key.

use actix_web::{
    Resource,
    guard::{Any, Get, Head},
    http::Method,
    web,
};

use super::{api, chat, mcp, status};

/// One path.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// Its pattern.
    pub path: &'static str,
    /// Whoever comes may GET it (and HEAD): it says nothing that a stranger may not know.
    pub public: bool,
    /// The administrative permission that a caller needs.
    pub needs: Option<&'static str>,
    /// A POST counts as a request of its caller's.
    pub counts: bool,
    /// What is behind.
    pub routes: fn(Resource) -> Resource,
}

/// A door that asks who somebody is, and nothing else.
const CLOSED: Door = Door {
    path: "",
    public: false,
    needs: None,
    counts: false,
    routes: |resource| resource,
};

/// What anybody may see.
const PUBLIC: Door = Door {
    public: true,
    ..CLOSED
};

/// Where tools are called.
const CALLS: Door = Door {
    counts: true,
    ..CLOSED
};

/// Every door there always is.
const DOORS: [Door; 12] = [
    Door {
        path: "/api",
        routes: |resource| {
            let other = || async { status::method_not_allowed("POST") };
            let resource = resource.route(web::post().to(api::call));
            resource.default_service(web::to(other))
        },
        ..CALLS
    },
    Door {
        path: "/v1/chat/completions",
        routes: chat_door::<chat::OpenAi>,
        ..CALLS
    },
    Door {
        path: "/v1/messages",
        routes: chat_door::<chat::Anthropic>,
        ..CALLS
    },
    Door {
        path: "/v1/messages/count_tokens",
        routes: chat_door::<chat::CountTokens>,
        ..CALLS
    },
    Door {
        path: "/v1/models",
        routes: |resource| {
            let other = || async { status::method_not_allowed("GET") };
            let resource = resource.route(web::get().to(chat::models::list));
            resource.default_service(web::to(other))
        },
        ..CLOSED
    },
    Door {
        path: "/v1/models/{name:.+}",
        routes: |resource| {
            let other = || async { status::method_not_allowed("GET") };
            let resource = resource.route(web::get().to(chat::models::one));
            resource.default_service(web::to(other))
        },
        ..CLOSED
    },
    Door {
        path: "/v1/{nowhere:.*}",
        routes: |resource| resource.default_service(web::to(chat::nowhere)),
        ..CLOSED
    },
    Door {
        path: "/chat/completions",
        routes: |resource| resource.default_service(web::to(chat::nowhere)),
        ..CLOSED
    },
    Door {
        path: "/mcp",
        routes: |resource| resource.default_service(web::to(mcp::serve)),
        ..CALLS
    },
    Door {
        path: "/",
        routes: |resource| seen(resource, web::route().to(status::root)),
        ..PUBLIC
    },
    Door {
        path: "/healthz",
        routes: |resource| seen(resource, web::route().to(status::healthz)),
        ..PUBLIC
    },
    Door {
        path: "/readyz",
        routes: |resource| seen(resource, web::route().to(status::readyz)),
        ..PUBLIC
    },
];

/// The doors of MCP's transport of 2024.
const SSE: [Door; 2] = [
    Door {
        path: "/sse",
        routes: |resource| {
            let other = || async { status::method_not_allowed("GET") };
            let resource = resource.route(web::get().to(mcp::sse::stream));
            resource.default_service(web::to(other))
        },
        ..CLOSED
    },
    Door {
        path: "/messages",
        routes: |resource| {
            let other = || async { status::method_not_allowed("POST") };
            let resource = resource.route(web::post().to(mcp::sse::message));
            resource.default_service(web::to(other))
        },
        ..CALLS
    },
];

/// Everything else, so that nobody without a key learns what there is.
const NOWHERE: Door = Door {
    path: "{nowhere:.*}",
    routes: |resource| resource.default_service(web::to(status::not_found)),
    ..CLOSED
};

/// Every door of a server, in the order in which they are looked at.
pub fn doors(sse: bool) -> Vec<Door> {
    let sse = if sse { SSE.as_slice() } else { &[] };
    [&DOORS, sse, &[NOWHERE]].concat()
}

/// Where conversations are held.
fn chat_door<D: chat::Door>(resource: Resource) -> Resource {
    let resource = resource.route(web::post().to(chat::serve::<D>));
    resource.default_service(web::to(chat::wrong_method::<D>))
}

/// Monitors ask with HEAD.
fn seen(resource: Resource, route: actix_web::Route) -> Resource {
    let other = || async { status::method_not_allowed("GET") };
    let resource = resource.route(route.guard(Any(Get()).or(Head())));
    resource.default_service(web::to(other))
}

// === impl Door ===

impl Door {
    /// Whether a request with this method enters without being asked.
    pub fn is_public_for(&self, method: &Method) -> bool {
        self.public && (method == Method::GET || method == Method::HEAD)
    }
}
