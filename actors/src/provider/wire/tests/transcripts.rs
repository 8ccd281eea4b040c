//! Golden transcripts: what each vendor answers, and what a client of each format gets of it, word for
//! word, whole and bit by bit. `transcripts/` has them: `VENDOR.json` and `VENDOR.sse` as they came,
//! `VENDOR_to_CLIENT` as they went on.

use super::{
    read,
    streams::{STREAMS, split},
};
use crate::{
    protocol::Completion,
    provider::wire::{Envelope, anthropic, openai},
    streaming::Event,
};

/// The two ends, what the vendor answers whole, and what the client gets, whole and bit by bit.
macro_rules! pair {
    ($vendor:literal, $client:literal) => {
        (
            $vendor,
            $client,
            include_str!(concat!("transcripts/", $vendor, ".json")),
            include_str!(concat!("transcripts/", $vendor, "_to_", $client, ".json")),
            include_str!(concat!("transcripts/", $vendor, "_to_", $client, ".sse")),
        )
    };
}

const PAIRS: [(&str, &str, &str, &str, &str); 6] = [
    pair!("anthropic", "anthropic"),
    pair!("anthropic", "openai"),
    pair!("gemini", "anthropic"),
    pair!("gemini", "openai"),
    pair!("openai", "anthropic"),
    pair!("openai", "openai"),
];

fn envelope(completion: &Completion) -> Envelope {
    Envelope {
        id: "an-id".to_owned(),
        model: completion.model.clone().expect("a model"),
        created: 1_795_341_600,
    }
}

/// Ids that the hub makes up end with a number that nobody can foretell.
fn without_chance(text: &str) -> String {
    let mut pieces = text.split("call_hub_0_");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |whole, piece| {
        let id = piece.find(|c: char| !c.is_ascii_alphanumeric());
        whole + "call_hub_0_X" + piece.get(id.unwrap_or(piece.len())..).unwrap_or_default()
    })
}

fn whole(vendor: &str, client: &str, body: &str) -> String {
    let completion = read(vendor, body.as_bytes()).expect("an answer");
    let envelope = envelope(&completion);
    let written = match client {
        "anthropic" => anthropic::write_answer(&completion, &envelope),
        _ => openai::write_answer(&completion, &envelope),
    };
    let value: serde_json::Value = serde_json::from_slice(&written).expect("JSON");
    without_chance(&format!("{value:#}\n"))
}

fn bit_by_bit(client: &str, events: &[Event]) -> String {
    let mut completion = Completion::default();
    events
        .iter()
        .cloned()
        .for_each(|event| completion.take(event));
    let envelope = envelope(&completion);
    let mut written = Vec::new();
    match client {
        "anthropic" => {
            let mut writer = anthropic::StreamWriter::new(envelope);
            events
                .iter()
                .for_each(|event| writer.event(event, &mut written));
        }
        _ => {
            let mut writer = openai::StreamWriter::new(envelope, true);
            events
                .iter()
                .for_each(|event| writer.event(event, &mut written));
        }
    }
    without_chance(&String::from_utf8(written).expect("UTF-8"))
}

#[test]
fn every_answer_is_told_in_every_format_word_for_word() {
    for (vendor, client, body, expected, _) in PAIRS {
        let written = whole(vendor, client, body);
        assert_eq!(written, expected, "{vendor} to {client}:\n{written}");
    }
}

#[test]
fn every_stream_is_told_in_every_format_word_for_word() {
    for (vendor, client, _, _, expected) in PAIRS {
        let (_, stream) = STREAMS
            .into_iter()
            .find(|(name, _)| *name == vendor)
            .expect("a stream");
        let events = split(vendor, stream.as_bytes(), &[]).expect("whole");
        let written = bit_by_bit(client, &events);
        assert_eq!(written, expected, "{vendor} to {client}:\n{written}");
    }
}
