//! What a client that speaks Anthropic's Messages format asks.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    conversation::{
        Content, Conversation, Effort, Format, Media, Message, OutputShape, Part, Raw, Reasoning,
        Rest, Role, Sampling, Signature, Source, ThinkingBudget, Tool, ToolCall, ToolChoice,
        ToolResult,
    },
    provider::wire::{
        fields::{Asked, BadRequest, Fields},
        media,
    },
};

/// The vendor's word for a request that has to come without a thread.
pub const NO_THREADS: &str = "thread_unsupported_request";

/// Reads a body of `POST /v1/messages`.
///
/// # Errors
/// The part that is not in the format.
pub fn read_request(body: &Bytes) -> Result<Asked, BadRequest> {
    let mut fields = Fields::read(body)?;
    let model = fields.needed("model")?;
    let stream = fields.flag("stream")?.unwrap_or(false);
    let max_tokens = fields.count("max_tokens")?;
    if fields.object("thread")?.is_some() {
        return Err(threaded());
    }
    let mut extras = false;
    let conversation = conversation(fields, &mut extras)?;
    let raw = Raw {
        format: Format::Anthropic,
        body: body.clone(),
        wants_usage: true,
        holds_extras: extras,
    };
    Ok(Asked::new(model, conversation, max_tokens, stream, raw))
}

/// A conversation of which its vendor knows the beginning and nobody else does: whoever stands in for it
/// would answer half of it. The SDKs know the word, and send the whole.
fn threaded() -> BadRequest {
    BadRequest {
        param: "thread".to_owned(),
        sentence: "The hub keeps no threads. Send the whole conversation in `messages`.".to_owned(),
        code: NO_THREADS,
    }
}

fn conversation(mut fields: Fields, extras: &mut bool) -> Result<Conversation, BadRequest> {
    let mut conversation = Conversation {
        system: system(&mut fields)?,
        ..Conversation::default()
    };
    for mut said in fields.objects("messages")? {
        let role = match said.needed("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(said.wrong("role", "user or assistant")),
        };
        let parts = content(&mut said, "content", extras)?;
        conversation.messages.push(Message { role, parts });
    }
    if conversation.messages.is_empty() {
        return Err(fields.wrong("messages", "a list with at least one message"));
    }
    let mut vendor_tools = Vec::new();
    for offered in fields.objects("tools")? {
        tool(offered, &mut conversation.tools, &mut vendor_tools)?;
    }
    if let Some(mut chosen) = fields.object("tool_choice")? {
        conversation.tool_choice = Some(match chosen.needed("type")?.as_str() {
            "auto" => ToolChoice::Auto,
            "any" => ToolChoice::Any,
            "none" => ToolChoice::None,
            "tool" => ToolChoice::Named(chosen.needed("name")?),
            _ => return Err(chosen.wrong("type", "one of auto, any, tool, none")),
        });
        let one = chosen.flag("disable_parallel_tool_use")?;
        conversation.parallel_tool_calls = one.map(|one| !one);
    }
    conversation.stop = fields.texts("stop_sequences")?;
    conversation.sampling = Sampling {
        temperature: fields.number("temperature")?,
        top_p: fields.number("top_p")?,
        top_k: fields.count("top_k")?,
        ..Sampling::default()
    };
    reason(&mut fields, &mut conversation)?;
    if let Some(mut metadata) = fields.object("metadata")? {
        conversation.user = metadata.text("user_id")?;
    }
    conversation.rest = Rest::new(Format::Anthropic, fields.rest(), vendor_tools);
    Ok(conversation)
}

fn system(fields: &mut Fields) -> Result<Vec<Arc<str>>, BadRequest> {
    match fields.take("system") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.into()]),
        Some(Value::Array(items)) => {
            let text = |(index, item)| {
                let mut block = Fields::of(format!("system[{index}]"), item)?;
                Ok(block.needed("text")?.into())
            };
            items.into_iter().enumerate().map(text).collect()
        }
        Some(_) => Err(fields.wrong("system", "a string or a list of text blocks")),
    }
}

fn content(said: &mut Fields, name: &str, extras: &mut bool) -> Result<Vec<Part>, BadRequest> {
    let path = said.at(name);
    match said.take(name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(items)) => {
            let mut parts = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                let block = Fields::of(format!("{path}[{index}]"), item)?;
                parts.extend(part(block, extras)?);
            }
            Ok(parts)
        }
        Some(_) => Err(said.wrong(name, "a string or a list of blocks")),
    }
}

