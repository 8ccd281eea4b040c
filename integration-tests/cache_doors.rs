//! The cache at the doors for SDKs and in streams: what is asked again is not paid for again, and comes in
//! the words of whoever asks.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    cache::{opened, stop},
    support::{
        FakeUpstream, Fault, Hub, Pyfun, Reply,
        chat::{DOORS, Door, End, Said},
        eventually, http,
        hub::HubBuilder,
        searches,
        stream::{Cut, Stream},
        vendor::Vendor,
    },
};

/// Longest look at something that comes by itself.
const LOOK: Duration = Duration::from_secs(20);
const TOOL: &str = "llm_complete";
const BARE: &str = "bare";

/// Answers of `llm_complete` are kept for a minute.
fn builder(upstream: &FakeUpstream) -> HubBuilder {
    Hub::builder()
        .pyfun(&Pyfun::three(upstream))
        .keys()
        .env("HUB__TOOL__LLM_COMPLETE__CACHE_TTL_SEC", "60")
}

/// The same, with a tool that says nothing above what it is asked, so that requests pass as they come.
fn bare(upstream: &FakeUpstream, provider: &str) -> HubBuilder {
    let block = format!(
        "[TOOL.{BARE}]\nactive = \"true\"\nprovider_type = \"llm\"\ndescription = \"as it is\"\n\
         default_provider = \"{provider}\"\ncache_ttl_sec = \"60\"\n[TOOL.{BARE}_END]\n"
    );
    builder(upstream).pyfun(&Pyfun::three(upstream).and(&block))
}

/// The same question at each door.
fn ask(door: Door, text: &str) -> Value {
    let mut body = door.ask(TOOL, text);
    body["max_tokens"] = 100.into();
    body
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = true.into();
    body
}

/// An answer of either kind: its text, and what the cache did.
#[derive(Debug, PartialEq)]
struct Got {
    text: String,
    cache: String,
    attempts: String,
}

/// Asks, whole or bit by bit, with these headers.
async fn get(hub: &Hub, door: Door, more: &[(&str, &str)], body: &Value) -> Got {
    let bytes = door.request(more, body);
    if body["stream"] != true {
        let reply = hub.raw(&bytes).await;
        let text = door.text(&reply.assert_ok().body);
        return Got {
            text,
            cache: reply.header("x-hub-cache").to_owned(),
            attempts: reply.header("x-hub-attempts").to_owned(),
        };
    }
    let stream = hub.stream(&bytes).await;
    assert_eq!(stream.header("content-type"), "text/event-stream");
    let (cache, attempts) = (
        stream.header("x-hub-cache"),
        stream.header("x-hub-attempts"),
    );
    let (cache, attempts) = (cache.to_owned(), attempts.to_owned());
    let (said, end) = stream.rest().await;
    assert!(door.is_complete(&said) && end == End::Clean, "{said:?}");
    Got {
        text: door.text_of(&said),
        cache,
        attempts,
    }
}

/// What the cache did.
async fn status(hub: &Hub, door: Door, body: &Value) -> String {
    get(hub, door, &[], body).await.cache
}

#[tokio::test]
async fn a_hit_costs_no_upstream_call_whole_or_bit_by_bit_at_either_door() {
    for door in DOORS {
        for first in [false, true] {
            let upstream = FakeUpstream::start().await;
            let hub = builder(&upstream).start().await;
            let body = |streams| match streams {
                true => streamed(ask(door, "why")),
                false => ask(door, "why"),
            };
            let miss = get(&hub, door, &[], &body(first)).await;
            let expected = |cache: &str, attempts: &str| Got {
                text: "hello from anthropic".to_owned(),
                cache: cache.to_owned(),
                attempts: attempts.to_owned(),
            };
            assert_eq!(miss, expected("miss", "anthropic:200"));
            for streams in [false, true, false] {
                let hit = get(&hub, door, &[], &body(streams)).await;
                assert_eq!(hit, expected("hit", ""), "{door:?} {first} {streams}");
            }
            // The other door has other words for it.
            for other in DOORS {
                let hit = get(&hub, other, &[], &ask(other, "why")).await;
                assert_eq!(hit, expected("hit", ""), "{door:?} {first} {other:?}");
            }
            upstream.anthropic.only();
        }
    }
}

