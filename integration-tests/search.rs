//! Searching the web: what is asked and told, the chain, the limits, and what cannot be smuggled in.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Canaries, FakeUpstream, Fault, Hub, Pyfun,
    hub::HubBuilder,
    mcp::{call, request},
    searches,
};

const SECOND: Duration = Duration::from_secs(1);

fn builder(pyfun: &str) -> HubBuilder {
    let hub = Hub::builder().pyfun_text(pyfun);
    let with_key = |hub: HubBuilder, (name, key)| hub.env(name, key);
    searches::KEYS.into_iter().fold(hub, with_key)
}

/// brave -> tavily -> searxng at `upstream`, with their keys.
async fn hub(upstream: &FakeUpstream) -> Hub {
    builder(&searches::pyfun(upstream)).start().await
}

async fn search(hub: &Hub, params: Value) -> crate::support::Reply {
    hub.call("web_search", params).await
}

#[tokio::test]
async fn brave_is_asked_and_its_hits_are_told() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let params = json!({
        "query": "rust & actors", "max_results": 99, "freshness": "month", "country": "DE",
        "language": "de", "domains": "docs.rs",
    });
    let reply = search(&hub, params).await;

    let seen = upstream.brave.only();
    assert_eq!(seen.method(), "GET");
    assert_eq!(
        seen.target(),
        "/res/v1/web/search?q=rust%20%26%20actors%20site%3Adocs.rs&count=10&result_filter=web\
         &freshness=pm&country=DE&search_lang=de"
    );
    assert_eq!(seen.header("x-subscription-token"), Some("key-of-brave"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.header("accept"), Some("application/json"));

    let text = "1. First & best\n   https://one.example/ (2 days ago)\n   found by brave <3\n\n\
                2. Second\n   https://two.example/?a=1&b=2\n   more\n\n\
                3. Third\n   https://three.example/\n   most";
    assert_eq!(reply.assert_ok().text(), text);
    let meta = reply.meta();
    assert_eq!(meta["provider"], "brave");
    assert_eq!(
        meta["results"][0],
        json!({
            "title": "First & best", "url": "https://one.example/",
            "snippet": "found by brave <3", "age": "2 days ago",
        })
    );
    for absent in ["model", "usage", "answer", "dropped_params"] {
        assert_eq!(meta.get(absent), None, "{absent}: {reply}");
    }
    assert_eq!(reply.attempts(), ["brave ok 200"]);
    assert_eq!(reply.header("x-hub-attempts"), "brave:200");
    assert_eq!(reply.header("x-hub-provider"), "brave");
    assert_eq!(reply.message.header("x-hub-model"), None);
}

#[tokio::test]
async fn tavily_is_asked_and_its_answer_comes_first() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let params = json!({
        "prompt": "rust", "provider_name": "tavily", "include_answer": true,
        "domains": ["docs.rs", "crates.io"], "language": "de",
    });
    let reply = search(&hub, params).await;

    let seen = upstream.tavily.only();
    assert_eq!((seen.method(), seen.target()), ("POST", "/tavily/search"));
    assert_eq!(seen.header("authorization"), Some("Bearer key-of-tavily"));
    let expected = json!({
        "query": "rust", "max_results": 2, "include_answer": true,
        "include_domains": ["docs.rs", "crates.io"],
    });
    assert_eq!(seen.body, expected);

    // The vendor sent three hits where two were asked for.
    let text = "In short: found by tavily\n\n1. First\n   https://one.example/\n   \
                found by tavily\n\n2. Second\n   https://two.example/\n   more";
    assert_eq!(reply.assert_ok().text(), text);
    assert_eq!(reply.meta()["answer"], "In short: found by tavily");
    assert_eq!(reply.meta()["results"][0]["score"], 0.9);
    assert_eq!(reply.meta()["dropped_params"], json!(["language"]));
}

#[tokio::test]
async fn a_keyless_searxng_is_configuration_alone() {
    let upstream = FakeUpstream::start().await;
    let pyfun = format!(
        "[SEARCH_PROVIDER.mine]\napi = \"searxng\"\nenv_key = \"\"\n\
         base_url = \"{}/searxng/search\"\n[SEARCH_PROVIDER.mine_END]\n",
        upstream.url()
    );
    // No [TOOLS] at all: the search is there because somebody can search.
    let hub = Hub::builder().pyfun_text(&pyfun).start().await;
    let reply = search(
        &hub,
        json!({"query": "rust", "max_results": 1, "country": "de"}),
    )
    .await;
    let seen = upstream.searxng.only();
    assert_eq!(seen.target(), "/searxng/search?q=rust&format=json");
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(
        reply.assert_ok().text(),
        "1. First\n   https://one.example/\n   found by searxng"
    );
    assert_eq!(reply.meta()["dropped_params"], json!(["country"]));
}

