//! A stream in OpenAI's format, as the SDKs put it together: texts joined, entries of lists by their
//! index.

use serde_json::{Map, Value};

/// The message.
pub(super) fn put_together(stream: &[u8]) -> Value {
    let mut message = Map::new();
    for delta in deltas(stream) {
        add(&mut message, delta);
    }
    Value::Object(message)
}

/// What each chunk adds.
pub(super) fn deltas(stream: &[u8]) -> Vec<Map<String, Value>> {
    let lines = std::str::from_utf8(stream).expect("UTF-8").lines();
    let chunk = |line: &str| {
        let data = line.strip_prefix("data: ").filter(|data| *data != "[DONE]");
        data.map(|data| serde_json::from_str::<Value>(data).expect("JSON"))
    };
    let delta = |chunk: Value| chunk["choices"][0]["delta"].as_object().cloned();
    lines.filter_map(chunk).filter_map(delta).collect()
}

fn add(whole: &mut Map<String, Value>, delta: Map<String, Value>) {
    for (name, more) in delta {
        match (whole.get_mut(&name), more) {
            (Some(Value::String(text)), Value::String(more)) if name != "type" => {
                text.push_str(&more);
            }
            (Some(Value::Object(whole)), Value::Object(more)) => add(whole, more),
            (Some(Value::Array(list)), Value::Array(more)) => {
                for entry in more {
                    let index = entry["index"].as_u64();
                    let index = index.expect("an `index` in each entry of a list") as usize;
                    let next = list.len();
                    match (list.get_mut(index), entry) {
                        (Some(Value::Object(whole)), Value::Object(more)) => add(whole, more),
                        (None, entry) if index == next => list.push(entry),
                        (there, entry) => panic!("{entry} does not fit to {there:?}"),
                    }
                }
            }
            (_, more) => {
                whole.insert(name, more);
            }
        }
    }
}
