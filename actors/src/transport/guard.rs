//! Guard: which Host and Origin a request may carry, on every door.
//!
//! A web page that somebody visits can make their browser send requests to this hub. Two headers
//! give it away, because a page cannot forge them:
//!
//! - `Host` names the server that the page believes it talks to. With DNS rebinding a page of
//!   `evil.example` lets its own name point at 127.0.0.1; the connection reaches the hub, and the
//!   name in `Host` is still `evil.example`. So only names that are known to be this hub's are
//!   served. An IP address in `Host` cannot come from rebinding: there was no name to rebind.
//! - `Origin` names the page. It is missing where no page is: from programs.
//!
//! Neither replaces asking callers who they are.

use std::net::IpAddr;

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        Method, StatusCode, Uri, header,
        header::{HeaderMap, HeaderValue},
    },
};

use super::api::failure;

/// What a browser may send beyond the simplest headers, where it names none itself.
const ALLOWED_HEADERS: &str = "Content-Type, Accept, Authorization, X-Hub-Key, X-Api-Key, \
                               Last-Event-ID, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name";
/// What a page may read of an answer's headers.
const EXPOSED_HEADERS: &str = "Mcp-Session-Id, Retry-After, WWW-Authenticate, X-Request-Id, \
                               X-Hub-Provider, X-Hub-Model, X-Hub-Attempts, X-Hub-Cache, \
                               X-Hub-Dropped-Params";
/// How long a browser remembers a preflight's answer, in seconds.
const PREFLIGHT_AGE: &str = "600";

/// Which hosts and origins are ours.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Names, in lower case, that requests may be sent to, besides those of the loopback.
    pub hosts: Vec<String>,
    /// Any IP address may be the host: the hub listens beyond this machine.
    pub any_address: bool,
    /// Origins of web pages (`https://app.example.com`) that may call the hub, besides its own and
    /// those of this machine.
    pub origins: Vec<String>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// It is for another host.
    Host,
    /// It is from a page that may not call.
    Origin,
}

/// Whom the request is for: HTTP/2's `:authority`, else `Host`.
fn host(request: &ServiceRequest) -> Option<&str> {
    let named = request.headers().get(header::HOST);
    match (request.uri().authority(), named) {
        (_, Some(host)) => Some(host.to_str().unwrap_or("?")),
        (Some(authority), None) => Some(authority.as_str()),
        (None, None) => None,
    }
}

fn preflight_answer(request: &ServiceRequest) -> HttpResponse {
    let asked = request
        .headers()
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let allowed = asked
        .cloned()
        .unwrap_or_else(|| HeaderValue::from_static(ALLOWED_HEADERS));
    HttpResponse::NoContent()
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, POST, DELETE, OPTIONS",
        ))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, allowed))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE))
        .finish()
}

/// A host in lower case, an IPv6 address without its brackets; and its port.
fn name(authority: &str) -> Option<(String, Option<u16>)> {
    let authority: actix_web::http::uri::Authority = authority.parse().ok()?;
    // What is before an `@` could make a foreign name look like ours.
    if authority.as_str().contains('@') {
        return None;
    }
    let host = authority.host().trim_end_matches('.');
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    Some((host.to_ascii_lowercase(), authority.port_u16()))
}

fn is_loopback(name: &str) -> bool {
    name == "localhost"
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

// === impl Guard ===

impl Guard {
    /// Refuses a request that is for another host, or from a page that may not call.
    ///
    /// # Errors
    /// [`Foreign`]
    pub(super) fn check(&self, request: &ServiceRequest) -> Result<(), Foreign> {
        self.admit(host(request), request.headers().get(header::ORIGIN))
    }

    /// The answer to a browser that asks whether a page may call; `None` if it does not ask that.
    pub(super) fn preflight(request: &ServiceRequest) -> Option<HttpResponse> {
        let asks = request.method() == Method::OPTIONS
            && request
                .headers()
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        asks.then(|| preflight_answer(request))
    }

    /// Lets a page read the answer with these headers.
    pub(super) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(EXPOSED_HEADERS),
        );
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }

    fn admit(&self, host: Option<&str>, origin: Option<&HeaderValue>) -> Result<(), Foreign> {
        // Only HTTP/1.0 has requests without a host, and no browser speaks it.
        let host = match host {
            None => None,
            Some(host) => Some(
                name(host)
                    .filter(|(name, _)| self.is_ours(name))
                    .ok_or(Foreign::Host)?,
            ),
        };
        let Some(origin) = origin else {
            return Ok(());
        };
        let origin = origin.to_str().map_err(|_| Foreign::Origin)?;
        if self.origins.iter().any(|allowed| allowed == origin) {
            return Ok(());
        }
        let page = page(origin).ok_or(Foreign::Origin)?;
        // The hub's own pages, and pages that this very machine serves to itself.
        match host {
            Some(host) if page == host || (is_loopback(&page.0) && is_loopback(&host.0)) => Ok(()),
            _ => Err(Foreign::Origin),
        }
    }

    fn is_ours(&self, name: &str) -> bool {
        is_loopback(name)
            || self.hosts.iter().any(|ours| ours == name)
            || (self.any_address && name.parse::<IpAddr>().is_ok())
    }
}

