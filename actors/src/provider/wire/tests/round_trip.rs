//! What the inner language names survives each format: written and read again, it is the same.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{
    gemini_client::{self, gathered},
    streams::{SPLITS, split},
    wire, without,
};
use crate::{
    conversation::{
        Content, Conversation, Effort, Foreign,
        Format::{self, Anthropic, Gemini, OpenAi},
        Kept, Media, Message, OutputShape, Part, Place, Reasoning, Rest, Role, Sampling, Signature,
        Source, ThinkingBudget, Tool, ToolCall, ToolChoice, ToolResult,
    },
    protocol::{Completion, CompletionRequest, FinishReason, Usage},
    provider::wire::{Envelope, anthropic, openai},
};

/// Models that each format's writer knows how to make think.
fn model(format: Format) -> &'static str {
    match format {
        Anthropic => "claude-opus-4-6",
        Gemini => "gemini-3-pro",
        OpenAi => "gemini-3-pro-through-google",
    }
}

fn text() -> impl Strategy<Value = String> {
    "x[a-zA-Z0-9 \"\\\\\n\u{e4}\u{1f980}]{0,12}"
}

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,8}"
}

fn format() -> impl Strategy<Value = Format> {
    select(vec![Anthropic, Gemini, OpenAi])
}

fn signature(format: Format) -> Signature {
    Signature {
        format,
        text: "c2lnbmF0dXJl".into(),
    }
}

fn inline(media_type: &'static str) -> BoxedStrategy<Source> {
    Just(Source::Inline {
        media_type: media_type.to_owned(),
        data: "aGVsbG8=".to_owned(),
    })
    .boxed()
}

fn at(url: &str, media_type: Option<&str>) -> BoxedStrategy<Source> {
    Just(Source::Url {
        url: url.to_owned(),
        media_type: media_type.map(str::to_owned),
    })
    .boxed()
}

/// What a format says beside something, or nothing. Gemini's is read by nobody.
fn kept(format: Format) -> impl Strategy<Value = Option<Box<Kept>>> {
    option::weighted(0.3, (word(), 0..9_u8)).prop_map(move |field| {
        let (name, value) = field.filter(|_| format != Gemini)?;
        let fields = [(format!("zz_{name}"), json!(value))].into_iter().collect();
        Kept::new(format, fields, Default::default())
    })
}

/// The same part, with something beside it.
fn beside(part: BoxedStrategy<Part>, format: Format) -> BoxedStrategy<Part> {
    let parts = (part, kept(format));
    parts.prop_map(|(part, kept)| Part { kept, ..part }).boxed()
}

/// Of a kind that nobody knows.
fn foreign(format: Format) -> impl Strategy<Value = Part> {
    (word(), text()).prop_map(move |(kind, text)| {
        let fields = [("type", format!("zz_{kind}")), ("text", text)];
        let fields = fields.map(|(name, text)| (name.to_owned(), json!(text)));
        Content::Foreign(Box::new(Foreign {
            format,
            place: Place::Content,
            value: fields.into_iter().collect(),
        }))
        .into()
    })
}

