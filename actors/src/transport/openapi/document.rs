//! The document: OpenAPI 3.1, made from the table of doors. Who must show a key, and who is counted, is
//! said as the table has it.

use actix_web::http::Method;
use utoipa::{
    ToSchema,
    openapi::{
        Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder,
        path::Operation,
        schema::ComponentsBuilder,
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
    },
};

use super::{errors, parts::may_fail};
use crate::{
    envelope,
    error::ErrorBody,
    transport::{api, auth, routes::Door, status},
};

/// What is said first.
const ABOUT: &str = "Every LLM you have a key for, web search and your own tools, behind one door that keeps \
the keys. Calls go to `POST /api`, SDKs of OpenAI's and Anthropic's formats to `/v1`, MCP clients to `/mcp`. \
Where the hub asks for a key, any of the headers below carries it; it never goes to a vendor.";

/// The ways to show a key, and what to know of each.
const KEYS: [&str; 4] = ["bearer", "hub_key", "api_key", "session"];

/// Describes these doors.
pub fn make(doors: &[Door], version: &str) -> OpenApi {
    let licence = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"));
    let info = InfoBuilder::new()
        .title("Multi-LLM Hub")
        .version(version)
        .description(Some(ABOUT))
        .license(Some(licence.build()));
    let mut paths = PathsBuilder::new();
    for door in doors {
        let Some(about) = door.about else {
            continue;
        };
        let mut item = about();
        let operations = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                enter(door, &method, operation);
            }
        }
        paths = paths.path(template(door.path), item);
    }
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths.build())
        .components(Some(components()))
        .security(Some(
            KEYS.map(|name| SecurityRequirement::new(name, [""; 0])),
        ))
        .build()
}

/// Says who may enter.
fn enter(door: &Door, method: &Method, operation: &mut Operation) {
    if door.is_public_for(method) {
        operation.security = Some(Vec::new());
        return;
    }
    if operation.responses.responses.contains_key("default") {
        // Its failures are in a vendor's words.
        return;
    }
    for status in [401, 403, 503] {
        may_fail(operation, status);
    }
    if door.counts && method == Method::POST {
        may_fail(operation, 429);
    }
}

/// A door's pattern as a template: `{name:.+}` is `{name}`.
fn template(pattern: &str) -> String {
    let mut template = String::new();
    for (at, piece) in pattern.split('{').enumerate() {
        match piece.split_once('}') {
            Some((name, rest)) if at > 0 => {
                let name = name.split(':').next().unwrap_or_default();
                template.push_str(&format!("{{{name}}}{rest}"));
            }
            _ => template.push_str(piece),
        }
    }
    template
}

fn components() -> Components {
    let mut components = errors::add(ComponentsBuilder::new());
    components = with::<api::Request>(components);
    components = with::<api::Success<'static>>(components);
    components = with::<ErrorBody<'static>>(components);
    components = with::<crate::outcome::Provenance>(components);
    components = with::<envelope::Fields>(components);
    components = with::<auth::Credentials>(components);
    components = with::<auth::Me<'static>>(components);
    components = with::<status::Status>(components);
    components = with::<status::Identity<'static>>(components);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("`Authorization: Bearer KEY`"));
    let hub_key = "For places that take `Authorization` for themselves, like private Spaces.";
    let api_key = "What Anthropic's SDKs send.";
    let session = "A browser's, from `POST /auth/login`.";
    let header = |name, about| {
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, about)))
    };
    let cookie = ApiKeyValue::with_description("hub_session", session);
    let [first, second, third, fourth] = KEYS;
    components
        .security_scheme(first, SecurityScheme::Http(bearer.build()))
        .security_scheme(second, header("X-Hub-Key", hub_key))
        .security_scheme(third, header("x-api-key", api_key))
        .security_scheme(fourth, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .build()
}

/// Adds a type, and what is in it.
fn with<T: ToSchema>(components: ComponentsBuilder) -> ComponentsBuilder {
    let mut inner = Vec::new();
    T::schemas(&mut inner);
    components.schema_from::<T>().schemas_from_iter(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_becomes_a_template() {
        for (pattern, expected) in [
            ("/", "/"),
            ("/v1/models/{name:.+}", "/v1/models/{name}"),
            ("/a/{one}/{two:[a-z]*}/b", "/a/{one}/{two}/b"),
        ] {
            assert_eq!(template(pattern), expected);
        }
    }
}
