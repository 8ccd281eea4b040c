//! What a client that speaks OpenAI's format asks.

use bytes::Bytes;
use serde_json::Value;

use super::read_message::message;
use crate::{
    conversation::{
        Conversation, Effort, Format, OutputShape, Raw, Reasoning, Rest, Sampling, Tool, ToolChoice,
    },
    provider::wire::{
        asked::{Asked, BadRequest},
        fields::Fields,
    },
};

/// Reads a body of `POST /v1/chat/completions`.
///
/// # Errors
/// The part that is not in the format.
pub fn read_request(body: &Bytes) -> Result<Asked, BadRequest> {
    let mut fields = Fields::read(body)?;
    let model = fields.needed("model")?;
    let stream = fields.flag("stream")?.unwrap_or(false);
    let mut wants_usage = false;
    if let Some(mut options) = fields.object("stream_options")? {
        wants_usage = options.flag("include_usage")?.unwrap_or(false);
        fields.put_by("stream_options", options);
    }
    let legacy = fields.count("max_tokens")?;
    let max_tokens = fields.count("max_completion_tokens")?.or(legacy);
    if max_tokens.is_some() {
        // Of two limits, one that means something is enough.
        fields.take("max_tokens");
        fields.take("max_completion_tokens");
    }
    let conversation = conversation(fields)?;
    let raw = Raw {
        format: Format::OpenAi,
        body: body.clone(),
        wants_usage,
    };
    Ok(Asked::new(model, conversation, max_tokens, stream, raw))
}

fn conversation(mut fields: Fields) -> Result<Conversation, BadRequest> {
    let mut conversation = Conversation::default();
    if !fields.has("messages") {
        return Err(fields.wrong("messages", "a list"));
    }
    for said in fields.objects("messages")? {
        message(said, &mut conversation)?;
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
    conversation.reasoning = Reasoning {
        effort: fields.word("reasoning_effort", Effort::read)?,
        ..Reasoning::default()
    };
    conversation.user = fields.text("user")?;
    let (mut left, within) = fields.left();
    // One answer is what there is.
    if left.get("n").and_then(Value::as_f64) == Some(1.0) {
        left.shift_remove("n");
    }
    conversation.rest = Rest::new(Format::OpenAi, left, within, vendor_tools);
    // The format itself has no such field, and many who speak it have.
    if conversation.sampling.top_k.is_some() {
        let rest = &mut conversation.rest;
        rest.get_or_insert_with(|| Rest::nothing(Format::OpenAi));
    }
    Ok(conversation)
}

fn tool(
    mut offered: Fields,
    into: &mut Vec<Tool>,
    vendor_tools: &mut Vec<Value>,
) -> Result<(), BadRequest> {
    let kind = offered.text("type")?;
    if kind.as_deref().is_some_and(|kind| kind != "function") {
        let (mut left, _) = offered.left();
        left.shift_insert(0, "type".to_owned(), kind.into());
        vendor_tools.push(Value::Object(left));
        return Ok(());
    }
    let Some(mut function) = offered.object("function")? else {
        return Err(offered.wrong("function", "an object"));
    };
    let tool = Tool {
        name: function.needed("name")?,
        description: function.text("description")?,
        schema: function.take("parameters"),
        strict: function.flag("strict")?,
        kept: None,
    };
    offered.put_by("function", function);
    into.push(Tool {
        kept: offered.kept(Format::OpenAi),
        ..tool
    });
    Ok(())
}

/// A choice that the language has no word for stays where it is.
fn tool_choice(fields: &mut Fields) -> Result<Option<ToolChoice>, BadRequest> {
    match fields.see("tool_choice") {
        Some(Value::String(_)) => fields.word("tool_choice", |word| {
            Some(match word {
                "auto" => ToolChoice::Auto,
                "none" => ToolChoice::None,
                "required" | "any" => ToolChoice::Any,
                _ => return None,
            })
        }),
        Some(Value::Object(chosen)) if chosen.contains_key("function") => {
            let Some(mut chosen) = fields.object("tool_choice")? else {
                return Ok(None);
            };
            chosen.take("type");
            let Some(mut function) = chosen.object("function")? else {
                return Err(chosen.wrong("function", "an object"));
            };
            let choice = ToolChoice::Named(function.needed("name")?);
            chosen.put_by("function", function);
            fields.put_by("tool_choice", chosen);
            Ok(Some(choice))
        }
        None | Some(Value::Null | Value::Object(_)) => Ok(None),
        Some(_) => Err(fields.wrong("tool_choice", "a word or an object")),
    }
}

fn output(fields: &mut Fields) -> Result<Option<OutputShape>, BadRequest> {
    let known = ["text", "json_object", "json_schema"];
    let Some(mut format) = fields.object_of("response_format", &known)? else {
        return Ok(None);
    };
    let shape = match format.needed("type")?.as_str() {
        "json_object" => Some(OutputShape::JsonObject),
        "json_schema" => {
            let Some(mut named) = format.object("json_schema")? else {
                return Err(format.wrong("json_schema", "an object"));
            };
            let shape = OutputShape::JsonSchema {
                name: named.text("name")?,
                description: named.text("description")?,
                schema: named
                    .take("schema")
                    .unwrap_or_else(|| Value::Object(Default::default())),
                strict: named.flag("strict")?,
            };
            format.put_by("json_schema", named);
            Some(shape)
        }
        _ => None,
    };
    fields.put_by("response_format", format);
    Ok(shape)
}
