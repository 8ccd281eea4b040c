//! What clients ask.

use bytes::Bytes;

use super::asked;
use crate::{
    protocol::{EmbeddingInput, Encoding},
    provider::wire::embedding::{MOST, read_request},
};

fn wrong(body: &str) -> (String, String) {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let wrong = read_request(&body).expect_err("no request");
    (wrong.param, wrong.sentence)
}

#[test]
fn input_has_four_shapes() {
    let texts = |texts: &[&str]| {
        EmbeddingInput::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
    };
    for (input, expected) in [
        (r#""one""#, texts(&["one"])),
        (r#"["one","t\u0077o"]"#, texts(&["one", "two"])),
        ("[1,2,3]", EmbeddingInput::Tokens(1)),
        ("[[1,2],[3]]", EmbeddingInput::Tokens(2)),
    ] {
        let request = asked(&format!(r#"{{"model":"m","input":{input}}}"#));
        assert_eq!(request.input, expected, "{input}");
    }
}

#[test]
fn everything_else_is_refused_by_its_name() {
    for input in [
        "null",
        "1",
        "true",
        "{}",
        "[]",
        r#""""#,
        r#"["a",""]"#,
        r#"["a",1]"#,
        "[1,[1]]",
        "[[]]",
        "[[1],[]]",
        "[-1]",
        "[1.5]",
        "[[[1]]]",
        "[null]",
        "[[null]]",
        r#"[["a"]]"#,
    ] {
        let (param, sentence) = wrong(&format!(r#"{{"model":"m","input":{input}}}"#));
        assert_eq!(param, "input", "{input}");
        assert!(sentence.starts_with("`input` must be a text"), "{sentence}");
    }
    for (body, param) in [
        (r#"{"input":"a"}"#, "model"),
        (r#"{"model":"","input":"a"}"#, "model"),
        (r#"{"model":1,"input":"a"}"#, "model"),
        (r#"{"model":"m"}"#, "input"),
        (r#"{"model":"m","input":"a","dimensions":0}"#, "dimensions"),
        (
            r#"{"model":"m","input":"a","dimensions":"4"}"#,
            "dimensions",
        ),
        (
            r#"{"model":"m","input":"a","encoding_format":"int8"}"#,
            "encoding_format",
        ),
        ("[]", ""),
        ("nonsense", ""),
        ("", ""),
        ("{", ""),
    ] {
        assert_eq!(wrong(body).0, param, "{body}");
    }
    assert!(wrong("[]").1.contains("object"));
    assert!(wrong("{]").1.contains("not JSON"));
}

#[test]
fn so_many_at_once_and_no_more() {
    let list = |item: &str, count: usize| {
        let items = vec![item; count].join(",");
        format!(r#"{{"model":"m","input":[{items}]}}"#)
    };
    for item in [r#""a""#, "[1]"] {
        assert_eq!(asked(&list(item, MOST)).input.count(), MOST);
        let (param, sentence) = wrong(&list(item, MOST + 1));
        assert_eq!(param, "input");
        assert!(sentence.contains("2048"), "{sentence}");
    }
    // Tokens of one text.
    assert_eq!(asked(&list("1", 3 * MOST)).input.count(), 1);
}

#[test]
fn what_is_null_is_not_set_and_the_last_of_two_counts() {
    let request = asked(
        r#"{"model":"m","input":"a","dimensions":null,"encoding_format":null,"user":null,
            "input":["b","c"],"dimensions":8,"encoding_format":"base64"}"#,
    );
    assert_eq!(request.dimensions, Some(8));
    assert_eq!(request.encoding, Encoding::Base64);
    assert_eq!(request.input.count(), 2);
    assert!(request.others.is_empty());
}

#[test]
fn fields_without_end_are_refused_before_they_are_compared() {
    let fields: String = (0..600)
        .map(|number| format!(r#","f{number}":1"#))
        .collect();
    let (param, _) = wrong(&format!(r#"{{"model":"m","input":"x"{fields}}}"#));
    assert_eq!(param, "request");
}