#[tokio::test]
async fn an_answer_is_told_unless_it_is_unwanted() {
    let upstream = FakeUpstream::start().await;
    let body = json!({"results": [], "answers": ["<b>42</b>"], "unresponsive_engines": []});
    upstream.searxng.always(Fault::Json(200, body));
    let hub = hub(&upstream).await;
    for (wanted, text) in [(true, "42"), (false, "Nothing was found.")] {
        let params = json!({"query": "6*7", "provider": "searxng", "include_answer": wanted});
        let reply = search(&hub, params).await;
        assert_eq!(reply.assert_ok().text(), text);
        assert_eq!(reply.meta()["results"], json!([]));
    }
}

#[tokio::test]
async fn a_used_up_month_is_not_waited_for() {
    let upstream = FakeUpstream::start().await;
    upstream.brave.always(Fault::Limited(
        "X-RateLimit-Limit: 1, 15000\r\nX-RateLimit-Policy: 1;w=1, 15000;w=2592000\r\n\
         X-RateLimit-Remaining: 1, 0\r\nX-RateLimit-Reset: 1, 1419704\r\n",
    ));
    let hub = hub(&upstream).await;
    let reply = search(&hub, json!({"query": "rust"})).await;
    assert_eq!(
        reply.assert_ok().attempts(),
        ["brave quota_exhausted 429", "tavily ok 200"]
    );
    assert!(reply.elapsed < SECOND, "{reply}");
    assert_eq!(upstream.brave.seen().len(), 1, "not asked again");
    assert_eq!(reply.header("x-hub-attempts"), "brave:429, tavily:200");
}

#[tokio::test]
async fn a_full_second_is_waited_for() {
    let upstream = FakeUpstream::start().await;
    upstream.brave.once(Fault::Limited(
        "X-RateLimit-Remaining: 0, 1000\r\nX-RateLimit-Reset: 1, 1419704\r\n",
    ));
    let hub = hub(&upstream).await;
    let reply = search(&hub, json!({"query": "rust"})).await;
    assert_eq!(reply.assert_ok().attempts(), ["brave ok 200"]);
    assert_eq!(reply.attempt_entries()[0]["tries"], 2);
    assert!(reply.elapsed >= SECOND, "{reply}");
}

#[tokio::test]
async fn tavilys_own_statuses_mean_that_the_quota_is_gone() {
    for status in [432, 433] {
        let upstream = FakeUpstream::start().await;
        upstream.tavily.always(Fault::Status(status));
        let hub = hub(&upstream).await;
        let reply = search(&hub, json!({"query": "rust", "provider": "tavily"})).await;
        assert_eq!(
            reply.assert_ok().attempts(),
            [
                format!("tavily quota_exhausted {status}"),
                "searxng ok 200".to_owned()
            ]
        );
        assert_eq!(upstream.tavily.seen().len(), 1, "not asked again");

        // Nobody downstream is told a status that no standard knows.
        upstream.searxng.always(Fault::Status(status));
        let reply = search(&hub, json!({"query": "rust", "provider": "tavily"})).await;
        reply.assert_fails(502, "providers_failed");
    }
}

#[tokio::test]
async fn when_all_are_down_the_caller_is_told_how() {
    let upstream = FakeUpstream::start().await;
    upstream.brave.always(Fault::Status(500));
    upstream.tavily.always(Fault::TruncatedJson);
    upstream.searxng.always(Fault::Status(403));
    let hub = hub(&upstream).await;
    let reply = search(&hub, json!({"query": "rust"})).await;
    reply.assert_fails(502, "providers_failed");
    assert_eq!(
        reply.attempts(),
        [
            "brave server_error 500",
            "tavily malformed 200",
            "searxng server_error 403"
        ]
    );
    assert_eq!(upstream.brave.seen().len(), 2, "once more within the hop");
    for provider in ["brave", "tavily", "searxng"] {
        assert!(reply.error().contains(provider), "{reply}");
    }
}

