//! What a client says and the hub has no word for, at the doors for SDKs: its own vendor gets it, and for
//! another it is named, or the vendor is not asked.

use serde_json::json;

use crate::support::{
    FakeUpstream, Fault, Hub,
    chat::Door,
    pyfun::{Provider, Pyfun},
    vendors::separate,
};

#[tokio::test]
async fn a_choice_that_one_vendor_knows_reaches_it_and_is_named_for_another() {
    let (upstream, hub) = separate().await;
    let mut body = Door::OpenAi.ask("acme/open-20b:free", "hello");
    body["tools"] = Door::OpenAi.tools();
    body["tool_choice"] = json!({"type": "allowed_tools", "allowed_tools": {
        "mode": "auto", "tools": [{"type": "function", "function": {"name": "weather"}}],
    }});
    let reply = hub.chat(Door::OpenAi, &body).await;
    assert_eq!(reply.assert_ok().header("x-hub-dropped-params"), "");
    let sent = upstream.openai.only().body.clone();
    assert_eq!(sent["tool_choice"], body["tool_choice"]);

    body["model"] = "claude-fast-1".into();
    let reply = hub.chat(Door::OpenAi, &body).await;
    let dropped = reply.assert_ok().header("x-hub-dropped-params");
    assert_eq!(dropped, "tool_choice");
    let sent = upstream.anthropic.only().body.clone();
    assert!(sent.get("tool_choice").is_none(), "{sent}");
    assert_eq!(sent["tools"][0]["name"], "weather");
}

#[tokio::test]
async fn who_cannot_be_told_what_a_user_shows_is_not_asked_and_the_answer_says_so() {
    let upstream = FakeUpstream::start().await;
    let base = &upstream.url();
    let chain = Pyfun::chain([
        Provider::openrouter(base).fallback_to("anthropic"),
        Provider::anthropic(base).fallback_to(""),
    ]);
    let hub = Hub::with(&chain).await;
    let mut body = Door::OpenAi.ask("acme/open-20b:free", "");
    body["messages"][0]["content"] = json!([
        {"type": "text", "text": "What happens here?"},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
    ]);
    let reply = hub.chat(Door::OpenAi, &body).await;
    assert_eq!(reply.assert_ok().header("x-hub-dropped-params"), "");
    assert_eq!(upstream.openai.only().body["messages"], body["messages"]);

    upstream.openai.always(Fault::Status(500));
    let reply = hub.chat(Door::OpenAi, &body).await;
    assert_eq!(reply.status, 502, "{reply}");
    let attempts = reply.header("x-hub-attempts");
    assert_eq!(attempts, "openrouter:500, anthropic:rejected");
    let (_, sentence) = Door::OpenAi.error(&reply.body);
    let expected = "Anthropic's format has no parts of the kind `video_url`, so a provider that speaks it \
                    was not asked.";
    assert!(sentence.ends_with(expected), "{sentence}");
    assert_eq!(upstream.anthropic.seen().len(), 0);
}

#[tokio::test]
async fn a_tools_system_prompt_costs_nothing_of_what_a_client_says() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let mut body = Door::Anthropic.ask("code_review", "");
    let ephemeral = json!({"type": "ephemeral"});
    let long = json!({"type": "text", "text": "A long law.", "cache_control": ephemeral});
    body["system"] = json!([long]);
    body["messages"][0]["content"] = json!([
        {"type": "text", "text": "fn main() {}", "cache_control": ephemeral},
        {"type": "some_day", "of": ["the", "vendor"]},
    ]);
    body["thinking"] = json!({"type": "disabled", "display": "omitted"});
    let reply = hub.chat(Door::Anthropic, &body).await;
    assert_eq!(reply.assert_ok().header("x-hub-dropped-params"), "");
    let sent = upstream.anthropic.only().body.clone();
    assert_eq!(sent["messages"], body["messages"]);
    assert_eq!(sent["thinking"], body["thinking"]);
    let above = json!({"type": "text", "text": "You are code_review."});
    assert_eq!(sent["system"], json!([above, long]));
}
