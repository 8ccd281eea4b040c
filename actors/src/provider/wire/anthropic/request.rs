//! What is sent to a server that speaks Anthropic's Messages format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    conversation::{
        Content, Conversation, Effort, Format, Media, Message, OutputShape, Part, Raw, Role,
        Source, ThinkingBudget, Tool, ToolChoice,
    },
    protocol::{CompletionRequest, Failure},
    provider::wire::{
        Dialect, Encoded,
        arguments::Arguments,
        media, names,
        passthrough::{self, Edit},
        refusal,
        taken::{Script, Taken},
        thinking,
    },
};

/// What is sent as `max_tokens` if the caller did not say and nobody knows the model's limit: as much
/// as every model takes.
const USUAL_LIMIT: u32 = 4096;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Words<'a>>,
    messages: Vec<Said<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_sequences: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(flatten)]
    rest: Option<Cow<'a, Map<String, Value>>>,
}

#[derive(Serialize)]
struct Said<'a> {
    role: &'static str,
    content: Words<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Words<'a> {
    Text(&'a str),
    Blocks(Vec<Block<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: &'a str,
    },
    Image {
        source: Where<'a>,
    },
    Document {
        source: Where<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        input: Arguments<'a>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        content: Words<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Where<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Text { media_type: &'a str, data: String },
    Url { url: &'a str },
    File { file_id: &'a str },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Offered<'a> {
    Tool {
        name: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Cow<'a, Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
    Vendors(&'a Value),
}

#[derive(Serialize)]
struct Choice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Thinking {
    Enabled { budget_tokens: u32 },
    Adaptive,
    Disabled,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<OutputFormat<'a>>,
}

#[derive(Serialize)]
struct OutputFormat<'a> {
    r#type: &'static str,
    schema: &'a Value,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

const PATH: &str = "/messages";

/// The request for one answer of `model`.
pub(super) fn encode(
    request: &CompletionRequest,
    model: &str,
    dialect: &Dialect,
) -> Result<Encoded, Failure> {
    let mut taken = Taken::new(dialect);
    let raw = request.raw.as_deref().filter(|raw| {
        raw.format == Format::Anthropic && !raw.holds_extras && taken.takes("system")
    });
    if let Some(raw) = raw {
        return pass(raw, request, model, dialect, &mut taken);
    }
    let conversation = &*request.conversation;
    let script = taken.script(conversation);
    let later = script.later_system();
    let max_tokens = request
        .max_tokens
        .unwrap_or_else(|| known(request.ceiling).unwrap_or(USUAL_LIMIT));
    let sampling = &conversation.sampling;
    let (thinking, effort) = think(&mut taken, conversation, model, max_tokens);
    taken.lacks("seed", sampling.seed.is_some());
    taken.lacks("frequency_penalty", sampling.frequency_penalty.is_some());
    taken.lacks("presence_penalty", sampling.presence_penalty.is_some());
    let vendor_tools = taken.vendor_tools(conversation.rest.as_ref(), Format::Anthropic);
    let thinks = matches!(
        thinking,
        Some(Thinking::Enabled { .. } | Thinking::Adaptive)
    );
    // With thinking, the vendor takes neither.
    taken.lacks("temperature", thinks && sampling.temperature.is_some());
    taken.lacks("top_k", thinks && sampling.top_k.is_some());
    let body = Body {
        model,
        max_tokens,
        system: system(&script, &later),
        messages: messages(&script)?,
        temperature: taken
            .take("temperature", sampling.temperature.filter(|_| !thinks))
            .map(|temperature| temperature.min(1.0)),
        top_p: taken.take("top_p", sampling.top_p),
        top_k: taken.take("top_k", sampling.top_k.filter(|_| !thinks)),
        stop_sequences: taken.take("stop", some(&conversation.stop)),
        tools: conversation
            .tools
            .iter()
            .map(offered)
            .chain(vendor_tools.iter().map(Offered::Vendors))
            .collect(),
        tool_choice: choice(conversation, !vendor_tools.is_empty()),
        thinking,
        output_config: output(&mut taken, conversation, effort),
        metadata: taken
            .take("user", conversation.user.as_deref())
            .map(|user_id| Metadata { user_id }),
        stream: request.stream.then_some(true),
        rest: taken.rest(conversation.rest.as_ref(), Format::Anthropic),
    };
    let encoded = Encoded::new(PATH.to_owned(), &body, script.size_hint())?;
    Ok(Encoded {
        dropped: taken.dropped,
        ..encoded
    })
}

fn pass(
    raw: &Raw,
    request: &CompletionRequest,
    model: &str,
    dialect: &Dialect,
    taken: &mut Taken<'_>,
) -> Result<Encoded, Failure> {
    let mut edits = vec![Edit::Set("model", passthrough::quoted(model))];
    let limit = request.max_tokens.or(known(request.ceiling));
    let limit = limit.unwrap_or(USUAL_LIMIT);
    edits.push(Edit::Set("max_tokens", limit.to_string()));
    for name in &dialect.drop_params {
        let known = ["max_tokens", "system", "model", "messages", "stream"];
        if !known.contains(&name.as_str()) && passthrough::names(&raw.body).contains(name) {
            edits.push(Edit::Remove(name));
            taken.dropped.push(Cow::Owned(name.clone()));
        }
    }
    let body = passthrough::edited(&raw.body, &edits)
        .ok_or_else(|| refusal::rejected("invalid_request_error"))?;
    Ok(Encoded {
        path: PATH.to_owned(),
        body: Some(body),
        dropped: std::mem::take(&mut taken.dropped),
        raw: true,
    })
}

fn known(ceiling: u32) -> Option<u32> {
    (ceiling != u32::MAX).then_some(ceiling)
}

fn some(list: &[String]) -> Option<&[String]> {
    (!list.is_empty()).then_some(list)
}

fn system<'a>(script: &'a Script<'_>, later: &'a [String]) -> Option<Words<'a>> {
    let above = script.system.iter().copied();
    let texts: Vec<_> = above.chain(later.iter().map(String::as_str)).collect();
    match texts.as_slice() {
        [] => None,
        [text] => Some(Words::Text(text)),
        texts => {
            let blocks = texts.iter().map(|text| Block::Text { text });
            Some(Words::Blocks(blocks.collect()))
        }
    }
}

/// The turns, one for each change of speaker: the vendor wants all results of one turn in one message,
/// and in front. It takes no empty texts, and no turn without anything in it.
fn messages<'a>(script: &'a Script<'_>) -> Result<Vec<Said<'a>>, Failure> {
    let mut turns: Vec<(Role, Vec<Block<'a>>)> = Vec::new();
    let said = script.messages.iter();
    for said in said.filter(|said| said.role != Role::System) {
        let mut blocks = blocks(&said.parts)?;
        if blocks.is_empty() {
            continue;
        }
        match turns.last_mut() {
            Some((role, before)) if *role == said.role => before.append(&mut blocks),
            _ => turns.push((said.role, blocks)),
        }
    }
    let turns = turns.into_iter().map(|(role, mut blocks)| {
        blocks
            .sort_by_key(|block| !matches!(block, Block::ToolResult { .. }) && role == Role::User);
        Said {
            role: if role == Role::User {
                "user"
            } else {
                "assistant"
            },
            content: match blocks.as_slice() {
                [Block::Text { text }] => Words::Text(text),
                _ => Words::Blocks(blocks),
            },
        }
    });
    Ok(turns.collect())
}

fn blocks(parts: &[Part]) -> Result<Vec<Block<'_>>, Failure> {
    let mut blocks = Vec::with_capacity(parts.len());
    for part in parts {
        blocks.extend(block(part)?);
    }
    Ok(blocks)
}

fn block(part: &Part) -> Result<Option<Block<'_>>, Failure> {
    let own = part
        .signature
        .as_ref()
        .filter(|signature| signature.format == Format::Anthropic);
    Ok(Some(match &part.content {
        Content::Text(text) if text.trim().is_empty() => return Ok(None),
        Content::Text(text) => Block::Text { text },
        Content::Image(image) => Block::Image {
            source: place(image)?,
        },
        Content::File(file) => Block::Document {
            source: place(file)?,
            title: file.name.as_deref(),
        },
        Content::Audio(_) => {
            return Err(media::untakeable("This provider takes no audio."));
        }
        // A thought that the vendor did not sign is not one of its own.
        Content::Thinking(text) => match own {
            Some(signature) => Block::Thinking {
                thinking: text,
                signature: &signature.text,
            },
            None => return Ok(None),
        },
        Content::RedactedThinking(data) => Block::RedactedThinking { data },
        Content::ToolCall(call) => Block::ToolUse {
            id: names::outer_id(&call.id),
            name: names::outer(&call.name),
            input: Arguments(&call.arguments),
        },
        Content::ToolResult(result) => Block::ToolResult {
            tool_use_id: names::outer_id(&result.id),
            content: match result.parts.as_slice() {
                [
                    Part {
                        content: Content::Text(text),
                        ..
                    },
                ] => Words::Text(text),
                parts => Words::Blocks(blocks(parts)?),
            },
            is_error: result.is_error,
        },
    }))
}

fn place(media: &Media) -> Result<Where<'_>, Failure> {
    Ok(match &media.source {
        Source::Inline { media_type, data } => match media_type.as_str() {
            "text/plain" => match media::text(data) {
                Some(data) => Where::Text { media_type, data },
                None => return Err(media::untakeable("A text file must be UTF-8 in base64.")),
            },
            _ => Where::Base64 { media_type, data },
        },
        Source::Url { url, .. } => Where::Url { url },
        Source::Id {
            format: Format::Anthropic,
            id,
        } => Where::File { file_id: id },
        Source::Id { .. } => {
            return Err(media::untakeable(
                "This provider does not know the file's id: send the file inside the request.",
            ));
        }
    })
}

fn offered(tool: &Tool) -> Offered<'_> {
    let schema = match &tool.schema {
        Some(Value::Object(fields)) if fields.contains_key("type") => None,
        Some(Value::Object(fields)) => Some(fields.clone()),
        _ => Some(Map::new()),
    };
    Offered::Tool {
        name: names::outer(&tool.name),
        description: tool.description.as_deref(),
        input_schema: match (schema, &tool.schema) {
            (None, Some(schema)) => Cow::Borrowed(schema),
            // The vendor insists on a type.
            (fields, _) => {
                let mut fields = fields.unwrap_or_default();
                fields.insert("type".to_owned(), json!("object"));
                Cow::Owned(Value::Object(fields))
            }
        },
        strict: tool.strict,
    }
}

