//! The two forms of a DSN, taken apart as libpq does it.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::DsnError;

/// What follows the scheme of a URL. Python's libraries have their names in it.
pub(super) fn without_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.split_once('+').map_or(scheme, |(scheme, _)| scheme);
    matches!(scheme, "postgres" | "postgresql").then_some(rest)
}

/// The part before the parameters, as a URL, and the parameters.
pub(super) fn url(rest: &str) -> Result<(String, BTreeMap<String, String>), DsnError> {
    // A password may hold a `?`; what comes after the credentials may not hold an `@`.
    let credentials = rest.find('@').map_or(0, |at| at + 1);
    let (after, query) = rest
        .get(credentials..)
        .map(|after| after.split_once('?').unwrap_or((after, "")))
        .ok_or(DsnError::Malformed)?;
    if after.contains(['@', '#']) || after.contains(char::is_whitespace) {
        return Err(DsnError::Malformed);
    }
    let base = rest.get(..credentials + after.len()).unwrap_or(rest);
    let mut params = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(DsnError::Malformed)?;
        let decode = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(|text| text.into_owned())
                .map_err(|_| DsnError::Malformed)
        };
        params.insert(decode(name)?.to_ascii_lowercase(), decode(value)?);
    }
    Ok((format!("postgresql://{base}"), params))
}

/// `key = value` words; values may be in single quotes, and `\` escapes.
pub(super) fn words(text: &str) -> Result<BTreeMap<String, String>, DsnError> {
    let mut params = BTreeMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or(DsnError::Malformed)?;
        let name = name.trim_end();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(DsnError::Malformed);
        }
        let after = after.trim_start();
        let (quoted, mut letters) = match after.strip_prefix('\'') {
            Some(inside) => (true, inside.chars()),
            None => (false, after.chars()),
        };
        let (mut value, mut closed) = (String::new(), !quoted);
        loop {
            let here = letters.as_str();
            match letters.next() {
                Some('\\') => value.extend(letters.next()),
                Some('\'') if quoted => {
                    closed = true;
                    break;
                }
                Some(c) if !quoted && c.is_whitespace() => {
                    letters = here.chars();
                    break;
                }
                Some(c) => value.push(c),
                None => break,
            }
        }
        if !closed {
            return Err(DsnError::Malformed);
        }
        params.insert(name.to_ascii_lowercase(), value);
        rest = letters.as_str().trim_start();
    }
    Ok(params)
}
