//! What a client that speaks OpenAI's format asks.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    conversation::{
        Content, Conversation, Effort, Format, Media, Message, OutputShape, Part, Raw, Reasoning,
        Rest, Role, Sampling, Signature, Source, Tool, ToolCall, ToolChoice, ToolResult, joined,
    },
    protocol::CompletionRequest,
    provider::wire::{
        fields::{Asked, BadRequest, Fields},
        media,
    },
};

const CONTENT: &str = "a string or a list of parts";

/// Reads a body of `POST /v1/chat/completions`.
///
/// # Errors
/// The part that is not in the format.
pub fn read_request(body: &Bytes) -> Result<Asked, BadRequest> {
    let mut fields = Fields::read(body)?;
    let model = fields.needed("model")?;
    let stream = fields.flag("stream")?.unwrap_or(false);
    let wants_usage = match fields.object("stream_options")? {
        Some(mut options) => options.flag("include_usage")?.unwrap_or(false),
        None => false,
    };
    let legacy = fields.count("max_tokens")?;
    let max_tokens = fields.count("max_completion_tokens")?.or(legacy);
    let mut extras = false;
    let conversation = conversation(fields, &mut extras)?;
    let raw = Raw {
        format: Format::OpenAi,
        body: body.clone(),
        wants_usage,
        holds_extras: extras,
    };
    Ok(Asked {
        model,
        request: CompletionRequest {
            conversation: Arc::new(conversation),
            max_tokens,
            ceiling: u32::MAX,
            stream,
            raw: Some(Arc::new(raw)),
        },
    })
}

fn conversation(mut fields: Fields, extras: &mut bool) -> Result<Conversation, BadRequest> {
    let mut conversation = Conversation::default();
    if !fields.has("messages") {
        return Err(fields.wrong("messages", "a list"));
    }
    for said in fields.objects("messages")? {
        message(said, &mut conversation, extras)?;
    }
    if conversation.messages.is_empty() && conversation.system.is_empty() {
        return Err(fields.wrong("messages", "a list with at least one message"));
    }
    let mut vendor_tools = Vec::new();
    for offered in fields.objects("tools")? {
        tool(offered, &mut conversation.tools, &mut vendor_tools)?;
    }
    conversation.tool_choice = tool_choice(&mut fields)?;
    conversation.parallel_tool_calls = fields.flag("parallel_tool_calls")?;
    conversation.output = output(&mut fields)?;
    conversation.stop = fields.texts("stop")?;
    conversation.sampling = Sampling {
        temperature: fields.number("temperature")?,
        top_p: fields.number("top_p")?,
        top_k: fields.count("top_k")?,
        seed: fields.integer("seed")?,
        frequency_penalty: fields.number("frequency_penalty")?,
        presence_penalty: fields.number("presence_penalty")?,
    };
    let effort = fields.text("reasoning_effort")?;
    let known = effort.as_deref().map(Effort::read);
    if known == Some(None) {
        return Err(fields.wrong(
            "reasoning_effort",
            "one of none, minimal, low, medium, high, xhigh, max",
        ));
    }
    conversation.reasoning = Reasoning {
        effort: known.flatten(),
        ..Reasoning::default()
    };
    conversation.user = fields.text("user")?;
    let mut left = fields.rest();
    // One answer is what there is.
    if left.get("n").and_then(Value::as_u64) == Some(1) {
        left.shift_remove("n");
    }
    conversation.rest = Rest::new(Format::OpenAi, left, vendor_tools);
    Ok(conversation)
}

