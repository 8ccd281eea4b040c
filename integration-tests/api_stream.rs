//! `POST /api` bit by bit, and what a conversation brings to it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun,
    chat::{Door, End, Said},
    stream::{Cut, Stream},
    vendor::Vendor,
    vendors::VENDORS,
};

fn ask(params: Value) -> Value {
    json!({"tool": "llm_complete", "params": params, "stream": true})
}

/// The pieces in order, and the data of the last event.
fn told(said: &[Said]) -> (Vec<String>, Value) {
    let deltas = said.iter().filter(|said| said.event == "delta");
    let text = |said: &Said| said.json()["text"].as_str().unwrap_or_default().to_owned();
    let last = said.last().map(Said::json).unwrap_or_default();
    (deltas.map(text).collect(), last)
}

#[tokio::test]
async fn every_vendors_answer_comes_in_pieces_and_then_whole() {
    let upstream = FakeUpstream::start().await;
    let pace = Duration::from_millis(20);
    upstream.always(&Fault::Stream(
        Stream::of(&["one ", "two ", "🦀"]).paced(pace),
    ));
    let hub = Hub::three(&upstream).await;
    for vendor in VENDORS {
        let params = json!({"prompt": "hello", "provider": vendor.provider()});
        let stream = hub.api_stream(&ask(params)).await;
        assert_eq!(stream.header("content-type"), "text/event-stream");
        assert_eq!(stream.header("x-accel-buffering"), "no");
        assert_eq!(stream.header("cache-control"), "no-cache");
        assert_eq!(stream.header("x-hub-provider"), vendor.provider());
        let (said, end) = stream.rest().await;
        let (pieces, last) = told(&said);
        assert_eq!(pieces, ["one ", "two ", "🦀"], "{said:?}");
        assert_eq!(said.last().map(|said| &*said.event), Some("result"));
        assert_eq!(last["result"], "one two 🦀");
        let meta = &last["meta"];
        assert_eq!(meta["provider"], vendor.provider());
        assert_eq!(meta["finish_reason"], "stop");
        let usage = &meta["usage"];
        assert_eq!(
            (&usage["input_tokens"], &usage["output_tokens"]),
            (&json!(15), &json!(7))
        );
        let first = meta["first_token_ms"].as_u64().unwrap();
        let last = meta["duration_ms"].as_u64().unwrap();
        assert!(
            first + 40 <= last,
            "two more pieces came after the first: {meta}"
        );
        assert_eq!(meta["attempts"].as_array().map(Vec::len), Some(1));
        assert_eq!(end, End::Clean);
    }
}

#[tokio::test]
async fn a_conversation_and_its_pictures_reach_every_vendor() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for vendor in VENDORS {
        let params = json!({
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "hello"},
            ],
            "prompt": "what is this?",
            "images": ["data:image/png;base64,aGk="],
            "provider": vendor.provider(),
        });
        hub.call("llm_complete", params).await.assert_ok();
        let body = upstream.endpoint(vendor).only().body.clone();
        let (system, last) = match vendor {
            Vendor::Anthropic => (
                json!([{"type": "text", "text": "You are llm_complete."}, {"type": "text", "text": "Be kind."}]),
                &body["messages"][2]["content"],
            ),
            Vendor::Gemini => (
                json!([{"text": "You are llm_complete."}, {"text": "Be kind."}]),
                &body["contents"][2]["parts"],
            ),
            _ => (
                json!("You are llm_complete."),
                &body["messages"][4]["content"],
            ),
        };
        let above = match vendor {
            Vendor::Anthropic => &body["system"],
            Vendor::Gemini => &body["systemInstruction"]["parts"],
            _ => &body["messages"][0]["content"],
        };
        assert_eq!(*above, system, "{body}");
        assert_eq!(last[0]["text"], "what is this?", "{body}");
        assert!(last[1].to_string().contains("aGk="), "{body}");
    }
}

#[tokio::test]
async fn before_the_first_piece_a_failure_costs_nothing_and_after_it_is_told() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let cut = |after, cut| Fault::Stream(Stream::of(&["one ", "two "]).cut(after, cut));
    upstream.anthropic.once(cut(0, Cut::Error));
    let (said, end) = hub
        .api_stream(&ask(json!({"prompt": "x"})))
        .await
        .rest()
        .await;
    let (pieces, last) = told(&said);
    assert_eq!(pieces.concat(), "hello from gemini", "{said:?}");
    assert_eq!(last["meta"]["attempts"][0]["outcome"], "server_error");
    assert_eq!(end, End::Clean);

    for cutting in [Cut::Error, Cut::Close, Cut::Reset] {
        upstream.anthropic.once(cut(1, cutting));
        let (said, end) = hub
            .api_stream(&ask(json!({"prompt": "x"})))
            .await
            .rest()
            .await;
        let (pieces, last) = told(&said);
        assert_eq!(pieces, ["one "], "{cutting:?}");
        assert_eq!(
            said.last().map(|said| &*said.event),
            Some("error"),
            "{cutting:?}"
        );
        assert!(
            last["error"]
                .as_str()
                .is_some_and(|text| text.starts_with("anthropic "))
        );
        assert!(
            last["code"].is_string() && last["request_id"].is_string(),
            "{last}"
        );
        assert_eq!(end, End::Cut, "{cutting:?}");
    }

    upstream.always(&Fault::Status(500));
    let reply = hub.post(ask(json!({"prompt": "x"})).to_string()).await;
    assert_eq!(
        (reply.status, reply.code()),
        (502, "providers_failed"),
        "{reply}"
    );
}

