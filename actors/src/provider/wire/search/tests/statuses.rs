//! What a status means when the body says nothing, and what no body can do.

use super::{failed, refused, wire};
use crate::{
    protocol::{
        Class::{NextNow, RetrySame, Stop},
        FailureKind::{
            Malformed, QuotaExhausted, RateLimited, Rejected, ServerError, Unauthorized,
        },
    },
    provider::wire::search::{ALL, by_name},
};

#[test]
fn every_format_is_found_by_its_name() {
    let names: Vec<_> = ALL.iter().map(|wire| wire.name()).collect();
    assert_eq!(names, ["brave", "searxng", "tavily"]);
    for name in names {
        assert_eq!(by_name(name).map(|wire| wire.name()), Some(name));
    }
    assert!(by_name("Brave").is_none());
    assert!(crate::provider::wire::by_name("brave").is_none());
}

#[test]
fn a_header_carries_the_key() {
    assert_eq!(wire("brave").auth(), ("x-subscription-token", ""));
    for name in ["tavily", "searxng"] {
        assert_eq!(wire(name).auth(), ("authorization", "Bearer "));
    }
}

#[test]
fn statuses_are_classified() {
    for (status, expected) in [
        (301, (ServerError, NextNow)),
        (307, (ServerError, NextNow)),
        (400, (Rejected, Stop)),
        (401, (Unauthorized, NextNow)),
        (402, (QuotaExhausted, NextNow)),
        (404, (ServerError, NextNow)),
        (405, (ServerError, NextNow)),
        (422, (Rejected, Stop)),
        (429, (RateLimited, RetrySame)),
        (432, (QuotaExhausted, NextNow)),
        (433, (QuotaExhausted, NextNow)),
        (500, (ServerError, RetrySame)),
        (503, (ServerError, RetrySame)),
    ] {
        for wire in ALL {
            let failure = refused(wire.name(), status, &[], "<html>nginx</html>");
            let name = wire.name();
            assert_eq!((failure.kind, failure.class), expected, "{status} {name}");
            assert_eq!(failure.status, Some(status));
        }
    }
}

#[test]
fn what_is_no_answer_is_malformed() {
    for body in [
        "",
        "{}",
        "[]",
        "7",
        "null",
        "<html>",
        "{\"web\":",
        "\"text\"",
        "{\"results\":{}}",
        "{\"web\":{}}",
        "{\"web\":{\"results\":7}}",
        "{\"a\":[[[[[[]]]]]]}",
    ] {
        for wire in ALL {
            let failure = failed(wire.name(), body);
            assert_eq!(
                (failure.kind, failure.class),
                (Malformed, NextNow),
                "{body}"
            );
        }
    }
    let deep = "[".repeat(100_000);
    for wire in ALL {
        assert_eq!(failed(wire.name(), &deep).kind, Malformed);
    }
}

#[test]
fn nothing_but_a_known_word_leaves_an_error() {
    let body = r#"{"type":"ErrorResponse","error":{"code":"CANARY","detail":"canary","error":
        "canary"},"detail":{"error":"canary"}}"#;
    for wire in ALL {
        for status in [400, 401, 422, 429, 432, 500] {
            let failure = refused(wire.name(), status, &[("x-echo", "canary")], body);
            assert!(
                !format!("{failure:?} {failure}")
                    .to_lowercase()
                    .contains("canary")
            );
        }
    }
}
