//! Images at addresses: fetched for providers that read none, from the Internet and from nowhere else.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{sync::Barrier, time::Instant};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun, Reply,
    chat::{DOORS, Door},
    eventually,
    pictures::{Inside, NAME, PIXEL, Page, Pictures},
    pyfun::Provider,
    upstream::ClosedPort,
};

/// The one sentence for whatever is not there, or not to be seen.
const NOTHING_THERE: &str = "No provider could answer: gemini was not asked, for an image could not be \
     fetched. Nothing public answers at an image's address. Send the image as a data URL.";

/// gemini alone, which reads no addresses.
fn gemini(upstream: &FakeUpstream) -> Pyfun {
    Pyfun::chain([Provider::gemini(&upstream.url())])
}

async fn hub(pictures: &Pictures, pyfun: &Pyfun) -> Hub {
    let hub = Hub::builder().pyfun(pyfun).keys();
    pictures.known_to(hub, &[]).start().await
}

/// Asks with this image.
async fn look_at(hub: &Hub, provider: &str, url: &str) -> Reply {
    let params = json!({"prompt": "what is this?", "provider": provider, "images": [url]});
    hub.call("llm_complete", params).await
}

fn pixel() -> Value {
    json!({"inlineData": {"mimeType": "image/png", "data": STANDARD.encode(PIXEL)}})
}

#[tokio::test]
async fn an_image_is_fetched_for_who_reads_no_addresses() {
    let (upstream, pictures) = (FakeUpstream::start().await, Pictures::start().await);
    let hub = hub(&pictures, &gemini(&upstream)).await;
    let url = pictures.url("/pixel.png");
    look_at(&hub, "gemini", &url).await.assert_ok();
    let parts = upstream.gemini.only().body["contents"][0]["parts"].clone();
    assert_eq!(parts, json!([{"text": "what is this?"}, pixel()]));

    for (index, door) in DOORS.into_iter().enumerate() {
        for stream in [false, true] {
            let mut body = door.ask("gemini-fast-1", "");
            body["stream"] = stream.into();
            body["messages"][0]["content"] = match door {
                Door::OpenAi => json!([{"type": "image_url", "image_url": {"url": url}}]),
                Door::Anthropic => {
                    json!([{"type": "image", "source": {"type": "url", "url": url}}])
                }
            };
            assert_eq!(hub.chat(door, &body).await.status, 200);
            let seen = upstream.gemini.seen();
            assert_eq!(seen.len(), 2 + 2 * index + usize::from(stream));
            let parts = &seen[seen.len() - 1].body["contents"][0]["parts"];
            assert_eq!(*parts, json!([pixel()]));
        }
    }
    // What it is asked with tells nothing of anybody.
    let seen = pictures.seen();
    assert_eq!(seen.len(), 5, "nothing is kept from one call to the next");
    for exchange in seen {
        let mut names: Vec<_> = exchange
            .message
            .headers
            .iter()
            .map(|(name, _)| name)
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["accept", "host", "user-agent"],
            "{}",
            exchange.head()
        );
        assert_eq!(exchange.header("host"), Some(NAME));
        assert_eq!(exchange.method(), "GET");
    }
    assert!(
        !hub.process.stderr.text().contains(NAME),
        "an address is not logged"
    );
}