#[tokio::test]
async fn a_hit_says_everything_that_the_first_answer_said() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    for door in DOORS {
        for prompt in ["one", "two"] {
            let body = ask(door, &format!("{prompt} {door:?}"));
            let fresh = hub.chat(door, &body).await;
            let kept = hub.chat(door, &body).await;
            assert_eq!(kept.header("x-hub-cache"), "hit", "{kept}");
            for name in ["x-hub-provider", "x-hub-model"] {
                assert_eq!(kept.header(name), fresh.header(name), "{kept}");
            }
            // Another request, another id.
            assert_ne!(kept.body["id"], fresh.body["id"]);
            let same = |reply: &Reply| {
                let mut body = reply.body.clone();
                let fields = body.as_object_mut().unwrap();
                fields.retain(|name, _| name != "id" && name != "created");
                body
            };
            assert_eq!(same(&kept), same(&fresh));
            // Thoughts with their signatures, too.
            if door == Door::Anthropic {
                assert_eq!(kept.body["content"][0]["signature"], "c2ln", "{kept}");
            }
        }
        // Usage comes at the end of a stream, whether a vendor sends it or nobody does.
        let mut body = streamed(ask(door, &format!("one {door:?}")));
        if door == Door::OpenAi {
            body["stream_options"] = json!({"include_usage": true});
        }
        let stream = hub.chat_stream(door, &body).await;
        assert_eq!(stream.header("x-hub-cache"), "hit");
        let (said, _) = stream.rest().await;
        let usages = said.iter().rev().map(|said| said.json()["usage"].clone());
        let usage = usages.into_iter().find(Value::is_object).expect("a usage");
        let tokens = usage
            .get("completion_tokens")
            .or(usage.get("output_tokens"));
        assert_eq!(tokens, Some(&json!(7)), "{usage}");
    }
}

#[tokio::test]
async fn any_other_question_is_asked() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    let pixel = "aGk=";
    for door in DOORS {
        let mut count = upstream.anthropic.seen().len();
        let mut changed: Vec<(&str, Value)> = vec![
            ("max_tokens", json!(99)),
            ("temperature", json!(0.5)),
            ("top_p", json!(0.5)),
            ("zz_unknown", json!({"a": [1]})),
        ];
        let schema = json!({"type": "object", "additionalProperties": false});
        match door {
            Door::OpenAi => changed.extend([
                ("stop", json!(["END"])),
                ("seed", json!(1)),
                ("user", json!("u1")),
                ("n", json!(2)),
                ("response_format", json!({"type": "json_schema", "json_schema": {
                    "name": "a", "schema": schema}})),
                ("tools", json!([{"type": "function", "function": {"name": "weather"}}])),
                ("messages", json!([{"role": "user", "content": [
                    {"type": "text", "text": "why"},
                    {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{pixel}")}},
                ]}])),
                ("messages", json!([
                    {"role": "user", "content": "who"}, {"role": "assistant", "content": "me"},
                    {"role": "user", "content": "why"},
                ])),
            ]),
            Door::Anthropic => changed.extend([
                ("stop_sequences", json!(["END"])),
                ("top_k", json!(5)),
                ("metadata", json!({"user_id": "u1"})),
                ("system", json!("Be brief.")),
                ("thinking", json!({"type": "adaptive"})),
                ("output_config", json!({"format": {"type": "json_schema", "schema": schema}})),
                ("tools", json!([{"name": "weather", "input_schema": {"type": "object"}}])),
                ("messages", json!([{"role": "user", "content": [
                    {"type": "text", "text": "who"},
                    {"type": "image", "source": {
                        "type": "base64", "media_type": "image/png", "data": pixel}},
                ]}])),
            ]),
        }
        let first = ask(door, &format!("why {door:?}"));
        assert_eq!(status(&hub, door, &first).await, "miss");
        assert_eq!(status(&hub, door, &first).await, "hit");
        for (name, value) in changed {
            let mut body = first.clone();
            body[name] = value;
            let changed = format!("{door:?}: {body}");
            assert_eq!(status(&hub, door, &body).await, "miss", "{changed}");
            assert_eq!(
                status(&hub, door, &streamed(body)).await,
                "hit",
                "{changed}"
            );
            count += 1;
        }
        assert_eq!(upstream.anthropic.seen().len(), count + 1);
    }
}

