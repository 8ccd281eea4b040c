//! Answers that a vendor's filter, or the model itself, kept back: an answer with its reason at the doors for
//! SDKs, and a plain error where a text is all there could be.

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun,
    chat::{DOORS, Door, End, Said},
    mcp::call,
    pyfun::Provider,
    vendor::Vendor,
    vendors::{MODELS, VENDORS, separate},
};

/// What the model says instead of an answer, where its vendor lets it.
const REFUSAL: &str = "I cannot, \u{1f980}.";

/// A vendor's answer with nothing in it, and what it says instead.
struct Withheld {
    whole: Value,
    stream: String,
    refusal: Option<&'static str>,
}

fn events(data: &[Value], end: &str) -> String {
    let event = |data: &Value| match data["type"].as_str() {
        Some(kind) => format!("event: {kind}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    };
    data.iter().map(event).collect::<String>() + end
}

/// How each vendor keeps an answer back.
fn withheld(vendor: Vendor) -> Vec<Withheld> {
    match vendor {
        Vendor::Anthropic => [None, Some(REFUSAL)].map(anthropic).into(),
        Vendor::Gemini => {
            let blocked = json!({
                "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
                "usageMetadata": {"promptTokenCount": 15}, "modelVersion": "m",
            });
            let cut = json!({
                "candidates": [{"finishReason": "RECITATION", "index": 0}],
                "usageMetadata": {"promptTokenCount": 15}, "modelVersion": "m",
            });
            let both = [blocked, cut].map(|whole| Withheld {
                stream: events(std::slice::from_ref(&whole), ""),
                whole,
                refusal: None,
            });
            both.into()
        }
        _ => [None, Some(REFUSAL)].map(openai).into(),
    }
}

fn anthropic(refusal: Option<&'static str>) -> Withheld {
    let details =
        refusal.map(|text| json!({"type": "refusal", "category": null, "explanation": text}));
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
        "stop_reason": "refusal", "stop_sequence": null, "stop_details": details,
        "usage": {"input_tokens": 15, "output_tokens": 1},
    });
    let mut begun = message.clone();
    begun["stop_reason"] = Value::Null;
    begun["stop_details"] = Value::Null;
    let delta = json!({"stop_reason": "refusal", "stop_sequence": null, "stop_details": details});
    let data = [
        json!({"type": "message_start", "message": begun}),
        json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ];
    Withheld {
        whole: message,
        stream: events(&data, ""),
        refusal,
    }
}

fn openai(refusal: Option<&'static str>) -> Withheld {
    let reason = match refusal {
        Some(_) => "stop",
        None => "content_filter",
    };
    let chunk = |delta: Value, reason: Value| {
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
    };
    let mut data = vec![chunk(
        json!({"role": "assistant", "content": null}),
        Value::Null,
    )];
    let halves = refusal.map(|text| text.split_at(5));
    for half in halves
        .map(|(first, second)| [first, second])
        .into_iter()
        .flatten()
    {
        data.push(chunk(json!({"refusal": half}), Value::Null));
    }
    data.push(chunk(json!({}), json!(reason)));
    let message = json!({"role": "assistant", "content": null, "refusal": refusal});
    Withheld {
        whole: json!({
            "id": "c1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 15, "completion_tokens": 1, "total_tokens": 16},
        }),
        stream: events(&data, "data: [DONE]\n\n"),
        refusal,
    }
}

impl Withheld {
    fn whole(&self) -> Fault {
        let body = self.whole.to_string().into_bytes();
        Fault::Body(200, "application/json", body)
    }

    fn stream(&self) -> Fault {
        Fault::Body(200, "text/event-stream", self.stream.clone().into_bytes())
    }
}

/// Whether the vendor's bytes pass: it speaks the door's own format.
fn passes(door: Door, vendor: Vendor) -> bool {
    matches!(
        (door, vendor),
        (Door::OpenAi, Vendor::OpenAi) | (Door::Anthropic, Vendor::Anthropic)
    )
}