/// What a user says besides a tool's results.
fn said(format: Format) -> BoxedStrategy<Part> {
    let google = "https://generativelanguage.googleapis.com/v1beta/files/f1";
    let image = match format {
        Gemini => prop_oneof![inline("image/png"), at(google, Some("image/png"))].boxed(),
        Anthropic | OpenAi => {
            prop_oneof![inline("image/png"), at("https://example.com/a.png", None)].boxed()
        }
    };
    let detail = match format {
        OpenAi => option::of(Just("high".to_owned())).boxed(),
        Anthropic | Gemini => Just(None).boxed(),
    };
    let image = (image, detail).prop_map(|(source, detail)| {
        let media = Media::new(source);
        Content::Image(Media { detail, ..media }).into()
    });
    let name = match format {
        Gemini => Just(None).boxed(),
        Anthropic | OpenAi => option::of(word()).boxed(),
    };
    // A text is a part of the text in OpenAI's.
    let types = match format {
        OpenAi => inline("application/pdf"),
        Anthropic | Gemini => prop_oneof![inline("application/pdf"), inline("text/plain")].boxed(),
    };
    let file = (types, name).prop_map(|(source, name)| {
        let media = Media::new(source);
        Content::File(Media { name, ..media }).into()
    });
    let text = text().prop_map(Part::text);
    let audio = inline("audio/wav").prop_map(|source| Content::Audio(Media::new(source)).into());
    let known = match format {
        Anthropic => prop_oneof![text, image, file].boxed(),
        Gemini | OpenAi => prop_oneof![text, image, file, audio].boxed(),
    };
    match format {
        Gemini => known,
        Anthropic | OpenAi => prop_oneof![4 => beside(known, format), 1 => foreign(format)].boxed(),
    }
}

fn call(format: Format) -> impl Strategy<Value = Part> {
    let signed = match format {
        Anthropic => Just(false).boxed(),
        Gemini | OpenAi => any::<bool>().boxed(),
    };
    (word(), word(), 0..1000_u32, signed).prop_map(|(id, name, number, signed)| {
        let call = ToolCall {
            id: format!("call_{id}"),
            name,
            arguments: json!({"number": number}).to_string(),
        };
        Part {
            signature: signed.then(|| signature(Gemini)),
            ..Content::ToolCall(call).into()
        }
    })
}

fn thought(format: Format) -> impl Strategy<Value = Part> {
    text().prop_map(move |text| Part {
        signature: Some(signature(format)),
        ..Content::Thinking(text).into()
    })
}

/// A turn of the model, in the order that all formats can say.
fn answer(format: Format) -> impl Strategy<Value = Vec<Part>> {
    let thoughts = if format == OpenAi { 0..1 } else { 0..2_usize };
    let texts = if format == OpenAi { 1..2 } else { 1..3_usize };
    (
        vec(thought(format), thoughts),
        vec(text().prop_map(Part::text), texts),
        vec(call(format), 0..3),
    )
        .prop_map(|(thoughts, texts, calls)| {
            let mut ids = BTreeMap::new();
            let calls = calls.into_iter().enumerate().map(|(index, mut part)| {
                if let Content::ToolCall(call) = &mut part.content {
                    call.id = format!("{}_{index}", call.id);
                    ids.insert(call.id.clone(), ());
                }
                part
            });
            [thoughts, texts, calls.collect()].concat()
        })
}

/// One round: the user says something, the model answers, and its calls get their results.
fn round(format: Format) -> impl Strategy<Value = Vec<Message>> {
    let results = (text(), any::<bool>());
    (
        vec(said(format), 1..3),
        answer(format),
        vec(results, 3),
        text(),
        kept(format),
    )
        .prop_map(move |(said, answer, results, next, kept)| {
            let calls = answer.iter().filter_map(|part| match &part.content {
                Content::ToolCall(call) => Some(call.id.clone()),
                _ => None,
            });
            let results = calls.zip(results).map(|(id, (text, failed))| {
                let result = ToolResult {
                    id,
                    parts: vec![Part::text(text)],
                    is_error: failed && format != OpenAi,
                };
                Part::from(Content::ToolResult(result))
            });
            let mut results: Vec<_> = results.collect();
            let any = !results.is_empty();
            let user = |parts| Message::new(Role::User, parts);
            let mut messages = vec![
                Message { kept, ..user(said) },
                Message::new(Role::Assistant, answer),
            ];
            // OpenAI's format has results apart from what the user says; the others have them
            // together, and a turn of the model must follow.
            if any && format == OpenAi {
                messages.push(user(results));
                messages.push(user(vec![Part::text(next)]));
            } else if any {
                results.push(Part::text(next));
                messages.push(user(results));
            }
            if any {
                messages.push(Message::new(Role::Assistant, vec![Part::text("done")]));
            }
            messages
        })
}

