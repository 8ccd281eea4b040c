//! How long a vendor asks to wait, in the many ways they say it.
//!
//! The present comes in as `now`: the dates in these headers are absolute.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;

use super::timestamp;

/// No delay is longer. Whatever waits for more asks again, and no sum with a clock can overflow.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Plain numbers from here on are seconds since 1970, not seconds from now.
const EPOCH_SECONDS: f64 = 1e9;

/// Plain numbers from here on are milliseconds since 1970 (OpenRouter).
const EPOCH_MILLISECONDS: f64 = 1e12;

/// What `retry-after-ms` or `retry-after` says: milliseconds, or seconds or an HTTP date
/// (RFC 9110, section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let milliseconds = text("retry-after-ms").and_then(number);
    milliseconds
        .and_then(|milliseconds| seconds(milliseconds / 1000.0))
        .or_else(|| {
            let value = text("retry-after")?;
            number(value).and_then(seconds).or_else(|| {
                let date = httpdate::parse_http_date(value).ok()?;
                Some(date.duration_since(now).unwrap_or_default().min(LONGEST))
            })
        })
}

/// When the limits say they are free again: `x-ratelimit-reset-*` (OpenAI and its like), then
/// `anthropic-ratelimit-*-reset`.
///
/// These headers come with every answer, so they mean something on a 429 alone. A limit with
/// something remaining is not the one that was hit; if none says so, the longest wait counts.
pub(super) fn reset(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let limits = |prefix: &'static str, suffix: &'static str| {
        headers.iter().filter_map(move |(name, value)| {
            let limit = name
                .as_str()
                .strip_prefix(prefix)?
                .strip_suffix(suffix)
                .map(|limit| limit.trim_start_matches('-'))?;
            Some((limit, moment(value.to_str().ok()?.trim(), now)?))
        })
    };
    let remaining = |name: String| headers.get(name)?.to_str().ok().and_then(number);
    longest(limits("x-ratelimit-reset", ""), |limit| {
        remaining(format!("x-ratelimit-remaining-{limit}"))
    })
    .or_else(|| {
        longest(limits("anthropic-ratelimit", "-reset"), |limit| {
            remaining(format!("anthropic-ratelimit-{limit}-remaining"))
        })
    })
}

/// A duration with units: `6m0s`, `20ms`, `46.5s`, `1d2h`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (amount, tail) = rest.split_at(unit_at);
        let next_at = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(next_at);
        total += number(amount)?
            * match unit {
                "d" => 86_400.0,
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = tail;
    }
    seconds(total)
}

fn longest<'a>(
    limits: impl Iterator<Item = (&'a str, Duration)>,
    remaining: impl Fn(&str) -> Option<f64>,
) -> Option<Duration> {
    limits
        .map(|(limit, wait)| (remaining(limit) == Some(0.0), wait))
        .max()
        .map(|(_, wait)| wait)
}

fn moment(text: &str, now: SystemTime) -> Option<Duration> {
    let since_epoch = match number(text) {
        Some(milliseconds) if milliseconds >= EPOCH_MILLISECONDS => milliseconds / 1000.0,
        Some(at) if at >= EPOCH_SECONDS => at,
        Some(from_now) => return seconds(from_now),
        None => match timestamp::rfc3339(text) {
            Some(at) => at,
            None => return duration(text),
        },
    };
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    seconds((since_epoch - now).max(0.0))
}

/// Digits with at most one point: Rust's own parser takes `inf` and `1e9` too.
fn number(text: &str) -> Option<f64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
        .then(|| text.parse().ok())
        .flatten()
}

