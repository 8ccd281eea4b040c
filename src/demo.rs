//! `hub demo`: the same hub, with a bundled vendor on loopback. No key, no network.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use clap::Args;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    cli::{complain, fail},
    environment::Overrides,
    exit,
    house::House,
    identity::{Admission, Identities, Store},
    logs::LogOptions,
    seal::{self, Variables},
    settings::{Auth, Settings},
    start::{self, DEFAULT_PORT},
    state_file::Places,
    summary,
    vault::Vault,
};

/// The demo's configuration; `{port}` stands for the bundled vendor's.
const CONFIGURATION: &str = include_str!("demo.pyfun");

/// Where the demo listens.
#[derive(Args)]
pub struct DemoArgs {
    /// The port to listen on; a free one if it is taken [default: PORT, else 7860]
    #[arg(long)]
    port: Option<u16>,
}

/// Serves the demo. Like the real one it executes itself with a clean environment first: the keys
/// that a newcomer has there are none of its business.
pub fn run(arguments: &DemoArgs) -> u8 {
    match seal::handed_over() {
        Ok(Some(variables)) => sealed(arguments, &variables),
        Ok(None) => {
            let port = std::env::var("PORT").ok();
            let port = port.map(|port| ("PORT".to_owned(), Zeroizing::new(port)));
            fail(
                exit::INTERNAL,
                &seal::reexec(&port.into_iter().collect(), None),
            )
        }
        Err(error) => fail(exit::INTERNAL, &error),
    }
}

fn sealed(arguments: &DemoArgs, variables: &Variables) -> u8 {
    let asked = variables
        .get("PORT")
        .and_then(|port| port.trim().parse().ok());
    let asked = arguments.port.or(asked).unwrap_or(DEFAULT_PORT);
    let logs = LogOptions {
        level: Some("warn".to_owned()),
        ..LogOptions::default()
    };
    let (_logging, _) = logs.start();
    let vendor = match vendor() {
        Ok(address) => address,
        Err(error) => {
            complain(format!(
                "the bundled vendor does not start ({})",
                error.kind()
            ));
            return exit::INTERNAL;
        }
    };
    let text = CONFIGURATION.replace("{port}", &vendor.port().to_string());
    let settings = match Settings::load("demo.pyfun", Some(text.as_bytes()), &Overrides::new()) {
        Ok((settings, _)) => settings,
        Err(problems) => {
            summary::problems(&problems);
            return exit::INTERNAL;
        }
    };
    let names = ["DEMO_KEY".to_owned()];
    let mut key = [("DEMO_KEY".to_owned(), Zeroizing::new("demo".to_owned()))].into();
    let vault = Vault::take(&mut key, &names);
    // A taken port must not spoil a first minute.
    let port = match TcpListener::bind((Ipv4Addr::LOCALHOST, asked)) {
        Ok(_) => asked,
        Err(_) => 0,
    };
    let announce = |listener: &TcpListener, _: &House| {
        let guide = summary::address(listener).map(guide);
        Ok(guide.unwrap_or_else(|| String::from("the demo has no address")))
    };
    // In memory: a first minute leaves no file behind.
    let store = match Store::in_memory() {
        Ok(store) => store,
        Err(error) => return fail(exit::INTERNAL, &error),
    };
    let admission = Admission {
        auth: Auth::Open,
        loopback: true,
        from_outside: None,
    };
    let place = start::Premises {
        host: "127.0.0.1",
        places: Places::memory(),
        identities: Identities::new(store, admission),
        audit: None,
        stdio_key: None,
    };
    start::open_with(&settings, &vault, place, port, None, announce)
}

/// What a newcomer reads first.
fn guide(hub: SocketAddr) -> String {
    format!(
        r#"The demo hub is listening on http://{hub}. Its vendors are bundled: no key, no network.
Try these, in another terminal:

  # 1. Ask. anthropic is overloaded in this demo, so gemini answers; `meta.attempts` shows it.
  curl -s http://{hub}/api -H 'Content-Type: application/json' -d '{{"tool":"llm_complete","params":{{"prompt":"Why is the sky blue?"}}}}'

  # 2. Ask one provider by name.
  curl -s http://{hub}/api -H 'Content-Type: application/json' -d '{{"tool":"llm_complete","params":{{"prompt":"Hello","provider":"openrouter"}}}}'

  # 3. See who runs, and how often each was restarted.
  curl -s http://{hub}/api -H 'Content-Type: application/json' -d '{{"tool":"health_check","params":{{}}}}'

  # 4. The same tools for an MCP client (Cursor, VS Code, Claude, ..): http://{hub}/mcp

Stop it with Ctrl-C. Then: put a key into .env, look at hub.pyfun, and run `hub`."#
    )
}

/// Starts the vendor on a thread of its own.
fn vendor() -> io::Result<SocketAddr> {
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
    let mut response = HttpResponse::build(
        actix_web::http::StatusCode::from_u16(529)
            .unwrap_or(actix_web::http::StatusCode::SERVICE_UNAVAILABLE),
    );
    response.json(json!({
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_demo"
    }))
}

/// Gemini generateContent, and batchEmbedContents.
async fn gemini(call: web::Path<String>, request: web::Json<Value>) -> HttpResponse {
    if call.ends_with(":batchEmbedContents") {
        let requests = request.get("requests").and_then(Value::as_array);
        let text = |request: &Value| {
            let text = request.pointer("/content/parts/0/text");
            vector(text.and_then(Value::as_str).unwrap_or_default())
        };
        let vectors: Vec<_> = requests.into_iter().flatten().map(text).collect();
        let values = vectors.iter().map(|vector| json!({"values": vector}));
        return HttpResponse::Ok().json(json!({"embeddings": values.collect::<Vec<_>>()}));
    }
    let prompt = request
        .pointer("/contents/0/parts/0/text")
        .and_then(Value::as_str);
    let text = answer("gemini", prompt.unwrap_or_default());
    HttpResponse::Ok().json(json!({
        "candidates": [{
            "content": {"role": "model", "parts": [{"text": text}]},
            "finishReason": "STOP",
            "index": 0
        }],
        "usageMetadata": {
            "promptTokenCount": tokens(prompt.unwrap_or_default()),
            "candidatesTokenCount": tokens(&text)
        },
        "modelVersion": "gemini-3.5-flash-lite"
    }))
}

/// OpenAI chat completions, as OpenRouter speaks them.
async fn openrouter(request: web::Json<Value>) -> HttpResponse {
    let messages = request.get("messages").and_then(Value::as_array);
    let last = messages.and_then(|messages| messages.last());
    let prompt = last
        .and_then(|message| message.get("content"))
        .and_then(Value::as_str);
    let text = answer("openrouter", prompt.unwrap_or_default());
    HttpResponse::Ok().json(json!({
        "id": "gen-demo",
        "object": "chat.completion",
        "model": "openai/gpt-oss-120b",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop"
        }],
        "usage": {
            "prompt_tokens": tokens(prompt.unwrap_or_default()),
            "completion_tokens": tokens(&text)
        }
    }))
}

fn answer(provider: &str, prompt: &str) -> String {
    format!(
        "This is the demo's {provider}, on your own machine. You said: \"{prompt}\". With a key in \
         .env, a model answers here."
    )
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
