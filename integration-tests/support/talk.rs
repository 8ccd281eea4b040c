//! A vendor that converses: it streams if asked to, calls the tools that it is offered, reads their
//! results, looks at pictures, and answers in JSON if that is wanted. What the user says last can make it
//! fail: `fail 429`, `die`, `hang`.

use serde_json::{Value, json};

use super::{exchange::Exchange, vendor::Vendor};

/// What is said in one answer.
#[derive(Debug, Clone)]
pub(crate) enum Word {
    /// A piece of text.
    Text(String),
    /// A call of a tool.
    Call(&'static str, &'static str, Value),
}

/// An answer in a vendor's events, one text for each.
#[derive(Debug)]
pub(crate) struct Sheet {
    vendor: Vendor,
    model: String,
    /// Anthropic: the number of the block that is open or comes next.
    block: usize,
    open: bool,
    calls: usize,
    pub(crate) events: Vec<String>,
}

/// What a request asks, told apart by what is in it.
pub(crate) struct Question {
    vendor: Vendor,
    pub(crate) streams: bool,
    body: Value,
    text: String,
    model: String,
}

/// How a conversation goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// This status and no answer.
    Fail(u16),
    /// An answer that breaks off after its first piece.
    Die,
    /// The same, and the connection stays.
    Hang,
    /// An answer.
    Go,
}

// === impl Question ===

impl Question {
    pub(crate) fn new(vendor: Vendor, exchange: &Exchange) -> Self {
        let body = exchange.body.clone();
        let model = match vendor {
            Vendor::Gemini => {
                let path = exchange.target();
                let model = path.split("models/").nth(1).unwrap_or_default();
                model.split(':').next().unwrap_or_default().to_owned()
            }
            _ => body["model"].as_str().unwrap_or_default().to_owned(),
        };
        Self {
            streams: body["stream"] == true || exchange.target().contains(":streamGenerate"),
            text: body.to_string(),
            vendor,
            model,
            body,
        }
    }

    pub(crate) fn turn(&self) -> Turn {
        let status = self.text.rsplit_once("fail ").and_then(|(_, rest)| {
            let digits = rest.get(..3)?;
            digits.parse().ok()
        });
        match status {
            Some(status) => Turn::Fail(status),
            None if self.text.contains("please die") => Turn::Die,
            None if self.text.contains("please hang") => Turn::Hang,
            None => Turn::Go,
        }
    }

    /// What there is to say.
    pub(crate) fn words(&self) -> Vec<Word> {
        let results = self.results();
        if !results.is_empty() {
            return texts(&["It says ", &results.join(" and "), "."]);
        }
        if self.body["tools"].as_array().is_some_and(|t| !t.is_empty()) {
            return vec![
                Word::Call("call_1", "weather", json!({"city": "Zürich"})),
                Word::Call("call_2", "weather", json!({"city": "Paris"})),
            ];
        }
        if let Some((kind, size)) = self.picture() {
            return texts(&["A picture: ", &format!("{kind} of {size} characters")]);
        }
        let shapes = ["json_schema", "responseJsonSchema", "responseSchema"];
        if shapes.iter().any(|shape| self.text.contains(shape)) {
            return texts(&["{\"name\": \"Ada\",", " \"age\": 36}"]);
        }
        texts(&["hello ", "from ", self.vendor.provider()])
    }

