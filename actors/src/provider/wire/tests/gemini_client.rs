//! The client's side of Google's format: no door speaks it, but what is written must be readable.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{
    conversation::{
        Content, Conversation, Effort, Format, Media, Message, OutputShape, Part, Reasoning, Rest,
        Role, Sampling, Signature, Source, ThinkingBudget, Tool, ToolCall, ToolChoice, ToolResult,
    },
    protocol::{Completion, CompletionRequest, FinishReason},
    provider::wire::fields::Fields,
    streaming::Event,
};

/// Reads a body of `:generateContent`.
pub(super) fn read_request(body: &Bytes) -> CompletionRequest {
    let mut fields = Fields::read(body).expect("an object");
    let mut conversation = Conversation::default();
    if let Some(mut above) = fields.object("systemInstruction").expect("an object") {
        for mut part in above.objects("parts").expect("parts") {
            let text = part.needed("text").expect("a text");
            conversation.system.push(text.into());
        }
    }
    for mut turn in fields.objects("contents").expect("contents") {
        let role = match turn.needed("role").expect("a role").as_str() {
            "user" => Role::User,
            _ => Role::Assistant,
        };
        let parts = turn.objects("parts").expect("parts");
        let parts = parts.into_iter().map(part).collect();
        conversation.messages.push(Message::new(role, parts));
    }
    for mut tools in fields.objects("tools").expect("tools") {
        for mut declared in tools.objects("functionDeclarations").expect("functions") {
            conversation.tools.push(Tool {
                name: declared.needed("name").expect("a name"),
                description: declared.text("description").expect("a text"),
                schema: declared.take("parametersJsonSchema"),
                strict: None,
                kept: None,
            });
        }
    }
    if let Some(mut config) = fields.object("toolConfig").expect("an object") {
        let calling = config.object("functionCallingConfig").expect("an object");
        let mut calling = calling.expect("a mode");
        let allowed = calling.texts("allowedFunctionNames").expect("names");
        let mode = calling.needed("mode").expect("a mode");
        conversation.tool_choice = Some(match (mode.as_str(), allowed.into_iter().next()) {
            ("ANY", Some(name)) => ToolChoice::Named(name),
            ("ANY", None) => ToolChoice::Any,
            ("NONE", _) => ToolChoice::None,
            _ => ToolChoice::Auto,
        });
    }
    let mut max_tokens = None;
    if let Some(mut config) = fields.object("generationConfig").expect("an object") {
        max_tokens = config.count("maxOutputTokens").expect("a count");
        conversation.sampling = Sampling {
            temperature: config.number("temperature").expect("a number"),
            top_p: config.number("topP").expect("a number"),
            top_k: config.count("topK").expect("a count"),
            seed: config.integer("seed").expect("a number"),
            frequency_penalty: config.number("frequencyPenalty").expect("a number"),
            presence_penalty: config.number("presencePenalty").expect("a number"),
        };
        conversation.stop = config.texts("stopSequences").expect("texts");
        let schema = config.take("responseJsonSchema");
        let json = config.take("responseMimeType").is_some();
        conversation.output = match schema {
            Some(schema) => Some(OutputShape::JsonSchema {
                name: None,
                description: None,
                schema,
                strict: None,
            }),
            None => json.then_some(OutputShape::JsonObject),
        };
        if let Some(mut thinking) = config.object("thinkingConfig").expect("an object") {
            let budget = thinking.integer("thinkingBudget").expect("a number");
            let level = thinking.text("thinkingLevel").expect("a word");
            conversation.reasoning = Reasoning {
                effort: level.and_then(|level| Effort::read(&level)),
                budget: budget.map(|budget| match u32::try_from(budget) {
                    Ok(0) => ThinkingBudget::Off,
                    Ok(tokens) => ThinkingBudget::Tokens(tokens),
                    Err(_) => ThinkingBudget::Adaptive,
                }),
                shown: thinking.flag("includeThoughts").expect("a flag"),
            };
        }
    }
    conversation.rest = {
        let (fields, within) = fields.left();
        Rest::new(Format::Gemini, fields, within, Vec::new())
    };
    CompletionRequest {
        count: false,
        conversation: Arc::new(conversation),
        max_tokens,
        ceiling: u32::MAX,
        stream: false,
        raw: None,
    }
}

