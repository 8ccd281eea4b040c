//! Session: the cookie of a browser that has logged in, and when it counts.
//!
//! A browser sends a cookie with whatever a page makes it send. `SameSite=Strict` keeps other sites'
//! pages from that, but pages of another port of the same host are the same site to a browser; so the
//! cookie counts only if no header says that another page has sent the request, and for anything but
//! reading only if one says that our own has.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
    http::{
        Method, Uri,
        header::{self, HeaderMap, HeaderName},
    },
};

use super::credential::sha256;
use crate::protocol::{Browser, Digest, Presented};

/// The cookie's name.
const NAME: &str = "hub_session";
/// What browsers say about where a request comes from (W3C Fetch Metadata).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What the last proxy says it was reached by.
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The session that a request shows, if it may.
pub fn presented(request: &HttpRequest) -> Option<Presented> {
    let digest = cookie(request)?;
    is_ours(request.headers(), request.method()).then(|| Presented::Session {
        digest,
        browser: browser(request),
    })
}

/// The digest of the session's cookie.
pub fn cookie(request: &HttpRequest) -> Option<Digest> {
    let cookie = request.cookie(NAME)?;
    (!cookie.value().is_empty()).then(|| sha256(cookie.value().as_bytes()))
}

/// Where a request comes from: whoever is at the other end of the connection.
pub fn browser(request: &HttpRequest) -> Browser {
    let agent = request.headers().get(header::USER_AGENT);
    let address = request.peer_addr().map(|peer| peer.ip().to_canonical());
    Browser {
        address: address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        agent: sha256(agent.map_or(b"".as_slice(), |agent| agent.as_bytes())),
    }
}

/// The cookie that begins a session, for `seconds`.
pub fn begin(request: &HttpRequest, id: String, seconds: u64) -> Cookie<'static> {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let mut cookie = Cookie::new(NAME, id);
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Strict);
    cookie.set_max_age(Duration::seconds(seconds));
    let proto = request.headers().get(PROTO);
    cookie.set_secure(proto.is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https")));
    cookie
}

/// The cookie that ends one.
pub fn end() -> Cookie<'static> {
    let mut cookie = Cookie::new(NAME, "");
    cookie.set_path("/");
    cookie.make_removal();
    cookie
}

/// Whether nothing says that a foreign page has sent it; and, if it changes something, that ours has.
fn is_ours(headers: &HeaderMap, method: &Method) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let same_site = text(&SITE).map(|site| matches!(site, "same-origin" | "none"));
    let same_origin = text(&header::ORIGIN).map(|origin| {
        let page: Option<Uri> = origin.parse().ok();
        let page = page.as_ref().and_then(|page| page.authority());
        page.is_some_and(|page| Some(page.as_str()) == text(&header::HOST))
    });
    let reads = method == Method::GET || method == Method::HEAD;
    same_site != Some(false) && same_origin != Some(false) && (reads || same_origin == Some(true))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn shows(method: Method, headers: &[(&str, &str)]) -> bool {
        let mut request = TestRequest::with_uri("/api").method(method);
        request = request.insert_header(("Host", "127.0.0.1:7860"));
        for (name, value) in headers {
            request = request.append_header((*name, *value));
        }
        presented(&request.to_http_request()).is_some()
    }

    #[test]
    fn a_cookie_counts_for_our_own_pages_alone() {
        let cookie = ("Cookie", "other=1; hub_session=abc");
        let (own, port) = (
            ("Origin", "http://127.0.0.1:7860"),
            ("Origin", "http://127.0.0.1:3000"),
        );
        assert!(shows(Method::GET, &[cookie]));
        assert!(shows(Method::POST, &[cookie, own]));
        assert!(shows(
            Method::POST,
            &[cookie, own, ("Sec-Fetch-Site", "same-origin")]
        ));
        for (method, headers) in [
            (Method::GET, vec![]),
            (Method::GET, vec![("Cookie", "hub_session=")]),
            (Method::GET, vec![cookie, port]),
            (Method::GET, vec![cookie, ("Sec-Fetch-Site", "same-site")]),
            (Method::GET, vec![cookie, ("Sec-Fetch-Site", "cross-site")]),
            (Method::POST, vec![cookie]),
            (Method::POST, vec![cookie, port]),
            (Method::POST, vec![cookie, ("Origin", "null")]),
            (
                Method::POST,
                vec![cookie, own, ("Sec-Fetch-Site", "same-site")],
            ),
            (Method::DELETE, vec![cookie]),
        ] {
            assert!(!shows(method.clone(), &headers), "{method} {headers:?}");
        }
    }
}