fn seconds(seconds: f64) -> Option<Duration> {
    (seconds >= 0.0).then(|| {
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(LONGEST)
            .min(LONGEST)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T10:00:00Z, a Sunday.
    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_341_600)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, value.parse().expect("a header value"))
            })
            .collect()
    }

    fn milliseconds(delay: Option<Duration>) -> Option<u128> {
        delay.map(|delay| delay.as_millis())
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let day = 86_400_000;
        for (pairs, expected) in [
            (&[("retry-after", "120")][..], Some(120_000)),
            (&[("retry-after", "0")], Some(0)),
            (&[("retry-after", "1.5")], Some(1500)),
            (&[("retry-after", " 7 ")], Some(7000)),
            (
                &[("retry-after-ms", "250"), ("retry-after", "9")],
                Some(250),
            ),
            (&[("retry-after-ms", "12.5")], Some(12)),
            (
                &[("retry-after-ms", "soon"), ("retry-after", "9")],
                Some(9000),
            ),
            (
                &[("retry-after", "Sun, 22 Nov 2026 10:01:00 GMT")],
                Some(60_000),
            ),
            (
                &[("retry-after", "Sunday, 22-Nov-26 10:01:00 GMT")],
                Some(60_000),
            ),
            (&[("retry-after", "Sun, 22 Nov 2026 09:59:00 GMT")], Some(0)),
            (
                &[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")],
                Some(day),
            ),
            (&[("retry-after", "99999999999999999999999999")], Some(day)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "1e3")], None),
            (&[("retry-after", "")], None),
            (&[("retry-after", "1.2.3")], None),
            (&[("retry-after", "tomorrow")], None),
            (&[], None),
        ] {
            let delay = retry_after(&headers(pairs), now());
            assert_eq!(milliseconds(delay), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_header_that_is_not_text_is_skipped() {
        let mut map = HeaderMap::new();
        let bytes = http::HeaderValue::from_bytes(b"\xff\xfe").expect("an opaque value");
        map.insert("retry-after", bytes.clone());
        map.insert("x-ratelimit-reset-tokens", bytes);
        assert_eq!(retry_after(&map, now()), None);
        assert_eq!(reset(&map, now()), None);
    }

    #[test]
    fn resets_are_read_in_all_their_forms() {
        for (pairs, expected) in [
            (&[("x-ratelimit-reset-requests", "6m0s")][..], Some(360_000)),
            (&[("x-ratelimit-reset-tokens", "20ms")], Some(20)),
            (&[("x-ratelimit-reset-tokens", "33.5")], Some(33_500)),
            (&[("x-ratelimit-reset", "1795341605")], Some(5000)),
            (&[("x-ratelimit-reset", "1795341605000")], Some(5000)),
            (&[("x-ratelimit-reset", "1795341000")], Some(0)),
            (&[("x-ratelimit-reset-requests", "later")], None),
            (
                &[
                    ("x-ratelimit-reset-requests", "6m0s"),
                    ("x-ratelimit-remaining-requests", "99"),
                    ("x-ratelimit-reset-tokens", "20ms"),
                    ("x-ratelimit-remaining-tokens", "0"),
                ],
                Some(20),
            ),
            (
                &[
                    ("x-ratelimit-reset-requests", "1s"),
                    ("x-ratelimit-reset-tokens", "3s"),
                ],
                Some(3000),
            ),
            (
                &[("anthropic-ratelimit-requests-reset", "2026-11-22T10:00:30Z")],
                Some(30_000),
            ),
            (
                &[
                    ("anthropic-ratelimit-requests-reset", "2026-11-22T11:00:00Z"),
                    ("anthropic-ratelimit-requests-remaining", "12"),
                    (
                        "anthropic-ratelimit-input-tokens-reset",
                        "2026-11-22T10:00:02Z",
                    ),
                    ("anthropic-ratelimit-input-tokens-remaining", "0"),
                ],
                Some(2000),
            ),
            (
                &[
                    ("anthropic-ratelimit-requests-reset", "2026-11-22T11:00:00Z"),
                    ("x-ratelimit-reset-tokens", "1s"),
                ],
                Some(1000),
            ),
            (&[("anthropic-ratelimit-requests-limit", "50")], None),
            (&[], None),
        ] {
            let delay = reset(&headers(pairs), now());
            assert_eq!(milliseconds(delay), expected, "{pairs:?}");
        }
    }

    #[test]
    fn durations_need_units() {
        for (text, expected) in [
            ("46s", Some(46_000)),
            ("46.5s", Some(46_500)),
            ("0s", Some(0)),
            ("1h2m3s", Some(3_723_000)),
            ("2m59.56s", Some(179_560)),
            ("1d", Some(86_400_000)),
            ("90000s", Some(86_400_000)),
            ("1500us", Some(1)),
            ("1500µs", Some(1)),
            ("", None),
            ("46", None),
            ("s", None),
            ("-3s", None),
            ("3 s", None),
            ("3parsecs", None),
            ("1..5s", None),
            ("٣s", None),
        ] {
            assert_eq!(milliseconds(duration(text)), expected, "{text:?}");
        }
    }
}