/// The host of a web page's origin; `None` for `null` and for what is no web page.
fn page(origin: &str) -> Option<(String, Option<u16>)> {
    let uri: Uri = origin.parse().ok()?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return None;
    }
    name(uri.authority()?.as_str())
}

// === impl Foreign ===

impl Foreign {
    /// What its sender is told.
    pub(super) fn answer(self) -> HttpResponse {
        let sentence = self.sentence().to_owned();
        failure(StatusCode::FORBIDDEN, "forbidden", sentence)
    }

    /// The same in a sentence.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Host => {
                "The Host header names another server. If it is a name of this hub's, add it to \
                 HUB_ALLOWED_HOSTS in hub.pyfun."
            }
            Self::Origin => {
                "Web pages of this origin may not call the hub. If they should, add the origin to \
                 HUB_ALLOWED_ORIGINS in hub.pyfun."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(guard: &Guard, host: Option<&str>, origin: Option<&str>) -> Result<(), Foreign> {
        let origin = origin.map(|origin| HeaderValue::from_str(origin).expect("is a header"));
        guard.admit(host, origin.as_ref())
    }

    #[test]
    fn only_our_own_names_are_hosts() {
        let local = Guard::default();
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:7860",
            "[::1]:7860",
            "localhost.",
        ] {
            assert_eq!(admit(&local, Some(host), None), Ok(()), "{host}");
        }
        let foreign = [
            "evil.example",
            "localhost.evil.example",
            "192.168.1.5",
            "localhost@evil.example",
            "127.0.0.1.evil.example",
            "",
        ];
        for host in foreign {
            assert_eq!(
                admit(&local, Some(host), None),
                Err(Foreign::Host),
                "{host}"
            );
        }
        assert_eq!(admit(&local, None, None), Ok(()));
    }

    #[test]
    fn a_hub_that_listens_widely_has_addresses_and_configured_names() {
        let wide = Guard {
            hosts: vec!["hub.example.com".to_owned()],
            any_address: true,
            origins: Vec::new(),
        };
        for host in ["192.168.1.5:7860", "[fd00::1]", "hub.example.com:443"] {
            assert_eq!(admit(&wide, Some(host), None), Ok(()), "{host}");
        }
        assert_eq!(
            admit(&wide, Some("evil.example:7860"), None),
            Err(Foreign::Host)
        );
    }

    #[test]
    fn only_our_own_pages_are_origins() {
        let guard = Guard {
            hosts: vec!["hub.example.com".to_owned()],
            any_address: true,
            origins: vec!["https://app.example.com".to_owned()],
        };
        let cases = [
            ("127.0.0.1:7860", "http://localhost:6274", true),
            ("hub.example.com", "https://hub.example.com", true),
            ("hub.example.com", "https://app.example.com", true),
            ("192.168.1.5:7860", "http://192.168.1.5:7860", true),
            ("192.168.1.5:7860", "http://192.168.1.5:3000", false),
            ("127.0.0.1:7860", "https://evil.example", false),
            ("127.0.0.1:7860", "null", false),
            ("127.0.0.1:7860", "file://", false),
            // A page of the visitor's own machine is a stranger to a hub elsewhere.
            ("hub.example.com", "http://localhost:3000", false),
            ("127.0.0.1:7860", "http://localhost@evil.example", false),
        ];
        for (host, origin, allowed) in cases {
            let expected = if allowed {
                Ok(())
            } else {
                Err(Foreign::Origin)
            };
            assert_eq!(
                admit(&guard, Some(host), Some(origin)),
                expected,
                "{origin}"
            );
        }
    }
}