#[tokio::test]
async fn a_request_at_fault_stops_the_chain() {
    let upstream = FakeUpstream::start().await;
    upstream.brave.always(Fault::Status(422));
    let hub = hub(&upstream).await;
    let reply = search(&hub, json!({"query": "rust"})).await;
    reply.assert_fails(400, "bad_request");
    assert_eq!(reply.attempts(), ["brave rejected 422"]);
    assert!(reply.error().contains("Check the query"), "{reply}");
    assert_eq!(upstream.tavily.seen().len(), 0);
}

#[tokio::test]
async fn search_timeout_sec_caps_each_hop_and_the_tools_the_chain() {
    let upstream = FakeUpstream::start().await;
    upstream.brave.always(Fault::Hang);
    upstream.tavily.always(Fault::SlowBody);
    let pyfun = searches::pyfun(&upstream);
    let limits = "RETRY_COUNT = \"1\"\nSEARCH_TIMEOUT_SEC = \"0.5\"";
    let hub = builder(&pyfun.replace("RETRY_COUNT = \"1\"", limits))
        .start()
        .await;
    let reply = search(&hub, json!({"query": "rust"})).await;
    assert_eq!(
        reply.assert_ok().attempts(),
        ["brave timeout -", "tavily timeout -", "searxng ok 200"]
    );
    assert!(reply.elapsed < 2 * SECOND, "{reply}");
    upstream.brave.only().hung_up_within(SECOND).await;

    upstream.always(&Fault::Hang);
    let whole = pyfun.replace("timeout_sec = \"20\"", "timeout_sec = \"1\"");
    let hub = builder(&whole).start().await;
    let reply = search(&hub, json!({"query": "rust"})).await;
    reply.assert_fails(504, "deadline_exceeded");
    assert!(reply.elapsed < 2 * SECOND, "{reply}");
}

#[tokio::test]
async fn without_a_key_the_variable_is_named_and_with_one_the_tool_is_there() {
    let upstream = FakeUpstream::start().await;
    let pyfun = searches::pyfun(&upstream).replace(
        "[SEARCH_PROVIDER.searxng]",
        "[SEARCH_PROVIDER.searxng]\nactive = \"false\"",
    );
    let pyfun = pyfun.replace("fallback_to = \"searxng\"", "");
    let without = Hub::builder().pyfun_text(&pyfun).start().await;
    let reply = search(&without, json!({"query": "rust"})).await;
    reply.assert_fails(503, "not_configured");
    assert!(reply.error().contains("BRAVE_API_KEY"), "{reply}");
    let listed = without.call("list_active_tools", json!({})).await;
    assert_eq!(listed.result()["active_search_providers"], json!([]));
    let log = without.process.stderr.text();
    assert!(log.contains("brave (BRAVE_API_KEY)"), "{log}");

    let with = Hub::builder()
        .pyfun_text(&pyfun)
        .env("TAVILY_API_KEY", "key-of-tavily")
        .start()
        .await;
    let reply = search(&with, json!({"query": "rust"})).await;
    assert_eq!(
        reply.assert_ok().attempts(),
        ["brave not_configured -", "tavily ok 200"]
    );
    let listed = with.call("list_active_tools", json!({})).await;
    let result = listed.result();
    assert_eq!(result["active_search_providers"], json!(["tavily"]));
    assert!(
        result["active_tools"].to_string().contains("web_search"),
        "{listed}"
    );
    assert_eq!(result["inactive_providers"]["brave"], "set BRAVE_API_KEY");
    let log = with.process.stderr.text();
    assert!(log.contains("search      tavily"), "{log}");
    assert_eq!(with.health_of("search.tavily").await["state"], "running");
}

