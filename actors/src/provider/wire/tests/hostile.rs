//! Bodies that keep to nothing: every outcome is allowed but a panic, a leak or a lost text.

use std::time::Instant;

use super::{decoded, failed, gist, plain_request, read};
use crate::{
    protocol::{Class::NextNow, FailureKind::Malformed},
    provider::wire::ALL,
};

/// One good answer for each format, with the text `kept` and escapes, exponents and nesting.
const ANSWERS: [(&str, &str); 3] = [
    (
        "anthropic",
        r#"{"type":"message","content":[{"type":"text","text":"kept \ud83e\udd80"}],"usage":{"input_tokens":1e1},"x":[{"y":[]}]}"#,
    ),
    (
        "gemini",
        r#"{"candidates":[{"content":{"parts":[{"text":"kept \ud83e\udd80"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1e1},"x":[{"y":[]}]}"#,
    ),
    (
        "openai",
        r#"{"choices":[{"message":{"content":"kept \ud83e\udd80"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1e1},"x":[{"y":[]}]}"#,
    ),
];

#[test]
fn good_answers_are_good() {
    for (format, body) in ANSWERS {
        let completion = decoded(format, body);
        assert_eq!(completion.text(), "kept 🦀", "{format}");
        assert_eq!(completion.usage.input_tokens, 10, "{format}");
        assert_eq!(
            decoded(format, &format!("\u{feff}\r\n{body}\n")),
            completion
        );
    }
}

#[test]
fn what_is_not_json_is_malformed() {
    for wire in ALL {
        for body in [
            "",
            " ",
            "<!DOCTYPE html><html><body>It works!</body></html>",
            "OK",
            "null",
            "{",
            "{}{}",
            "nan",
            "data: {}\n\n",
        ] {
            let failure = failed(wire.name(), body);
            assert_eq!(gist(&failure), (Malformed, NextNow, None), "{body:?}");
            assert_eq!(failure.status, None);
        }
    }
}

#[test]
fn a_cut_answer_is_malformed_wherever_it_is_cut() {
    for (format, body) in ANSWERS {
        for end in 0..body.len() {
            let failure = failed(format, &body[..end]);
            assert_eq!(
                gist(&failure),
                (Malformed, NextNow, None),
                "{}",
                &body[..end]
            );
        }
    }
}

#[test]
fn any_byte_may_be_any_other() {
    for (format, body) in ANSWERS {
        let wire = super::wire(format);
        for at in 0..body.len() {
            for byte in *b"\0\"\\{}[]:,x0-e \xff\xc3" {
                let mut bytes = body.as_bytes().to_vec();
                bytes[at] = byte;
                let _ = wire.decode(&plain_request(), &bytes);
                let _ = wire.refusal(429, &Default::default(), &bytes);
            }
        }
    }
}

#[test]
fn bad_utf_8_costs_a_letter_and_not_the_text() {
    for (format, body) in ANSWERS {
        let mut bytes = body.replace("kept ", "kept@").into_bytes();
        let at = bytes
            .iter()
            .position(|&byte| byte == b'@')
            .expect("the mark");
        bytes[at] = 0xc3;
        let completion = read(format, &bytes).expect("a completion");
        assert_eq!(completion.text(), "kept\u{fffd}🦀", "{format}");
    }
}

#[test]
fn depth_is_no_danger() {
    const DEPTH: usize = 20_000;
    for wire in ALL {
        for open in [
            "[",
            r#"{"error":"#,
            r#"{"content":"#,
            r#"{"choices":["#,
            r#"[{"error":["#,
        ] {
            let body = open.repeat(DEPTH);
            assert_eq!(
                gist(&failed(wire.name(), &body)),
                (Malformed, NextNow, None)
            );
            let failure = wire.refusal(500, &Default::default(), body.as_bytes());
            assert_eq!(failure.word, None);
        }
    }
}

#[test]
fn a_long_list_of_nothing_is_read_in_one_pass() {
    const LENGTH: usize = 100_000;
    let nothing = format!("[{}{{}}]", "{},".repeat(LENGTH));
    let started = Instant::now();
    for body in [
        format!(r#"{{"content":{nothing}}}"#),
        format!(r#"{{"candidates":{nothing}}}"#),
        format!(r#"{{"candidates":[{{"content":{{"parts":{nothing}}}}}]}}"#),
        format!(r#"{{"choices":{nothing}}}"#),
        format!(r#"{{"choices":[{{"message":{{"content":{nothing}}}}}]}}"#),
        format!(r#"{{"error":{{"details":{nothing}}}}}"#),
    ] {
        for wire in ALL {
            let _ = wire.decode(&plain_request(), body.as_bytes());
            let _ = wire.refusal(500, &Default::default(), body.as_bytes());
        }
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
