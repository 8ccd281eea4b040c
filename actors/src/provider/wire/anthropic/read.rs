//! What a client that speaks Anthropic's Messages format asks.

use bytes::Bytes;
use serde_json::Value;

use crate::{
    conversation::{
        Content, Conversation, Effort, Format, Kept, Media, Message, OutputShape, Part, Place, Raw,
        Reasoning, Rest, Role, Sampling, Signature, Source, ThinkingBudget, Tool, ToolCall,
        ToolChoice, ToolResult,
    },
    provider::wire::{
        asked::{Asked, BadRequest},
        fields::Fields,
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
    let conversation = conversation(fields)?;
    let raw = Raw {
        format: Format::Anthropic,
        body: body.clone(),
        wants_usage: true,
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

fn conversation(mut fields: Fields) -> Result<Conversation, BadRequest> {
    let mut conversation = Conversation::default();
    system(&mut fields, &mut conversation)?;
    let above = conversation.messages.len();
    for mut said in fields.objects("messages")? {
        let role = match said.needed("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(said.wrong("role", "user or assistant")),
        };
        let parts = content(&mut said, "content")?;
        let mut kept = said.kept(Format::Anthropic);
        if role == Role::System {
            // So that it stays where it is.
            kept.get_or_insert_with(|| Kept::nothing(Format::Anthropic));
        }
        conversation.messages.push(Message { role, parts, kept });
    }
    if conversation.messages.len() == above {
        return Err(fields.wrong("messages", "a list with at least one message"));
    }
    let mut vendor_tools = Vec::new();
    for offered in fields.objects("tools")? {
        tool(offered, &mut conversation.tools, &mut vendor_tools)?;
    }
    if let Some(mut chosen) = fields.object_of("tool_choice", &["auto", "any", "none", "tool"])? {
        conversation.tool_choice = Some(match chosen.needed("type")?.as_str() {
            "any" => ToolChoice::Any,
            "none" => ToolChoice::None,
            "tool" => ToolChoice::Named(chosen.needed("name")?),
            _ => ToolChoice::Auto,
        });
        let one = chosen.flag("disable_parallel_tool_use")?;
        conversation.parallel_tool_calls = one.map(|one| !one);
        fields.put_by("tool_choice", chosen);
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
        fields.put_by("metadata", metadata);
    }
    let (left, within) = fields.left();
    conversation.rest = Rest::new(Format::Anthropic, left, within, vendor_tools);
    Ok(conversation)
}

/// A text with something beside it (`cache_control`) is a message of the system's, in front of all others.
fn system(fields: &mut Fields, into: &mut Conversation) -> Result<(), BadRequest> {
    match fields.take("system") {
        None => {}
        Some(Value::String(text)) => into.system.push(text.into()),
        Some(Value::Array(items)) => {
            for (index, item) in items.into_iter().enumerate() {
                let mut block = Fields::of(format!("system[{index}]"), item)?;
                let text = block.needed("text")?;
                block.take("type");
                match block.kept(Format::Anthropic) {
                    None if into.messages.is_empty() => into.system.push(text.into()),
                    kept => {
                        let part = Part {
                            kept,
                            ..Part::text(text)
                        };
                        into.messages.push(Message::new(Role::System, vec![part]));
                    }
                }
            }
        }
        Some(_) => return Err(fields.wrong("system", "a string or a list of text blocks")),
    }
    Ok(())
}

fn content(said: &mut Fields, name: &str) -> Result<Vec<Part>, BadRequest> {
    let path = said.at(name);
    match said.take(name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(items)) => {
            let mut parts = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                let block = Fields::of(format!("{path}[{index}]"), item)?;
                parts.push(part(block)?);
            }
            Ok(parts)
        }
        Some(_) => Err(said.wrong(name, "a string or a list of blocks")),
    }
}

/// What only the vendor itself understands, its own searches and the like, stays as it is.
fn part(mut block: Fields) -> Result<Part, BadRequest> {
    let kind = block.needed("type")?;
    let mut signature = None;
    let content = match kind.as_str() {
        "text" => Content::Text(block.needed("text")?),
        "image" if is_somewhere(&block)? => Content::Image(Media::new(source(&mut block)?)),
        "document" if is_somewhere(&block)? => {
            let mut media = Media::new(source(&mut block)?);
            media.name = block.text("title")?;
            Content::File(media)
        }
        "thinking" => {
            let text = block.text("signature")?.filter(|text| !text.is_empty());
            signature = text.map(|text| Signature {
                format: Format::Anthropic,
                text: text.into(),
            });
            Content::Thinking(block.text("thinking")?.unwrap_or_default())
        }
        "redacted_thinking" => Content::RedactedThinking(block.needed("data")?),
        "tool_use" => {
            signature = block.google_signature()?;
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
            parts: content(&mut block, "content")?,
            is_error: block.flag("is_error")?.unwrap_or(false),
        }),
        _ => {
            let foreign = block.foreign(Format::Anthropic, Place::Content, "type", kind);
            return Ok(foreign.into());
        }
    };
    Ok(Part {
        content,
        signature,
        kept: block.kept(Format::Anthropic),
    })
}

