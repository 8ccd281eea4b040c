//! What a client that speaks OpenAI's format asks.

use bytes::Bytes;
use serde_json::Value;

use super::read_message::message;
use crate::{
    conversation::{
        Conversation, Effort, Format, OutputShape, Raw, Reasoning, Rest, Sampling, Tool, ToolChoice,
    },
    provider::wire::fields::{Asked, BadRequest, Fields},
};

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
    Ok(Asked::new(model, conversation, max_tokens, stream, raw))
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