fn message(mut said: Fields, into: &mut Conversation, extras: &mut bool) -> Result<(), BadRequest> {
    let role = said.needed("role")?;
    match role.as_str() {
        "system" | "developer" => {
            let parts = content(&mut said, "content")?;
            if into.messages.is_empty() {
                into.system.push(joined(&parts).into());
            } else {
                let role = Role::System;
                into.messages.push(Message { role, parts });
            }
        }
        "user" => {
            let parts = content(&mut said, "content")?;
            let role = Role::User;
            into.messages.push(Message { role, parts });
        }
        "assistant" => {
            let parts = assistant(said, extras)?;
            let role = Role::Assistant;
            into.messages.push(Message { role, parts });
        }
        "tool" => {
            let result = Content::ToolResult(ToolResult {
                id: said.needed("tool_call_id")?,
                parts: content(&mut said, "content")?,
                is_error: false,
            });
            // All results of one turn are one message.
            match into.messages.last_mut() {
                Some(last) if is_results(last) => last.parts.push(result.into()),
                _ => into.messages.push(Message {
                    role: Role::User,
                    parts: vec![result.into()],
                }),
            }
        }
        _ => {
            return Err(said.wrong("role", "one of system, developer, user, assistant, tool"));
        }
    }
    Ok(())
}

fn is_results(said: &Message) -> bool {
    let is_result = |part: &Part| matches!(part.content, Content::ToolResult(_));
    said.role == Role::User && !said.parts.is_empty() && said.parts.iter().all(is_result)
}

fn assistant(mut said: Fields, extras: &mut bool) -> Result<Vec<Part>, BadRequest> {
    let mut parts = Vec::new();
    let reasoning = said.text("reasoning_content")?;
    let thoughts = said.objects("thinking_blocks")?;
    *extras |= reasoning.is_some() || !thoughts.is_empty();
    if thoughts.is_empty() {
        parts.extend(reasoning.map(|text| Content::Thinking(text).into()));
    }
    for thought in thoughts {
        parts.push(thinking(thought)?);
    }
    parts.extend(content(&mut said, "content")?);
    for call in said.objects("tool_calls")? {
        parts.push(tool_call(call, extras)?);
    }
    Ok(parts)
}

/// A thought that the hub told in this format's way.
fn thinking(mut thought: Fields) -> Result<Part, BadRequest> {
    if thought.text("type")?.as_deref() == Some("redacted_thinking") {
        return Ok(Content::RedactedThinking(thought.needed("data")?).into());
    }
    let text = thought.text("thinking")?.unwrap_or_default();
    let signature = thought.text("signature")?.filter(|text| !text.is_empty());
    Ok(Part {
        content: Content::Thinking(text),
        signature: signature.map(|text| Signature {
            format: Format::Anthropic,
            text: text.into(),
        }),
    })
}

fn tool_call(mut call: Fields, extras: &mut bool) -> Result<Part, BadRequest> {
    let id = call.needed("id")?;
    let extra = call.object("extra_content")?;
    *extras |= extra.is_some();
    let Some(mut function) = call.object("function")? else {
        return Err(call.wrong("function", "an object"));
    };
    let signature = match extra {
        Some(mut extra) => match extra.object("google")? {
            Some(mut google) => google.text("thought_signature")?,
            None => None,
        },
        None => None,
    };
    Ok(Part {
        content: Content::ToolCall(ToolCall {
            id,
            name: function.needed("name")?,
            arguments: function.text("arguments")?.unwrap_or_default(),
        }),
        signature: signature.map(|text| Signature {
            format: Format::Gemini,
            text: text.into(),
        }),
    })
}

/// A text, parts, or nothing.
fn content(said: &mut Fields, name: &str) -> Result<Vec<Part>, BadRequest> {
    let path = said.at(name);
    match said.take(name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(items)) => {
            let piece = |(index, item)| piece(Fields::of(format!("{path}[{index}]"), item)?);
            items.into_iter().enumerate().map(piece).collect()
        }
        Some(_) => Err(said.wrong(name, CONTENT)),
    }
}