#[tokio::test]
async fn it_is_fetched_once_for_all_who_need_it_and_for_nobody_else() {
    let (upstream, pictures) = (FakeUpstream::start().await, Pictures::start().await);
    let base = upstream.url();
    let second = Provider::new("second", &format!("{base}/second/v1beta"))
        .key("api", "gemini")
        .key("env_key", "GEMINI_API_KEY")
        .key("default_model", "gemini-second-1");
    let chain = [
        Provider::anthropic(&base),
        Provider::gemini(&base),
        Provider::openrouter(&base),
        second,
    ];
    let hub = hub(&pictures, &Pyfun::chain(chain)).await;
    let url = pictures.url("/pixel.png");

    look_at(&hub, "anthropic", &url).await.assert_ok();
    let source = &upstream.anthropic.only().body["messages"][0]["content"][1]["source"];
    assert_eq!(*source, json!({"type": "url", "url": url}));
    assert_eq!(pictures.seen().len(), 0, "nobody needs it");

    for script in [&upstream.anthropic, &upstream.openai] {
        script.once(Fault::Status(500));
    }
    upstream.gemini.once(Fault::Status(500));
    // A second time in the same request, which is the same image.
    let params = json!({"prompt": "x", "provider": "anthropic", "images": [url, url]});
    let reply = hub.call("llm_complete", params).await;
    assert_eq!(reply.assert_ok().provider(), "second", "{reply}");
    assert_eq!(pictures.seen().len(), 1);
    for exchange in upstream.gemini.seen() {
        let parts = &exchange.body["contents"][0]["parts"];
        assert_eq!((&parts[1], &parts[2]), (&pixel(), &pixel()));
    }
    assert_eq!(upstream.gemini.seen().len(), 2);
    let content = &upstream.openai.only().body["messages"][1]["content"];
    assert_eq!(
        content[1]["image_url"]["url"],
        json!(url),
        "who reads it gets the address"
    );

    // A request in the provider's own format passes as it is.
    let text = format!(
        r#"{{ "model":"anthropic/claude-fast-1",  "max_tokens": 5, "messages": [{{"role": "user",
        "content": [{{"type": "image", "source": {{"type": "url", "url": "{url}"}}}}]}}] }}"#
    );
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(hub.chat(Door::Anthropic, &body).await.status, 200);
    let passed = upstream.anthropic.seen().pop().unwrap();
    assert_eq!(passed.body["messages"], body["messages"]);
    assert_eq!(pictures.seen().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_fetched_goes_on_visibly_or_is_the_callers_400() {
    let (upstream, pictures) = (FakeUpstream::start().await, Pictures::start().await);
    let base = upstream.url();
    let chain = Pyfun::chain([Provider::gemini(&base), Provider::openrouter(&base)]);
    let hub_of_two = hub(&pictures, &chain).await;
    let missing = pictures.url("/missing.png");
    let reply = look_at(&hub_of_two, "gemini", &missing).await;
    assert_eq!(reply.assert_ok().provider(), "openrouter");
    let attempts = ["gemini image_not_fetched -", "openrouter ok 200"];
    assert_eq!(reply.attempts(), attempts, "{reply}");
    assert_eq!(reply.attempt_entries()[0]["tries"], 0);
    upstream.openai.once(Fault::Status(500));
    let reply = look_at(&hub_of_two, "gemini", &missing).await;
    reply.assert_fails(502, "providers_failed");
    assert!(reply.error().contains("does not answer with it"), "{reply}");

    let hub = hub(&pictures, &gemini(&upstream)).await;
    let page = |path: &str, page: Page| pictures.put(path, page);
    let http = |text: &str| Page::Http(text.replace('\n', "\r\n").into_bytes());
    let announced = "HTTP/1.1 200 OK\nContent-Type: image/png\nContent-Length: 10485761\n\n";
    let gzip = format!(
        "HTTP/1.1 200 OK\nContent-Type: image/png\nContent-Encoding: gzip\nContent-Length: {}\n\n",
        PIXEL.len()
    );
    let gzip = [gzip.replace('\n', "\r\n").as_bytes(), PIXEL].concat();
    for (url, said) in [
        (missing, "does not answer with it"),
        (
            page("/500", http("HTTP/1.1 500 No\nContent-Length: 0\n\n")),
            "does not answer with it",
        ),
        (
            page("/204", http("HTTP/1.1 204 No\n\n")),
            "does not answer with it",
        ),
        (
            page(
                "/nowhere",
                http("HTTP/1.1 302 Found\nContent-Length: 0\n\n"),
            ),
            "does not answer with it",
        ),
        (
            page(
                "/cut",
                http("HTTP/1.1 200 OK\nContent-Length: 99\n\nGIF89a and no more"),
            ),
            "does not answer with it",
        ),
        (page("/gzip", Page::Http(gzip)), "does not answer with it"),
        (
            page(
                "/html",
                Page::Bytes(b"<!doctype html><p>secret-of-somebody".to_vec()),
            ),
            "is no PNG",
        ),
        (
            page("/little", Page::Bytes(b"\x89PNG".to_vec())),
            "is no PNG",
        ),
        (page("/large", http(announced)), "10 MiB"),
        (page("/endless", Page::Endless), "10 MiB"),
        (format!("https://{NAME}:8443/pixel.png"), "have no port"),
        (
            format!("https://me:secret@{NAME}/pixel.png"),
            "have no port",
        ),
        (
            page("/plain", Page::To(format!("http://{NAME}/pixel.png"))),
            "begin with `https://`",
        ),
        (
            page("/port", Page::To(format!("https://{NAME}:22/pixel.png"))),
            "have no port",
        ),
    ] {
        let reply = look_at(&hub, "gemini", &url).await;
        reply.assert_fails(400, "bad_request");
        assert!(reply.error().contains(said), "{url}: {reply}");
        assert!(!reply.error().contains("secret"), "{reply}");
        assert_eq!(reply.attempts(), ["gemini image_not_fetched -"], "{url}");
    }
    // Plain HTTP, where a door takes it as an address at all.
    let mut body = Door::OpenAi.ask("gemini-fast-1", "");
    let url = format!("http://{NAME}/pixel.png");
    body["messages"][0]["content"] = json!([{"type": "image_url", "image_url": {"url": url}}]);
    let reply = hub.chat(Door::OpenAi, &body).await;
    assert_eq!(reply.status, 400, "{reply}");
    let (_, said) = Door::OpenAi.error(&reply.body);
    assert!(said.contains("begin with `https://`"), "{said}");
    assert_eq!(upstream.gemini.seen().len(), 0);
}

#[tokio::test]
async fn three_redirects_are_followed_and_no_more() {
    let (upstream, pictures) = (FakeUpstream::start().await, Pictures::start().await);
    let hub = hub(&pictures, &gemini(&upstream)).await;
    for (from, to) in [
        ("/4", "/3"),
        ("/3", "/2"),
        ("/2", "1"),
        ("/1", "/pixel.png"),
    ] {
        pictures.put(from, Page::To(to.to_owned()));
    }
    look_at(&hub, "gemini", &pictures.url("/3"))
        .await
        .assert_ok();
    assert_eq!(
        upstream.gemini.only().body["contents"][0]["parts"][1],
        pixel()
    );
    let reply = look_at(&hub, "gemini", &pictures.url("/4")).await;
    reply.assert_fails(400, "bad_request");
    assert!(
        reply.error().contains("leads to another too often"),
        "{reply}"
    );
    assert_eq!(pictures.seen().len(), 8);
}

/// Whatever is inside: no connection, and the same sentence as for what is not there at all.
#[tokio::test]
async fn what_is_not_public_is_neither_asked_nor_told_apart() {
    let (upstream, pictures) = (FakeUpstream::start().await, Pictures::start().await);
    let (inside, nobody) = (Inside::start().await, ClosedPort::reserve());
    let closed = nobody.url().replace("http://", "").parse().unwrap();
    let hub = Hub::builder().pyfun(&gemini(&upstream)).keys();
    // Names lead where DNS, also a hostile one, says. `closed.test` may be asked, and nobody is there.
    let names = [
        ("rebound.test", inside.address),
        ("closed.test", closed),
        ("exempt", closed),
        ("stranger.test", pictures.address),
    ];
    let hub = pictures.known_to(hub, &names).start().await;
    let hosts = [
        "rebound.test",
        "localhost",
        "localhost.",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fd00:ec2::254]",
        "closed.test",
        // Its certificate is another's.
        "stranger.test",
    ];
    for host in hosts {
        let direct = format!("https://{host}/latest/meta-data/a.png");
        let redirected = pictures.put(&format!("/to-{host}"), Page::To(direct.clone()));
        for url in [direct, redirected] {
            let reply = look_at(&hub, "gemini", &url).await;
            reply.assert_fails(400, "bad_request");
            assert_eq!(reply.error(), NOTHING_THERE, "{url}");
        }
    }
    assert_eq!(inside.found(), 0, "somebody was found inside");
    assert_eq!(
        pictures.seen().len(),
        hosts.len(),
        "a redirect each, and no more"
    );
    assert_eq!(upstream.gemini.seen().len(), 0);
}

