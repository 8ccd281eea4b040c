//! The clients in the field, byte for byte as they are: nobody updates them for us.

use crate::support::{FakeUpstream, Fault, Hub, Reply};

/// WordPress's HTTP API, as the plugin uses it. `authorization` is there only if a key is set.
fn wordpress(method: &str, path: &str, authorization: &str, body: &str) -> Vec<u8> {
    let content = match method {
        "POST" => format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        ),
        _ => String::new(),
    };
    format!(
        "{method} {path} HTTP/1.1\r\n\
         Host: 127.0.0.1:7860\r\n\
         User-Agent: WordPress/6.8.3; https://example.org\r\n\
         Accept: */*\r\n\
         Accept-Encoding: deflate, gzip, br, zstd\r\n\
         Referer: https://example.org\r\n\
         {authorization}\
         Connection: close\r\n\
         {content}\r\n{body}"
    )
    .into_bytes()
}

/// The desktop client's library.
fn desktop(body: &str) -> Vec<u8> {
    format!(
        "POST /api HTTP/1.1\r\n\
         Host: localhost:7860\r\n\
         Accept: */*\r\n\
         Accept-Encoding: gzip, deflate\r\n\
         Connection: keep-alive\r\n\
         User-Agent: python-httpx/0.28.1\r\n\
         Content-Length: {}\r\n\
         Content-Type: application/json\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Neither client asks for JSON, and neither unpacks anything by itself but gzip.
#[track_caller]
fn assert_plain_json(reply: &Reply) {
    assert_eq!(reply.header("content-encoding"), "", "{reply}");
    assert!(reply.body.is_object(), "{reply}");
}

#[tokio::test]
async fn wordpress_tests_the_connection() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for authorization in ["", "Authorization: Bearer any-key\r\n"] {
        let reply = hub.raw(&wordpress("GET", "/", authorization, "")).await;
        assert_plain_json(reply.assert_ok());
        assert_eq!(reply.body["status"], "running");
        assert_eq!(reply.body["service"], "Test Hub");
        assert!(reply.body["version"].is_string(), "{reply}");
        assert!(reply.body["uptime_seconds"].is_u64(), "{reply}");
        assert!(reply.body["transport"].is_string(), "{reply}");
    }
}

#[tokio::test]
async fn wordpress_lists_the_tools_with_phps_empty_array() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let body = r#"{"tool":"list_active_tools","params":[]}"#;
    for authorization in ["", "Authorization: Bearer any-key\r\n"] {
        let reply = hub
            .raw(&wordpress("POST", "/api", authorization, body))
            .await;
        assert_plain_json(reply.assert_ok());
        assert!(reply.result()["active_tools"].is_array(), "{reply}");
    }
}

#[tokio::test]
async fn wordpress_completes_with_an_empty_model() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let body = concat!(
        r#"{"tool":"llm_complete","params":{"prompt":"Say \u00fcber \ud83d\ude80 <\/p>","#,
        r#""provider_name":"anthropic","model":"","max_tokens":1024}}"#
    );
    let reply = hub.raw(&wordpress("POST", "/api", "", body)).await;
    assert_plain_json(reply.assert_ok());
    assert_eq!(reply.text(), "hello from anthropic");
    let seen = upstream.anthropic.only();
    assert_eq!(
        seen.body["messages"][0]["content"],
        "Say \u{fc}ber \u{1f680} </p>"
    );
    assert_eq!(seen.body["model"], "claude-fast-1");
    assert_eq!(seen.body["max_tokens"], 1024);
}

#[tokio::test]
async fn wordpress_leaves_the_provider_to_the_hub() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let body = concat!(
        r#"{"tool":"llm_complete","params":{"prompt":"hello","#,
        r#""provider_name":"","model":"","max_tokens":1024}}"#
    );
    let reply = hub.raw(&wordpress("POST", "/api", "", body)).await;
    assert_eq!(reply.assert_ok().provider(), "anthropic");
}

#[tokio::test]
async fn wordpress_sees_a_status_other_than_200_for_every_failure() {
    let upstream = FakeUpstream::start().await;
    upstream.always(&Fault::Status(500));
    let hub = Hub::three(&upstream).await;
    let body = r#"{"tool":"llm_complete","params":{"prompt":"hello"}}"#;
    let reply = hub.raw(&wordpress("POST", "/api", "", body)).await;
    reply.assert_fails(502, "providers_failed");
    assert_plain_json(&reply);
}

#[tokio::test]
async fn desktop_reads_what_there_is() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let reply = hub
        .raw(&desktop(r#"{"tool":"list_active_tools","params":{}}"#))
        .await;
    assert_plain_json(reply.assert_ok());
    let result = reply.result();
    let names = |key: &str| -> Vec<String> {
        let names = result[key]
            .as_array()
            .unwrap_or_else(|| panic!("no `{key}`: {reply}"));
        names
            .iter()
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect()
    };
    for tool in [
        "llm_complete",
        "code_review",
        "list_active_tools",
        "health_check",
    ] {
        assert!(
            names("active_tools").iter().any(|name| name == tool),
            "{tool}: {reply}"
        );
    }
    assert_eq!(
        names("active_llm_providers"),
        ["anthropic", "gemini", "openrouter"]
    );
    assert_eq!(names("active_search_providers"), [""; 0]);
    let models = [
        "claude-fast-1",
        "claude-strong-1",
        "gemini-fast-1",
        "gemini-fast-1-lite",
        "acme/open-20b:free",
    ];
    assert_eq!(names("available_models"), models);
}

#[tokio::test]
async fn desktop_chats() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let bodies = [
        r#"{"tool":"llm_complete","params":{"prompt":"hello","max_tokens":1024}}"#,
        r#"{"tool": "llm_complete", "params": {"prompt": "hello", "provider": "gemini", "model": "gemini-fast-1-lite", "max_tokens": 2048}}"#,
    ];
    for (body, provider) in bodies.into_iter().zip(["anthropic", "gemini"]) {
        let reply = hub.raw(&desktop(body)).await;
        assert_plain_json(reply.assert_ok());
        assert_eq!(reply.text(), format!("hello from {provider}"));
    }
    let gemini = &upstream.gemini.only();
    assert_eq!(gemini.body["generationConfig"]["maxOutputTokens"], 2048);
    assert!(gemini.target().contains("gemini-fast-1-lite:"));
}

#[tokio::test]
async fn desktop_asks_the_database() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let body = r#"{"tool":"db_query","params":{"sql":"SELECT * FROM hub_state"}}"#;
    let reply = hub.raw(&desktop(body)).await;
    reply.assert_contract();
    assert_plain_json(reply.assert_ok());
    assert!(reply.result().is_array(), "{reply}");
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_call() {
    use tokio::{io::AsyncWriteExt, net::TcpStream};

    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let mut stream = TcpStream::connect(hub.address).await.unwrap();
    for _ in 0..3 {
        let body = r#"{"tool":"llm_complete","params":{"prompt":"hello"}}"#;
        stream.write_all(&desktop(body)).await.unwrap();
        let message = crate::support::http::read_message(&mut stream)
            .await
            .unwrap();
        assert_eq!(message.second_word(), "200");
    }
}
