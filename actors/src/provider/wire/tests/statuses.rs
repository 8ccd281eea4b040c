//! What a status means when the body says nothing, in every format alike.

use super::refused;
use crate::{
    protocol::{
        Class::{NextNow, RetrySame, Stop},
        FailureKind::{
            ModelNotFound, QuotaExhausted, RateLimited, Rejected, ServerError, Unauthorized,
        },
    },
    provider::wire::{ALL, by_name},
};

#[test]
fn every_format_is_found_by_its_name() {
    let names: Vec<_> = ALL.iter().map(|wire| wire.name()).collect();
    assert_eq!(names, ["anthropic", "gemini", "openai"]);
    for name in names {
        assert_eq!(by_name(name).map(|wire| wire.name()), Some(name));
    }
    assert!(by_name("OpenAI").is_none());
}

#[test]
fn statuses_are_classified() {
    for (status, expected) in [
        (301, (ServerError, NextNow)),
        (302, (ServerError, NextNow)),
        (307, (ServerError, NextNow)),
        (400, (Rejected, Stop)),
        (401, (Unauthorized, NextNow)),
        (402, (QuotaExhausted, NextNow)),
        (403, (Unauthorized, NextNow)),
        (404, (ModelNotFound, NextNow)),
        (405, (ServerError, NextNow)),
        (410, (ServerError, NextNow)),
        (408, (ServerError, RetrySame)),
        (409, (ServerError, RetrySame)),
        (413, (Rejected, Stop)),
        (418, (Rejected, Stop)),
        (422, (Rejected, Stop)),
        (429, (RateLimited, RetrySame)),
        (432, (QuotaExhausted, NextNow)),
        (433, (QuotaExhausted, NextNow)),
        (500, (ServerError, RetrySame)),
        (502, (ServerError, RetrySame)),
        (503, (ServerError, RetrySame)),
        (504, (ServerError, RetrySame)),
        (520, (ServerError, RetrySame)),
        (529, (ServerError, RetrySame)),
        (999, (ServerError, NextNow)),
    ] {
        for wire in ALL {
            let failure = refused(wire.name(), status, &[], "<html>nginx</html>");
            assert_eq!(
                (failure.kind, failure.class),
                expected,
                "{status} {}",
                wire.name()
            );
            assert_eq!(failure.status, Some(status));
            assert_eq!((failure.word, failure.retry_after), (None, None));
        }
    }
}

#[test]
fn advice_to_retry_counts_for_the_server_alone() {
    for (status, advice, expected) in [
        (500, "false", NextNow),
        (529, "false", NextNow),
        (429, "false", NextNow),
        (500, "true", RetrySame),
        (500, "maybe", RetrySame),
        (302, "true", RetrySame),
        (401, "true", NextNow),
        (402, "true", NextNow),
        (403, "true", NextNow),
        (404, "true", NextNow),
        (400, "true", Stop),
        (400, "false", Stop),
    ] {
        for wire in ALL {
            let failure = refused(wire.name(), status, &[("x-should-retry", advice)], "");
            assert_eq!(failure.class, expected, "{status} {advice} {}", wire.name());
        }
    }
}

#[test]
fn nothing_but_a_known_word_leaves_an_error() {
    for (word, expected) in [
        ("overloaded_error", Some("overloaded_error")),
        ("abcdefghijklmnopqrstuvwxyz", None),
        ("", None),
        ("sk-abc", None),
        ("key0", None),
        ("Bearer", None),
        ("two words", None),
        ("a\\nb", None),
        ("schlüssel", None),
    ] {
        for wire in ALL {
            let body =
                format!(r#"{{"error":{{"type":"{word}","message":"canary","details":"canary"}}}}"#);
            let failure = refused(wire.name(), 500, &[], &body);
            assert_eq!(failure.word, expected, "{word:?}");
            assert!(!format!("{failure:?} {failure}").contains("canary"));
        }
    }
}