#[tokio::test]
async fn a_vendors_own_bytes_come_again_as_they_were() {
    let own = [
        (
            Door::Anthropic,
            "anthropic",
            Vendor::Anthropic,
            "claude-fast-1",
        ),
        (
            Door::OpenAi,
            "openrouter",
            Vendor::OpenAi,
            "acme/open-20b:free",
        ),
    ];
    for (door, provider, vendor, model) in own {
        let upstream = FakeUpstream::start().await;
        let hub = bare(&upstream, provider).start().await;
        let mut answer = vendor.answer(model, "because");
        answer["a_new_field"] = json!([1, {"of": "the vendor"}]);
        upstream
            .endpoint(vendor)
            .once(Fault::Json(200, answer.clone()));
        let mut body = ask(door, "why");
        body["model"] = BARE.into();
        for cache in ["miss", "hit", "hit"] {
            let reply = hub.chat(door, &body).await;
            assert_eq!(reply.header("x-hub-cache"), cache, "{reply}");
            assert_eq!(reply.assert_ok().body, answer);
        }
        upstream.endpoint(vendor).only();
        // What streams has events of its own.
        let mut first = None;
        for cache in ["miss", "hit"] {
            let stream = hub.chat_stream(door, &streamed(body.clone())).await;
            assert_eq!(stream.header("x-hub-cache"), cache);
            let (bytes, end) = stream.bytes().await;
            assert_eq!(end, End::Clean);
            assert_eq!(*first.get_or_insert(bytes.clone()), bytes);
        }
        assert_eq!(upstream.endpoint(vendor).seen().len(), 2);
        // The same bytes at the other door are another format's request.
        for other in DOORS.into_iter().filter(|other| *other != door) {
            let reply = hub.chat(other, &body).await;
            assert_eq!(reply.header("x-hub-cache"), "miss", "{reply}");
            assert!(!other.text(&reply.assert_ok().body).is_empty(), "{reply}");
        }
    }
}

#[tokio::test]
async fn a_header_bypasses_it() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    for door in DOORS {
        let before = upstream.anthropic.seen().len();
        for body in [
            ask(door, &format!("why {door:?}")),
            streamed(ask(door, &format!("why {door:?}"))),
        ] {
            for value in ["no-cache", "max-age=0, No-Store"] {
                let fresh = get(&hub, door, &[("Cache-Control", value)], &body).await;
                assert_eq!(fresh.cache, "bypass");
            }
        }
        assert_eq!(upstream.anthropic.seen().len(), before + 4);
        let body = ask(door, &format!("why {door:?}"));
        assert_eq!(status(&hub, door, &body).await, "miss");
        let fresh = get(&hub, door, &[("Cache-Control", "no-cache")], &body).await;
        assert_eq!(fresh.cache, "bypass");
        assert_eq!(status(&hub, door, &body).await, "hit");
    }
}

