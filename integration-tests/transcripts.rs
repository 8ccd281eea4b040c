//! Golden transcripts: what each vendor answers, and what a client of each format gets of it, word for
//! word, whole and bit by bit. In `transcripts/` are `VENDOR.json` and `VENDOR.sse` as a vendor sends them, and
//! `VENDOR_to_CLIENT` as they go on. What a client of the vendor's own format gets is what was sent.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{
    Fault,
    chat::{DOORS, Door, End},
    vendor::Vendor,
    vendors::{MODELS, VENDORS, separate},
};

fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("integration-tests/transcripts");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn name(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Anthropic => "anthropic",
        Vendor::Gemini => "gemini",
        _ => "openai",
    }
}

fn client(door: Door) -> &'static str {
    match door {
        Door::Anthropic => "anthropic",
        Door::OpenAi => "openai",
    }
}

/// The text with what is another in each run replaced: the hub's ids, and the time.
fn settled(text: &str) -> String {
    let mut text = text.to_owned();
    for (mark, settled) in [
        ("\"id\":\"msg_", "an-id"),
        ("\"id\":\"chatcmpl-", "an-id"),
        ("\"created\":", "1"),
        ("call_hub_0_", "X"),
    ] {
        let mut pieces = text.split(mark);
        let mut whole = pieces.next().unwrap().to_owned();
        for piece in pieces {
            let end = piece.find(|c: char| !c.is_ascii_alphanumeric()).unwrap();
            whole.push_str(mark);
            whole.push_str(settled);
            whole.push_str(&piece[end..]);
        }
        text = whole;
    }
    text
}

fn asked(door: Door, model: &str, streams: bool) -> Value {
    let mut body = door.ask(model, "How is the weather?");
    body["stream"] = streams.into();
    if streams && door == Door::OpenAi {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

#[tokio::test]
async fn every_answer_is_told_in_every_format_word_for_word() {
    let (upstream, hub) = separate().await;
    for (vendor, (model, _)) in VENDORS.into_iter().zip(MODELS) {
        let sent = file(&format!("{}.json", name(vendor)));
        let body = Fault::Body(200, "application/json", sent.clone().into_bytes());
        upstream.endpoint(vendor).always(body);
        for door in DOORS {
            let reply = hub.chat(door, &asked(door, model, false)).await;
            let (from, to) = (name(vendor), client(door));
            if from == to {
                let passed = &reply.assert_ok().message.body;
                assert_eq!(String::from_utf8_lossy(passed), sent);
                continue;
            }
            let compact = settled(&reply.assert_ok().body.to_string());
            let value: Value = serde_json::from_str(&compact).unwrap();
            let written = format!("{value:#}\n");
            let expected = file(&format!("{from}_to_{to}.json"));
            assert_eq!(written, expected, "{from} to {to}:\n{written}");
        }
    }
}

#[tokio::test]
async fn every_stream_is_told_in_every_format_word_for_word() {
    let (upstream, hub) = separate().await;
    for (vendor, (model, _)) in VENDORS.into_iter().zip(MODELS) {
        let sent = file(&format!("{}.sse", name(vendor)));
        let body = Fault::Body(200, "text/event-stream", sent.clone().into_bytes());
        upstream.endpoint(vendor).always(body);
        for door in DOORS {
            let stream = hub.chat_stream(door, &asked(door, model, true)).await;
            let (bytes, end) = stream.bytes().await;
            assert_eq!(end, End::Clean);
            let (from, to) = (name(vendor), client(door));
            if from == to {
                // Signs of life are the door's own.
                let ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
                let sent = sent.replace(ping, "");
                let comment = ": OPENROUTER PROCESSING\n\n";
                assert_eq!(bytes, sent.strip_prefix(comment).unwrap_or(&sent));
                continue;
            }
            let written = settled(&bytes);
            let expected = file(&format!("{from}_to_{to}.sse"));
            assert_eq!(written, expected, "{from} to {to}:\n{written}");
        }
    }
}
