//! `hub call`: one call to a running hub, from the shell.

use std::{
    io::{self, Read},
    time::Duration,
};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::{
    cli::{Files, complain, fail, say},
    environment::Environment,
    exit,
    local::Local,
    upstreams,
};

/// A hub answers within 55 s, or says that it could not.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to call.
#[derive(Args)]
pub struct CallArgs {
    /// The tool, as `hub call list_active_tools` names them
    tool: String,
    /// The text to work on; `-` reads it from standard input
    #[arg(long, short)]
    prompt: Option<String>,
    /// Which provider to ask first
    #[arg(long)]
    provider: Option<String>,
    /// Which model to ask for
    #[arg(long)]
    model: Option<String>,
    /// Any other parameter; a value that is JSON is sent as such
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Where the hub is [default: this machine, the port of PORT or hub.pyfun]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Print the whole reply, not the answer alone
    #[arg(long)]
    json: bool,
}

/// Calls, prints, and returns the exit code.
pub fn run(files: &Files, arguments: &CallArgs) -> u8 {
    let environment = match Environment::read(files.env_file.as_deref()) {
        Ok((environment, _)) => environment,
        Err(error) => return fail(exit::CONFIG, &error),
    };
    let params = match params(arguments) {
        Ok(params) => params,
        Err(sentence) => {
            complain(sentence);
            return exit::USAGE;
        }
    };
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => Local::new(files, &environment).url,
    };
    if !url.starts_with("http://") && !url.starts_with("https://") {
        complain(format!("`{url}` is no URL; write http://{url}"));
        return exit::USAGE;
    }
    let url = url.trim_end_matches('/');
    let request = json!({"tool": arguments.tool, "params": params});
    let key = environment.plain("HUB_API_KEY");
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(exit::INTERNAL, &error),
    };
    match runtime.block_on(post(url, key, &request)) {
        Ok(reply) => print(&reply, arguments.json),
        Err(sentence) => {
            complain(sentence);
            exit::UNAVAILABLE
        }
    }
}

fn params(arguments: &CallArgs) -> Result<Map<String, Value>, String> {
    let mut params = Map::new();
    let named = [
        ("provider", &arguments.provider),
        ("model", &arguments.model),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            params.insert(name.to_owned(), value.as_str().into());
        }
    }
    match arguments.prompt.as_deref() {
        Some("-") => {
            let mut prompt = String::new();
            io::stdin()
                .read_to_string(&mut prompt)
                .map_err(|error| format!("standard input cannot be read ({})", error.kind()))?;
            params.insert("prompt".to_owned(), prompt.into());
        }
        Some(prompt) => {
            params.insert("prompt".to_owned(), prompt.into());
        }
        None => {}
    }
    for param in &arguments.params {
        let Some((name, value)) = param.split_once('=') else {
            return Err(format!("`--param {param}` is not NAME=VALUE"));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        params.insert(name.to_owned(), value);
    }
    Ok(params)
}

async fn post(url: &str, key: Option<&str>, request: &Value) -> Result<Value, String> {
    let unreachable = || format!("no hub answers at {url}; start one with `hub`, or say --url");
    let client = upstreams::plain_client(PATIENCE, url.starts_with("https:"))
        .map_err(|error| error.to_string())?;
    let mut post = client
        .post(format!("{url}/api"))
        .header("content-type", "application/json")
        .body(request.to_string());
    if let Some(key) = key {
        post = post.bearer_auth(key);
    }
    let body = match post.send().await {
        Ok(response) => response.bytes().await,
        Err(error) if error.is_timeout() => {
            return Err(format!(
                "the hub at {url} did not answer within {} s",
                PATIENCE.as_secs()
            ));
        }
        Err(_) => return Err(unreachable()),
    };
    let body = body.map_err(|_| format!("the hub at {url} hung up in the middle of its answer"))?;
    serde_json::from_slice(&body).map_err(|_| format!("what answers at {url} is not a hub"))
}

fn print(reply: &Value, whole: bool) -> u8 {
    let result = reply.get("result");
    if whole {
        say(format!("{reply:#}"));
    } else {
        match (result, reply.get("error")) {
            (Some(Value::String(text)), _) => say(text),
            (Some(result), _) => say(format!("{result:#}")),
            (None, Some(Value::String(error))) => complain(error),
            (None, _) => complain("what answers there is not a hub: no result, no error"),
        }
    }
    if result.is_some() {
        exit::OK
    } else {
        exit::FAILED
    }
}
