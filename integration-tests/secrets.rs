//! No secret leaves the hub, whatever a vendor does with it: not in an answer, not in a log, not
//! in a file, not in the process's environment.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    Canaries, FakeUpstream, Fault, Hub, Pyfun,
    chat::{DOORS, Door},
    http,
    hub::HubBuilder,
    pyfun::Provider,
    secret_of,
    upstream::ClosedPort,
};
use crate::users::{Browser, command};

/// The usual chain without fallbacks, so that each answer is one vendor's fault.
pub(crate) fn separate(upstream: &FakeUpstream) -> Pyfun {
    let base = &upstream.url();
    let alone = |provider: Provider| provider.fallback_to("");
    Pyfun::chain([
        alone(Provider::anthropic(base)),
        alone(Provider::gemini(base)).key("embedding_models", "gemini-embed-1"),
        alone(Provider::openrouter(base))
            .key("extra_headers", "X-IP-Token: $KEY")
            .key("embedding_models", "open-embed-1"),
    ])
}

/// A hub whose every secret is a canary, and which says as much as it can.
pub(crate) fn canary_hub(canaries: &mut Canaries) -> HubBuilder {
    let mut hub = Hub::builder()
        .env("LOG_LEVEL", "trace")
        .env("RUST_BACKTRACE", "full");
    for name in [
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "OPENROUTER_API_KEY",
        "MASTER_ENCRYPTION_KEY",
        "PERSISTENT_ENCRYPTION_SALT",
        "HUB_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        hub = hub.env(name, canaries.hatch(name));
    }
    // As a URL has it; the driver has it as it is.
    let password: String = canaries
        .hatch("DATABASE_URL")
        .bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    hub.env(
        "DATABASE_URL",
        format!("postgres://hub:{password}@127.0.0.1:9/hub"),
    )
}

fn faults(elsewhere: &FakeUpstream) -> Vec<Fault> {
    let echoes = [200, 400, 401, 403, 404, 413, 429, 500, 503, 529].map(Fault::Echo);
    let page = b"<html><body>Internal error</body></html>".to_vec();
    let mut faults = vec![
        Fault::Answer("hello"),
        Fault::Status(500),
        Fault::RetryAfter(429, 60),
        Fault::Quota,
        Fault::Json(200, json!([1])),
        Fault::Json(200, Value::Null),
        Fault::Body(200, "application/json", "[".repeat(10_000).into_bytes()),
        Fault::Body(200, "application/json", b"{\"a\": \"\xff\"}".to_vec()),
        Fault::Body(502, "text/html", page),
        Fault::ContentType("image/png"),
        Fault::ErrorInside200,
        Fault::Redirect(elsewhere.url()),
        Fault::ResetBeforeAnswer,
        Fault::ResetInBody,
        Fault::TruncatedJson,
        Fault::SlowHead,
        Fault::SlowBody,
        Fault::Hang,
        Fault::HugeBody,
        Fault::GzipBomb,
    ];
    faults.extend(echoes);
    faults
}

