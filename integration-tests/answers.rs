//! Good answers in every vendor's shape: finish reasons, the model that answered, tokens, costs.

use serde_json::{Value, json};

use crate::support::{FakeUpstream, Fault, Hub, Pyfun, Reply, vendor::Vendor};

/// What one answer of a vendor becomes.
async fn answered(vendor: Vendor, answer: Value) -> Reply {
    let upstream = FakeUpstream::start().await;
    upstream.always(&Fault::Json(200, answer));
    Hub::three(&upstream)
        .await
        .prompt_at(vendor.provider(), "hello")
        .await
}

#[tokio::test]
async fn finish_reasons_are_mapped() {
    let cases = [
        (Vendor::Anthropic, "/stop_reason", "stop_sequence", "stop"),
        (Vendor::Anthropic, "/stop_reason", "max_tokens", "length"),
        (
            Vendor::Anthropic,
            "/stop_reason",
            "model_context_window_exceeded",
            "length",
        ),
        (
            Vendor::Anthropic,
            "/stop_reason",
            "refusal",
            "content_filter",
        ),
        (
            Vendor::Gemini,
            "/candidates/0/finishReason",
            "MAX_TOKENS",
            "length",
        ),
        (
            Vendor::Gemini,
            "/candidates/0/finishReason",
            "SAFETY",
            "content_filter",
        ),
        (
            Vendor::Gemini,
            "/candidates/0/finishReason",
            "RECITATION",
            "content_filter",
        ),
        (
            Vendor::OpenAi,
            "/choices/0/finish_reason",
            "length",
            "length",
        ),
        (
            Vendor::OpenAi,
            "/choices/0/finish_reason",
            "content_filter",
            "content_filter",
        ),
    ];
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    for (vendor, place, theirs, ours) in cases {
        let mut answer = vendor.answer("model", "cut off");
        *answer.pointer_mut(place).unwrap() = json!(theirs);
        upstream.always(&Fault::Json(200, answer));
        let reply = hub.prompt_at(vendor.provider(), "hello").await;
        assert_eq!(reply.assert_ok().meta()["finish_reason"], ours, "{theirs}");
        assert_eq!(reply.text(), "cut off", "{theirs}");
    }
}

#[tokio::test]
async fn an_answer_cut_before_its_first_word_is_still_an_answer() {
    let answer = json!({
        "candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}],
        "usageMetadata": {"promptTokenCount": 4, "thoughtsTokenCount": 9, "totalTokenCount": 13},
    });
    let reply = answered(Vendor::Gemini, answer).await;
    assert_eq!(reply.assert_ok().text(), "");
    assert_eq!(reply.meta()["finish_reason"], "length");
    assert_eq!(reply.meta()["usage"]["output_tokens"], 9);
}

#[tokio::test]
async fn the_model_that_answered_is_shown_if_it_is_another() {
    let answer = Vendor::OpenAi.answer("somebody/else-7b", "hi");
    let reply = answered(Vendor::OpenAi, answer).await;
    assert_eq!(reply.assert_ok().meta()["model"], "acme/open-20b:free");
    assert!(
        reply.meta().to_string().contains("somebody/else-7b"),
        "{reply}"
    );
}

#[tokio::test]
async fn costs_come_from_the_prices_and_the_cache_has_its_own() {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::three(&upstream).and(
        r#"
        [MODEL.claude-fast-1]
        provider = "anthropic"
        max_output_tokens = "100"
        cost_input_per_1k = "0.001"
        cost_output_per_1k = "0.005"
        cost_cached_input_per_1k = "0.0001"
        [MODEL.claude-fast-1_END]
        "#,
    );
    let hub = Hub::with(&pyfun).await;
    let reply = hub.prompt_at("anthropic", "hello").await;
    let cost = reply.meta()["cost_usd"].as_f64().unwrap();
    let expected = (12.0 * 0.001 + 3.0 * 0.0001 + 7.0 * 0.005) / 1000.0;
    assert!((cost - expected).abs() < 1e-12, "{cost} is not {expected}");
    assert_eq!(
        upstream.anthropic.only().body["max_tokens"],
        100,
        "capped by the model"
    );

    let unknown = hub.prompt_at("gemini", "hello").await;
    assert!(unknown.meta()["cost_usd"].is_null(), "{unknown}");

    let mut answer = Vendor::OpenAi.answer("acme/open-20b:free", "hi");
    answer["usage"]["cost"] = json!(0.25);
    upstream.openai.always(Fault::Json(200, answer));
    let billed = hub.prompt_at("openrouter", "hello").await;
    assert_eq!(billed.meta()["cost_usd"], 0.25, "{billed}");
}

#[tokio::test]
async fn the_price_of_another_provider_is_not_ours() {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::three(&upstream).and(
        r#"
        [MODEL.claude-fast-1]
        provider = "gemini"
        max_output_tokens = "7"
        cost_input_per_1k = "0.001"
        cost_output_per_1k = "0.005"
        [MODEL.claude-fast-1_END]
        "#,
    );
    let hub = Hub::with(&pyfun).await;
    let reply = hub.prompt_at("anthropic", "hello").await;
    assert!(reply.assert_ok().meta()["cost_usd"].is_null(), "{reply}");
    assert_ne!(upstream.anthropic.only().body["max_tokens"], 7);
}

#[tokio::test]
async fn an_answer_that_repeats_the_key_is_dropped() {
    let upstream = FakeUpstream::start().await;
    let hub = Hub::three(&upstream).await;
    let key = "key-of-openrouter";
    for (model, text) in [
        (key, "hello"),
        ("acme/open-20b:free", "you sent key-of-openrouter to me"),
    ] {
        let answer = Vendor::OpenAi.answer(model, text);
        upstream.openai.always(Fault::Json(200, answer));
        let reply = hub.prompt_at("openrouter", "hello").await;
        reply.assert_fails(502, "providers_failed");
        assert_eq!(reply.attempt_entries()[0]["outcome"], "malformed");
        assert!(!reply.to_string().contains(key), "{reply}");
    }
}