/// The same without anything that only tests have.
#[tokio::test]
async fn this_machine_is_not_asked_by_a_hub_without_a_fixture() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder().pyfun(&gemini(&upstream)).keys();
    let hub = hub.env("HUB__HUB__HUB_FETCH_IMAGES", "true").start().await;
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "169.254.169.254",
    ] {
        let reply = look_at(&hub, "gemini", &format!("https://{host}/a.png")).await;
        reply.assert_fails(400, "bad_request");
        assert_eq!(reply.error(), NOTHING_THERE, "{host}");
    }
    // The vendor's own port is here, and another than 443.
    let url = upstream.url().replace("http:", "https:");
    let reply = look_at(&hub, "gemini", &url).await;
    reply.assert_fails(400, "bad_request");
    assert!(reply.error().contains("have no port"), "{reply}");
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn without_the_setting_nothing_is_fetched_and_it_is_said_which() {
    let (upstream, pictures) = (FakeUpstream::start().await, Pictures::start().await);
    let hub = Hub::builder().pyfun(&gemini(&upstream)).keys();
    let hub = pictures.known_to(hub, &[]);
    let hub = hub.env("HUB__HUB__HUB_FETCH_IMAGES", "false").start().await;
    let reply = look_at(&hub, "gemini", &pictures.url("/pixel.png")).await;
    reply.assert_fails(400, "bad_request");
    assert!(
        reply.error().contains("HUB_FETCH_IMAGES = \"true\""),
        "{reply}"
    );
    assert_eq!(pictures.seen().len(), 0);
    assert!(
        hub.health_of("fetcher").await.is_null(),
        "nobody is there who could"
    );
}

