//! Target: which addresses are read at all. What is wrong by its letters is refused here, before anything
//! is asked of anybody; where a name leads is looked at when it is connected to.

use std::net::IpAddr;

use hub_actors::protocol::FetchError;
use reqwest::{Url, header::HeaderValue};

use super::public::is_public;

/// Longest address in bytes. Signed ones of object stores have about 2,000.
const LONGEST: usize = 8 * 1024;

/// The address that a caller wrote.
///
/// # Errors
/// [`FetchError::Address`], [`FetchError::Unreachable`]
pub fn read(text: &str) -> Result<Url, FetchError> {
    let fits = text.len() <= LONGEST;
    let url = Url::parse(text).ok().filter(|_| fits);
    allowed(url.ok_or(FetchError::Address)?)
}

/// The address that one leads to (RFC 9110, section 10.2.2).
///
/// # Errors
/// As [`read`]; [`FetchError::Refused`] if it leads nowhere.
pub fn next(from: &Url, location: Option<&HeaderValue>) -> Result<Url, FetchError> {
    let location = location.and_then(|location| location.to_str().ok());
    let location = location.filter(|location| location.len() <= LONGEST);
    let url = location.and_then(|location| from.join(location).ok());
    allowed(url.ok_or(FetchError::Refused)?)
}

/// HTTPS alone: what is inside a network often speaks nothing else than HTTP, and has no certificate for a
/// name of a stranger's. The usual port alone: others are other services.
fn allowed(mut url: Url) -> Result<Url, FetchError> {
    let stranger = url.username().is_empty() && url.password().is_none();
    if url.scheme() != "https" || url.port().is_some() || !stranger {
        return Err(FetchError::Address);
    }
    let host = url.host_str().ok_or(FetchError::Address)?;
    // However an address was written (decimal, octal, hexadecimal, in full width, mapped), it is parsed by
    // now, and written in the one way that `IpAddr` reads.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok_and(|ip| !is_public(ip)) {
        return Err(FetchError::Unreachable);
    }
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_read() {
        for (text, expected) in [
            ("https://example.com/a.png", "https://example.com/a.png"),
            (
                "HTTPS://EXAMPLE.com:443/a?b=c#d",
                "https://example.com/a?b=c",
            ),
            ("https://1.1.1.1/a", "https://1.1.1.1/a"),
            ("https://[2606:4700::1111]/a", "https://[2606:4700::1111]/a"),
            // Names are looked at when they are resolved.
            ("https://localhost/a", "https://localhost/a"),
        ] {
            assert_eq!(read(text).map(String::from), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn another_scheme_port_or_a_password_is_refused() {
        let long = format!("https://example.com/{}", "a".repeat(LONGEST));
        for text in [
            "http://example.com/a.png",
            "ftp://example.com/a.png",
            "file:///etc/passwd",
            "gopher://example.com/",
            "data:image/png;base64,aGk=",
            "https://example.com:8443/",
            "https://example.com:80/",
            "https://user@example.com/",
            "https://user:password@example.com/",
            "https://:password@example.com/",
            "https:///",
            "https://",
            "//example.com/a",
            "/a.png",
            "a.png",
            "",
            long.as_str(),
        ] {
            assert_eq!(read(text), Err(FetchError::Address), "{text}");
        }
    }

    #[test]
    fn no_spelling_of_an_address_passes() {
        for host in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0x7F.1",
            "0177.0.0.1",
            "017700000001",
            "00000177.0.0.1",
            "0",
            "0.0.0.0",
            "%31%32%37.0.0.1",
            "１２７.０.０.１",
            "①②⑦.⓪.⓪.①",
            "127。0。0。1",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "0251.0376.0251.0376",
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "[2002:7f00:1::]",
            "[fd00:ec2::254]",
            "[fe80::1]",
        ] {
            let text = format!("https://{host}/a.png");
            assert_eq!(read(&text), Err(FetchError::Unreachable), "{text}");
        }
        for host in ["[fe80::1%25eth0]", "256.0.0.1", "1.2.3.4.5", "[::1", "a b"] {
            let text = format!("https://{host}/a.png");
            assert_eq!(read(&text), Err(FetchError::Address), "{text}");
        }
    }

    #[test]
    fn where_an_address_leads_is_looked_at_in_the_same_way() {
        let from = read("https://example.com/a/b.png").expect("is allowed");
        let to = |location: &'static str| next(&from, Some(&HeaderValue::from_static(location)));
        for (location, expected) in [
            ("c.png", "https://example.com/a/c.png"),
            ("/c.png", "https://example.com/c.png"),
            ("//cdn.example/c.png", "https://cdn.example/c.png"),
            ("https://cdn.example/c.png", "https://cdn.example/c.png"),
        ] {
            assert_eq!(to(location).map(String::from), Ok(expected.to_owned()));
        }
        for location in [
            "http://example.com/c.png",
            "https://example.com:8443/",
            "https://a:b@example.com/",
            "file:///etc/passwd",
        ] {
            assert_eq!(to(location), Err(FetchError::Address), "{location}");
        }
        for location in ["https://2130706433/", "//127.0.0.1/", "https://[::1]/"] {
            assert_eq!(to(location), Err(FetchError::Unreachable), "{location}");
        }
        assert_eq!(next(&from, None), Err(FetchError::Refused));
        let bytes = HeaderValue::from_bytes(b"\xff").expect("is a header");
        assert_eq!(next(&from, Some(&bytes)), Err(FetchError::Refused));
    }
}