fn schema() -> impl Strategy<Value = Value> {
    word().prop_map(|name| json!({"type": "object", "properties": {name: {"type": "string"}}}))
}

fn tool(format: Format) -> impl Strategy<Value = Tool> {
    let strict = match format {
        Gemini => Just(None).boxed(),
        Anthropic | OpenAi => any::<Option<bool>>().boxed(),
    };
    (word(), option::of(text()), schema(), strict, kept(format)).prop_map(
        |(name, description, schema, strict, kept)| Tool {
            name,
            description,
            schema: Some(schema),
            strict,
            kept,
        },
    )
}

fn choice() -> impl Strategy<Value = ToolChoice> {
    prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Any),
        word().prop_map(ToolChoice::Named),
    ]
}

fn sampling(format: Format) -> impl Strategy<Value = Sampling> {
    let fraction = || option::of((0..=4_u8).prop_map(|quarters| f64::from(quarters) / 4.0));
    let counts = (option::of(1..100_u32), option::of(-5..100_i64));
    (fraction(), fraction(), counts, fraction(), fraction()).prop_map(
        move |(temperature, top_p, (top_k, seed), frequency, presence)| Sampling {
            temperature,
            top_p,
            top_k,
            seed: seed.filter(|_| format != Anthropic),
            frequency_penalty: frequency.filter(|_| format != Anthropic),
            presence_penalty: presence.filter(|_| format != Anthropic),
        },
    )
}

fn output(format: Format) -> impl Strategy<Value = OutputShape> {
    let named = format == OpenAi;
    let by_schema = (word(), option::of(text()), schema(), any::<Option<bool>>()).prop_map(
        move |(name, description, schema, strict)| OutputShape::JsonSchema {
            name: named.then_some(name),
            description: description.filter(|_| named),
            schema,
            strict: match format {
                // It knows no other.
                Anthropic => Some(true),
                _ => strict.filter(|_| named),
            },
        },
    );
    match format {
        Anthropic => by_schema.boxed(),
        Gemini | OpenAi => prop_oneof![by_schema, Just(OutputShape::JsonObject)].boxed(),
    }
}

fn reasoning(format: Format) -> BoxedStrategy<Reasoning> {
    let none = Just(Reasoning::default());
    let effort = |words: Vec<Effort>| {
        select(words).prop_map(|effort| Reasoning {
            effort: Some(effort),
            ..Reasoning::default()
        })
    };
    let budget = (2000..4000_u32).prop_map(ThinkingBudget::Tokens);
    let budget = prop_oneof![
        budget,
        Just(ThinkingBudget::Adaptive),
        Just(ThinkingBudget::Off)
    ];
    match format {
        OpenAi => prop_oneof![none, effort(vec![Effort::None, Effort::Low, Effort::XHigh])].boxed(),
        Gemini => {
            let budget = (budget, any::<Option<bool>>()).prop_map(|(budget, shown)| Reasoning {
                budget: Some(budget),
                shown,
                effort: None,
            });
            prop_oneof![none, effort(vec![Effort::Minimal, Effort::High]), budget].boxed()
        }
        Anthropic => {
            let efforts = option::of(select(vec![Effort::Low, Effort::High, Effort::Max]));
            (budget, efforts)
                .prop_map(|(budget, effort)| Reasoning {
                    budget: Some(budget),
                    shown: (budget != ThinkingBudget::Off).then_some(true),
                    effort: effort.filter(|_| budget == ThinkingBudget::Adaptive),
                })
                .boxed()
        }
    }
}

