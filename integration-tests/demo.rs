//! `hub demo`: a newcomer's first minute, without a key and without a network.

use serde_json::Value;

use crate::support::{
    Hub, Program, Reply,
    chat::{DOORS, End},
    eventually, http,
};

/// A curl line, read as a shell and curl would.
#[derive(Debug, Default)]
struct Curl {
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Curl {
    /// # Panics
    /// If the line needs more of a shell or of curl than a newcomer's first line should.
    fn parse(line: &str) -> Self {
        let mut curl = Self::default();
        let mut words = shell_words(line).into_iter();
        assert_eq!(words.next().as_deref(), Some("curl"));
        while let Some(word) = words.next() {
            let mut value = || words.next().expect("an option's value");
            match word.as_str() {
                "-s" | "-i" | "-sS" | "-si" | "-sSi" => {}
                "-H" | "--header" => {
                    let header = value();
                    let (name, value) = header.split_once(':').expect("a header");
                    curl.headers
                        .push((name.trim().to_owned(), value.trim().to_owned()));
                }
                "-d" | "--data" => curl.body = Some(value()),
                "--json" => {
                    curl.body = Some(value());
                    curl.headers
                        .push(("Content-Type".into(), "application/json".into()));
                }
                "-X" => assert!(["GET", "POST"].contains(&value().as_str())),
                url if url.contains("://") => curl.url = url.to_owned(),
                other => panic!("`{other}` in {line}"),
            }
        }
        curl
    }

    async fn run(&self, hub: &Hub) -> Reply {
        let base = format!("http://{}", hub.address);
        let path = self
            .url
            .strip_prefix(&base)
            .expect("a URL of the demo")
            .to_owned();
        let path = if path.is_empty() { "/" } else { &path };
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let Some(body) = &self.body else {
            return hub.raw(&http::request("GET", path, &headers, b"")).await;
        };
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        hub.raw(&http::request("POST", path, &headers, body.as_bytes()))
            .await
    }
}

/// Splits at spaces outside of quotes.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().unwrap().push(character),
        }
    }
    assert_eq!(quote, None, "an open quote in {line}");
    words.retain(|word| !word.is_empty());
    words
}

#[tokio::test]
async fn the_three_lines_it_prints_work_and_one_shows_a_fallback() {
    let process = Program::new(["demo", "--port", "0"]).spawn();
    let output = process.stdout.clone();
    let hub = Hub::listening(process).await;
    let look = async || {
        let text = format!("{}\n{}", output.text(), hub.process.stderr.text());
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("curl "));
        let lines: Vec<_> = lines.map(str::to_owned).collect();
        (lines.len() >= 3).then_some(lines)
    };
    let limit = std::time::Duration::from_secs(10);
    let (lines, _) = eventually(limit, "three curl lines", look).await;
    assert_eq!(lines.len(), 3, "{lines:#?}");

    let mut fallbacks = 0;
    let mut answers = 0;
    for line in &lines {
        let reply = Curl::parse(line).run(&hub).await;
        assert!(reply.assert_ok().body.is_object(), "{line}: {reply}");
        answers += usize::from(matches!(reply.result(), Value::String(text) if !text.is_empty()));
        fallbacks += usize::from(reply.attempt_entries().len() > 1);
    }
    assert!(answers >= 1, "none of the lines asks an LLM: {lines:#?}");
    assert!(
        fallbacks >= 1,
        "none of the lines shows a fallback: {lines:#?}"
    );
    hub.terminate();
    hub.finish(limit).await.assert_exit(0);
}

#[tokio::test]
async fn it_needs_no_file_and_leaves_none() {
    let hub = Hub::listening(Program::new(["demo", "--port", "0"]).spawn()).await;
    hub.prompt("hello").await.assert_ok();
    let left: Vec<_> = hub
        .traces()
        .into_iter()
        .skip(2)
        .map(|(place, _)| place)
        .collect();
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn it_streams_word_by_word_through_the_doors_for_sdks() {
    let hub = Hub::listening(Program::new(["demo", "--port", "0"]).spawn()).await;
    // The first is overloaded; each format of the others is streamed.
    for model in ["claude-haiku-5-5", "openai/gpt-oss-120b"] {
        for door in DOORS {
            let body = door.ask_stream(model, "hello you");
            let (said, end) = hub.chat_stream(door, &body).await.rest().await;
            let text = door.text_of(&said);
            assert!(text.contains("You said: \"hello you\"."), "{text}");
            assert!(said.len() > text.split(' ').count(), "{said:?}");
            assert_eq!(end, End::Clean);
        }
    }
    let body = DOORS[1].ask("gemini-3.5-flash-lite", "hello you");
    let bytes = body.to_string();
    let headers = DOORS[1].headers();
    let request = http::request(
        "POST",
        "/v1/messages/count_tokens",
        &headers,
        bytes.as_bytes(),
    );
    let counted = hub.raw(&request).await;
    assert_eq!(counted.assert_ok().body["input_tokens"], 3);
}
