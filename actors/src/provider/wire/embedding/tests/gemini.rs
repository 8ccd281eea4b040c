//! Google's format.

use std::sync::Arc;

use super::{asked, decoded, encoded, two, wire, without};
use crate::{
    protocol::{
        Class::{NextNow, Stop},
        Embedded, EmbeddingInput, EmbeddingRequest,
        FailureKind::{ModelNotFound, Rejected},
        Usage, Vectors,
    },
    request::Request,
};

const GOLDEN: &str = r#"{
  "embeddings": [{"values": [0.5, -1]}, {"values": [0.25, 2e-3]}],
  "usageMetadata": {"promptTokenCount": 5, "promptTokenDetails": [{"modality": "TEXT", "tokenCount": 5}]}
}"#;

#[test]
fn a_header_carries_the_key() {
    assert_eq!(wire("gemini").auth(), ("x-goog-api-key", ""));
}

#[test]
fn request_is_exact() {
    let (body, rest) = encoded("gemini", &two(), &without(&[]));
    assert_eq!(rest.path, "/models/new-1:batchEmbedContents");
    assert_eq!(
        body,
        r#"{"requests":[{"model":"models/new-1","content":{"parts":[{"text":"one"}]}},{"model":"models/new-1","content":{"parts":[{"text":"two"}]}}]}"#
    );
    assert!(rest.dropped.is_empty());
}

#[test]
fn a_single_text_is_a_batch_of_one() {
    let request = asked(
        r#"{"model":"m","input":"one","dimensions":768,"encoding_format":"base64","user":"u","x,y":1}"#,
    );
    let (body, rest) = encoded("gemini", &request, &without(&[]));
    assert_eq!(
        body,
        r#"{"requests":[{"model":"models/new-1","content":{"parts":[{"text":"one"}]},"outputDimensionality":768}]}"#
    );
    assert_eq!(rest.dropped, ["user", "x?y"]);
    let (_, rest) = encoded("gemini", &request, &without(&["dimensions"]));
    assert_eq!(rest.dropped, ["dimensions", "user", "x?y"]);
}

#[test]
fn what_it_cannot_take_is_said() {
    let tokens = asked(r#"{"model":"m","input":[1,2]}"#);
    let failure = wire("gemini").encode(&tokens, "m", &without(&[]));
    let failure = failure.expect_err("no tokens");
    assert_eq!((failure.kind, failure.class), (Rejected, NextNow));
    assert!(failure.advice.expect("advice").contains("texts"));
    for model in ["../x", "a/b", "a?b", ""] {
        let failure = wire("gemini").encode(&two(), model, &without(&[]));
        assert_eq!(failure.expect_err("no segment").kind, ModelNotFound);
    }
}

#[test]
fn answer_is_read() {
    let embedded = decoded("gemini", &two(), GOLDEN).expect("vectors");
    let expected = Embedded {
        vectors: Vectors::Read(vec![vec![0.5, -1.0], vec![0.25, 0.002]]),
        dimensions: 2,
        model: None,
        usage: Usage {
            input_tokens: 5,
            ..Usage::default()
        },
    };
    assert_eq!(embedded, expected);
    // gemini-embedding-001 counts nothing.
    let silent = r#"{"embeddings": [{"values": [1]}, {"values": [2]}]}"#;
    let embedded = decoded("gemini", &two(), silent).expect("vectors");
    assert_eq!(embedded.usage, Usage::default());
}

#[test]
fn more_than_a_hundred_texts_are_several_questions_and_one_answer() {
    let texts: Vec<String> = (0..250).map(|number| number.to_string()).collect();
    let request = Arc::new(EmbeddingRequest {
        input: EmbeddingInput::Texts(texts.clone()),
        ..EmbeddingRequest::clone(&two())
    });
    let parts = wire("gemini").parts(&request);
    let sizes: Vec<_> = parts.iter().map(|part| part.input.count()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    let answers = parts.iter().map(|part| {
        let EmbeddingInput::Texts(texts) = &part.input else {
            panic!("texts")
        };
        let values = texts.iter().map(|text| format!(r#"{{"values":[{text}]}}"#));
        let values: Vec<_> = values.collect();
        let body = format!(
            r#"{{"embeddings":[{}],"usageMetadata":{{"promptTokenCount":{}}}}}"#,
            values.join(","),
            texts.len()
        );
        decoded("gemini", part, body).expect("vectors")
    });
    let joined = EmbeddingRequest::join(answers.collect()).expect("one answer");
    assert_eq!(joined.usage.input_tokens, 250);
    let numbers = (0..250_u16).map(|number| vec![f32::from(number)]);
    assert_eq!(joined.vectors, Vectors::Read(numbers.collect()));
    assert_eq!(wire("openai").parts(&request).len(), 1);
}

#[test]
fn parts_that_do_not_fit_together_are_no_answer() {
    let one = asked(r#"{"model":"m","input":"one"}"#);
    let part = |values: &str| {
        let body = format!(r#"{{"embeddings":[{{"values":{values}}}]}}"#);
        decoded("gemini", &one, body).expect("a vector")
    };
    assert_eq!(
        EmbeddingRequest::join(vec![part("[1]"), part("[1,2]")]),
        None
    );
    assert_eq!(EmbeddingRequest::join(Vec::new()), None);
}

#[test]
fn an_error_is_understood() {
    let body = r#"{"error":{"code":400,"message":"* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch","status":"INVALID_ARGUMENT"}}"#;
    let failure = wire("gemini").refusal(400, &http::HeaderMap::new(), body.as_bytes());
    assert_eq!((failure.kind, failure.class), (Rejected, Stop));
    let late = decoded("gemini", &two(), body).expect_err("an error inside 200");
    assert_eq!((late.kind, late.status), (Rejected, Some(400)));
}
