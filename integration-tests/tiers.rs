//! Files of every size serve: none, a few lines, everything; and variables override them.

use serde_json::json;

use crate::support::{FakeUpstream, Hub, Pyfun};

#[tokio::test]
async fn a_lazy_file_serves() {
    let upstream = FakeUpstream::start().await;
    let text = format!(
        "[HUB]\nHUB_NAME = \"Lazy\"\n[HUB_END]\n[LLM_PROVIDER.anthropic]\n\
         base_url = \"{}/v1\"\nenv_key = \"ANTHROPIC_API_KEY\"\n\
         default_model = \"claude-fast-1\"\n[LLM_PROVIDER.anthropic_END]\n",
        upstream.url()
    );
    let hub = Hub::builder().pyfun_text(&text).keys().start().await;
    assert_eq!(
        hub.prompt("hello").await.assert_ok().text(),
        "hello from anthropic"
    );
    let listed = hub.call("list_active_tools", json!({})).await;
    let active = listed.result()["active_tools"].as_array().unwrap();
    assert!(active.contains(&json!("llm_complete")), "{listed}");
}

#[tokio::test]
async fn a_normal_file_serves() {
    let upstream = FakeUpstream::start().await;
    let text = format!(
        r#"
        [HUB]
        HUB_NAME = "Normal"
        [HUB_END]
        [LLM_PROVIDER.gemini]
        base_url = "{}/v1beta"
        env_key = "GEMINI_API_KEY"
        default_model = "gemini-fast-1"
        [LLM_PROVIDER.gemini_END]
        [SEARCH_PROVIDER.brave]
        active = "true"
        base_url = "https://api.search.brave.com/res/v1/web/search"
        env_key = "BRAVE_API_KEY"
        default_results = "5"
        [SEARCH_PROVIDER.brave_END]
        [MODEL.gemini-fast-1]
        provider = "gemini"
        max_output_tokens = "8"
        [MODEL.gemini-fast-1_END]
        "#,
        upstream.url()
    );
    let hub = Hub::builder().pyfun_text(&text).keys().start().await;
    assert_eq!(
        hub.prompt("hello").await.assert_ok().text(),
        "hello from gemini"
    );
    let limit = &upstream.gemini.only().body["generationConfig"]["maxOutputTokens"];
    assert_eq!(*limit, 8);
}

#[tokio::test]
async fn a_productive_file_serves() {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::three(&upstream).and(
        r#"
        [DB_SYNC]
        SQLITE_PATH = "app/.hub_state.db"
        SYNC_INTERVAL_SEC = "30"
        MAX_CACHE_ENTRIES = "1000"
        [DB_SYNC_END]
        "#,
    );
    let hub = Hub::with(&pyfun).await;
    for tool in ["llm_complete", "code_review", "summarize", "translate"] {
        hub.call(tool, json!({"prompt": "hello"})).await.assert_ok();
    }
}

#[tokio::test]
async fn a_missing_or_empty_file_serves_the_system_tools_and_says_what_to_write() {
    let empty = Hub::builder().pyfun_text("").start().await;
    let missing = Hub::builder().start().await;
    for hub in [empty, missing] {
        hub.call("health_check", json!({})).await.assert_ok();
        hub.prompt("hello")
            .await
            .assert_fails(503, "not_configured");
        let log = hub.process.stderr.text();
        assert!(log.contains("[LLM_PROVIDER."), "{log}");
    }
}

#[tokio::test]
async fn a_variable_overrides_the_file() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder()
        .pyfun(&Pyfun::three(&upstream))
        .keys()
        .env("HUB__HUB__HUB_NAME", "Other Hub")
        .env("HUB__TOOL__LLM_COMPLETE__DEFAULT_PROVIDER", "gemini")
        .start()
        .await;
    assert_eq!(hub.get("/").await.body["service"], "Other Hub");
    assert_eq!(hub.prompt("hello").await.assert_ok().provider(), "gemini");
}

#[tokio::test]
async fn replies_are_tagged_on_request() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::builder()
        .pyfun(&Pyfun::three(&upstream))
        .keys()
        .env("HUB__HUB__HUB_TAG_REPLIES", "true")
        .start()
        .await;
    let reply = hub.prompt("hello").await;
    assert_eq!(reply.assert_ok().text(), "[anthropic] hello from anthropic");
}
