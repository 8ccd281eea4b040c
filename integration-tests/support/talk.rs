//! A vendor that converses: it streams if asked to, calls the tools that it is offered, reads their
//! results, looks at pictures, and answers in JSON if that is wanted. What the user says last can make it
//! fail: `fail 429`, `die`, `hang`.

use serde_json::{Value, json};

use super::{
    exchange::Exchange,
    stream::{Cut, Stream},
    vendor::Vendor,
};

/// What a request asks, told apart by what is in it.
pub(crate) struct Question {
    vendor: Vendor,
    streams: bool,
    body: Value,
    text: String,
    model: String,
}

/// How a conversation goes on.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    /// This status and no answer.
    Fail(u16),
    /// Nothing, ever.
    Hang,
    /// An answer bit by bit.
    Stream(Stream),
    /// An answer in one piece.
    Whole(Value),
}

// === impl Question ===

impl Question {
    pub(crate) fn new(vendor: Vendor, exchange: &Exchange) -> Self {
        let body = exchange.body.clone();
        Self {
            streams: exchange.streams(),
            text: body.to_string(),
            vendor,
            model: exchange.model().to_owned(),
            body,
        }
    }

    /// How it is answered.
    pub(crate) fn turn(&self) -> Turn {
        let failing = self.text.rsplit_once("fail ");
        let status = failing.and_then(|(_, rest)| rest.get(..3)?.parse().ok());
        let begun = Stream::of(&["part 0 ", "part 1 "]);
        let says = |word: &str| self.text.contains(word);
        match status {
            Some(status) => Turn::Fail(status),
            None if says("please die") => Turn::Stream(begun.cut(1, Cut::Reset)),
            None if says("please hang") && self.streams => Turn::Stream(begun.cut(1, Cut::Stall)),
            None if says("please hang") => Turn::Hang,
            None if self.streams => Turn::Stream(self.say()),
            None => Turn::Whole(self.whole()),
        }
    }

    /// What there is to say.
    fn say(&self) -> Stream {
        let results = self.results();
        if !results.is_empty() {
            return Stream::of(&["It says ", &results.join(" and "), "."]);
        }
        if self.body["tools"].as_array().is_some_and(|t| !t.is_empty()) {
            return Stream::of(&[])
                .calling("call_1", "weather", &["", "{\"city\":", " \"Zürich\"}"])
                .calling("call_2", "weather", &["{\"city\": \"Pa", "ris\"}"]);
        }
        if let Some((kind, size)) = self.picture() {
            return Stream::of(&["A picture: ", &format!("{kind} of {size} characters")]);
        }
        let shapes = ["json_schema", "responseJsonSchema", "responseSchema"];
        if shapes.iter().any(|shape| self.text.contains(shape)) {
            return Stream::of(&["{\"name\": \"Ada\",", " \"age\": 36}"]);
        }
        Stream::of(&["hello ", "from ", self.vendor.provider()])
    }

    /// The whole answer, as one body.
    fn whole(&self) -> Value {
        let stream = self.say();
        let mut body = self.vendor.answer(&self.model, "");
        let text = stream.texts.concat();
        let calls = stream.calls.iter().map(|(id, name, fragments)| {
            let input: Value = serde_json::from_str(&fragments.concat()).unwrap();
            (*id, *name, input)
        });
        let texts = (!text.is_empty()).then_some(&text);
        match self.vendor {
            Vendor::Anthropic => {
                let texts = texts.map(|text| json!({"type": "text", "text": text}));
                let calls = calls.map(|(id, name, input)| {
                    json!({"type": "tool_use", "id": id, "name": name, "input": input})
                });
                body["content"] = texts.into_iter().chain(calls).collect();
                if !stream.calls.is_empty() {
                    body["stop_reason"] = "tool_use".into();
                }
            }
            Vendor::Gemini => {
                let texts = texts.map(|text| json!({"text": text}));
                let calls = calls.map(|(id, name, input)| {
                    let mut part = json!({"functionCall": {"name": name, "args": input}});
                    if id == "call_1" {
                        // Only the first of several calls has one.
                        part["thoughtSignature"] = "c2lnbmF0dXJl".into();
                    }
                    part
                });
                body["candidates"][0]["content"]["parts"] =
                    texts.into_iter().chain(calls).collect();
            }
            _ => {
                let message = &mut body["choices"][0]["message"];
                message["content"] = texts.cloned().into();
                if !stream.calls.is_empty() {
                    message["tool_calls"] = calls
                        .map(|(id, name, input)| {
                            json!({"id": id, "type": "function", "function": {
                                "name": name, "arguments": input.to_string(),
                            }})
                        })
                        .collect();
                    body["choices"][0]["finish_reason"] = "tool_calls".into();
                }
            }
        }
        body
    }

    /// What tools answered, in order.
    fn results(&self) -> Vec<String> {
        let mut found = Vec::new();
        let lists = ["messages", "contents"];
        for message in lists.iter().flat_map(|list| list_of(&self.body[*list])) {
            if message["role"] == "tool" {
                found.push(plain(&message["content"]));
            }
            for part in list_of(&message["content"]).chain(list_of(&message["parts"])) {
                if part["type"] == "tool_result" {
                    found.push(plain(&part["content"]));
                } else if part["functionResponse"].is_object() {
                    found.push(plain(&part["functionResponse"]["response"]));
                }
            }
        }
        found
    }

    /// Kind and size of the first picture.
    fn picture(&self) -> Option<(String, usize)> {
        let lists = ["messages", "contents"];
        for message in lists.iter().flat_map(|list| list_of(&self.body[*list])) {
            for part in list_of(&message["content"]).chain(list_of(&message["parts"])) {
                let (kind, data) = match self.vendor {
                    Vendor::Anthropic => (&part["source"]["media_type"], &part["source"]["data"]),
                    Vendor::Gemini => {
                        (&part["inlineData"]["mimeType"], &part["inlineData"]["data"])
                    }
                    _ => {
                        let Some(url) = part["image_url"]["url"].as_str() else {
                            continue;
                        };
                        let (kind, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
                        return Some((kind.to_owned(), data.len()));
                    }
                };
                if let (Some(kind), Some(data)) = (kind.as_str(), data.as_str()) {
                    return Some((kind.to_owned(), data.len()));
                }
            }
        }
        None
    }
}

fn list_of(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The text of a content, whatever its form.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| plain(&part["text"])).collect(),
        Value::Object(fields) => fields.values().map(plain).collect(),
        other => other.to_string(),
    }
}