#[tokio::test]
async fn a_model_and_a_tool_that_keeps_nothing_say_nothing() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    for door in DOORS {
        for name in ["summarize", "claude-fast-1", "anthropic/claude-fast-1"] {
            for body in [door.ask(name, "why"), door.ask_stream(name, "why")] {
                for more in [&[][..], &[("Cache-Control", "no-cache")]] {
                    let got = get(&hub, door, more, &body).await;
                    assert_eq!(
                        (&*got.cache, &*got.attempts),
                        ("", "anthropic:200"),
                        "{name}"
                    );
                }
            }
        }
    }
    assert_eq!(upstream.anthropic.seen().len(), 2 * 3 * 2 * 2);
    // Nor does a count.
    let counted = Fault::Json(200, json!({"input_tokens": 14}));
    upstream.anthropic.always(counted);
    let body = ask(Door::Anthropic, "why").to_string();
    for _ in 0..2 {
        let path = "/v1/messages/count_tokens";
        let bytes = http::request("POST", path, &Door::Anthropic.headers(), body.as_bytes());
        let reply = hub.raw(&bytes).await;
        assert_eq!(reply.assert_ok().body, json!({"input_tokens": 14}));
        assert_eq!(reply.header("x-hub-cache"), "");
    }
    assert_eq!(upstream.anthropic.seen().len(), 2 * 3 * 2 * 2 + 2);
}

#[tokio::test]
async fn what_is_not_whole_is_not_kept() {
    let tools = |door: Door| match door {
        Door::OpenAi => json!([{"type": "function", "function": {"name": "weather"}}]),
        Door::Anthropic => json!([{"name": "weather", "input_schema": {"type": "object"}}]),
    };
    for door in DOORS {
        let upstream = FakeUpstream::start().await;
        let hub = builder(&upstream).start().await;
        // What a tool of the caller's answers is another question each time.
        upstream.anthropic.always(Fault::Talk);
        for body in [ask(door, "weather?"), streamed(ask(door, "weather?"))] {
            let mut body = body;
            body["tools"] = tools(door);
            for _ in 0..2 {
                assert_eq!(status(&hub, door, &body).await, "miss", "{body}");
            }
        }
        // A cut answer, and one that a filter cut.
        for reason in ["max_tokens", "refusal"] {
            let mut cut = Vendor::Anthropic.answer("claude-fast-1", "because of");
            cut["stop_reason"] = json!(reason);
            let events = Stream::of(&["because", " of"]).events(Vendor::Anthropic, "claude-fast-1");
            let events = events.concat().replace("end_turn", reason);
            let streamed_cut = Fault::Body(200, "text/event-stream", events.into_bytes());
            for (fault, streams) in [(Fault::Json(200, cut), false), (streamed_cut, true)] {
                upstream.anthropic.always(fault);
                let mut body = ask(door, reason);
                body["stream"] = streams.into();
                for _ in 0..2 {
                    assert_eq!(
                        status(&hub, door, &body).await,
                        "miss",
                        "{reason} {streams}"
                    );
                }
            }
        }
        // A second choice.
        upstream.anthropic.always(Fault::Status(529));
        for body in [ask(door, "second"), streamed(ask(door, "second"))] {
            for _ in 0..2 {
                let got = get(&hub, door, &[], &body).await;
                assert_eq!(
                    (&*got.cache, &*got.attempts, &*got.text),
                    ("miss", "anthropic:529, gemini:200", "hello from gemini")
                );
            }
        }
        upstream.anthropic.always(Fault::Answer("because"));
        let body = streamed(ask(door, "second"));
        assert_eq!(status(&hub, door, &body).await, "miss");
        assert_eq!(status(&hub, door, &body).await, "hit");
    }
}

#[tokio::test]
async fn a_stream_that_does_not_come_to_its_end_is_not_kept() {
    for door in DOORS {
        let upstream = FakeUpstream::start().await;
        let hub = builder(&upstream).start().await;
        let body = streamed(ask(door, "why"));
        for cut in [Cut::Close, Cut::Error, Cut::Reset] {
            let broken = Stream::of(&["be", "cause"]).cut(1, cut);
            upstream.anthropic.once(Fault::Stream(broken));
            let stream = hub.chat_stream(door, &body).await;
            assert_eq!(stream.header("x-hub-cache"), "miss", "{cut:?}");
            let (said, end) = stream.rest().await;
            assert!(!door.is_complete(&said) && end == End::Cut, "{said:?}");
        }
        // Who hangs up does not know how it would have ended.
        let begun = Stream::of(&["be", "cause"]).cut(1, Cut::Stall);
        upstream.anthropic.once(Fault::Stream(begun));
        let mut stream = hub.chat_stream(door, &body).await;
        stream.until("be").await;
        let hanging = upstream.anthropic.seen().last().cloned().unwrap();
        drop(stream);
        hanging.hung_up_within(LOOK).await;
        let got = get(&hub, door, &[], &body).await;
        assert_eq!((&*got.cache, &*got.text), ("miss", "hello from anthropic"));
        assert_eq!(status(&hub, door, &body).await, "hit");
    }
}