fn choice(conversation: &Conversation, vendor_tools: bool) -> Option<Choice<'_>> {
    if conversation.tools.is_empty() && !vendor_tools {
        return None;
    }
    let one = conversation.parallel_tool_calls.map(|parallel| !parallel);
    let chosen = match (&conversation.tool_choice, one) {
        (None, None) => return None,
        (None, Some(_)) => &ToolChoice::Auto,
        (Some(chosen), _) => chosen,
    };
    let (kind, name) = match chosen {
        ToolChoice::Auto => ("auto", None),
        ToolChoice::Any => ("any", None),
        ToolChoice::None => ("none", None),
        ToolChoice::Named(name) => ("tool", Some(names::outer(name))),
    };
    Some(Choice {
        r#type: kind,
        name,
        disable_parallel_tool_use: one.filter(|_| *chosen != ToolChoice::None),
    })
}

fn output<'a>(
    taken: &mut Taken<'_>,
    conversation: &'a Conversation,
    effort: Option<&'static str>,
) -> Option<OutputConfig<'a>> {
    let format = match &conversation.output {
        Some(OutputShape::JsonSchema { schema, .. }) => {
            let schema = taken.take("response_format", Some(schema));
            schema.map(|schema| OutputFormat {
                r#type: "json_schema",
                schema,
            })
        }
        // The vendor has no JSON without a schema.
        Some(OutputShape::JsonObject) => {
            taken.lacks("response_format", true);
            None
        }
        None => None,
    };
    (effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format })
}