#[tokio::test]
async fn a_server_that_stalls_has_ten_seconds_and_hears_when_the_caller_goes() {
    let (upstream, pictures) = (FakeUpstream::start().await, Pictures::start().await);
    let hub = hub(&pictures, &gemini(&upstream)).await;
    let url = pictures.put("/stall", Page::Stall);
    let started = Instant::now();
    let reply = look_at(&hub, "gemini", &url).await;
    reply.assert_fails(400, "bad_request");
    assert!(reply.error().contains("has 10 seconds at most"), "{reply}");
    assert!(
        started.elapsed() >= Duration::from_secs(10) && started.elapsed() < Duration::from_secs(13)
    );
    pictures.seen()[0]
        .hung_up_within(Duration::from_secs(1))
        .await;

    let asking = look_at(&hub, "gemini", &url);
    let arrived = async {
        let look = async || pictures.seen().get(1).cloned();
        eventually(Duration::from_secs(5), "the second request", look)
            .await
            .0
    };
    let second = tokio::select! {
        reply = asking => panic!("nobody answers: {reply}"),
        second = arrived => second,
    };
    second.hung_up_within(Duration::from_secs(1)).await;
}

/// Whoever does not say how much comes gets no more room than who does.
#[tokio::test]
async fn images_of_no_announced_length_do_not_keep_each_other_out() {
    let (upstream, pictures) = (FakeUpstream::start().await, Pictures::start().await);
    let hub = hub(&pictures, &gemini(&upstream)).await;
    let everybody = Arc::new(Barrier::new(20));
    let url = pictures.put("/together", Page::Together(everybody));
    let asking = (0..20).map(|_| look_at(&hub, "gemini", &url));
    for reply in join_all(asking).await {
        reply.assert_ok();
    }
    assert_eq!(upstream.gemini.seen().len(), 20);
}

#[tokio::test]
async fn a_fetcher_that_ends_is_back_and_others_are_served_meanwhile() {
    let (upstream, pictures) = (FakeUpstream::start().await, Pictures::start().await);
    let base = upstream.url();
    let pyfun = Pyfun::chain([Provider::gemini(&base).fallback_to(""), Provider::fragile()]);
    let hub = hub(&pictures, &pyfun).await;
    let url = pictures.url("/pixel.png");
    let stalled = pictures.put("/stall", Page::Stall);
    let waiting = look_at(&hub, "gemini", &stalled);
    let killing = async {
        let look = async || pictures.seen().first().cloned();
        eventually(Duration::from_secs(5), "the request", look).await;
        // Who was sent to kill somebody gives no answer.
        hub.prompt_at("fragile", "kill fetcher").await;
    };
    let (reply, ()) = tokio::join!(waiting, killing);
    reply.assert_fails(502, "providers_failed");
    assert!(reply.error().contains("Try again in a second"), "{reply}");
    hub.prompt_at("gemini", "no image").await.assert_ok();
    let look = async || (look_at(&hub, "gemini", &url).await.status == 200).then_some(());
    eventually(Duration::from_secs(10), "another life", look).await;
    assert_eq!(hub.health_of("fetcher").await["restarts"], 1);
}
