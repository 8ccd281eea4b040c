//! OpenAI's format: what passes, and what is written anew.

use super::{asked, decoded, encoded, two, wire, without};
use crate::{
    protocol::{Encoding, Usage, Vectors},
    provider::wire::embedding::write_answer,
    request::Request,
};

/// As OpenAI writes it.
const GOLDEN: &str = r#"{
  "object": "list",
  "data": [
    {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]},
    {"object": "embedding", "index": 1, "embedding": [0.25, 2e-3]}
  ],
  "model": "new-1-0613", "usage": {"prompt_tokens": 8, "total_tokens": 8}
}
"#;

#[test]
fn a_header_carries_the_key() {
    assert_eq!(wire("openai").auth(), ("authorization", "Bearer "));
}

#[test]
fn a_request_passes_with_another_model() {
    let body = r#"{ "input" : [[1, 2],[3]], "model":"alias", "user":"u", "x": { "y" : 1.0 } }"#;
    let request = asked(body);
    let (sent, rest) = encoded("openai", &request, &without(&[]));
    assert_eq!(
        sent,
        r#"{"input":[[1, 2],[3]],"model":"new-1","user":"u","x":{ "y" : 1.0 }}"#
    );
    assert_eq!(rest.path, "/embeddings");
    assert!(rest.dropped.is_empty());
    assert_eq!(request.others, ["user", "x"]);
}

#[test]
fn what_a_server_does_not_take_is_left_out_and_told_but_for_what_the_hub_does() {
    let body = r#"{"model":"m","input":"a","dimensions":4,"encoding_format":"base64","user":"u"}"#;
    let dialect = without(&["dimensions", "encoding_format", "input"]);
    let (sent, rest) = encoded("openai", &asked(body), &dialect);
    assert_eq!(sent, r#"{"model":"new-1","input":"a","user":"u"}"#);
    assert_eq!(rest.dropped, ["dimensions"]);
}

#[test]
fn an_answer_as_it_was_asked_for_passes_unchanged() {
    let embedded = decoded("openai", &two(), GOLDEN).expect("vectors");
    assert_eq!(embedded.vectors, Vectors::Raw(GOLDEN.into()));
    assert_eq!(embedded.dimensions, 2);
    assert_eq!(embedded.model.as_deref(), Some("new-1-0613"));
    let usage = Usage {
        input_tokens: 8,
        ..Usage::default()
    };
    assert_eq!(embedded.usage, usage);
    let written = write_answer(&embedded, Encoding::Float, "m").expect("a body");
    assert_eq!(written, GOLDEN);
}

#[test]
fn an_answer_in_the_other_encoding_is_written_as_it_was_asked_for() {
    let floats = two();
    let base64 = asked(r#"{"model":"m","input":["one","two"],"encoding_format":"base64"}"#);
    // Servers that know no base64 ignore the wish; the SDK for Node does not survive that.
    let embedded = decoded("openai", &base64, GOLDEN).expect("vectors");
    let written = write_answer(&embedded, Encoding::Base64, "m").expect("a body");
    assert_eq!(
        written,
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AAAAPwAAgL8="},{"object":"embedding","index":1,"embedding":"AACAPm8SAzs="}],"model":"new-1-0613","usage":{"prompt_tokens":8,"total_tokens":8}}"#
    );
    let passed = decoded("openai", &base64, &written).expect("vectors");
    assert_eq!(passed.vectors, Vectors::Raw(written.clone()));
    let back = decoded("openai", &floats, &written).expect("vectors");
    let expected = Vectors::Read(vec![vec![0.5, -1.0], vec![0.25, 0.002]]);
    assert_eq!(back.vectors, expected);
    let written = write_answer(&back, Encoding::Float, "m").expect("a body");
    assert_eq!(
        written,
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1.0]},{"object":"embedding","index":1,"embedding":[0.25,0.002]}],"model":"new-1-0613","usage":{"prompt_tokens":8,"total_tokens":8}}"#
    );
}

#[test]
fn vectors_have_their_places_by_index() {
    let mixed = r#"{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}]}"#;
    let embedded = decoded("openai", &two(), mixed).expect("vectors");
    // Who reads them looks at the index, too.
    assert_eq!(embedded.vectors, Vectors::Raw(mixed.into()));
    let escaped = mixed.replace(r#"{"data""#, r#"{"\u0078":1,"data""#);
    let embedded = decoded("openai", &two(), escaped).expect("vectors");
    let expected = Vectors::Read(vec![vec![1.0], vec![2.0]]);
    assert_eq!(embedded.vectors, expected);
    let bare = r#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#;
    let embedded = decoded("openai", &two(), bare).expect("vectors");
    assert_eq!(embedded.vectors, expected);
}

#[test]
fn a_key_is_found_wherever_it_stands_in_an_answer() {
    let says = |body: &str| {
        let embedded = decoded("openai", &two(), body).expect("vectors");
        crate::protocol::EmbeddingRequest::says(&embedded, &|text| text.contains("sk-key"))
    };
    assert!(!says(GOLDEN));
    assert!(says(&GOLDEN.replace("new-1-0613", "sk-key")));
    assert!(says(
        &GOLDEN.replace("\"object\": \"list\"", "\"x\": [{\"sk-key\": 1}]")
    ));
    // With an escape in it, it is written anew, and nothing unknown goes on.
    let hidden = GOLDEN.replace("\"object\": \"list\"", "\"x\": \"sk\\u002dkey\"");
    assert!(!says(&hidden));
    let embedded = decoded("openai", &two(), &hidden).expect("vectors");
    let written = write_answer(&embedded, Encoding::Float, "m").expect("a body");
    assert!(!String::from_utf8_lossy(&written).contains("key"));
}
