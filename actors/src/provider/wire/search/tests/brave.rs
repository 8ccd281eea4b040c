//! Brave's web search.

use super::{decoded, dropped, encoded, failed, gist, plain_request, refused, request};
use crate::protocol::{
    Class::{NextNow, RetrySame, Stop},
    FailureKind::{QuotaExhausted, RateLimited, Rejected, Unauthorized},
    Found, Freshness, Hit, SearchRequest,
};

const GOLDEN: &str = r#"{
    "query": {"original": "rust actors", "more_results_available": true}, "type": "search",
    "mixed": {"main": [{"type": "web", "index": 0}]},
    "web": {"type": "search", "results": [
        {"title": "Actix &amp; friends", "url": "https://actix.rs/", "is_source_local": false,
         "description": "<strong>Actors</strong> in Rust don&#x27;t share.", "age": "2 days ago",
         "page_age": "2026-11-20T09:00:00", "language": "en", "family_friendly": true,
         "profile": {"name": "Actix"}, "extra_snippets": ["more"]},
        {"title": "", "url": "https://docs.rs/actix", "page_age": "2026-01-01T00:00:00"},
        {"title": "no web page", "url": "javascript:alert(1)", "description": "x"},
        {"title": "no address"}, null, 7, [], {"url": 5},
        {"title": ["x"], "url": "http://plain.example/", "description": {"a": 1}}
    ]}
}"#;

#[test]
fn request_is_exact() {
    let (path, body) = encoded("brave", &plain_request(), true);
    assert_eq!(path, "?q=rust%20actors&count=5&result_filter=web");
    assert_eq!(body, None);
    assert!(dropped("brave", &plain_request()).is_empty());
}

#[test]
fn no_value_can_leave_its_parameter() {
    let (path, _) = encoded("brave", &request(), false);
    assert_eq!(
        path,
        "?q=a%26b%3Dc%20%23%22%C3%BC%22%0D%0A%3Fx&count=20&result_filter=web&freshness=pw\
         &country=DE&search_lang=pt-br"
    );
    assert_eq!(dropped("brave", &request()), ["include_answer", "domains"]);
}

#[test]
fn one_host_is_an_operator_and_unknown_places_are_told() {
    let request = SearchRequest {
        include_answer: Some(false),
        freshness: Some(Freshness::Year),
        country: Some("xx".to_owned()),
        language: Some("tlh".to_owned()),
        domains: vec!["docs.rs".to_owned()],
        ..plain_request()
    };
    let (path, _) = encoded("brave", &request, false);
    assert_eq!(
        path,
        "?q=rust%20actors%20site%3Adocs.rs&count=5&result_filter=web&freshness=py"
    );
    assert_eq!(dropped("brave", &request), ["country", "language"]);
    for (language, expected) in [
        ("ja", "jp"),
        ("de-at", "de"),
        ("zh-tw", "zh-hant"),
        ("en-gb", "en-gb"),
    ] {
        let request = SearchRequest {
            language: Some(language.to_owned()),
            ..plain_request()
        };
        let (path, _) = encoded("brave", &request, false);
        assert!(path.ends_with(&format!("search_lang={expected}")), "{path}");
        assert!(dropped("brave", &request).is_empty());
    }
}

#[test]
fn reply_is_read_and_plain() {
    let hit = |title: &str, url: &str, snippet: &str, age: Option<&str>| Hit {
        title: title.to_owned(),
        url: url.to_owned(),
        snippet: snippet.to_owned(),
        age: age.map(str::to_owned),
        score: None,
    };
    let expected = Found {
        answer: None,
        hits: vec![
            hit(
                "Actix & friends",
                "https://actix.rs/",
                "Actors in Rust don't share.",
                Some("2 days ago"),
            ),
            hit(
                "https://docs.rs/actix",
                "https://docs.rs/actix",
                "",
                Some("2026-01-01T00:00:00"),
            ),
            hit("http://plain.example/", "http://plain.example/", "", None),
        ],
    };
    assert_eq!(decoded("brave", GOLDEN), expected);
}

#[test]
fn nothing_on_the_web_is_nothing() {
    for body in [
        r#"{"type":"search","query":{"original":"x"}}"#,
        r#"{"type":"search","web":null}"#,
        r#"{"type":"search","web":{"type":"search","results":[]}}"#,
    ] {
        assert_eq!(decoded("brave", body), Found::default());
    }
}

#[test]
fn a_second_is_waited_for_and_a_month_is_not() {
    let limited = |remaining: &str, reset: &str| {
        let headers = [
            ("x-ratelimit-limit", "1, 15000"),
            ("x-ratelimit-policy", "1;w=1, 15000;w=2592000"),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", reset),
        ];
        gist(&refused("brave", 429, &headers, "{}"))
    };
    for (remaining, reset, expected) in [
        ("0, 1000", "1, 1419704", (RateLimited, RetrySame, Some(1))),
        ("0,1000", "2,1419704", (RateLimited, RetrySame, Some(2))),
        ("0, 1000", "soon", (RateLimited, RetrySame, Some(1))),
        ("1, 1000", "1, 1419704", (RateLimited, RetrySame, Some(1))),
        ("1, 0", "1, 1419704", (QuotaExhausted, NextNow, None)),
        ("0, 0", "1, 1419704", (QuotaExhausted, NextNow, None)),
        ("1, 0", "", (QuotaExhausted, NextNow, None)),
        ("0", "1", (RateLimited, RetrySame, Some(1))),
        ("nonsense", "nonsense", (RateLimited, RetrySame, Some(1))),
        (
            "0, 9",
            "99999999999999, 1",
            (RateLimited, RetrySame, Some(1)),
        ),
    ] {
        assert_eq!(limited(remaining, reset), expected, "{remaining} {reset}");
    }
    let plain = refused("brave", 429, &[("retry-after", "3")], "");
    assert_eq!(gist(&plain), (RateLimited, RetrySame, Some(3)));
}

#[test]
fn a_code_says_more_than_a_status() {
    let body = |code: &str| {
        format!(
            r#"{{"type":"ErrorResponse","id":"1","time":1,"error":{{"id":"1","status":422,
                "code":"{code}","detail":"The provided subscription token is invalid.",
                "meta":{{"component":"authentication"}}}}}}"#
        )
    };
    for (status, code, expected, word) in [
        (
            422,
            "SUBSCRIPTION_TOKEN_INVALID",
            (Unauthorized, NextNow),
            Some("subscription_token_invalid"),
        ),
        (422, "VALIDATION", (Rejected, Stop), Some("validation")),
        (
            400,
            "OPTION_NOT_IN_PLAN",
            (Unauthorized, NextNow),
            Some("option_not_in_plan"),
        ),
        (
            429,
            "QUOTA_LIMITED",
            (QuotaExhausted, NextNow),
            Some("quota_limited"),
        ),
        (
            429,
            "RATE_LIMITED",
            (RateLimited, RetrySame),
            Some("rate_limited"),
        ),
        (422, "FROM_THE_FUTURE", (Rejected, Stop), None),
    ] {
        let failure = refused("brave", status, &[], &body(code));
        assert_eq!((failure.kind, failure.class), expected, "{code}");
        assert_eq!(failure.word, word, "{code}");
    }
    let late = failed("brave", &body("SUBSCRIPTION_TOKEN_INVALID"));
    assert_eq!((late.kind, late.class), (Unauthorized, NextNow));
}