/// Why a stream ended, and what was said in it instead of an answer.
fn heard(door: Door, said: &[Said]) -> (Value, String) {
    let data: Vec<_> = said.iter().map(Said::json).collect();
    let place = match door {
        Door::OpenAi => "/choices/0/finish_reason",
        Door::Anthropic => "/delta/stop_reason",
    };
    let mut reasons = data.iter().filter_map(|data| data.pointer(place));
    let reason = reasons.rfind(|reason| !reason.is_null());
    let text = match door {
        Door::OpenAi => {
            let refusals = data
                .iter()
                .map(|data| &data["choices"][0]["delta"]["refusal"]);
            refusals.filter_map(Value::as_str).collect()
        }
        Door::Anthropic => door.text_of(said),
    };
    (reason.cloned().unwrap_or_default(), text)
}

#[tokio::test]
async fn sdks_get_it_as_an_answer_with_its_reason() {
    let (upstream, hub) = separate().await;
    for (vendor, (model, provider)) in VENDORS.into_iter().zip(MODELS) {
        for kept in withheld(vendor) {
            for door in DOORS {
                let place = format!("{door:?} {vendor:?} {:?}", kept.refusal);
                upstream.endpoint(vendor).always(kept.whole());
                let reply = hub.chat(door, &door.ask(model, "hello")).await;
                assert_eq!(reply.status, 200, "{place}: {reply}");
                assert_eq!(reply.header("x-hub-provider"), provider, "{place}");
                let body = &reply.body;
                match door {
                    _ if passes(door, vendor) => assert_eq!(*body, kept.whole, "{place}"),
                    Door::OpenAi => {
                        let choice = &body["choices"][0];
                        assert_eq!(choice["finish_reason"], "content_filter", "{place}");
                        assert_eq!(choice["message"]["refusal"], json!(kept.refusal), "{place}");
                        assert_eq!(body["usage"]["prompt_tokens"], 15, "{place}");
                    }
                    Door::Anthropic => {
                        assert_eq!(body["stop_reason"], "refusal", "{place}");
                        assert_eq!(door.text(body), kept.refusal.unwrap_or_default(), "{place}");
                        assert_eq!(body["usage"]["input_tokens"], 15, "{place}");
                    }
                }

                upstream.endpoint(vendor).always(kept.stream());
                let stream = hub
                    .chat_stream(door, &door.ask_stream(model, "hello"))
                    .await;
                assert_eq!(stream.header("x-hub-provider"), provider, "{place}");
                if passes(door, vendor) {
                    let (bytes, end) = stream.bytes().await;
                    assert_eq!((bytes, end), (kept.stream.clone(), End::Clean), "{place}");
                    continue;
                }
                let (said, end) = stream.rest().await;
                assert!(
                    door.is_complete(&said) && end == End::Clean,
                    "{place}: {said:?}"
                );
                let reason = match door {
                    Door::OpenAi => "content_filter",
                    Door::Anthropic => "refusal",
                };
                let text = kept.refusal.unwrap_or_default().to_owned();
                assert_eq!(
                    heard(door, &said),
                    (json!(reason), text),
                    "{place}: {said:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn who_wants_a_text_is_told_an_error() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for vendor in VENDORS {
        let provider = vendor.provider();
        for kept in withheld(vendor) {
            let word = match kept.refusal {
                Some(_) => "refusal",
                None => "content_filter",
            };
            let sentence = format!("{provider} rejected the request ({word}).");
            let is_told = |error: &str| error.starts_with(&sentence);
            upstream.endpoint(vendor).always(kept.whole());
            let reply = hub.prompt_at(provider, "hello").await;
            reply.assert_fails(400, "bad_request");
            assert!(is_told(reply.error()), "{reply}");
            // Nobody else is asked.
            assert_eq!(reply.attempts(), [format!("{provider} rejected 200")]);
            let arguments = json!({"prompt": "hello", "provider": provider});
            let answer = hub
                .mcp(&call(1, "llm_complete", arguments.clone()))
                .await
                .last();
            assert_eq!(answer["result"]["isError"], true, "{answer}");
            let told = &answer["result"]["content"][0]["text"];
            assert!(told.as_str().is_some_and(is_told), "{answer}");

            upstream.endpoint(vendor).always(kept.stream());
            let body = json!({"tool": "llm_complete", "params": arguments, "stream": true});
            let reply = hub.api(body).await;
            reply.assert_fails(400, "bad_request");
            assert!(is_told(reply.error()), "{reply}");
        }
    }
    let others = upstream.seen();
    let asked = others
        .iter()
        .filter(|seen| seen.body.to_string().contains("hello"));
    assert_eq!(asked.count(), 3 * 2 * 3, "one request for each call");
}

#[tokio::test]
async fn a_refusal_after_thinking_breaks_off_for_who_wants_a_text() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let thought =
        json!({"candidates": [{"content": {"parts": [{"text": "hm", "thought": true}]}}]});
    let cut = json!({"candidates": [{"finishReason": "SAFETY"}]});
    let stream = events(&[thought, cut], "").into_bytes();
    upstream
        .gemini
        .always(Fault::Body(200, "text/event-stream", stream));
    let params = json!({"prompt": "hello", "provider": "gemini"});
    let body = json!({"tool": "llm_complete", "params": params, "stream": true});
    let (said, end) = hub.api_stream(&body).await.rest().await;
    let last = said.last().expect("an event");
    assert_eq!((&*last.event, end), ("error", End::Cut), "{said:?}");
    assert_eq!(last.json()["error"], "gemini rejected the request.");
}

#[tokio::test]
async fn no_chain_goes_on_from_a_refusal() {
    let upstream = FakeUpstream::start().await;
    let base = &upstream.url();
    let chain = Pyfun::chain([Provider::anthropic(base), Provider::gemini(base)]);
    let hub = Hub::with(&chain).await;
    upstream.always(&Fault::Talk);
    for kept in withheld(Vendor::Anthropic) {
        for door in DOORS {
            upstream.anthropic.always(kept.whole());
            let reply = hub.chat(door, &door.ask("claude-fast-1", "hello")).await;
            assert_eq!(reply.assert_ok().header("x-hub-provider"), "anthropic");
            upstream.anthropic.always(kept.stream());
            let body = door.ask_stream("claude-fast-1", "hello");
            let (said, end) = hub.chat_stream(door, &body).await.rest().await;
            assert!(door.is_complete(&said) && end == End::Clean, "{said:?}");
        }
    }
    assert_eq!(upstream.gemini.seen().len(), 0);
}

/// A model that broke off said what it said.
#[tokio::test]
async fn a_text_before_a_broken_call_is_not_lost() {
    let (upstream, hub) = separate().await;
    let answer = json!({"candidates": [{
        "content": {"role": "model", "parts": [{"text": "Let me look."}]},
        "finishReason": "MALFORMED_FUNCTION_CALL", "index": 0,
    }]});
    let (model, _) = MODELS[1];
    for (door, reason) in DOORS.into_iter().zip(["length", "max_tokens"]) {
        upstream.gemini.always(Fault::Json(200, answer.clone()));
        let reply = hub.chat(door, &door.ask(model, "hello")).await;
        assert_eq!(
            door.text(&reply.assert_ok().body),
            "Let me look.",
            "{reply}"
        );
        let told = [
            &reply.body["choices"][0]["finish_reason"],
            &reply.body["stop_reason"],
        ];
        assert!(told.contains(&&json!(reason)), "{reply}");
        let stream = events(std::slice::from_ref(&answer), "").into_bytes();
        upstream
            .gemini
            .always(Fault::Body(200, "text/event-stream", stream));
        let body = door.ask_stream(model, "hello");
        let (said, end) = hub.chat_stream(door, &body).await.rest().await;
        assert_eq!(
            (door.text_of(&said).as_str(), end),
            ("Let me look.", End::Clean)
        );
        assert_eq!(heard(door, &said).0, reason, "{said:?}");
    }
}