#[tokio::test]
async fn a_stream_that_is_too_large_passes_and_is_not_kept() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).start().await;
    let piece = "a".repeat(64 * 1024);
    let texts = [piece.as_str(); 17];
    upstream.anthropic.always(Fault::Stream(Stream::of(&texts)));
    let body = streamed(ask(Door::Anthropic, "why"));
    for _ in 0..2 {
        let got = get(&hub, Door::Anthropic, &[], &body).await;
        assert_eq!((&*got.cache, got.text.len()), ("miss", 17 * 64 * 1024));
    }
    // A little less is.
    upstream
        .anthropic
        .always(Fault::Stream(Stream::of(&texts[..15])));
    for cache in ["miss", "hit"] {
        let got = get(&hub, Door::Anthropic, &[], &body).await;
        assert_eq!((&*got.cache, got.text.len()), (cache, 15 * 64 * 1024));
    }
}

#[tokio::test]
async fn a_hundred_at_once_make_one_upstream_call() {
    let upstream = FakeUpstream::start().await;
    let late = Fault::Late(Duration::from_secs(1), "worth waiting for");
    upstream.anthropic.always(late);
    let hub = builder(&upstream).start().await;
    let asking = (0..100).map(|index| {
        let door = DOORS[index % 2];
        let hub = &hub;
        async move { get(hub, door, &[], &ask(door, "why")).await }
    });
    let all = futures_util::future::join_all(asking).await;
    assert_eq!(all.iter().filter(|got| got.cache == "miss").count(), 1);
    assert!(all.iter().all(|got| got.text == "worth waiting for"));
    upstream.anthropic.only();
}