/// Whether something is at a place that the language can name.
fn is_somewhere(block: &Fields) -> Result<bool, BadRequest> {
    let source = block.see("source").filter(|source| source.is_object());
    let Some(source) = source else {
        return Err(block.wrong("source", "an object"));
    };
    match source.get("type").and_then(Value::as_str) {
        Some(kind) => Ok(["base64", "text", "url", "file"].contains(&kind)),
        None => Err(block.wrong("source.type", "a string")),
    }
}

fn source(block: &mut Fields) -> Result<Source, BadRequest> {
    let Some(mut source) = block.object("source")? else {
        return Err(block.wrong("source", "an object"));
    };
    let place = match source.needed("type")?.as_str() {
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
        _ => Source::Id {
            format: Format::Anthropic,
            id: source.needed("file_id")?,
        },
    };
    block.put_by("source", source);
    Ok(place)
}

fn tool(
    mut offered: Fields,
    into: &mut Vec<Tool>,
    vendor_tools: &mut Vec<Value>,
) -> Result<(), BadRequest> {
    let kind = offered.text("type")?;
    if kind.as_deref().is_some_and(|kind| kind != "custom") {
        let (mut left, _) = offered.left();
        left.shift_insert(0, "type".to_owned(), kind.into());
        vendor_tools.push(Value::Object(left));
        return Ok(());
    }
    let tool = Tool {
        name: offered.needed("name")?,
        description: offered.text("description")?,
        schema: offered.take("input_schema"),
        strict: offered.flag("strict")?,
        kept: None,
    };
    into.push(Tool {
        kept: offered.kept(Format::Anthropic),
        ..tool
    });
    Ok(())
}

fn reason(fields: &mut Fields, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let mut reasoning = Reasoning::default();
    let known = ["enabled", "adaptive", "disabled"];
    if let Some(mut thinking) = fields.object_of("thinking", &known)? {
        let budget = match thinking.needed("type")?.as_str() {
            "enabled" => match thinking.count("budget_tokens")? {
                Some(tokens) => ThinkingBudget::Tokens(tokens),
                None => return Err(thinking.wrong("budget_tokens", "a whole number")),
            },
            "adaptive" => ThinkingBudget::Adaptive,
            _ => ThinkingBudget::Off,
        };
        reasoning.budget = Some(budget);
        reasoning.shown = (budget != ThinkingBudget::Off).then_some(true);
        fields.put_by("thinking", thinking);
    }
    if let Some(mut config) = fields.object("output_config")? {
        reasoning.effort = config.word("effort", Effort::read)?;
        if let Some(mut format) = config.object_of("format", &["json_schema"])? {
            format.take("type");
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
            config.put_by("format", format);
        }
        fields.put_by("output_config", config);
    }
    conversation.reasoning = reasoning;
    Ok(())
}