#[tokio::test]
async fn no_fault_brings_a_secret_to_light() {
    let (upstream, thief) = (FakeUpstream::start().await, FakeUpstream::start().await);
    let mut canaries = Canaries::default();
    let pyfun = separate(&upstream)
        .timeout_sec(1)
        .limit("RETRY_COUNT", "1")
        .and("[DEBUG]\nDEBUG = \"on\"\nDEBUG_LEVEL = \"DEBUG\"\nLOG_FILE = \"hub.log\"\n")
        .and("LOG_REQUESTS = \"true\"\n[DEBUG_END]\n")
        .and(
            "[DB_SYNC]\nSQLITE_PATH = \"state.db\"\nMAX_CACHE_ENTRIES = \"1000\"\n[DB_SYNC_END]\n",
        );
    let hub = canary_hub(&mut canaries).pyfun(&pyfun).data();
    let mut hub = hub.start().await;
    let key = hub.add_key("canary", &[]).await;
    canaries.watch("an API key", secret_of(&key));

    // One with the key from outside, one with a key that the hub has made, one with none that is one.
    let ask = async |provider| hub.prompt_at(provider, "hello").await;
    let with_key = async |key: &str| {
        let params = json!({"prompt": "hello", "provider": "anthropic"});
        hub.call_with(key, "llm_complete", params).await
    };
    for fault in faults(&thief) {
        upstream.always(&fault);
        let (one, two, three) = tokio::join!(ask("anthropic"), ask("gemini"), ask("openrouter"));
        let wrong = format!("{key}x");
        let (four, five) = tokio::join!(with_key(&key), with_key(&wrong));
        assert_eq!(five.status, 401, "{five}");
        for reply in [one, two, three, four, five] {
            canaries.assert_absent(
                &format!("an answer to {fault:?}"),
                reply.to_string().as_bytes(),
            );
        }
    }
    let everything = hub.key.take();
    log_in(&hub, &mut canaries).await;
    hub.key = everything;
    // Neither the database nor an envelope's key is to be seen by what fails for their want.
    for (path, body) in [
        (
            "/api",
            json!({"tool": "persist_result", "params": {"data": {"a": 1}}}),
        ),
        (
            "/crypto",
            json!({"v": 1, "kid": "k", "nonce": "n", "data": "d"}),
        ),
    ] {
        let headers = [("Content-Type", "application/json")];
        let body = body.to_string();
        let reply = hub
            .raw(&http::request("POST", path, &headers, body.as_bytes()))
            .await;
        canaries.assert_absent(path, reply.to_string().as_bytes());
    }
    for tool in ["list_active_tools", "health_check"] {
        let reply = hub.call(tool, json!({})).await;
        canaries.assert_absent(tool, reply.assert_ok().to_string().as_bytes());
    }
    for table in ["hub_state", "tool_cache"] {
        let params = json!({"sql": format!("SELECT * FROM {table}")});
        let reply = hub.call("db_query", params).await;
        canaries.assert_absent(table, reply.assert_ok().to_string().as_bytes());
    }
    for path in ["/", "/healthz", "/readyz", "/metrics", "/nothing"] {
        canaries.assert_absent(path, hub.get(path).await.to_string().as_bytes());
    }
    for command in [&["key", "list", "--json"][..], &["audit", "--json"]] {
        let finished = hub.command(command).await;
        canaries.assert_absent(command[0], finished.assert_exit(0).output().as_bytes());
    }
    for (place, bytes) in hub.traces() {
        canaries.assert_absent(&place, &bytes);
    }
    // The keys did travel, in headers alone; otherwise this test would see nothing.
    for exchange in upstream.seen() {
        let headers = exchange.head();
        assert_eq!(canaries.found_in(headers.as_bytes()).len(), 1, "{headers}");
        canaries.assert_absent("a URL", exchange.message.start.as_bytes());
        canaries.assert_absent("a request's body", &exchange.message.body);
    }
    assert_eq!(thief.seen().len(), 0, "nobody follows a redirect");
}

/// A person logs in and out, and types what they should not.
async fn log_in(hub: &Hub, canaries: &mut Canaries) {
    let password = canaries.hatch("a password");
    let added = command(
        hub.process.folder.path(),
        &["user", "add", "ada", "--admin"],
        &password,
    )
    .await;
    assert_eq!(added, (0, "added ada\n".to_owned()));
    let (wrong, typed) = (
        canaries.hatch("a wrong password"),
        canaries.hatch("a password in the place of a name"),
    );
    let mut ada = Browser::new(hub);
    let refused = [
        ada.login("ada", &wrong).await,
        ada.login(&typed, &wrong).await,
    ];
    for reply in refused {
        assert_eq!(reply.status, 401, "{reply}");
        canaries.assert_absent("a refused login", reply.to_string().as_bytes());
    }
    let entered = ada.login("ada", &password).await;
    entered.assert_ok();
    canaries.assert_absent("a login", entered.to_string().as_bytes());
    let cookie = ada.cookie.clone().unwrap();
    canaries.watch(
        "a session's id",
        cookie.strip_prefix("hub_session=").unwrap(),
    );
    let call = json!({"tool": "health_check", "params": {}});
    for reply in [
        ada.me().await,
        ada.send("POST", "/api", &call).await,
        ada.send("POST", "/auth/logout", &Value::Null).await,
    ] {
        reply.assert_ok();
        canaries.assert_absent("an answer in a session", reply.to_string().as_bytes());
    }
    let ended = ada.me().await;
    assert_eq!(ended.status, 401, "{ended}");
    canaries.assert_absent("an answer after it", ended.to_string().as_bytes());
}

