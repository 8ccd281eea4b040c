//! What MCP clients read: tools and their results, prompts, resources.

use serde_json::{Value, json};

use crate::support::{
    FakeUpstream, Fault, Hub, Pyfun,
    mcp::{call, request},
};

#[tokio::test]
async fn tools_are_described_for_models_and_people() {
    let upstream = FakeUpstream::start().await;
    let builder = Hub::builder().pyfun(
        &Pyfun::three(&upstream).and("[TOOL.no.good]\ndescription = \"x\"\n[TOOL.no.good_END]\n"),
    );
    let hub = builder.env("GEMINI_API_KEY", "k").start().await;
    let list = hub.mcp(&request(1, "tools/list", json!({}))).await;
    let again = hub.mcp(&request(1, "tools/list", json!({}))).await;
    assert_eq!(list.body, again.body);
    let tools = list.body["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    let expected = [
        "llm_complete",
        "code_review",
        "summarize",
        "translate",
        "db_query",
        "list_active_tools",
        "health_check",
        "get_model_info",
    ];
    assert_eq!(names, expected);
    let complete = &tools[0];
    assert_eq!(complete["title"], "LLM complete");
    assert_eq!(complete["description"], "llm_complete for the tests");
    let input = &complete["inputSchema"];
    assert_eq!(
        input["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    // The providers without a key, and their models, are no choice.
    assert_eq!(input["properties"]["provider"]["enum"], json!(["gemini"]));
    let models = &input["properties"]["model"]["enum"];
    assert_eq!(*models, json!(["gemini-fast-1", "gemini-fast-1-lite"]));
    let (messages, images) = (
        &input["properties"]["messages"],
        &input["properties"]["images"],
    );
    assert_eq!(messages["items"]["required"], json!(["role"]));
    assert_eq!(images["items"]["pattern"], "^(https://|data:)");
    assert_eq!(complete["annotations"]["readOnlyHint"], true);
    assert_eq!(complete["annotations"]["openWorldHint"], true);
    assert!(complete.get("outputSchema").is_none());
    assert_eq!(tools[6]["annotations"]["openWorldHint"], false);
    assert_eq!(tools[6]["outputSchema"]["type"], "object");
}

#[tokio::test]
async fn a_call_answers_with_text_and_how_it_came_about() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Status(529));
    let hub = Hub::three(&upstream).await;
    let message = call(1, "llm_complete", json!({"prompt": "hello"}));
    for reply in [hub.mcp(&message).await, hub.mcp_modern(message).await] {
        let result = &reply.last()["result"];
        assert_eq!(result["content"][0]["text"], "hello from gemini", "{reply}");
        assert_eq!(result["isError"], false, "{reply}");
        let about = &result["_meta"]["multi-llm-hub/call"];
        assert_eq!(about["provider"], "gemini", "{reply}");
        assert_eq!(about["attempts"][0]["status"], 529, "{reply}");
    }
    let health = hub.mcp(&call(2, "health_check", json!({}))).await;
    let result = &health.last()["result"];
    let text = result["content"][0]["text"].as_str().unwrap();
    let read: Value = serde_json::from_str(text).unwrap();
    assert_eq!(read, result["structuredContent"], "{health}");
}

#[tokio::test]
async fn a_conversation_and_images_come_through_this_door_too() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let arguments = json!({
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "text", "text": "hello"}]},
        ],
        "prompt": "what is this?",
        "images": ["https://example.com/a.png", "data:image/png;base64,aGk="],
    });
    let message = call(1, "llm_complete", arguments);
    for reply in [hub.mcp(&message).await, hub.mcp_modern(message).await] {
        assert_eq!(reply.last()["result"]["isError"], false, "{reply}");
    }
    let url = json!({"type": "url", "url": "https://example.com/a.png"});
    let data = json!({"type": "base64", "media_type": "image/png", "data": "aGk="});
    let expected = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": [
            {"type": "text", "text": "what is this?"},
            {"type": "image", "source": url},
            {"type": "image", "source": data},
        ]},
    ]);
    let seen = upstream.anthropic.seen();
    assert_eq!(seen.len(), 2);
    for exchange in seen {
        assert_eq!(exchange.body["messages"], expected);
    }
    for (arguments, sentence) in [
        (
            json!({"prompt": "x", "images": ["http://a.example/a.png"]}),
            "`images` must be",
        ),
        (
            json!({"prompt": "x", "messages": "hi"}),
            "`messages` must be",
        ),
        (
            json!({"prompt": "x", "messages": [{"content": "hi"}]}),
            "`messages[0].role`",
        ),
    ] {
        let reply = hub.mcp(&call(1, "llm_complete", arguments)).await;
        let result = &reply.last()["result"];
        assert_eq!(result["isError"], true, "{reply}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(sentence), "{reply}");
    }
}

