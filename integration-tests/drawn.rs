//! Pictures that models make: what every door makes of them.

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun, Reply,
    chat::{Door, End},
    mcp::call,
};

const PNG: &str = "iVBORw0KGgo=";
const URL: &str = "data:image/png;base64,iVBORw0KGgo=";

/// What Gemini answers: words, a picture, and one that it only thought of.
fn gemini() -> Value {
    json!({
        "candidates": [{
            "content": {"role": "model", "parts": [
                {"inlineData": {"mimeType": "image/png", "data": "dGhvdWdodA=="}, "thought": true},
                {"text": "Here it is."},
                {
                    "inlineData": {"mimeType": "image/png", "data": PNG},
                    "thoughtSignature": "c2lnbmF0dXJl",
                },
            ]},
            "finishReason": "STOP", "index": 0,
        }],
        "usageMetadata": {"promptTokenCount": 15, "candidatesTokenCount": 7, "totalTokenCount": 22},
        "modelVersion": "gemini-fast-1", "responseId": "x",
    })
}

/// The same from OpenRouter, bit by bit or whole.
fn openrouter(name: &str) -> Value {
    let images = json!([{"type": "image_url", "image_url": {"url": URL}}]);
    let said = json!({"role": "assistant", "content": "Here it is.", "images": images});
    json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "acme/open-20b:free",
        "choices": [{"index": 0, name: said, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 15, "completion_tokens": 7, "total_tokens": 22},
    })
}

fn events(bodies: &[Value]) -> Fault {
    let each = bodies.iter().map(|body| format!("data: {body}\n\n"));
    Fault::Body(
        200,
        "text/event-stream",
        each.collect::<String>().into_bytes(),
    )
}

async fn drawing() -> (FakeUpstream, Hub) {
    let upstream = FakeUpstream::start().await;
    upstream.gemini.always(Fault::Json(200, gemini()));
    upstream
        .openai
        .always(Fault::Json(200, openrouter("message")));
    let hub = Hub::with(&Pyfun::three(&upstream)).await;
    (upstream, hub)
}

#[tokio::test]
async fn a_client_of_openai_gets_it_where_openrouter_has_it() {
    let (upstream, hub) = drawing().await;
    let reply = hub
        .chat(Door::OpenAi, &Door::OpenAi.ask("gemini-fast-1", "draw"))
        .await;
    let message = &reply.body["choices"][0]["message"];
    assert_eq!(message["content"], "Here it is.", "{reply}");
    let images = json!([{"type": "image_url", "image_url": {"url": URL}}]);
    assert_eq!(message["images"], images, "{reply}");
    assert_eq!(reply.header("x-hub-dropped-params"), "");

    upstream.gemini.always(events(&[gemini()]));
    let body = Door::OpenAi.ask_stream("gemini-fast-1", "draw");
    let (said, end) = hub.chat_stream(Door::OpenAi, &body).await.rest().await;
    assert_eq!(Door::OpenAi.text_of(&said), "Here it is.");
    let drawn = |said: &crate::support::chat::Said| {
        let images = &said.json()["choices"][0]["delta"]["images"];
        images.is_array().then(|| images.clone())
    };
    let drawn: Vec<_> = said.iter().filter_map(drawn).collect();
    let images = json!([{"type": "image_url", "image_url": {"url": URL}, "index": 0}]);
    assert_eq!(drawn, [images], "{said:?}");
    assert!(Door::OpenAi.is_complete(&said) && end == End::Clean);

    // A picture alone is an answer.
    let mut alone = gemini();
    alone["candidates"][0]["content"]["parts"]
        .as_array_mut()
        .unwrap()
        .drain(..2);
    upstream.gemini.always(Fault::Json(200, alone));
    let reply = hub
        .chat(Door::OpenAi, &Door::OpenAi.ask("gemini-fast-1", "draw"))
        .await;
    let message = &reply.body["choices"][0]["message"];
    assert_eq!(
        (reply.status, &message["content"]),
        (200, &json!("")),
        "{reply}"
    );
    assert_eq!(
        message["images"].as_array().map(Vec::len),
        Some(1),
        "{reply}"
    );
}

#[tokio::test]
async fn a_client_of_anthropic_is_told_that_it_was_left_out() {
    let (upstream, hub) = drawing().await;
    for model in ["gemini-fast-1", "acme/open-20b:free"] {
        let body = Door::Anthropic.ask(model, "draw");
        let reply = hub.chat(Door::Anthropic, &body).await;
        let text = json!([{"type": "text", "text": "Here it is."}]);
        assert_eq!(reply.body["content"], text, "{reply}");
        assert!(
            reply.header("x-hub-dropped-params").contains("images"),
            "{reply}"
        );
    }
    upstream.gemini.always(events(&[gemini()]));
    let done = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let mut stream = b"".to_vec();
    for body in [openrouter("delta"), done] {
        stream.extend_from_slice(format!("data: {body}\n\n").as_bytes());
    }
    stream.extend_from_slice(b"data: [DONE]\n\n");
    upstream
        .openai
        .always(Fault::Body(200, "text/event-stream", stream));
    for model in ["gemini-fast-1", "acme/open-20b:free"] {
        let body = Door::Anthropic.ask_stream(model, "draw");
        let (said, end) = hub.chat_stream(Door::Anthropic, &body).await.rest().await;
        assert_eq!(Door::Anthropic.text_of(&said), "Here it is.", "{said:?}");
        let last = said.iter().find(|said| said.event == "message_delta");
        let last = last.expect("there is an end").json();
        assert_eq!(last["dropped_params"], json!(["images"]), "{last}");
        assert!(Door::Anthropic.is_complete(&said) && end == End::Clean);
    }
}