fn piece(mut piece: Fields) -> Result<Part, BadRequest> {
    let kind = piece.needed("type")?;
    let needed = |piece: &mut Fields, name: &str| {
        let inner = piece.object(name)?;
        inner.ok_or_else(|| piece.wrong(name, "an object"))
    };
    Ok(match kind.as_str() {
        "text" => Part::text(piece.needed("text")?),
        "refusal" => Part::text(piece.needed("refusal")?),
        "image_url" => {
            let mut image = needed(&mut piece, "image_url")?;
            let mut media = Media::new(media::at(image.needed("url")?));
            media.detail = image.text("detail")?;
            Content::Image(media).into()
        }
        "input_audio" => {
            let mut audio = needed(&mut piece, "input_audio")?;
            let media_type = match audio.needed("format")?.as_str() {
                "wav" => "audio/wav",
                "mp3" => "audio/mpeg",
                _ => return Err(audio.wrong("format", "wav or mp3")),
            };
            let media_type = media_type.to_owned();
            let data = audio.needed("data")?;
            Content::Audio(Media::new(Source::Inline { media_type, data })).into()
        }
        "file" => {
            let mut file = needed(&mut piece, "file")?;
            let source = match (file.text("file_data")?, file.text("file_id")?) {
                (Some(data), _) => media::data_url(&data)
                    .ok_or_else(|| file.wrong("file_data", "a data URL in base64"))?,
                (None, Some(id)) => Source::Id {
                    format: Format::OpenAi,
                    id,
                },
                (None, None) => return Err(file.wrong("file_data", "a data URL in base64")),
            };
            let mut media = Media::new(source);
            media.name = file.text("filename")?;
            Content::File(media).into()
        }
        _ => return Err(piece.wrong("type", "one of text, image_url, input_audio, file")),
    })
}

fn tool(
    mut offered: Fields,
    into: &mut Vec<Tool>,
    vendor_tools: &mut Vec<Value>,
) -> Result<(), BadRequest> {
    let kind = offered.text("type")?;
    if kind.as_deref().is_some_and(|kind| kind != "function") {
        let mut left = offered.rest();
        left.shift_insert(0, "type".to_owned(), kind.into());
        vendor_tools.push(Value::Object(left));
        return Ok(());
    }
    let Some(mut function) = offered.object("function")? else {
        return Err(offered.wrong("function", "an object"));
    };
    into.push(Tool {
        name: function.needed("name")?,
        description: function.text("description")?,
        schema: function.take("parameters"),
        strict: function.flag("strict")?,
    });
    Ok(())
}

fn tool_choice(fields: &mut Fields) -> Result<Option<ToolChoice>, BadRequest> {
    const WHAT: &str = "auto, none, required or a function";
    Ok(Some(match fields.take("tool_choice") {
        None => return Ok(None),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" | "any" => ToolChoice::Any,
            _ => return Err(fields.wrong("tool_choice", WHAT)),
        },
        Some(value) => {
            let mut chosen = Fields::of("tool_choice".to_owned(), value)?;
            match chosen.object("function")? {
                Some(mut function) => ToolChoice::Named(function.needed("name")?),
                None => return Err(fields.wrong("tool_choice", WHAT)),
            }
        }
    }))
}

fn output(fields: &mut Fields) -> Result<Option<OutputShape>, BadRequest> {
    let Some(mut format) = fields.object("response_format")? else {
        return Ok(None);
    };
    match format.needed("type")?.as_str() {
        "text" => Ok(None),
        "json_object" => Ok(Some(OutputShape::JsonObject)),
        "json_schema" => {
            let Some(mut named) = format.object("json_schema")? else {
                return Err(format.wrong("json_schema", "an object"));
            };
            Ok(Some(OutputShape::JsonSchema {
                name: named.text("name")?,
                description: named.text("description")?,
                schema: named
                    .take("schema")
                    .unwrap_or_else(|| Value::Object(Default::default())),
                strict: named.flag("strict")?,
            }))
        }
        _ => Err(format.wrong("type", "one of text, json_object, json_schema")),
    }
}
