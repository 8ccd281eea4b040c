//! The bodies that search vendors send, and hub.pyfun with search providers.
//!
//! Every good answer has three hits; the first carries the text, with markup in it.

use serde_json::{Value, json};

use super::upstream::FakeUpstream;

/// The keys of the search providers, by the variables that hold them.
pub(crate) const KEYS: [(&str, &str); 2] = [
    ("BRAVE_API_KEY", "key-of-brave"),
    ("TAVILY_API_KEY", "key-of-tavily"),
];

/// brave -> tavily -> searxng, all at one address, and nobody who completes.
pub(crate) fn pyfun(upstream: &FakeUpstream) -> String {
    format!(
        "[HUB]\nHUB_HOST = \"127.0.0.1\"\n[HUB_END]\n\
         [HUB_LIMITS]\nRETRY_COUNT = \"1\"\nRETRY_DELAY_SEC = \"0.05\"\n[HUB_LIMITS_END]\n\
         {}{}{}\
         [TOOL.web_search]\nprovider_type = \"search\"\ndefault_provider = \"brave\"\n\
         timeout_sec = \"20\"\n[TOOL.web_search_END]\n",
        block(
            "brave",
            upstream,
            "/res/v1/web/search",
            "BRAVE_API_KEY",
            "tavily"
        ),
        block(
            "tavily",
            upstream,
            "/tavily/search",
            "TAVILY_API_KEY",
            "searxng"
        ),
        block("searxng", upstream, "/searxng/search", "", ""),
    )
}

fn block(name: &str, upstream: &FakeUpstream, path: &str, key: &str, next: &str) -> String {
    format!(
        "[SEARCH_PROVIDER.{name}]\nbase_url = \"{}{path}\"\nenv_key = \"{key}\"\n\
         default_results = \"2\"\nmax_results = \"10\"\nfallback_to = \"{next}\"\n\
         [SEARCH_PROVIDER.{name}_END]\n",
        upstream.url()
    )
}

pub(crate) fn brave(text: &str) -> Value {
    json!({
        "query": {"original": "x"}, "type": "search",
        "web": {"type": "search", "results": [
            {
                "title": "First &amp; <strong>best</strong>", "url": "https://one.example/",
                "description": format!("<strong>{text}</strong> &lt;3"), "age": "2 days ago",
            },
            {"title": "Second", "url": "https://two.example/?a=1&b=2", "description": "more"},
            {"title": "Third", "url": "https://three.example/", "description": "most"},
        ]},
    })
}

pub(crate) fn tavily(text: &str) -> Value {
    json!({
        "query": "x", "answer": format!("In short: {text}"), "images": [],
        "results": [
            {"title": "First", "url": "https://one.example/", "content": text, "score": 0.9},
            {"title": "Second", "url": "https://two.example/", "content": "more", "score": 0.5},
            {"title": "Third", "url": "https://three.example/", "content": "most", "score": 0.1},
        ],
        "response_time": 0.5, "request_id": "r",
    })
}

pub(crate) fn searxng(text: &str) -> Value {
    json!({
        "query": "x", "number_of_results": 0, "answers": [], "unresponsive_engines": [],
        "results": [
            {"title": "First", "url": "https://one.example/", "content": text, "score": 4.0},
            {"title": "Second", "url": "https://two.example/", "content": "more"},
            {"title": "Third", "url": "https://three.example/", "content": "most"},
        ],
    })
}

pub(crate) fn brave_error(status: u16, code: &str) -> Value {
    json!({
        "type": "ErrorResponse", "id": "1", "time": 1,
        "error": {"id": "1", "status": status, "code": code, "detail": "no", "meta": {}},
    })
}