fn conversation(format: Format) -> BoxedStrategy<Conversation> {
    let about = (
        vec(text(), 0..3),
        vec(text(), 0..3),
        option::of(word()),
        option::of((word(), 0..9_u8)),
        sampling(format),
        option::of(output(format)),
    );
    let tools = (
        vec(tool(format), 0..3),
        option::of(choice()),
        any::<Option<bool>>(),
        any::<bool>(),
        reasoning(format),
    );
    (vec(round(format), 1..3), about, tools)
        .prop_map(move |(rounds, about, tools)| {
            let (system, stop, user, rest, sampling, output) = about;
            let (tools, tool_choice, parallel, thinks, reasoning) = tools;
            let chosen = tool_choice.filter(|_| !tools.is_empty());
            let says_parallel = match format {
                Anthropic => !matches!(chosen, None | Some(ToolChoice::None)),
                Gemini => false,
                OpenAi => !tools.is_empty(),
            };
            let rest = rest.and_then(|(name, value)| {
                let fields = [(format!("zz_{name}"), json!(value))].into_iter().collect();
                Rest::new(format, fields, Default::default(), Vec::new())
            });
            // With `top_k` it is known whom the client speaks to.
            let known = (format == OpenAi && sampling.top_k.is_some()).then_some(format);
            let rest = rest.or(known.map(Rest::nothing));
            let mut conversation = Conversation {
                system: system.into_iter().map(Arc::from).collect(),
                messages: rounds.concat(),
                tools,
                tool_choice: chosen,
                parallel_tool_calls: parallel.filter(|_| says_parallel),
                output,
                stop,
                sampling,
                reasoning,
                user: user.filter(|_| format != Gemini),
                rest,
            };
            if format == Anthropic {
                settle(&mut conversation, thinks);
                offer_what_was_called(&mut conversation);
            }
            conversation
        })
        .boxed()
}

/// Anthropic's models that think take neither a temperature nor a forced tool, nor a turn that called
/// tools without thinking.
fn settle(conversation: &mut Conversation, thinks: bool) {
    if !thinks {
        conversation.reasoning = Reasoning::default();
        return;
    }
    conversation.sampling.temperature = None;
    conversation.sampling.top_k = None;
    if !matches!(conversation.tool_choice, Some(ToolChoice::Auto)) {
        conversation.tool_choice = None;
        conversation.parallel_tool_calls = None;
    }
    let assistant = |said: &&mut Message| said.role == Role::Assistant;
    if let Some(last) = conversation.messages.iter_mut().rfind(assistant) {
        last.parts = vec![Part::text("done")];
    }
    // Their results would be nobody's.
    let is_result = |part: &Part| matches!(part.content, Content::ToolResult(_));
    let mut calls = Vec::new();
    for said in &mut conversation.messages {
        said.parts.retain(|part| match &part.content {
            Content::ToolResult(result) => calls.contains(&result.id),
            _ => true,
        });
        calls.extend(said.parts.iter().filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call.id.clone()),
            _ => None,
        }));
        debug_assert!(said.parts.iter().any(is_result) || !said.parts.is_empty());
    }
}

/// Nor do they take calls in a conversation that offers no tools.
fn offer_what_was_called(conversation: &mut Conversation) {
    let parts = conversation.messages.iter().flat_map(|said| &said.parts);
    let called = parts.filter_map(|part| match &part.content {
        Content::ToolCall(call) => Some(call.name.clone()),
        _ => None,
    });
    let called = called.map(|name| Tool {
        name,
        description: None,
        schema: Some(json!({"type": "object"})),
        strict: None,
        kept: None,
    });
    if conversation.tools.is_empty() {
        conversation.tools = called.collect();
    }
}

fn asking(conversation: Conversation) -> CompletionRequest {
    CompletionRequest {
        count: false,
        conversation: Arc::new(conversation),
        max_tokens: Some(5000),
        ceiling: u32::MAX,
        stream: false,
        raw: None,
    }
}

fn written(format: Format, request: &CompletionRequest) -> Bytes {
    let encoded = wire(format.word()).encode(request, model(format), &without(&[]));
    let encoded = encoded.expect("a request");
    assert_eq!(encoded.dropped, [""; 0], "nothing is lost");
    encoded.body.expect("a body").into()
}

