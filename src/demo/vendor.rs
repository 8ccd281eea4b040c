//! The demo's vendor: three formats on a port of this machine. It repeats what it is told.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, http::StatusCode, web};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{cli::fail, exit};

/// How long a word takes, so that a stream can be seen.
const WORD: Duration = Duration::from_millis(40);

/// Starts it on a thread of its own.
///
/// # Errors
/// If there is no port or no thread.
pub fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::Builder::new()
        .name("demo vendor".to_owned())
        .spawn(move || {
            let served = actix::System::new().block_on(async {
                HttpServer::new(|| App::new().configure(routes))
                    .workers(1)
                    .disable_signals()
                    .listen(listener)?
                    .run()
                    .await
            });
            if let Err(error) = served {
                fail(exit::INTERNAL, &error);
            }
        })?;
    Ok(address)
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/anthropic/v1/messages", web::post().to(overloaded))
        .route("/gemini/v1beta/models/{call}", web::post().to(gemini))
        .route(
            "/openrouter/api/v1/chat/completions",
            web::post().to(openrouter),
        );
}

/// Anthropic Messages: always overloaded.
async fn overloaded() -> HttpResponse {
    let status = StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    HttpResponse::build(status).json(json!({
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_demo"
    }))
}

/// Gemini: `{model}:{method}`.
async fn gemini(call: web::Path<String>, request: web::Json<Value>) -> HttpResponse {
    // What is only to be counted is wrapped.
    let asked = request.get("generateContentRequest").unwrap_or(&request);
    let prompt = last(asked, "/contents", "/parts/0/text");
    let answer = |text: &str, ended: bool| {
        let finish = ended.then_some("STOP");
        json!({
            "candidates": [{
                "content": {"role": "model", "parts": [{"text": text}]},
                "finishReason": finish,
                "index": 0
            }],
            "usageMetadata": {
                "promptTokenCount": tokens(prompt),
                "candidatesTokenCount": tokens(text)
            },
            "modelVersion": "gemini-3.5-flash-lite"
        })
    };
    let text = echo("gemini", prompt);
    match call.rsplit_once(':').map(|(_, method)| method) {
        Some("generateContent") => HttpResponse::Ok().json(answer(&text, true)),
        Some("streamGenerateContent") => {
            let mut events: Vec<_> = words(&text).map(|word| answer(word, false)).collect();
            // What was used is counted at the end.
            let mut end = answer("", true);
            end["usageMetadata"]["candidatesTokenCount"] = tokens(&text).into();
            events.push(end);
            events_of(events, "")
        }
        Some("countTokens") => HttpResponse::Ok().json(json!({"totalTokens": tokens(prompt)})),
        Some("batchEmbedContents") => HttpResponse::Ok().json(vectors(&request)),
        _ => HttpResponse::NotFound().finish(),
    }
}

/// OpenAI chat completions, as OpenRouter speaks them.
async fn openrouter(request: web::Json<Value>) -> HttpResponse {
    let prompt = last(&request, "/messages", "/content");
    let text = echo("openrouter", prompt);
    let answer = |kind: &str, choice: Value| {
        json!({
            "id": "gen-demo",
            "object": kind,
            "created": 0,
            "model": "openai/gpt-oss-120b",
            "choices": [choice]
        })
    };
    let usage = json!({
        "prompt_tokens": tokens(prompt),
        "completion_tokens": tokens(&text),
        "total_tokens": tokens(prompt) + tokens(&text)
    });
    if request["stream"] != true {
        let message = json!({"role": "assistant", "content": text});
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        let mut whole = answer("chat.completion", choice);
        whole["usage"] = usage;
        return HttpResponse::Ok().json(whole);
    }
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        answer("chat.completion.chunk", choice)
    };
    let mut chunks: Vec<_> = words(&text)
        .map(|word| chunk(json!({"role": "assistant", "content": word}), Value::Null))
        .collect();
    let mut end = chunk(json!({}), "stop".into());
    end["usage"] = usage;
    chunks.push(end);
    events_of(chunks, "data: [DONE]\n\n")
}

/// Server-sent events, one after the other.
fn events_of(events: Vec<Value>, end: &'static str) -> HttpResponse {
    let events = events.into_iter().map(|event| format!("data: {event}\n\n"));
    let events: Vec<_> = events.chain([end.to_owned()]).collect();
    let paced = stream::iter(events).then(|event| async {
        sleep(WORD).await;
        Ok::<_, Infallible>(event.into())
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(paced)
}

/// The text that was said last.
fn last<'a>(request: &'a Value, list: &str, text: &str) -> &'a str {
    let said = request.pointer(list).and_then(Value::as_array);
    let last = said.and_then(|said| said.last()?.pointer(text)?.as_str());
    last.unwrap_or_default()
}

fn echo(provider: &str, prompt: &str) -> String {
    format!(
        "This is the demo's {provider}, on your own machine. You said: \"{prompt}\". With a key in \
         .env, a model answers here."
    )
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// A vector for each text.
fn vectors(request: &Value) -> Value {
    let requests = request.get("requests").and_then(Value::as_array);
    let texts = requests
        .into_iter()
        .flatten()
        .map(|request| request.pointer("/content/parts/0/text"));
    let vectors = texts.map(|text| {
        let text = text.and_then(Value::as_str).unwrap_or_default();
        json!({"values": vector(text)})
    });
    json!({"embeddings": vectors.collect::<Vec<_>>()})
}

/// A vector of length 1 that says which letters are in a text: what is alike looks alike.
fn vector(text: &str) -> [f64; 26] {
    let mut vector = [0.0; 26];
    let letters = text.bytes().map(|byte| byte.to_ascii_lowercase());
    for letter in letters.filter(u8::is_ascii_lowercase) {
        if let Some(number) = vector.get_mut(usize::from(letter - b'a')) {
            *number += 1.0;
        }
    }
    let length = vector
        .iter()
        .map(|number| number * number)
        .sum::<f64>()
        .sqrt();
    vector.map(|number| number / length.max(1.0))
}

/// A rough count: four bytes are about a token.
fn tokens(text: &str) -> usize {
    text.len().div_ceil(4)
}