/// How the model is told to think. From version 4.6 on it is told in words, before in tokens.
fn think(
    taken: &mut Taken<'_>,
    conversation: &Conversation,
    model: &str,
    max_tokens: u32,
) -> (Option<Thinking>, Option<&'static str>) {
    let reasoning = &conversation.reasoning;
    let by_words = thinking::version(model).is_some_and(|version| version >= (4, 6));
    let effort = reasoning.effort.filter(|effort| *effort != Effort::None);
    let wanted = match (reasoning.budget, effort) {
        (Some(ThinkingBudget::Off), _) => return (Some(Thinking::Disabled), None),
        (Some(ThinkingBudget::Adaptive), _) => Thinking::Adaptive,
        (Some(ThinkingBudget::Tokens(budget_tokens)), _) => Thinking::Enabled { budget_tokens },
        (None, None) => return (None, None),
        (None, Some(_)) if by_words => Thinking::Adaptive,
        (None, Some(effort)) => {
            let budget = thinking::tokens(effort).unwrap_or(thinking::LEAST);
            // Thinking counts against the limit, and an answer has to fit in beside it.
            let budget_tokens = budget.min(max_tokens / 4 * 3);
            Thinking::Enabled { budget_tokens }
        }
    };
    let too_little = matches!(wanted, Thinking::Enabled { budget_tokens }
        if budget_tokens < thinking::LEAST || budget_tokens >= max_tokens);
    let forced = !conversation.tools.is_empty()
        && matches!(
            conversation.tool_choice,
            Some(ToolChoice::Any | ToolChoice::Named(_))
        );
    if too_little || forced || forgot_thinking(&conversation.messages) {
        taken.lacks("reasoning_effort", true);
        return (None, None);
    }
    if taken.take("reasoning_effort", Some(())).is_none() {
        return (None, None);
    }
    let word = effort.filter(|_| by_words);
    let word = word.map(|effort| match effort {
        Effort::Minimal => Effort::Low.word(),
        effort => effort.word(),
    });
    (Some(wanted), word)
}

/// Whether the turn that goes on called tools without the thinking before it, which the vendor does
/// not take of a model that thinks.
fn forgot_thinking(messages: &[Message]) -> bool {
    let last = messages.iter().rfind(|said| said.role == Role::Assistant);
    let Some(last) = last else {
        return false;
    };
    let calls = |part: &Part| matches!(part.content, Content::ToolCall(_));
    let thought = |part: &Part| match &part.content {
        Content::RedactedThinking(_) => true,
        Content::Thinking(_) => part
            .signature
            .as_ref()
            .is_some_and(|signature| signature.format == Format::Anthropic),
        _ => false,
    };
    last.parts.iter().any(calls) && !last.parts.iter().any(thought)
}