fn read(format: Format, body: &Bytes) -> CompletionRequest {
    let request = match format {
        Anthropic => anthropic::read_request(body).expect("a request").request,
        OpenAi => openai::read_request(body).expect("a request").request,
        Gemini => gemini_client::read_request(body),
    };
    CompletionRequest {
        raw: None,
        ..request
    }
}

fn completion(format: Format) -> impl Strategy<Value = Completion> {
    let usage = (
        0..1000_u64,
        0..1000_u64,
        option::of(1..1000_u64),
        option::of(1..1000_u64),
    );
    let finish = select(vec![FinishReason::Stop, FinishReason::Length]);
    let stop = option::of(word());
    (answer(format), usage, finish, stop).prop_map(
        move |(mut parts, (input, output, cached, thought), finish, stop)| {
            // Two texts in a row are one in a stream, with nothing between them.
            parts.dedup_by(
                |later, earlier| match (&mut earlier.content, &later.content) {
                    (Content::Text(text), Content::Text(more)) => {
                        text.push_str(more);
                        true
                    }
                    _ => false,
                },
            );
            let calls = parts
                .iter()
                .any(|part| matches!(part.content, Content::ToolCall(_)));
            let finish = if calls {
                FinishReason::ToolCalls
            } else {
                finish
            };
            let thought = thought.filter(|_| format != Anthropic);
            Completion {
                parts,
                model: Some("a-model".to_owned()),
                usage: Usage {
                    input_tokens: input + cached.unwrap_or(0),
                    output_tokens: output + thought.unwrap_or(0),
                    cached_input_tokens: cached,
                    reasoning_tokens: thought,
                    cost_usd: None,
                },
                finish,
                stop_sequence: stop.filter(|_| format == Anthropic && finish == FinishReason::Stop),
                raw: None,
            }
        },
    )
}

fn envelope() -> Envelope {
    Envelope {
        id: "an-id".to_owned(),
        model: "a-model".to_owned(),
        created: 1_795_341_600,
    }
}

proptest! {
    #[test]
    fn a_request_is_the_same_in_each_format(
        (format, conversation) in format().prop_flat_map(|format| (Just(format), conversation(format))),
    ) {
        let request = asking(conversation);
        let body = written(format, &request);
        let again = read(format, &body);
        prop_assert_eq!(&again, &request);
        prop_assert_eq!(written(format, &again), body);
    }

    #[test]
    fn an_answer_is_the_same_in_each_format(
        (format, completion) in format().prop_flat_map(|format| (Just(format), completion(format))),
    ) {
        let body = match format {
            Anthropic => anthropic::write_answer(&completion, &envelope()),
            OpenAi => openai::write_answer(&completion, &envelope()),
            Gemini => gemini_client::write_answer(&completion).to_string().into_bytes(),
        };
        let read = super::read(format.word(), &body).expect("an answer");
        prop_assert_eq!(read, completion);
    }

    #[test]
    fn a_stream_is_the_same_in_each_format_however_it_is_cut(
        (format, completion) in format().prop_flat_map(|format| (Just(format), completion(format))),
        cuts in vec(any::<prop::sample::Index>(), 0..SPLITS),
    ) {
        let mut stream = Vec::new();
        let events = completion.clone().into_events();
        match format {
            Anthropic => {
                let mut writer = anthropic::StreamWriter::new(envelope());
                events.iter().for_each(|event| writer.event(event, &mut stream));
            }
            OpenAi => {
                let mut writer = openai::StreamWriter::new(envelope(), true);
                events.iter().for_each(|event| writer.event(event, &mut stream));
            }
            Gemini => stream = gemini_client::write_stream(&completion),
        }
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let events = split(format.word(), &stream, &cuts).expect("a whole stream");
        prop_assert_eq!(gathered(events), completion);
    }
}