/// Three mebibytes of a picture, as base64.
fn large() -> String {
    PNG[..8].repeat(3 * 1024 * 1024 / 8)
}

/// A picture in one event, as these vendors send it, behind a word.
fn at_once(picture: &str) -> [Fault; 2] {
    let mut drawn = gemini();
    drawn["candidates"][0]["content"]["parts"][2]["inlineData"]["data"] = json!(picture);
    let mut delta = openrouter("delta");
    let url = format!("data:image/png;base64,{picture}");
    delta["choices"][0]["delta"]["images"][0]["image_url"]["url"] = json!(url);
    let mut stream = format!("data: {delta}\n\n").into_bytes();
    stream.extend_from_slice(b"data: [DONE]\n\n");
    [
        events(&[drawn]),
        Fault::Body(200, "text/event-stream", stream),
    ]
}

#[tokio::test]
async fn a_large_picture_in_one_event_reaches_every_door() {
    let (upstream, hub) = drawing().await;
    let picture = large();
    let [gemini, openai] = at_once(&picture);
    upstream.gemini.always(gemini);
    upstream.openai.always(openai);
    let url = format!("data:image/png;base64,{picture}");
    for (provider, model) in [
        ("gemini", "gemini-fast-1"),
        ("openrouter", "acme/open-20b:free"),
    ] {
        let body = Door::OpenAi.ask_stream(model, "draw");
        let (said, end) = hub.chat_stream(Door::OpenAi, &body).await.rest().await;
        let drawn = said
            .iter()
            .any(|said| said.json()["choices"][0]["delta"]["images"][0]["image_url"]["url"] == url);
        assert!(drawn, "{provider}");
        assert!(Door::OpenAi.is_complete(&said) && end == End::Clean);

        let body = Door::Anthropic.ask_stream(model, "draw");
        let (said, end) = hub.chat_stream(Door::Anthropic, &body).await.rest().await;
        assert_eq!(Door::Anthropic.text_of(&said), "Here it is.", "{said:?}");
        assert!(Door::Anthropic.is_complete(&said) && end == End::Clean);
        let last = said.iter().find(|said| said.event == "message_delta");
        let last = last.expect("there is an end").json();
        assert_eq!(last["dropped_params"], json!(["images"]), "{last}");

        let body = json!({
            "tool": "llm_complete", "params": {"prompt": "draw", "provider": provider},
            "stream": true,
        });
        let (said, end) = hub.api_stream(&body).await.rest().await;
        let last = said.last().expect("there is an end").json();
        assert_eq!(last["result"], "Here it is.");
        assert!(last["meta"]["images"] == json!([url]), "{provider}");
        assert_eq!(end, End::Clean);
    }
}

#[tokio::test]
async fn tools_have_it_beside_their_text() {
    let (upstream, hub) = drawing().await;
    let in_meta = |reply: &Reply| reply.meta()["images"].clone();
    for provider in ["gemini", "openrouter"] {
        let reply = hub.prompt_at(provider, "draw").await;
        assert_eq!(reply.assert_ok().text(), "Here it is.");
        assert_eq!(in_meta(&reply), json!([URL]), "{reply}");

        let arguments = json!({"prompt": "draw", "provider": provider});
        let reply = hub.mcp(&call(1, "llm_complete", arguments)).await;
        let result = &reply.last()["result"];
        let expected = json!([
            {"type": "text", "text": "Here it is."},
            {"type": "image", "data": PNG, "mimeType": "image/png"},
        ]);
        assert_eq!(result["content"], expected, "{reply}");
        let about = &result["_meta"]["multi-llm-hub/call"];
        assert!(about["images"].is_null(), "once is enough: {reply}");
    }
    upstream.gemini.always(events(&[gemini()]));
    let body = json!({
        "tool": "llm_complete", "params": {"prompt": "draw", "provider": "gemini"}, "stream": true,
    });
    let (said, _) = hub.api_stream(&body).await.rest().await;
    let last = said.last().expect("there is an end").json();
    assert_eq!(last["result"], "Here it is.");
    assert_eq!(last["meta"]["images"], json!([URL]), "{last}");
    // A hub without pictures says nothing of them.
    upstream.gemini.always(Fault::Answer("hello"));
    let reply = hub.prompt_at("gemini", "talk").await;
    assert!(in_meta(&reply).is_null(), "{reply}");
}
