//! `[MODEL.x]`.

use super::{GOOD, check, help, settings};

/// `[MODEL.m]` of the good provider with these lines, the first of them at line 8.
fn model(lines: &str) -> String {
    format!("{GOOD}[MODEL.m]\nprovider = \"good\"\n{lines}\n[MODEL.m_END]\n")
}

#[test]
fn values() {
    let text = model(
        "context_tokens = \"200000\"\nmax_output_tokens = \"32000\"\nrequests_per_min = \"5\"\n\
         requests_per_day = \"\"\ncost_input_per_1k = \"0.00025\"\ncost_output_per_1k = \"0\"\n\
         cost_cached_input_per_1k = \"0.00001\"\ncapabilities = \"text, code, vision\"",
    );
    check(&text, &[]);
    let loaded = settings(&text);
    let model = &loaded.models[0];
    assert_eq!(
        (model.name.as_str(), model.provider.as_str()),
        ("m", "good")
    );
    assert_eq!(model.context_tokens, Some(200_000));
    assert_eq!(model.max_output_tokens, Some(32_000));
    assert_eq!(model.requests_per_min, Some(5));
    assert_eq!(model.requests_per_day, None);
    assert_eq!(model.cost_input_per_1k, Some(0.000_25));
    assert_eq!(model.cost_output_per_1k, Some(0.0));
    assert_eq!(model.cost_cached_input_per_1k, Some(0.000_01));
    assert_eq!(model.capabilities, ["text", "code", "vision"]);
}

#[test]
fn numbers_are_strict() {
    check(
        &model("context_tokens = \"200k\"\ncost_input_per_1k = \"$3\"\nmax_output_tokens = \"0\""),
        &[
            "8 error: `context_tokens` is \"200k\", not a whole number",
            "9 error: `cost_input_per_1k` is \"$3\", not a number",
            "10 error: `max_output_tokens` is \"0\", out of range",
        ],
    );
}

#[test]
fn a_price_for_a_million_is_warned_of() {
    check(
        &model("cost_output_per_1k = \"15\""),
        &["8 warning: `cost_output_per_1k` is 15 US dollars for 1,000 tokens"],
    );
}

#[test]
fn an_unknown_provider() {
    let text = "[MODEL.m]\nprovider = \"godo\"\n[MODEL.m_END]\n";
    check(
        &format!("{GOOD}{text}"),
        &["7 error: `provider` is \"godo\", and there is no such LLM provider"],
    );
    assert_eq!(help(&format!("{GOOD}{text}")), "did you mean `good`?");
    check(
        &format!("{GOOD}[MODEL.m]\n[MODEL.m_END]\n"),
        &["6 error: [MODEL.m] does not say whose model it is"],
    );
}

#[test]
fn a_model_that_its_provider_does_not_list() {
    let text = format!("{GOOD}[MODEL.x]\nprovider = \"good\"\n[MODEL.x_END]\n");
    check(
        &text,
        &["6 warning: `good` does not list `x` in its `models`, so [MODEL.x] does nothing"],
    );
    let text = format!(
        "{}[MODEL.gpt-oss-20b]\nprovider = \"good\"\n[MODEL.gpt-oss-20b_END]\n",
        GOOD.replace("\"m\"", "\"openai/gpt-oss-20b:free\"")
    );
    assert!(help(&text).starts_with("did you mean `[MODEL.openai/gpt-oss-20b:free]`?"));
}

#[test]
fn retired_models_are_warned_of_where_they_are_listed() {
    let problem = "`gemini-2.0-flash` is outdated: its vendor's retirement date is 2026-06-01";
    check(
        &GOOD.replace("\"m\"", "\"gemini-2.0-flash\""),
        &[&format!("4 warning: {problem}")],
    );
    let text = format!(
        "{GOOD}[MODEL.gemini-2.0-flash]\nprovider = \"good\"\n[MODEL.gemini-2.0-flash_END]\n"
    );
    check(
        &text,
        &[
            "6 warning: `good` does not list `gemini-2.0-flash` in its `models`, so \
             [MODEL.gemini-2.0-flash] does nothing",
            &format!("6 warning: {problem}"),
        ],
    );
    assert!(help(&text).contains("the vendor recommends `gemini-3.5-flash-lite`"));
}

#[test]
fn a_known_wrong_price_is_warned_of_and_no_other() {
    let text = |input: &str, output: &str| {
        format!(
            "{}[MODEL.claude-opus-4-6]\nprovider = \"good\"\ncost_input_per_1k = \"{input}\"\n\
             cost_output_per_1k = \"{output}\"\n[MODEL.claude-opus-4-6_END]\n",
            GOOD.replace("\"m\"", "\"claude-opus-4-6\"")
        )
    };
    check(
        &text("0.015", "0.075"),
        &[
            "8 warning: [MODEL.claude-opus-4-6] says 0.015 and 0.075 dollars for 1,000 tokens; \
             its vendor's list says 0.005 and 0.025",
        ],
    );
    check(&text("0.005", "0.025"), &[]);
    check(&text("0.004", "0.020"), &[]);
}