#[tokio::test]
async fn the_last_who_waits_cancels_the_vendor() {
    for door in DOORS {
        for streams in [false, true] {
            let upstream = FakeUpstream::start().await;
            upstream.anthropic.always(Fault::Hang);
            let hub = builder(&upstream).start().await;
            let mut body = ask(door, "why");
            body["stream"] = streams.into();
            let mut callers = Vec::new();
            for _ in 0..2 {
                let mut caller = TcpStream::connect(hub.address).await.unwrap();
                caller.write_all(&door.request(&[], &body)).await.unwrap();
                callers.push(caller);
            }
            let exchange = upstream.anthropic.arrival(0).await;
            drop(callers);
            exchange.hung_up_within(Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test]
async fn nobody_gets_what_is_anothers() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream).data().start().await;
    let one = hub.add_key("one", &[]).await;
    let two = hub.add_key("two", &[]).await;
    let narrow = hub.add_key("narrow", &["--models", "claude-fast-1"]).await;
    let elsewhere = hub
        .add_key("elsewhere", &["--models", "gemini-fast-1"])
        .await;
    let without = hub.add_key("without", &["--tools", "summarize"]).await;
    for door in DOORS {
        let text = format!("why {door:?}");
        for body in [ask(door, &text), streamed(ask(door, &text))] {
            let first = body["stream"] != true;
            for key in [&one, &two, &narrow] {
                let got = get(&hub, door, &[("X-Hub-Key", key)], &body).await;
                let expected = if first { "miss" } else { "hit" };
                assert_eq!(got.cache, expected, "{door:?}");
                assert_eq!(got.text, "hello from anthropic");
            }
            let got = get(&hub, door, &[("X-Hub-Key", &elsewhere)], &body).await;
            assert_eq!(got.text, "hello from gemini");
            // What is kept is no way past a scope.
            let bytes = door.request(&[("X-Hub-Key", &without)], &body);
            let reply = hub.raw(&bytes).await;
            assert_eq!(reply.status, 403, "{reply}");
        }
    }
    assert_eq!(upstream.anthropic.seen().len(), 2 * 3);
    assert_eq!(upstream.gemini.seen().len(), 2);
    // A key that has ended has its answers no more.
    hub.command(&["key", "revoke", "one"]).await.assert_exit(0);
    let body = ask(Door::OpenAi, "why OpenAi");
    let gone = async || {
        let bytes = Door::OpenAi.request(&[("X-Hub-Key", &one)], &body);
        (hub.raw(&bytes).await.status == 401).then_some(())
    };
    eventually(LOOK, "a refusal", gone).await;
}

#[tokio::test]
async fn a_hit_is_recorded_as_one_that_cost_nothing() {
    let upstream = FakeUpstream::start().await;
    let section = "[DB_SYNC]\nSQLITE_PATH = \"data/hub_state.db\"\nMAX_CACHE_ENTRIES = \"1000\"\n\
                   [DB_SYNC_END]\n[DEBUG]\nDEBUG = \"true\"\nLOG_REQUESTS = \"true\"\n[DEBUG_END]\n";
    let hub = builder(&upstream)
        .pyfun(&Pyfun::three(&upstream).and(section))
        .start()
        .await;
    for (index, door) in DOORS.into_iter().enumerate() {
        for (streams, count) in [(false, 1), (true, 2)] {
            let mut body = ask(door, &format!("prompt {index}"));
            body["stream"] = streams.into();
            let bytes = door.request(&[], &body);
            let cache = if streams { "hit" } else { "miss" };
            let id = match streams {
                true => {
                    let stream = hub.stream(&bytes).await;
                    let id = stream.header("x-request-id").to_owned();
                    stream.rest().await;
                    id
                }
                false => hub.raw(&bytes).await.header("x-request-id").to_owned(),
            };
            let look = async || {
                let log = hub.process.stderr.text();
                let line = log.lines().find(|line| line.contains(&id))?;
                Some(line.to_owned())
            };
            let (line, _) = eventually(LOOK, "a line in the log", look).await;
            assert!(line.contains(&format!("cache=\"{cache}\"")), "{line}");
            assert_eq!(line.contains("cost_usd=0.0 "), streams, "{line}");
            let sql = format!("SELECT response FROM tool_cache WHERE prompt = 'prompt {index}'");
            let look = async || {
                let rows = hub.call("db_query", json!({"sql": sql})).await;
                let rows = rows.result().as_array()?.clone();
                (rows.len() == count).then_some(rows)
            };
            let (rows, _) = eventually(LOOK, "a record", look).await;
            assert_eq!(rows[count - 1]["response"], "hello from anthropic");
        }
    }
}

/// The last event of `POST /api`, with what the cache did by its header.
async fn told(hub: &Hub, params: Value) -> (String, Vec<Said>, Value) {
    let body = json!({"tool": TOOL, "params": params, "stream": true});
    let stream = hub.api_stream(&body).await;
    let cache = stream.header("x-hub-cache").to_owned();
    let (said, end) = stream.rest().await;
    assert_eq!(end, End::Clean);
    let last = said.last().unwrap().json();
    assert_eq!(last["meta"]["cache"], *cache, "{last}");
    assert_eq!(last["meta"]["cached"], cache == "hit", "{last}");
    (cache, said, last)
}

#[tokio::test]
async fn streams_of_the_first_door_have_it_too() {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream)
        .env("HUB__HUB__HUB_TAG_REPLIES", "true")
        .start()
        .await;
    let (cache, _, fresh) = told(&hub, json!({"prompt": "why"})).await;
    assert_eq!(cache, "miss");
    assert_eq!(fresh["result"], "[anthropic] hello from anthropic");
    let (cache, said, hit) = told(&hub, json!({"prompt": "why"})).await;
    assert_eq!(cache, "hit");
    let pieces: Vec<_> = said
        .iter()
        .map(|said| said.json()["text"].clone())
        .collect();
    assert_eq!(pieces[0], "[anthropic] ");
    assert_eq!(hit["result"], fresh["result"]);
    for name in ["provider", "model", "usage", "finish_reason"] {
        assert_eq!(hit["meta"][name], fresh["meta"][name], "{hit}");
    }
    assert_eq!(hit["meta"]["cost_usd"], 0.0);
    assert_eq!(hit["meta"]["attempts"], json!([]));
    assert!(hit["meta"]["first_token_ms"].is_u64(), "{hit}");
    // Whole, through MCP's door or an SDK's, it is the same answer.
    let whole = hub.prompt("why").await;
    assert_eq!(whole.assert_ok().header("x-hub-cache"), "hit");
    assert_eq!(whole.text(), fresh["result"]);
    for door in DOORS {
        let mut body = door.ask(TOOL, "why");
        body["max_tokens"] = 1024.into();
        let got = get(&hub, door, &[], &body).await;
        // SDKs have the provider in a header.
        assert_eq!((&*got.cache, &*got.text), ("hit", "hello from anthropic"));
    }
    upstream.anthropic.only();
    for count in 2..4 {
        let (cache, _, last) = told(&hub, json!({"prompt": "why", "cache": false})).await;
        assert_eq!(
            (&*cache, upstream.anthropic.seen().len()),
            ("bypass", count)
        );
        assert!(last["meta"].get("saved_usd").is_none(), "{last}");
    }
    // A stream that breaks off is nobody's answer.
    let broken = Stream::of(&["be", "cause"]).cut(1, Cut::Close);
    upstream.anthropic.once(Fault::Stream(broken));
    let body = json!({"tool": TOOL, "params": {"prompt": "when"}, "stream": true});
    let (said, end) = hub.api_stream(&body).await.rest().await;
    assert_eq!((&*said.last().unwrap().event, end), ("error", End::Cut));
    assert_eq!(told(&hub, json!({"prompt": "when"})).await.0, "miss");
    assert_eq!(told(&hub, json!({"prompt": "when"})).await.0, "hit");
}