/// `None` for what only the vendor itself understands: its own searches and the like.
fn part(mut block: Fields, extras: &mut bool) -> Result<Option<Part>, BadRequest> {
    let kind = block.needed("type")?;
    let mut signature = None;
    let content = match kind.as_str() {
        "text" => Content::Text(block.needed("text")?),
        "image" => Content::Image(Media::new(source(&mut block)?)),
        "document" => {
            let mut media = Media::new(source(&mut block)?);
            media.name = block.text("title")?;
            Content::File(media)
        }
        "thinking" => {
            let text = block.text("signature")?.filter(|text| !text.is_empty());
            signature = text.map(|text| (Format::Anthropic, text));
            // One that the hub told of another vendor.
            *extras |= signature.is_none();
            Content::Thinking(block.text("thinking")?.unwrap_or_default())
        }
        "redacted_thinking" => Content::RedactedThinking(block.needed("data")?),
        "tool_use" => {
            if let Some(mut extra) = block.object("extra_content")? {
                *extras = true;
                let google = extra.object("google")?;
                let text = match google {
                    Some(mut google) => google.text("thought_signature")?,
                    None => None,
                };
                signature = text.map(|text| (Format::Gemini, text));
            }
            Content::ToolCall(ToolCall {
                id: block.needed("id")?,
                name: block.needed("name")?,
                arguments: match block.take("input") {
                    Some(input @ Value::Object(_)) => input.to_string(),
                    None => String::new(),
                    Some(_) => return Err(block.wrong("input", "an object")),
                },
            })
        }
        "tool_result" => Content::ToolResult(ToolResult {
            id: block.needed("tool_use_id")?,
            parts: content(&mut block, "content", extras)?,
            is_error: block.flag("is_error")?.unwrap_or(false),
        }),
        _ => return Ok(None),
    };
    Ok(Some(Part {
        content,
        signature: signature.map(|(format, text)| Signature {
            format,
            text: text.into(),
        }),
    }))
}

fn source(block: &mut Fields) -> Result<Source, BadRequest> {
    let Some(mut source) = block.object("source")? else {
        return Err(block.wrong("source", "an object"));
    };
    Ok(match source.needed("type")?.as_str() {
        "base64" => Source::Inline {
            media_type: source.needed("media_type")?,
            data: source.needed("data")?,
        },
        "text" => Source::Inline {
            media_type: source
                .text("media_type")?
                .unwrap_or_else(|| "text/plain".to_owned()),
            data: media::base64(&source.needed("data")?),
        },
        "url" => media::at(source.needed("url")?),
        "file" => Source::Id {
            format: Format::Anthropic,
            id: source.needed("file_id")?,
        },
        _ => return Err(source.wrong("type", "one of base64, text, url, file")),
    })
}

fn tool(
    mut offered: Fields,
    into: &mut Vec<Tool>,
    vendor_tools: &mut Vec<Value>,
) -> Result<(), BadRequest> {
    let kind = offered.text("type")?;
    if kind.as_deref().is_some_and(|kind| kind != "custom") {
        let mut left = offered.rest();
        left.shift_insert(0, "type".to_owned(), kind.into());
        vendor_tools.push(Value::Object(left));
        return Ok(());
    }
    into.push(Tool {
        name: offered.needed("name")?,
        description: offered.text("description")?,
        schema: offered.take("input_schema"),
        strict: offered.flag("strict")?,
    });
    Ok(())
}

fn reason(fields: &mut Fields, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let mut reasoning = Reasoning::default();
    if let Some(mut thinking) = fields.object("thinking")? {
        reasoning.budget = Some(match thinking.needed("type")?.as_str() {
            "enabled" => match thinking.count("budget_tokens")? {
                Some(tokens) => ThinkingBudget::Tokens(tokens),
                None => return Err(thinking.wrong("budget_tokens", "a whole number")),
            },
            "adaptive" => ThinkingBudget::Adaptive,
            "disabled" => ThinkingBudget::Off,
            _ => return Err(thinking.wrong("type", "one of enabled, adaptive, disabled")),
        });
        reasoning.shown = (reasoning.budget != Some(ThinkingBudget::Off)).then_some(true);
    }
    if let Some(mut config) = fields.object("output_config")? {
        if let Some(word) = config.text("effort")? {
            reasoning.effort =
                Some(Effort::read(&word).ok_or_else(|| {
                    config.wrong("effort", "one of low, medium, high, xhigh, max")
                })?);
        }
        if let Some(mut format) = config.object("format")? {
            conversation.output = Some(OutputShape::JsonSchema {
                name: None,
                description: None,
                schema: match format.take("schema") {
                    Some(schema) => schema,
                    None => return Err(format.wrong("schema", "a JSON schema")),
                },
                // The vendor knows no other.
                strict: Some(true),
            });
        }
    }
    conversation.reasoning = reasoning;
    Ok(())
}
