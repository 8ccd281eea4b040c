//! Routes: every door with a path, in one table. The server is built from it, and so is the test that
//! knocks at each of them without a key.

use actix_web::{
    HttpResponse, Resource,
    guard::{Any, Get, Head},
    http::Method,
    web,
};
use utoipa::openapi::PathItem;

use super::{
    api, auth,
    chat::{self, Anthropic, CountTokens, OpenAi, embeddings},
    crypto, mcp,
    openapi::{self, about},
    refused::Refused,
    status,
};

/// One path.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// Its pattern.
    pub path: &'static str,
    /// Whoever comes may GET it (and HEAD): it says nothing that a stranger may not know.
    pub public: bool,
    /// Whoever comes may POST to it: it asks them itself.
    pub login: bool,
    /// The administrative permission that a caller needs.
    pub needs: Option<&'static str>,
    /// A POST counts as a request of its caller's.
    pub counts: bool,
    /// What is behind.
    pub routes: fn(Resource) -> Resource,
    /// What the reference says of it; `None` where nothing is.
    pub about: Option<fn() -> PathItem>,
    /// What it tells those who do not come in.
    pub refuse: fn(Refused) -> HttpResponse,
}

/// A door that asks who somebody is, and nothing else.
const CLOSED: Door = Door {
    path: "",
    public: false,
    login: false,
    needs: None,
    counts: false,
    routes: |resource| resource,
    about: None,
    refuse: Refused::answer,
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

/// Where SDKs of OpenAI's format look.
const OPENAI: Door = Door {
    refuse: chat::refused::<OpenAi>,
    ..CLOSED
};

/// Where SDKs of Anthropic's format look.
const ANTHROPIC: Door = Door {
    refuse: chat::refused::<Anthropic>,
    ..CLOSED
};

/// Every door there always is.
const DOORS: [Door; 19] = [
    Door {
        path: "/v1/chat/completions",
        counts: true,
        routes: conversations::<OpenAi>,
        about: Some(about::vendors::completions),
        ..OPENAI
    },
    Door {
        path: "/v1/messages",
        counts: true,
        routes: conversations::<Anthropic>,
        about: Some(about::vendors::messages),
        ..ANTHROPIC
    },
    Door {
        path: "/v1/messages/count_tokens",
        counts: true,
        routes: conversations::<CountTokens>,
        about: Some(about::vendors::count_tokens),
        ..ANTHROPIC
    },
    Door {
        path: "/v1/embeddings",
        counts: true,
        routes: |resource| {
            let resource = resource.route(web::post().to(embeddings::serve));
            resource.default_service(web::to(chat::wrong_method::<OpenAi>))
        },
        about: Some(about::vendors::embeddings),
        ..OPENAI
    },
    Door {
        path: "/v1/models",
        routes: |resource| got(resource, web::get().to(chat::models::list)),
        about: Some(about::vendors::models),
        ..OPENAI
    },
    Door {
        path: "/v1/models/{name:.+}",
        routes: |resource| got(resource, web::get().to(chat::models::one)),
        about: Some(about::vendors::model),
        ..OPENAI
    },
    Door {
        path: "/v1/{nowhere:.*}",
        routes: |resource| resource.default_service(web::to(chat::nowhere)),
        ..OPENAI
    },
    Door {
        path: "/chat/completions",
        routes: |resource| resource.default_service(web::to(chat::nowhere)),
        ..OPENAI
    },
    Door {
        path: "/api",
        routes: |resource| posted(resource, web::post().to(api::call)),
        about: Some(about::api),
        ..CALLS
    },
    Door {
        path: crypto::PATH,
        routes: |resource| posted(resource, web::post().to(crypto::call)),
        about: Some(about::crypto),
        ..CALLS
    },
    Door {
        path: "/mcp",
        routes: |resource| resource.default_service(web::to(mcp::serve)),
        about: Some(about::mcp),
        ..CALLS
    },
    Door {
        path: "/auth/login",
        login: true,
        routes: |resource| posted(resource, web::post().to(auth::login)),
        about: Some(about::login),
        ..CLOSED
    },
    Door {
        path: "/auth/logout",
        routes: |resource| posted(resource, web::post().to(auth::logout)),
        about: Some(about::logout),
        ..CLOSED
    },
    Door {
        path: "/auth/me",
        routes: |resource| got(resource, web::get().to(auth::me)),
        about: Some(about::me),
        ..CLOSED
    },
    Door {
        path: "/openapi.json",
        routes: |resource| seen(resource, web::route().to(openapi::document)),
        about: Some(about::document),
        ..CLOSED
    },
    Door {
        path: "/docs",
        routes: |resource| seen(resource, web::route().to(openapi::page)),
        about: Some(about::page),
        ..CLOSED
    },
    Door {
        path: "/",
        routes: |resource| seen(resource, web::route().to(status::root)),
        about: Some(about::root),
        ..PUBLIC
    },
    Door {
        path: "/healthz",
        routes: |resource| seen(resource, web::route().to(status::healthz)),
        about: Some(about::healthz),
        ..PUBLIC
    },
    Door {
        path: "/readyz",
        routes: |resource| seen(resource, web::route().to(status::readyz)),
        about: Some(about::readyz),
        ..PUBLIC
    },
];

/// The doors of MCP's transport of 2024.
const SSE: [Door; 2] = [
    Door {
        path: "/sse",
        routes: |resource| got(resource, web::get().to(mcp::sse::stream)),
        about: Some(about::sse),
        ..CLOSED
    },
    Door {
        path: "/messages",
        routes: |resource| posted(resource, web::post().to(mcp::sse::message)),
        about: Some(about::sse_message),
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

/// In whose words a request to `path` is refused before its door is known. Nothing but the words depends
/// on it.
pub fn words_at(path: &str) -> fn(Refused) -> HttpResponse {
    match path {
        _ if path.starts_with("/v1/messages") => ANTHROPIC.refuse,
        _ if path.starts_with("/v1/") => OPENAI.refuse,
        _ => CLOSED.refuse,
    }
}

fn conversations<D: chat::Door>(resource: Resource) -> Resource {
    let resource = resource.route(web::post().to(chat::serve::<D>));
    resource.default_service(web::to(chat::wrong_method::<D>))
}

fn posted(resource: Resource, route: actix_web::Route) -> Resource {
    let other = || async { status::method_not_allowed("POST") };
    resource.route(route).default_service(web::to(other))
}

fn got(resource: Resource, route: actix_web::Route) -> Resource {
    let other = || async { status::method_not_allowed("GET") };
    resource.route(route).default_service(web::to(other))
}

/// Monitors ask with HEAD.
fn seen(resource: Resource, route: actix_web::Route) -> Resource {
    got(resource, route.guard(Any(Get()).or(Head())))
}

// === impl Door ===

impl Door {
    /// Whether a request with this method enters without being asked.
    pub fn is_public_for(&self, method: &Method) -> bool {
        let reads = method == Method::GET || method == Method::HEAD;
        (self.public && reads) || (self.login && method == Method::POST)
    }
}
