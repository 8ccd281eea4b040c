//! Fresh: whether a client lets the cache be used, or wants an answer of its own.

use actix_web::http::header::{CACHE_CONTROL, HeaderMap};

/// Whether it does: no `Cache-Control` forbids to answer from what is kept, or to keep what is answered
/// (RFC 9111, section 5.2.1).
pub(super) fn lets_cache(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL);
    let values = values.filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(','));
    !directives.any(|directive| {
        let name = directive.split('=').next().unwrap_or_default().trim();
        ["no-cache", "no-store"]
            .iter()
            .any(|word| name.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn a_directive_is_found_wherever_it_stands() {
        let cases: [(&[&str], bool); 8] = [
            (&[], true),
            (&[""], true),
            (&["max-age=0"], true),
            (&["no-caches, private=\"no\""], true),
            (&["no-cache"], false),
            (&["No-Store"], false),
            (&["max-age=0 ,no-cache=x"], false),
            (&["max-age=0", "no-transform, no-store"], false),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CACHE_CONTROL, HeaderValue::from_static(value));
            }
            assert_eq!(lets_cache(&headers), expected, "{values:?}");
        }
    }
}
