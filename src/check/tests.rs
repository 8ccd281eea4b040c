//! What `hub check` says and which exit code it has.

use std::collections::BTreeMap;

use serde_json::json;

use super::Report;
use crate::settings::Settings;

const TEXT: &str = "[LLM_PROVIDER.a]\nbase_url = \"https://a\"\nenv_key = \"A_KEY\"\n\
    default_model = \"m\"\nmodels = \"m, n\"\nfallback_to = \"b\"\n[LLM_PROVIDER.a_END]\n\
    [LLM_PROVIDER.b]\nbase_url = \"https://b\"\nenv_key = \"\"\ndefault_model = \"m\"\n\
    [LLM_PROVIDER.b_END]\n\
    [SEARCH_PROVIDER.s]\napi = \"tavily\"\nbase_url = \"https://s\"\nenv_key = \"S_KEY\"\n[SEARCH_PROVIDER.s_END]\n\
    [TOOL.ask]\ndescription = \"d\"\ndefault_provider = \"a\"\n[TOOL.ask_END]\n\
    [TOOL.web_search]\n[TOOL.web_search_END]\n";

fn report(text: &str, set: &[&str], strict: bool) -> Report {
    let loaded = Settings::load("f", Some(text.as_bytes()), &BTreeMap::new());
    Report::new(loaded, &|name| set.contains(&name), None, strict)
}

#[test]
fn tables_and_verdict() {
    assert_eq!(
        report(TEXT, &["S_KEY"], true).text(),
        "  PROVIDER  API     MODELS  KEY            STATE   FALLS BACK TO
  a         openai  2       A_KEY missing  no key  b
  b         openai  1       not needed     ready   -
  s         tavily  -       S_KEY set      ready   -

  TOOL               TYPE     REGISTERS  WHY NOT, OR WHOM IT ASKS
  ask                llm      yes        a (no key) -> b
  web_search         search   yes        s
  llm_complete       llm      yes        a (no key) -> b
  db_query           db       yes
  persist_result     persist  no         no database is named: set DATABASE_URL
  list_active_tools  system   yes
  health_check       system   yes
  get_model_info     system   yes

  3 models listed by active providers, 0 described

f can be used: 4 of 5 tools would register
"
    );
}

#[test]
fn embedding_models_are_counted_beside_the_others() {
    let models = "models = \"m, n\"\nembedding_models = \"v\"";
    let report = report(&TEXT.replace("models = \"m, n\"", models), &[], false);
    let text = report.text();
    assert!(text.contains("  2 + 1 embedding  "), "{text}");
    let line = "  3 models and 1 embedding model listed by active providers, 0 described";
    assert!(text.contains(line), "{text}");
    assert_eq!(report.json()["models"]["embedding"], 1);
    assert_eq!(report.json()["providers"][0]["embedding_models"], 1);
}

#[test]
fn the_missing_variable_is_named() {
    let one = TEXT.replace("env_key = \"\"", "env_key = \"A_KEY\"");
    let text = report(&one, &[], false).text();
    assert!(
        text.contains("no LLM provider has its key: set A_KEY\n"),
        "{text}"
    );
    let two = TEXT.replace("env_key = \"\"", "env_key = \"B_KEY\"");
    let text = report(&two, &[], false).text();
    assert!(
        text.contains("no LLM provider has its key: set A_KEY, or another one above\n"),
        "{text}"
    );
    assert!(
        text.ends_with("f can be used: 1 of 5 tools would register\n"),
        "{text}"
    );
}

#[test]
fn exit_codes() {
    let warned = format!("{TEXT}[HUB]\nHUB_PROT = \"1\"\n[HUB_END]\n");
    let broken = format!("{TEXT}[HUB]\nHUB_PORT = \"x\"\n[HUB_END]\n");
    for (text, plain, strict) in [(TEXT, 0, 0), (&warned, 0, 1), (&broken, 78, 78), ("", 0, 0)] {
        assert_eq!(report(text, &[], false).exit_code(), plain);
        assert_eq!(report(text, &[], true).exit_code(), strict);
    }
}

#[test]
fn verdicts() {
    let warned = format!("{TEXT}[HUB]\nHUB_PROT = \"1\"\n[HUB_END]\n");
    let verdict = |text: &str, strict| {
        let text = report(text, &[], strict).text();
        text.lines().last().unwrap().to_owned()
    };
    assert_eq!(
        verdict(&warned, false),
        "f can be used: 3 of 5 tools would register, 1 warning"
    );
    assert_eq!(
        verdict(&warned, true),
        "f does not pass --strict: 3 of 5 tools would register, 1 warning"
    );
    assert_eq!(
        report("a = \"1\"\nb = \"2\"\n[X_END]", &[], false).text(),
        "f cannot be used: 2 errors, 1 warning\n"
    );
}

#[test]
fn problems() {
    assert_eq!(report(TEXT, &[], false).problems(), "");
    assert_eq!(
        report("a = \"1\"", &[], false).problems(),
        "error: f:1: `a` stands outside every section\n    1 | a = \"1\"\n      \
         = help: put it between a header and its `_END`"
    );
}

#[test]
fn json() {
    let found = report(TEXT, &[], false).json();
    assert_eq!(found["ok"], true);
    assert_eq!(found["exit_code"], 0);
    assert_eq!(found["problems"], json!([]));
    assert_eq!(
        found["providers"][0],
        json!({
            "name": "a", "kind": "llm", "api": "openai", "models": 2, "embedding_models": 0,
            "env_key": "A_KEY", "key_set": false, "state": "no_key", "falls_back_to": "b",
        })
    );
    assert_eq!(
        found["tools"][1],
        json!({
            "name": "web_search", "provider_type": "search", "usable": false,
            "reason": "no search provider has its key", "missing": ["S_KEY"], "chain": ["s"],
        })
    );
    assert_eq!(
        found["models"],
        json!({"listed": 3, "embedding": 0, "described": 0})
    );
    let broken = report("a = \"1\"", &[], true).json();
    assert_eq!(
        (&broken["ok"], &broken["exit_code"]),
        (&json!(false), &json!(78))
    );
    assert_eq!(broken["providers"], json!(null));
    assert_eq!(broken["problems"][0]["line"], 1);
}

#[test]
fn no_value_of_a_variable_is_asked_for_and_no_key_in_the_file_printed() {
    let text = TEXT.replace("\"A_KEY\"", "\"sk-ant-swordfish-abc\"");
    let report = report(&text, &[], false);
    let all = format!("{}{}{}", report.problems(), report.text(), report.json());
    assert!(!all.contains("swordfish"), "{all}");
}
