//! Answers that keep to nothing. What is not exactly the vectors that were asked for is none of them.

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::{asked, decoded, two};
use crate::{
    protocol::{
        Class::NextNow,
        Embedded, Encoding,
        FailureKind::{Malformed, RateLimited},
        Usage, Vectors,
    },
    provider::wire::embedding::{MOST, numbers::MOST_NUMBERS, write_answer},
};

#[test]
fn what_is_not_what_was_asked_for_is_malformed() {
    let good = r#"{"index":0,"embedding":[1,2]},{"index":1,"embedding":[3,4]}"#;
    let with = |items: &str| format!(r#"{{"object":"list","data":[{items}]}}"#);
    assert!(decoded("openai", &two(), with(good)).is_ok());
    let cases = [
        String::new(),
        "nan".to_owned(),
        "<html>".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"data":{}}"#.to_owned(),
        with(""),
        with("1,2"),
        with("{},{}"),
        // Too few, too many.
        with(r#"{"index":0,"embedding":[1,2]}"#),
        with(&format!(r#"{good},{{"index":2,"embedding":[5,6]}}"#)),
        // The same place twice, a place that is none.
        with(&good.replace(":1,", ":0,")),
        with(&good.replace(":1,", ":2,")),
        with(&good.replace(":1,", ":18446744073709551615,")),
        with(&good.replace(":1,", ":0.5,")),
        with(&good.replace(":1,", ":\"1\",")),
        // Of different lengths, without any.
        with(&good.replace("[3,4]", "[3]")),
        with(&good.replace("[3,4]", "[]").replace("[1,2]", "[]")),
        // No numbers.
        with(&good.replace("[3,4]", "[3,null]")),
        with(&good.replace("[3,4]", "[3,\"4\"]")),
        with(&good.replace("[3,4]", "[3,NaN]")),
        with(&good.replace("[3,4]", "[3,1e39]")),
        with(&good.replace("[3,4]", "[3,-1e400]")),
        with(&good.replace("[3,4]", "[[3,4]]")),
        with(&good.replace("[3,4]", "null")),
        // No base64, of no whole numbers, NaN, infinity.
        with(&good.replace("[3,4]", "\"!\"")),
        with(&good.replace("[3,4]", "\"AAAAPwAAgA==\"")),
        with(&good.replace("[3,4]", "\"AAAAPwAAwH8=\"")),
        with(&good.replace("[3,4]", "\"AAAAPwAAgH8=\"")),
        format!("{}x", with(good)),
        with(good).replace("}]}", "}]"),
    ];
    for body in cases {
        let failure = decoded("openai", &two(), &body).expect_err(&body);
        assert_eq!(
            (failure.kind, failure.class),
            (Malformed, NextNow),
            "{body}"
        );
    }
    let with = |items: &str| format!(r#"{{"embeddings":[{items}]}}"#);
    let good = r#"{"values":[1,2]},{"values":[3,4]}"#;
    assert!(decoded("gemini", &two(), with(good)).is_ok());
    let cases = [
        String::new(),
        "{}".to_owned(),
        r#"{"embedding":{"values":[1]}}"#.to_owned(),
        with(""),
        with(r#"{"values":[1,2]}"#),
        with(&format!(r#"{good},{{"values":[5,6]}}"#)),
        with(&good.replace("[3,4]", "[3]")),
        with(&good.replace("[3,4]", "[3,\"NaN\"]")),
        with(&good.replace("[3,4]", "[3,1e39]")),
        with(&good.replace("[3,4]", "{}")),
        with(good).replace("}]}", "}]"),
    ];
    for body in cases {
        let failure = decoded("gemini", &two(), &body).expect_err(&body);
        assert_eq!(
            (failure.kind, failure.class),
            (Malformed, NextNow),
            "{body}"
        );
    }
}

#[test]
fn an_error_inside_200_is_what_it_says() {
    let body = r#"{"error":{"code":429,"message":"slow down"},"data":[]}"#;
    let failure = decoded("openai", &two(), body).expect_err("an error");
    assert_eq!((failure.kind, failure.status), (RateLimited, Some(429)));
}

#[test]
fn bytes_that_are_no_text_are_no_answer_to_pass_on() {
    let mut body =
        br#"{"x":"?","data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[2]}]}"#.to_vec();
    body[6] = 0xff;
    let embedded = decoded("openai", &two(), &body).expect("vectors");
    assert_eq!(embedded.vectors, Vectors::Read(vec![vec![1.0], vec![2.0]]));
}

#[test]
fn a_list_without_end_is_not_collected() {
    let item = r#"{"index":0,"embedding":[1]},"#;
    let body = format!(r#"{{"data":[{}{{}}]}}"#, item.repeat(20 * MOST));
    let one = asked(r#"{"model":"m","input":"one"}"#);
    let failure = decoded("openai", &one, body).expect_err("too many");
    assert_eq!(failure.kind, Malformed);
}

#[test]
fn a_vector_without_end_is_none() {
    let one = asked(r#"{"model":"m","input":"one"}"#);
    for (count, is_vector) in [(MOST_NUMBERS, true), (MOST_NUMBERS + 1, false)] {
        let list = format!("[{}0]", "0,".repeat(count - 1));
        let base64 = format!("\"{}\"", STANDARD.encode(vec![0; 4 * count]));
        for (format, vector) in [("openai", &list), ("openai", &base64), ("gemini", &list)] {
            let body = match format {
                "gemini" => format!(r#"{{"embeddings":[{{"values":{vector}}}]}}"#),
                _ => format!(r#"{{"data":[{{"index":0,"embedding":{vector}}}]}}"#),
            };
            let embedded = decoded(format, &one, body);
            assert_eq!(embedded.is_ok(), is_vector, "{format}, {count} numbers");
        }
    }
}

#[test]
fn short_numbers_are_not_given_the_room_of_long_ones() {
    let embedded = Embedded {
        vectors: Vectors::Read(vec![vec![0.0; MOST_NUMBERS]; 8]),
        dimensions: MOST_NUMBERS,
        model: None,
        usage: Usage::default(),
    };
    let body = write_answer(&embedded, Encoding::Float, "m").expect("is written");
    let length = body.len();
    let room = body.try_into_mut().expect("has one owner").capacity();
    assert!(room <= 2 * length, "{room} for {length} bytes");
}

proptest! {
    /// Whatever a vendor makes of a good answer, it is two vectors of the same length, or a failure.
    #[test]
    fn what_comes_out_is_what_was_asked_for(
        at in 0_usize..120,
        length in 0_usize..8,
        put in proptest::sample::select(vec![
            "", "1", "-", ".", "e", "9e99", "null", "[", "]", "{", "}", ",", "\"", "\\u0030", "index", "\u{fffd}",
        ]),
    ) {
        let good = r#"{"data":[{"index":0,"embedding":[1,2.5]},{"index":1,"embedding":"AAAAPwAAgL8="}],"model":"m"}"#;
        let start = at.min(good.len());
        let end = (start + length).min(good.len());
        let body = format!("{}{put}{}", &good[..start], &good[end..]);
        if let Ok(embedded) = decoded("openai", &two(), &body) {
            prop_assert!(embedded.dimensions > 0);
            match embedded.vectors {
                Vectors::Raw(raw) => prop_assert_eq!(&raw[..], body.as_bytes()),
                Vectors::Read(vectors) => {
                    prop_assert_eq!(vectors.len(), 2);
                    for vector in vectors {
                        prop_assert_eq!(vector.len(), embedded.dimensions);
                        prop_assert!(vector.iter().all(|number| number.is_finite()));
                    }
                }
            }
        }
    }
}
