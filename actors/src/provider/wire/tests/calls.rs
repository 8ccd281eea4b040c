//! Calls that a vendor writes at once, for a client of Anthropic's format, which has one open block at a
//! time.

use serde_json::{Value, json};

use super::streams::split;
use crate::{
    protocol::FinishReason,
    provider::wire::{Envelope, anthropic::StreamWriter},
    streaming::Event,
};

fn start(index: usize) -> Event {
    Event::ToolCall {
        index,
        id: format!("call_{index}"),
        name: "n".to_owned(),
        signature: None,
    }
}

fn more(index: usize, fragment: &str) -> Event {
    let fragment = fragment.to_owned();
    Event::Arguments { index, fragment }
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn writer() -> StreamWriter {
    StreamWriter::new(Envelope {
        id: "i".to_owned(),
        model: "m".to_owned(),
        created: 1,
    })
}

/// What is written as soon as these events are there.
fn so_far(events: &[Event]) -> Vec<u8> {
    let mut writer = writer();
    let mut stream = Vec::new();
    for event in events {
        writer.event(event, &mut stream);
    }
    stream
}

/// What is written of a whole answer.
fn whole(mut events: Vec<Event>) -> Vec<Value> {
    events.push(Event::End {
        finish: FinishReason::ToolCalls,
        stop_sequence: None,
    });
    blocks(&so_far(&events), false)
}

/// The blocks: their ids or "text", and their deltas. Only one at a time is open, each has its number,
/// and `is_open` says whether the last one still is.
fn blocks(stream: &[u8], is_open: bool) -> Vec<Value> {
    let mut blocks: Vec<(Value, Vec<Value>)> = Vec::new();
    let mut open = None;
    for line in std::str::from_utf8(stream).expect("UTF-8").lines() {
        let Some(data) = line.strip_prefix("data: ") else {
            continue;
        };
        let data: Value = serde_json::from_str(data).expect("JSON");
        let index = &data["index"];
        match data["type"].as_str() {
            Some("content_block_start") => {
                assert_eq!((open, index), (None, &json!(blocks.len())), "{data}");
                open = index.as_u64();
                let block = &data["content_block"];
                let name = if block["id"].is_null() { "type" } else { "id" };
                blocks.push((block[name].clone(), Vec::new()));
            }
            Some("content_block_delta") => {
                assert!(open.is_some() && open == index.as_u64(), "{data}");
                let delta = &data["delta"];
                let text = if delta["text"].is_null() {
                    "partial_json"
                } else {
                    "text"
                };
                let (_, deltas) = blocks.last_mut().expect("a block");
                deltas.push(delta[text].clone());
            }
            Some("content_block_stop") => {
                assert!(open.is_some() && open == index.as_u64(), "{data}");
                open = None;
            }
            _ => {}
        }
    }
    assert_eq!(open.is_some(), is_open);
    blocks.into_iter().map(|block| json!(block)).collect()
}

#[test]
fn calls_that_are_written_at_once_come_one_behind_the_other() {
    let events = [
        start(0),
        start(1),
        more(0, "{\"a\":"),
        more(1, "{\"b\":"),
        more(0, "1}"),
        more(1, "2}"),
    ];
    // The first as it is made.
    let first = json!(["call_0", ["{\"a\":", "1}"]]);
    assert_eq!(blocks(&so_far(&events), true), std::slice::from_ref(&first));
    let second = json!(["call_1", ["{\"b\":2}"]]);
    assert_eq!(whole(events.to_vec()), [first, second]);
}

#[test]
fn calls_that_are_written_in_turn_come_as_they_are_made() {
    let events = [
        start(0),
        more(0, "{\"a\":"),
        more(0, "1}"),
        start(1),
        more(1, "{\"b\":"),
    ];
    let first = json!(["call_0", ["{\"a\":", "1}"]]);
    let second = json!(["call_1", ["{\"b\":"]]);
    assert_eq!(blocks(&so_far(&events), true), [first, second]);
    // Half a string, an empty one, a number that may go on: none of them is the end.
    for arguments in ["{\"a\":\"}", "", "1"] {
        let events = [start(0), more(0, arguments), start(1), more(1, "{}")];
        let written = blocks(&so_far(&events), true);
        assert_eq!(written, [json!(["call_0", [arguments]])]);
    }
}

#[test]
fn three_calls_keep_their_order() {
    let events = vec![
        start(0),
        more(0, "{\"a\":"),
        start(1),
        start(2),
        more(2, "{\"c\":"),
        more(1, "{\"b\":"),
        more(2, "3}"),
        more(0, "1}"),
        more(1, "2}"),
    ];
    let expected = [
        json!(["call_0", ["{\"a\":", "1}"]]),
        json!(["call_1", ["{\"b\":2}"]]),
        json!(["call_2", ["{\"c\":3}"]]),
    ];
    assert_eq!(whole(events), expected);
}

#[test]
fn a_text_behind_calls_waits_only_for_what_goes_on() {
    let at_once = [
        start(0),
        start(1),
        more(1, "{\"b\":2}"),
        more(0, "{}"),
        text("Done"),
    ];
    let first = json!(["call_0", ["{}"]]);
    let second = json!(["call_1", ["{\"b\":2}"]]);
    let said = json!(["text", ["Done"]]);
    let expected = [first.clone(), second.clone(), said];
    assert_eq!(blocks(&so_far(&at_once), true), expected);
    // What was whole says no more.
    let written = so_far(&[&at_once[..], &[more(0, " ")]].concat());
    assert_eq!(blocks(&written, true), expected);

    // Nothing of a call is lost, and nothing overtakes.
    let between = vec![
        start(0),
        start(1),
        more(1, "{\"b\":"),
        text("Well"),
        more(0, "{}"),
        text(", done."),
        more(1, "2}"),
        start(2),
        more(2, "{}"),
    ];
    let said = json!(["text", ["Well", ", done."]]);
    let third = json!(["call_2", ["{}"]]);
    assert_eq!(whole(between), [first, second, said, third]);
}

#[test]
fn a_vendors_calls_without_arguments_are_whole() {
    let call = |index: usize, arguments: &str| {
        let call = json!({"index": index, "id": format!("call_{index}"), "type": "function",
            "function": {"name": "n", "arguments": arguments}});
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    };
    let stream = format!(
        "data: {}\n\ndata: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
        call(0, ""),
        call(1, "{\"b\":2}"),
        call(2, "")
    );
    let events = split("openai", stream.as_bytes(), &[]).expect("whole");
    let expected = [
        json!(["call_0", ["{}"]]),
        json!(["call_1", ["{\"b\":2}"]]),
        json!(["call_2", ["{}"]]),
    ];
    assert_eq!(blocks(&so_far(&events), false), expected);
}
