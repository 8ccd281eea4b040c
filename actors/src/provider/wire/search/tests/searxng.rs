//! SearXNG's JSON.

use super::{decoded, dropped, encoded, failed, plain_request, refused, request};
use crate::protocol::{
    Class::{NextNow, Stop},
    FailureKind::{Rejected, ServerError},
    Found, Freshness, SearchRequest,
};

const GOLDEN: &str = r#"{
    "query": "rust actors", "number_of_results": 0,
    "results": [
        {"url": "https://actix.rs/", "title": "Actix", "content": "Actors", "engine": "brave",
         "engines": ["brave"], "positions": [1], "score": 4.0, "category": "general",
         "publishedDate": "2026-11-20T09:00:00", "parsed_url": ["https", "actix.rs", "/"]},
        {"url": "https://docs.rs/actix", "title": "Docs", "publishedDate": null}
    ],
    "answers": [], "corrections": [], "infoboxes": [], "suggestions": [],
    "unresponsive_engines": [["google", "timeout"]]
}"#;

#[test]
fn request_is_exact() {
    let (path, body) = encoded("searxng", &plain_request(), true);
    assert_eq!(
        (path.as_str(), body),
        ("?q=rust%20actors&format=json", None)
    );
    let (path, _) = encoded("searxng", &request(), true);
    assert_eq!(
        path,
        "?q=a%26b%3Dc%20%23%22%C3%BC%22%0D%0A%3Fx&format=json&language=pt-BR"
    );
    assert_eq!(
        dropped("searxng", &request()),
        ["freshness", "country", "domains"]
    );
    let day = SearchRequest {
        freshness: Some(Freshness::Day),
        ..plain_request()
    };
    let (path, _) = encoded("searxng", &day, true);
    assert_eq!(path, "?q=rust%20actors&format=json&time_range=day");
    assert!(dropped("searxng", &day).is_empty());
}

#[test]
fn reply_is_read() {
    let found = decoded("searxng", GOLDEN);
    assert_eq!(found.answer, None);
    assert_eq!(found.hits.len(), 2);
    assert_eq!(found.hits[0].age.as_deref(), Some("2026-11-20T09:00:00"));
    assert_eq!(found.hits[0].score, Some(4.0));
    for answers in [
        r#"["42"]"#,
        r#"[{"answer":"42","url":null}]"#,
        r#"[null,{},"42"]"#,
    ] {
        let body = format!(r#"{{"results":[],"answers":{answers}}}"#);
        assert_eq!(
            decoded("searxng", &body).answer.as_deref(),
            Some("42"),
            "{answers}"
        );
    }
}

#[test]
fn nothing_found_by_nobody_is_a_failure() {
    let nothing = r#"{"results":[],"unresponsive_engines":[]}"#;
    assert_eq!(decoded("searxng", nothing), Found::default());
    let nobody = r#"{"results":[],"unresponsive_engines":[["google","CAPTCHA"]]}"#;
    let failure = failed("searxng", nobody);
    assert_eq!((failure.kind, failure.class), (ServerError, NextNow));
}

#[test]
fn an_instance_that_gives_no_json_is_passed_over() {
    let failure = refused("searxng", 403, &[], "<html>Forbidden</html>");
    assert_eq!((failure.kind, failure.class), (ServerError, NextNow));
    let failure = refused("searxng", 400, &[], r#"{"error":"No query"}"#);
    assert_eq!((failure.kind, failure.class), (Rejected, Stop));
}