#[tokio::test]
async fn bad_input_is_a_tools_error_and_an_unknown_tool_the_protocols() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let cases = [
        (json!({}), "`llm_complete` needs a `prompt`"),
        (json!({"prompt": 7}), "`prompt` must be a string"),
        (
            json!({"prompt": "x", "temprature": 1}),
            "no parameter `temprature`",
        ),
        (
            json!({"prompt": "x", "model": "gpt-0"}),
            "There is no model `gpt-0`",
        ),
        (
            json!({"prompt": "x", "provider": "nobody"}),
            "Providers: anthropic",
        ),
    ];
    for (arguments, sentence) in cases {
        let reply = hub.mcp(&call(1, "llm_complete", arguments)).await;
        let result = &reply.last()["result"];
        assert_eq!(result["isError"], true, "{reply}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(sentence), "{reply}");
    }
    for tool in ["nothing", "web_search"] {
        let reply = hub.mcp(&call(1, tool, json!({}))).await;
        assert_eq!(reply.last()["error"]["code"], -32602, "{reply}");
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn system_prompts_are_prompts() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let list = hub.mcp(&request(1, "prompts/list", json!({}))).await;
    let prompts = list.last()["result"]["prompts"].clone();
    assert_eq!(prompts[2]["name"], "summarize", "{list}");
    assert_eq!(prompts[2]["arguments"][0]["name"], "text", "{list}");
    let params = json!({"name": "summarize", "arguments": {"text": "a long story"}});
    let got = hub.mcp(&request(2, "prompts/get", params)).await;
    let messages = &got.last()["result"]["messages"];
    assert_eq!(
        messages[0]["content"]["text"], "You are summarize.",
        "{got}"
    );
    assert_eq!(messages[1]["content"]["text"], "a long story", "{got}");
    let params = json!({"name": "summarize", "arguments": {"txt": "x"}});
    let got = hub.mcp(&request(3, "prompts/get", params)).await;
    assert_eq!(got.last()["error"]["code"], -32602, "{got}");
}

#[tokio::test]
async fn the_hub_can_be_read_without_a_secret() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let list = hub.mcp(&request(1, "resources/list", json!({}))).await;
    let resources = list.last()["result"]["resources"].clone();
    let resources = resources.as_array().unwrap();
    assert!(resources.len() > 5, "{list}");
    for resource in resources {
        let read = hub
            .mcp(&request(
                2,
                "resources/read",
                json!({"uri": resource["uri"]}),
            ))
            .await;
        let content = read.last()["result"]["contents"][0].clone();
        assert_eq!(content["mimeType"], "application/json", "{read}");
        let text = content["text"].as_str().unwrap();
        assert!(serde_json::from_str::<Value>(text).is_ok(), "{read}");
        assert!(!text.contains("key-of-"), "{read}");
    }
    // The template's `/` comes encoded from some clients.
    for name in ["acme/open-20b:free", "acme%2Fopen-20b%3Afree"] {
        let uri = format!("hub://models/{name}");
        let read = hub
            .mcp(&request(3, "resources/read", json!({"uri": uri})))
            .await;
        let text = read.last()["result"]["contents"][0]["text"].to_string();
        assert!(text.contains("openrouter"), "{read}");
    }
    for (uri, code) in [
        ("hub://models/none", -32002),
        ("file:///etc/passwd", -32002),
    ] {
        let read = hub
            .mcp(&request(4, "resources/read", json!({"uri": uri})))
            .await;
        assert_eq!(read.last()["error"]["code"], code, "{read}");
        assert_eq!(read.last()["error"]["data"]["uri"], uri, "{read}");
    }
    let params = json!({
        "ref": {"type": "ref/resource", "uri": "hub://models/{name}"},
        "argument": {"name": "name", "value": "claude-"},
    });
    let completed = hub.mcp(&request(5, "completion/complete", params)).await;
    let values = &completed.last()["result"]["completion"]["values"];
    assert_eq!(
        *values,
        json!(["claude-fast-1", "claude-strong-1"]),
        "{completed}"
    );
}