fn part(mut part: Fields) -> Part {
    let signature = part.text("thoughtSignature").expect("a text");
    let signature = signature.filter(|text| text != "skip_thought_signature_validator");
    let thought = part.flag("thought").expect("a flag").unwrap_or(false);
    let content = if let Some(text) = part.text("text").expect("a text") {
        if thought {
            Content::Thinking(text)
        } else {
            Content::Text(text)
        }
    } else if let Some(mut data) = part.object("inlineData").expect("an object") {
        let media_type = data.needed("mimeType").expect("a type");
        let data = data.needed("data").expect("data");
        media(Source::Inline { media_type, data })
    } else if let Some(mut file) = part.object("fileData").expect("an object") {
        let media_type = file.text("mimeType").expect("a type");
        let url = file.needed("fileUri").expect("an address");
        media(Source::Url { url, media_type })
    } else if let Some(mut call) = part.object("functionCall").expect("an object") {
        Content::ToolCall(ToolCall {
            id: call.text("id").expect("a text").unwrap_or_default(),
            name: call.needed("name").expect("a name"),
            arguments: call.take("args").expect("arguments").to_string(),
        })
    } else {
        let response = part.object("functionResponse").expect("an object");
        let mut response = response.expect("a part that is known");
        let id = response.text("id").expect("a text").unwrap_or_default();
        let mut said = response
            .object("response")
            .expect("an object")
            .expect("a response");
        let error = said.text("error").expect("a text");
        let is_error = error.is_some();
        let text = match error {
            Some(error) => error,
            None => said.text("result").expect("a text").expect("a result"),
        };
        Content::ToolResult(ToolResult {
            id,
            parts: vec![Part::text(text)],
            is_error,
        })
    };
    Part {
        signature: signature.map(|text| Signature {
            format: Format::Gemini,
            text: text.into(),
        }),
        ..content.into()
    }
}

fn media(source: Source) -> Content {
    let media_type = match &source {
        Source::Inline { media_type, .. } => media_type.clone(),
        Source::Url { media_type, .. } => media_type.clone().unwrap_or_default(),
        Source::Id { .. } => String::new(),
    };
    let media = Media::new(source);
    match media_type.split('/').next() {
        Some("image") => Content::Image(media),
        Some("audio") => Content::Audio(media),
        _ => Content::File(media),
    }
}

/// The body of an answer.
pub(super) fn write_answer(completion: &Completion) -> Value {
    let parts: Vec<_> = completion.parts.iter().map(piece).collect();
    answer(completion, parts, true)
}

/// The same as a stream: one part for each event.
pub(super) fn write_stream(completion: &Completion) -> Vec<u8> {
    let mut stream = Vec::new();
    for part in &completion.parts {
        let chunk = answer(completion, vec![piece(part)], false);
        stream.extend_from_slice(format!("data: {chunk}\r\n\r\n").as_bytes());
    }
    let last = answer(completion, Vec::new(), true);
    stream.extend_from_slice(format!("data: {last}\r\n\r\n").as_bytes());
    stream
}

fn answer(completion: &Completion, parts: Vec<Value>, complete: bool) -> Value {
    let usage = &completion.usage;
    let thoughts = usage.reasoning_tokens.unwrap_or(0);
    let reason = match completion.finish {
        FinishReason::Stop | FinishReason::ToolCalls => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ContentFilter => "SAFETY",
    };
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if complete {
        candidate["finishReason"] = json!(reason);
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": usage.input_tokens,
            "cachedContentTokenCount": usage.cached_input_tokens,
            "candidatesTokenCount": usage.output_tokens - thoughts,
            "thoughtsTokenCount": thoughts,
        },
        "modelVersion": completion.model,
        "responseId": "r1",
    })
}

fn piece(part: &Part) -> Value {
    let mut piece = Map::new();
    match &part.content {
        Content::Text(text) => {
            piece.insert("text".to_owned(), json!(text));
        }
        Content::Thinking(text) => {
            piece.insert("text".to_owned(), json!(text));
            piece.insert("thought".to_owned(), json!(true));
        }
        Content::ToolCall(call) => {
            let args: Value = serde_json::from_str(&call.arguments).expect("an object");
            let call = json!({"id": call.id, "name": call.name, "args": args});
            piece.insert("functionCall".to_owned(), call);
        }
        other => panic!("no part of an answer: {other:?}"),
    }
    if let Some(signature) = &part.signature {
        let text = json!(&*signature.text);
        piece.insert("thoughtSignature".to_owned(), text);
    }
    Value::Object(piece)
}

/// What the events of a stream amount to.
pub(super) fn gathered(events: Vec<Event>) -> Completion {
    let mut completion = Completion::default();
    for event in events {
        completion.take(event);
    }
    completion
}