#[tokio::test]
async fn a_search_that_was_to_stream_has_it_too() {
    let upstream = FakeUpstream::start().await;
    let mut hub = Hub::builder()
        .pyfun_text(&searches::pyfun(&upstream))
        .env("HUB__TOOL__WEB_SEARCH__CACHE_TTL_SEC", "60");
    for (name, key) in searches::KEYS {
        hub = hub.env(name, key);
    }
    let hub = hub.start().await;
    let body = json!({"tool": "web_search", "params": {"query": "rust"}, "stream": true});
    for cache in ["miss", "hit"] {
        let stream = hub.api_stream(&body).await;
        assert_eq!(stream.header("x-hub-cache"), cache);
        assert_eq!(stream.header("x-hub-provider"), "brave");
        let (said, _) = stream.rest().await;
        assert_eq!(said.last().unwrap().json()["meta"]["cache"], cache);
    }
    upstream.brave.only();
}

#[tokio::test]
async fn a_restart_keeps_what_a_stream_said() {
    let upstream = FakeUpstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    // In the hub's own words, which the doors share, and in the vendor's, which they do not.
    for own in [false, true] {
        for round in ["miss", "hit"] {
            let hub = match own {
                true => bare(&upstream, "anthropic"),
                false => builder(&upstream),
            };
            let hub = hub.env("HUB_DATA_DIR", folder.path().display());
            let hub = hub.start().await;
            opened(&hub).await;
            let mut seen = Vec::new();
            for door in DOORS {
                let mut body = streamed(ask(door, "why"));
                body["model"] = if own { BARE } else { TOOL }.into();
                let got = get(&hub, door, &[], &body).await;
                assert_eq!(got.text, "hello from anthropic");
                seen.push(got.cache);
            }
            let second = if own { round } else { "hit" };
            assert_eq!(seen, [round, second], "own: {own}");
            stop(hub).await;
        }
    }
    assert_eq!(upstream.anthropic.seen().len(), 3);
}