    /// The whole answer, as one body.
    pub(crate) fn whole(&self) -> Value {
        let mut body = self.vendor.answer(&self.model, "");
        let (mut text, mut calls) = (String::new(), Vec::new());
        for word in self.words() {
            match word {
                Word::Text(piece) => text.push_str(&piece),
                Word::Call(id, name, input) => calls.push((id, name, input)),
            }
        }
        let wants_call = !calls.is_empty();
        match self.vendor {
            Vendor::Anthropic => {
                let mut content: Vec<Value> = Vec::new();
                if !text.is_empty() {
                    content.push(json!({"type": "text", "text": text}));
                }
                content.extend(calls.into_iter().map(|(id, name, input)| {
                    json!({"type": "tool_use", "id": id, "name": name, "input": input})
                }));
                body["content"] = content.into();
                if wants_call {
                    body["stop_reason"] = "tool_use".into();
                }
            }
            Vendor::Gemini => {
                let mut parts: Vec<Value> = Vec::new();
                if !text.is_empty() {
                    parts.push(json!({"text": text}));
                }
                parts.extend(calls.into_iter().map(gemini_call));
                body["candidates"][0]["content"]["parts"] = parts.into();
            }
            _ => {
                let message = &mut body["choices"][0]["message"];
                message["content"] = text.into();
                if wants_call {
                    message["content"] = Value::Null;
                    message["tool_calls"] = calls
                        .into_iter()
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

    /// The same in events.
    pub(crate) fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(self.vendor, &self.model);
        let words = self.words();
        let calls = words.iter().any(|word| matches!(word, Word::Call(..)));
        for word in words {
            match word {
                Word::Text(piece) => sheet.text(&piece),
                Word::Call(id, name, input) => sheet.call(id, name, &input),
            }
        }
        sheet.end(calls);
        sheet
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

fn texts(pieces: &[&str]) -> Vec<Word> {
    let words = pieces.iter().map(|piece| Word::Text((*piece).to_owned()));
    words.collect()
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

fn gemini_call((id, name, input): (&str, &str, Value)) -> Value {
    let mut part = json!({"functionCall": {"name": name, "args": input}});
    if id == "call_1" {
        // Only the first of several calls has one.
        part["thoughtSignature"] = "c2lnbmF0dXJl".into();
    }
    part
}

// === impl Sheet ===

impl Sheet {
    /// An answer with nothing in it yet.
    pub(crate) fn new(vendor: Vendor, model: &str) -> Self {
        let mut sheet = Self {
            vendor,
            model: model.to_owned(),
            block: 0,
            open: false,
            calls: 0,
            events: Vec::new(),
        };
        match vendor {
            Vendor::Anthropic => sheet.named(json!({"type": "message_start", "message": {
                "id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant",
                "model": model, "content": [], "stop_reason": null, "stop_sequence": null,
                "usage": {"input_tokens": 10, "cache_creation_input_tokens": 2,
                          "cache_read_input_tokens": 3, "output_tokens": 1},
            }})),
            Vendor::OpenAi => {
                sheet.events.push(": PROCESSING\n\n".to_owned());
                sheet.delta(json!({"role": "assistant", "content": ""}), Value::Null);
            }
            _ => {}
        }
        sheet
    }

    pub(crate) fn text(&mut self, piece: &str) {
        match self.vendor {
            Vendor::Anthropic => {
                if !self.open {
                    let index = self.block;
                    self.named(json!({"type": "content_block_start", "index": index,
                        "content_block": {"type": "text", "text": ""}}));
                    self.named(json!({"type": "ping"}));
                    self.open = true;
                }
                let index = self.block;
                self.named(json!({"type": "content_block_delta", "index": index,
                    "delta": {"type": "text_delta", "text": piece}}));
            }
            Vendor::Gemini => self.candidate(json!([{"text": piece}]), Value::Null),
            _ => self.delta(json!({"content": piece}), Value::Null),
        }
    }

    pub(crate) fn call(&mut self, id: &str, name: &str, input: &Value) {
        let text = input.to_string();
        let half = (0..=text.len() / 2)
            .rev()
            .find(|&at| text.is_char_boundary(at));
        let (first, second) = text.split_at(half.unwrap_or_default());
        match self.vendor {
            Vendor::Anthropic => {
                self.close_block();
                let index = self.block;
                self.named(json!({"type": "content_block_start", "index": index,
                    "content_block": {"type": "tool_use", "id": id, "name": name, "input": {}}}));
                for piece in ["", first, second] {
                    self.named(json!({"type": "content_block_delta", "index": index,
                        "delta": {"type": "input_json_delta", "partial_json": piece}}));
                }
                self.open = true;
            }
            Vendor::Gemini => {
                let part = gemini_call((id, name, input.clone()));
                self.candidate(json!([part]), Value::Null);
            }
            _ => {
                let index = self.calls;
                self.calls += 1;
                let function = json!({"name": name, "arguments": ""});
                self.delta(
                    json!({"tool_calls": [{"index": index, "id": id, "type": "function",
                        "function": function}]}),
                    Value::Null,
                );
                for piece in [first, second] {
                    self.delta(
                        json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}),
                        Value::Null,
                    );
                }
            }
        }
    }

    /// The end as it should be, with the tokens of [`Vendor::answer`].
    pub(crate) fn end(&mut self, calls: bool) {
        match self.vendor {
            Vendor::Anthropic => {
                self.close_block();
                let reason = if calls { "tool_use" } else { "end_turn" };
                self.named(json!({"type": "message_delta",
                    "delta": {"stop_reason": reason, "stop_sequence": null},
                    "usage": {"input_tokens": 10, "cache_creation_input_tokens": 2,
                              "cache_read_input_tokens": 3, "output_tokens": 7}}));
                self.named(json!({"type": "message_stop"}));
            }
            Vendor::Gemini => self.candidate(json!([{"text": ""}]), "STOP".into()),
            _ => {
                let reason = if calls { "tool_calls" } else { "stop" };
                self.delta(json!({}), reason.into());
                let usage = Vendor::OpenAi.answer("", "")["usage"].clone();
                let chunk = json!({"id": "chatcmpl-B9", "object": "chat.completion.chunk",
                    "created": 1_741_569_952, "model": self.model, "choices": [], "usage": usage});
                self.data(&chunk);
                self.events.push("data: [DONE]\n\n".to_owned());
            }
        }
    }

    /// The vendor says in the middle of it that it fails.
    pub(crate) fn error(&mut self) {
        match self.vendor {
            Vendor::Anthropic => self.named(json!({"type": "error",
                "error": {"type": "overloaded_error", "message": "secret words of the vendor"}})),
            Vendor::Gemini => self.data(&json!({"error": {"code": 503,
                "message": "secret words of the vendor", "status": "UNAVAILABLE"}})),
            _ => self.data(
                &json!({"error": {"code": 502, "message": "secret words of the vendor"},
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}),
            ),
        }
    }

    fn close_block(&mut self) {
        if self.open {
            let index = self.block;
            self.named(json!({"type": "content_block_stop", "index": index}));
            self.block += 1;
            self.open = false;
        }
    }

    fn named(&mut self, data: Value) {
        let name = data["type"].as_str().unwrap_or_default();
        self.events.push(format!("event: {name}\ndata: {data}\n\n"));
    }

    fn data(&mut self, data: &Value) {
        // Google ends its lines with CRLF.
        let end = match self.vendor {
            Vendor::Gemini => "\r\n\r\n",
            _ => "\n\n",
        };
        self.events.push(format!("data: {data}{end}"));
    }

    fn delta(&mut self, delta: Value, finish: Value) {
        let model = self.model.clone();
        self.data(
            &json!({"id": "chatcmpl-B9", "object": "chat.completion.chunk",
            "created": 1_741_569_952, "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}),
        );
    }

    fn candidate(&mut self, parts: Value, finish: Value) {
        let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
        if !finish.is_null() {
            candidate["finishReason"] = finish;
        }
        let usage = Vendor::Gemini.answer("", "")["usageMetadata"].clone();
        let model = self.model.clone();
        self.data(&json!({"candidates": [candidate], "usageMetadata": usage,
            "modelVersion": model, "responseId": "mAitaLmkHPPlz7IPvtfUqQ4"}));
    }
}