#[tokio::test]
async fn who_hangs_up_is_not_billed_on() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    upstream.always(&Fault::Stream(Stream::of(&["one "]).cut(1, Cut::Stall)));
    for vendor in VENDORS {
        let params = json!({"prompt": "x", "provider": vendor.provider()});
        let mut stream = hub.api_stream(&ask(params)).await;
        assert_eq!(
            stream.next().await.map(|said| said.event).as_deref(),
            Some("delta")
        );
        let exchange = upstream.endpoint(vendor).arrival(0).await;
        drop(stream);
        exchange.hung_up_within(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_vendor_that_tells_the_key_in_pieces_is_cut_off() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for vendor in VENDORS {
        let key = format!("key-of-{}", vendor.provider());
        for at in 1..key.len() {
            let (first, second) = key.split_at(at);
            let pieces = ["so ", "it is ", first, second, " !"];
            upstream
                .endpoint(vendor)
                .once(Fault::Stream(Stream::of(&pieces)));
            let params = json!({"prompt": "x", "provider": vendor.provider()});
            let (said, end) = hub.api_stream(&ask(params)).await.rest().await;
            let (pieces, _) = told(&said);
            let text = pieces.concat();
            assert!(text.starts_with("so it is "), "{said:?}");
            assert!(!text.contains(&key[..8]), "{said:?}");
            assert_eq!(end, End::Cut, "{said:?}");
        }
    }
    // The vendor's own bytes at a door of its format.
    let pieces = ["so ", "it is key-of-anth", "ropic !"];
    upstream.anthropic.once(Fault::Stream(Stream::of(&pieces)));
    let body = Door::Anthropic.ask_stream("claude-fast-1", "x");
    let (bytes, end) = hub.chat_stream(Door::Anthropic, &body).await.bytes().await;
    assert!(
        bytes.contains("so ") && !bytes.contains("key-of-a"),
        "{bytes}"
    );
    assert_eq!(end, End::Cut);
}

#[tokio::test]
async fn a_tool_without_pieces_has_its_result_alone() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let body = json!({"tool": "list_active_tools", "params": [], "stream": true});
    let (said, end) = hub.api_stream(&body).await.rest().await;
    assert_eq!(said.len(), 1, "{said:?}");
    let (_, last) = told(&said);
    assert!(last["result"]["active_tools"].is_array(), "{last}");
    assert_eq!(end, End::Clean);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::with(&Pyfun::three(&upstream)).await;
    let cases = [
        (
            json!({"tool": "llm_complete", "params": {}, "stream": "yes"}),
            "`stream` must be",
        ),
        (
            ask(json!({"prompt": "x", "images": "a.png"})),
            "`images` must be",
        ),
        (
            ask(json!({"prompt": "x", "images": ["file:///etc/passwd"]})),
            "`images` must be",
        ),
        (
            ask(json!({"messages": [{"role": "king", "content": "x"}]})),
            "`messages[0].role` must be",
        ),
        (ask(json!({"messages": []})), "needs a `prompt`"),
    ];
    for (body, sentence) in cases {
        let reply = hub.post(body.to_string()).await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, "bad_request"),
            "{reply}"
        );
        let error = reply.body["error"].as_str().unwrap_or_default();
        assert!(error.contains(sentence), "{error}");
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_picture_that_a_vendor_cannot_fetch_goes_to_one_that_can() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let params = json!({
        "prompt": "x", "provider": "gemini", "images": ["https://example.com/a.png"],
    });
    let reply = hub.call("llm_complete", params).await;
    assert_eq!(reply.assert_ok().provider(), "openrouter");
    assert_eq!(reply.meta()["attempts"][0]["outcome"], "rejected");
    assert_eq!(upstream.gemini.seen().len(), 0);
    upstream.openai.always(Fault::Status(500));
    let params = json!({
        "prompt": "x", "provider": "gemini", "images": ["https://example.com/a.png"],
    });
    let reply = hub.call("llm_complete", params).await;
    let error = reply.body["error"].as_str().unwrap_or_default();
    assert!(error.contains("HUB_FETCH_IMAGES"), "{reply}");
}