#[tokio::test]
async fn what_is_wrong_with_a_search_is_named() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    for (params, word) in [
        (json!({}), "query"),
        (json!({"query": "a", "freshness": "hour"}), "freshness"),
        (json!({"query": "a", "model": "gpt"}), "model"),
        (json!({"query": "a", "provider": "google"}), "google"),
        (json!({"query": "a", "max_results": 0}), "max_results"),
    ] {
        let reply = search(&hub, params).await;
        reply.assert_fails(400, "bad_request");
        assert!(reply.error().contains(word), "{reply}");
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_query_cannot_name_an_address_or_a_parameter() {
    let (upstream, thief) = (FakeUpstream::start().await, FakeUpstream::start().await);
    let hub = hub(&upstream).await;
    let url = thief.url();
    let nasty = [
        url.as_str(),
        "@127.0.0.1",
        "a&count=1&q=b",
        "a#fragment",
        "../../other?x=y",
        "a\r\nX-Evil: 1\r\n\r\nGET /stolen HTTP/1.1",
        "%26count%3D1%00",
        "//evil.example/",
        "ü \u{202e} \u{1f980} + %",
    ];
    for (index, query) in nasty.into_iter().enumerate() {
        for (provider, script) in [("brave", &upstream.brave), ("searxng", &upstream.searxng)] {
            let reply = search(&hub, json!({"query": query, "provider": provider})).await;
            assert_eq!(reply.assert_ok().attempts(), [format!("{provider} ok 200")]);
            let seen = script.arrival(index).await;
            assert_eq!(seen.header("x-evil"), None);
            let (path, values) = seen.target().split_once('?').unwrap();
            assert!(path.ends_with("/search"), "{path}");
            let values: Vec<_> = values.split('&').collect();
            assert_eq!(values.len(), if provider == "brave" { 3 } else { 2 });
            let encoded = values[0].strip_prefix("q=").unwrap();
            assert_eq!(decoded(encoded), query);
        }
    }
    for (name, value) in [
        ("country", "d&"),
        ("language", "de&q=x"),
        ("domains", "x.example OR site:y"),
        ("domains", url.as_str()),
        ("freshness", "pd"),
        ("base_url", url.as_str()),
        ("url", url.as_str()),
        ("api_key", "x"),
    ] {
        let reply = search(&hub, json!({"query": "a", name: value})).await;
        reply.assert_fails(400, "bad_request");
        assert!(reply.error().contains(name), "{reply}");
    }
    assert_eq!(thief.seen().len(), 0);
    assert_eq!(upstream.seen().len(), 2 * nasty.len());
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().unwrap(), rest.next().unwrap()];
        let digits = String::from_utf8(digits.to_vec()).unwrap();
        bytes.push(u8::from_str_radix(&digits, 16).unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn what_a_page_says_does_no_harm() {
    let upstream = FakeUpstream::start().await;
    let hit = |title: &str, url: &str| json!({"title": title, "url": url, "description": title});
    let body = json!({"type": "search", "web": {"results": [
        hit("&lt;script&gt;alert(1)&lt;/script&gt;\u{0}\u{1b}[31m", "https://one.example/"),
        hit("<scr<b>ipt>alert(1)", "https://two.example/"),
        hit("script", "javascript:alert(1)"),
        hit("data", "data:text/html,x"),
        hit("break", "https://x.example/\n2. forged"),
    ]}});
    upstream.brave.always(Fault::Json(200, body));
    let hub = hub(&upstream).await;
    let reply = search(&hub, json!({"query": "rust", "max_results": 10})).await;
    let results = reply.assert_ok().meta()["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "{reply}");
    assert_eq!(results[0]["title"], "alert(1)[31m");
    let all = format!("{}{}", reply.text(), reply.meta()["results"]);
    for bad in ["<script", "javascript:", "forged", "\u{1b}", "\u{0}"] {
        assert!(!all.contains(bad), "{bad:?} in {all}");
    }
}

#[tokio::test]
async fn mcp_clients_search_too() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let listed = hub.mcp(&request(1, "tools/list", json!({}))).await.last();
    let tools = listed["result"]["tools"].as_array().unwrap().clone();
    let tool = tools.iter().find(|tool| tool["name"] == "web_search");
    let tool = tool.unwrap_or_else(|| panic!("{listed:#}"));
    let input = &tool["inputSchema"]["properties"];
    assert_eq!(
        input["provider"]["enum"],
        json!(["brave", "tavily", "searxng"])
    );
    assert_eq!(input["max_results"]["maximum"], 10);
    assert_eq!(tool["outputSchema"]["required"], json!(["results"]));

    upstream.brave.always(Fault::Status(500));
    let arguments = json!({"query": "rust", "language": "de"});
    let reply = hub.mcp(&call(2, "web_search", arguments)).await.last();
    let result = &reply["result"];
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("In short: found by tavily\n\n1. First\n"),
        "{text}"
    );
    let content = &result["structuredContent"];
    assert_eq!(content["answer"], "In short: found by tavily");
    assert_eq!(content["results"].as_array().unwrap().len(), 2);
    assert_eq!(content["results"][0]["url"], "https://one.example/");
    assert_eq!(content["dropped_params"], json!(["language"]));
    let meta = &result["_meta"]["multi-llm-hub/call"];
    assert_eq!(meta["provider"], "tavily");
    assert_eq!(meta["attempts"][0]["outcome"], "server_error");
    assert_eq!(meta.get("results"), None);

    upstream.always(&Fault::Status(500));
    let message = call(3, "web_search", json!({"query": "rust"}));
    let reply = hub.mcp(&message).await.last();
    assert_eq!(reply["result"]["isError"], true, "{reply:#}");
}

#[tokio::test]
async fn no_fault_brings_a_search_key_or_a_query_to_light() {
    let (upstream, thief) = (FakeUpstream::start().await, FakeUpstream::start().await);
    let mut canaries = Canaries::default();
    let pyfun = searches::pyfun(&upstream)
        .replace("timeout_sec = \"20\"", "timeout_sec = \"1\"")
        .replace("fallback_to = \"tavily\"", "")
        .replace("fallback_to = \"searxng\"", "");
    let hub = Hub::builder()
        .pyfun_text(&pyfun)
        .env("LOG_LEVEL", "trace")
        .env("BRAVE_API_KEY", canaries.hatch("BRAVE_API_KEY"))
        .env("TAVILY_API_KEY", canaries.hatch("TAVILY_API_KEY"))
        .start()
        .await;
    let mut asked = Canaries::default();
    let query = asked.hatch("the query");
    let mut faults = vec![
        Fault::Answer("hello"),
        Fault::Quota,
        Fault::Redirect(thief.url()),
        Fault::ResetInBody,
        Fault::Hang,
    ];
    faults.extend([200, 400, 401, 422, 429, 432, 500].map(Fault::Echo));
    for fault in faults {
        upstream.always(&fault);
        for provider in ["brave", "tavily"] {
            let reply = search(&hub, json!({"query": query, "provider": provider})).await;
            let place = format!("an answer to {fault:?}");
            canaries.assert_absent(&place, reply.to_string().as_bytes());
        }
    }
    for tool in ["list_active_tools", "health_check"] {
        let reply = hub.call(tool, json!({})).await;
        canaries.assert_absent(tool, reply.assert_ok().to_string().as_bytes());
    }
    for (place, bytes) in hub.traces() {
        canaries.assert_absent(&place, &bytes);
        asked.assert_absent(&place, &bytes);
    }
    for exchange in upstream.seen() {
        let headers = exchange.head();
        assert_eq!(canaries.found_in(headers.as_bytes()).len(), 1, "{headers}");
        canaries.assert_absent("a URL", exchange.message.start.as_bytes());
        canaries.assert_absent("a request's body", &exchange.message.body);
    }
    assert_eq!(thief.seen().len(), 0, "nobody follows a redirect");
}

#[tokio::test]
async fn a_search_provider_that_crashes_costs_a_visible_fallback() {
    let upstream = FakeUpstream::start().await;
    let pyfun = searches::pyfun(&upstream).replace(
        "[SEARCH_PROVIDER.brave]",
        "[SEARCH_PROVIDER.brave]\napi = \"fault\"",
    );
    let hub = builder(&pyfun).start().await;
    let reply = search(&hub, json!({"query": "panic in future"})).await;
    assert_eq!(
        reply.assert_ok().attempts(),
        ["brave crashed -", "tavily ok 200"]
    );
    let back = crate::support::eventually(10 * SECOND, "a new life", async || {
        let reply = search(&hub, json!({"query": "hello"})).await;
        (reply.provider() == "brave").then_some(reply)
    });
    let (reply, _) = back.await;
    assert!(reply.text().starts_with("echo: hello"), "{reply}");
    assert_eq!(hub.health_of("search.brave").await["restarts"], 1);
}

#[tokio::test]
async fn replies_are_tagged_on_request_and_completions_are_as_they_were() {
    let upstream = FakeUpstream::start().await;
    let pyfun = Pyfun::three(&upstream).and(&format!(
        "[SEARCH_PROVIDER.searxng]\nbase_url = \"{}/searxng/search\"\nenv_key = \"\"\n\
         [SEARCH_PROVIDER.searxng_END]\n",
        upstream.url()
    ));
    let hub = Hub::builder()
        .pyfun(&pyfun)
        .keys()
        .env("HUB__HUB__HUB_TAG_REPLIES", "true")
        .start()
        .await;
    let reply = search(&hub, json!({"query": "rust"})).await;
    assert!(reply.assert_ok().text().starts_with("[searxng] 1. First"));
    let reply = hub.prompt("hello").await;
    assert_eq!(reply.assert_ok().text(), "[anthropic] hello from anthropic");
    // One kind of provider is no provider of the other.
    let params = json!({"query": "rust", "provider": "anthropic"});
    search(&hub, params).await.assert_fails(400, "bad_request");
    let reply = hub.prompt_at("searxng", "hello").await;
    reply.assert_fails(400, "bad_request");
}