#[tokio::test]
async fn no_fault_brings_a_secret_to_light_at_the_doors_of_sdks() {
    let (upstream, thief) = (FakeUpstream::start().await, FakeUpstream::start().await);
    let mut canaries = Canaries::default();
    let pyfun = separate(&upstream)
        .limit("REQUEST_TIMEOUT_SEC", "1")
        .and("[DEBUG]\nDEBUG = \"on\"\nDEBUG_LEVEL = \"DEBUG\"\nLOG_FILE = \"hub.log\"\n")
        .and("LOG_REQUESTS = \"true\"\n[DEBUG_END]\n")
        .and(
            "[DB_SYNC]\nSQLITE_PATH = \"state.db\"\nMAX_CACHE_ENTRIES = \"1000\"\n[DB_SYNC_END]\n",
        );
    let hub = canary_hub(&mut canaries).pyfun(&pyfun).start().await;
    let ask = async |door: Door, body: Value| {
        let mut headers = door.headers();
        headers.retain(|(name, _)| *name != "Authorization" && *name != "x-api-key");
        headers.push(("Connection", "close"));
        let text = body.to_string();
        let bytes = http::request("POST", door.path(), &headers, text.as_bytes());
        hub.until_closed(&bytes).await
    };
    for fault in faults(&thief) {
        upstream.always(&fault);
        for model in ["claude-fast-1", "gemini-fast-1", "acme/open-20b:free"] {
            let answers = tokio::join!(
                ask(Door::OpenAi, Door::OpenAi.ask(model, "hello")),
                ask(Door::OpenAi, Door::OpenAi.ask_stream(model, "hello")),
                ask(Door::Anthropic, Door::Anthropic.ask(model, "hello")),
                ask(Door::Anthropic, Door::Anthropic.ask_stream(model, "hello")),
            );
            for answer in [answers.0, answers.1, answers.2, answers.3] {
                assert!(answer.starts_with(b"HTTP/1.1 "), "{fault:?} {model}");
                canaries.assert_absent(&format!("an answer to {fault:?}"), &answer);
            }
        }
        for model in ["gemini-embed-1", "open-embed-1"] {
            let body = json!({"model": model, "input": "hello"}).to_string();
            let headers = [
                ("Content-Type", "application/json"),
                ("Connection", "close"),
            ];
            let bytes = http::request("POST", "/v1/embeddings", &headers, body.as_bytes());
            let answer = hub.until_closed(&bytes).await;
            assert!(answer.starts_with(b"HTTP/1.1 "), "{fault:?} {model}");
            canaries.assert_absent(&format!("vectors, {fault:?}"), &answer);
        }
    }
    for (place, bytes) in hub.traces() {
        canaries.assert_absent(&place, &bytes);
    }
    assert_eq!(thief.seen().len(), 0, "nobody follows a redirect");
}

#[tokio::test]
async fn a_refused_connection_does_not_print_what_it_carried() {
    let closed = ClosedPort::reserve();
    let mut canaries = Canaries::default();
    let pyfun = Pyfun::chain([Provider::anthropic(&closed.url())]);
    let hub = canary_hub(&mut canaries).pyfun(&pyfun).start().await;
    let reply = hub.prompt("hello").await;
    reply.assert_fails(502, "providers_failed");
    canaries.assert_absent("the answer", reply.to_string().as_bytes());
    for (place, bytes) in hub.traces() {
        canaries.assert_absent(&place, &bytes);
    }
}

#[tokio::test]
async fn a_panic_does_not_print_what_the_hub_holds() {
    let mut canaries = Canaries::default();
    let pyfun = Pyfun::chain([Provider::fragile()]);
    let hub = canary_hub(&mut canaries).pyfun(&pyfun).start().await;
    for prompt in ["panic in handler", "panic in future", "stop"] {
        let reply = hub.prompt(prompt).await;
        canaries.assert_absent(prompt, reply.to_string().as_bytes());
    }
    for (place, bytes) in hub.traces() {
        canaries.assert_absent(&place, &bytes);
    }
}

#[tokio::test]
async fn a_request_cannot_name_an_address() {
    let (upstream, thief) = (FakeUpstream::start().await, FakeUpstream::start().await);
    let hub = Hub::three(&upstream).await;
    let url = thief.url();
    for name in [
        "base_url", "api_base", "url", "host", "endpoint", "proxy", "api_key", "headers",
    ] {
        let reply = hub
            .call("llm_complete", json!({"prompt": "a", name: url}))
            .await;
        reply.assert_fails(400, "bad_request");
        assert!(reply.error().contains(name), "{reply}");
    }
    for name in ["model", "provider"] {
        for value in [
            url.as_str(),
            "../../x?y",
            "@127.0.0.1",
            "a\r\nX-Evil: 1",
            "\u{0}",
        ] {
            let reply = hub
                .call("llm_complete", json!({"prompt": "a", name: value}))
                .await;
            assert!(matches!(reply.status, 400 | 404), "{reply}");
        }
    }
    assert_eq!((thief.seen().len(), upstream.seen().len()), (0, 0));
}

#[tokio::test]
async fn what_people_ask_is_not_logged() {
    let upstream = FakeUpstream::start().await;
    let mut canaries = Canaries::default();
    let prompt = canaries.hatch("the prompt");
    let hub = Hub::builder()
        .pyfun(&Pyfun::three(&upstream))
        .keys()
        .env("LOG_LEVEL", "trace")
        .start()
        .await;
    hub.prompt(&prompt).await.assert_ok();
    for door in DOORS {
        let reply = hub.chat(door, &door.ask("gemini-fast-1", &prompt)).await;
        reply.assert_ok();
    }
    upstream.always(&Fault::Echo(500));
    hub.prompt(&prompt).await;
    for door in DOORS {
        hub.chat(door, &door.ask("claude-fast-1", &prompt)).await;
    }
    hub.process.signal(Signal::TERM);
    let finished = hub.finish(Duration::from_secs(35)).await;
    canaries.assert_absent("the log", finished.output().as_bytes());
}
