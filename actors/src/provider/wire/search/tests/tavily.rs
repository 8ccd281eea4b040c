//! Tavily's search.

use super::{decoded, dropped, encoded, failed, gist, plain_request, refused, request};
use crate::protocol::{
    Class::{NextNow, RetrySame, Stop},
    FailureKind::{QuotaExhausted, RateLimited, Rejected, Unauthorized},
    Hit, SearchRequest,
};

const GOLDEN: &str = r#"{
    "query": "rust actors", "follow_up_questions": null, "images": [],
    "answer": "Actors are <b>isolated</b> tasks.",
    "results": [
        {"title": "Actix", "url": "https://actix.rs/", "content": "Vec<T> in\n actors",
         "score": 0.93, "raw_content": null, "published_date": "Fri, 20 Nov 2026 09:00:00 GMT"},
        {"title": null, "url": "https://docs.rs/actix", "content": null, "score": "high"}
    ],
    "response_time": 1.2, "request_id": "r"
}"#;

#[test]
fn request_is_exact() {
    let (path, body) = encoded("tavily", &plain_request(), true);
    assert_eq!(path, "");
    assert_eq!(
        body.as_deref(),
        Some(r#"{"query":"rust actors","max_results":5,"include_answer":true}"#)
    );
    assert!(dropped("tavily", &plain_request()).is_empty());
}

#[test]
fn what_the_caller_says_wins() {
    let (_, body) = encoded("tavily", &request(), false);
    assert_eq!(
        body.as_deref(),
        Some(
            r#"{"query":"a&b=c #\"ü\"\r\n?x","max_results":20,"include_answer":true,"time_range":"week","country":"germany","include_domains":["docs.rs","example.com"]}"#
        )
    );
    assert_eq!(dropped("tavily", &request()), ["language"]);
    let without = SearchRequest {
        include_answer: Some(false),
        country: Some("xx".to_owned()),
        ..plain_request()
    };
    let (_, body) = encoded("tavily", &without, true);
    assert_eq!(
        body.as_deref(),
        Some(r#"{"query":"rust actors","max_results":5,"include_answer":false}"#)
    );
    assert_eq!(dropped("tavily", &without), ["country"]);
}

#[test]
fn reply_is_read_and_plain() {
    let found = decoded("tavily", GOLDEN);
    assert_eq!(found.answer.as_deref(), Some("Actors are isolated tasks."));
    let first = Hit {
        title: "Actix".to_owned(),
        url: "https://actix.rs/".to_owned(),
        snippet: "Vec<T> in actors".to_owned(),
        age: Some("Fri, 20 Nov 2026 09:00:00 GMT".to_owned()),
        score: Some(0.93),
    };
    assert_eq!(found.hits[0], first);
    assert_eq!(found.hits[1].title, "https://docs.rs/actix");
    assert_eq!(found.hits[1].score, None);
    let without = decoded("tavily", r#"{"answer":null,"results":[]}"#);
    assert_eq!((without.answer, without.hits.len()), (None, 0));
}

#[test]
fn errors_are_classified() {
    for (status, headers, body, expected) in [
        (
            400,
            &[][..],
            r#"{"detail":{"error":"Query is too long."}}"#,
            (Rejected, Stop, None),
        ),
        (
            401,
            &[],
            r#"{"detail":{"error":"Unauthorized"}}"#,
            (Unauthorized, NextNow, None),
        ),
        (
            403,
            &[],
            r#"{"detail":"Forbidden"}"#,
            (Unauthorized, NextNow, None),
        ),
        (
            429,
            &[("retry-after", "2")],
            r#"{"detail":{"error":"excessive requests"}}"#,
            (RateLimited, RetrySame, Some(2)),
        ),
        (
            429,
            &[],
            r#"{"error":{"code":"x","message":"y","retry_after_seconds":7}}"#,
            (RateLimited, RetrySame, Some(7)),
        ),
        (
            429,
            &[],
            r#"{"error":{"retry_after_seconds":99999999999}}"#,
            (RateLimited, RetrySame, Some(86_400)),
        ),
        (
            432,
            &[],
            r#"{"detail":{"error":"This request exceeds your plan's set usage limit."}}"#,
            (QuotaExhausted, NextNow, None),
        ),
        (
            433,
            &[],
            r#"{"detail":[{"error":"x"}]}"#,
            (QuotaExhausted, NextNow, None),
        ),
        (
            422,
            &[],
            r#"{"detail":[{"loc":["body"],"msg":"x"}]}"#,
            (Rejected, Stop, None),
        ),
    ] {
        let failure = refused("tavily", status, headers, body);
        assert_eq!(gist(&failure), expected, "{status} {body}");
        assert_eq!(failure.status, Some(status));
    }
}

#[test]
fn an_error_with_a_status_of_success_is_an_error() {
    for body in [
        r#"{"detail":{"error":"down"},"results":[]}"#,
        r#"{"error":{"code":"x","message":"down"}}"#,
        r#"{"detail":"down"}"#,
    ] {
        assert_ne!(failed("tavily", body).class, Stop, "{body}");
    }
}
