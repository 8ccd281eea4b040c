//! `POST /api` with `"stream": true`: an LLM tool's answer as it is made.
//!
//! Server-sent events: `delta` with each piece of the text, and at the end `result` with what the same
//! call answers in one piece; or `error`, and then nothing. Whatever fails before the first piece is
//! answered as it is without a stream.

use std::{borrow::Cow, sync::Arc};

use actix_web::{HttpResponse, http::header, web};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    api::{attempts_header, begin, cache_header, failed, meta_of},
    calls::{Recorded, milliseconds},
    chat::{
        Spoken,
        events::{Writing, body},
        refusal::Refusal,
    },
    lobby::{InFlight, Lobby, Streamed},
};
use crate::{
    attempt::Attempt,
    cache::{Answer, Given, Status},
    catalogue::Catalogue,
    chat::Chatted,
    outcome::Outcome,
    protocol::Completion,
    streaming::Event,
    tools::Call,
};

/// Longest text whose end is remembered for `result`. A longer one has been told in pieces by then.
const MOST: usize = 10 * 1024 * 1024;

/// An answer that is told in events.
struct Telling {
    catalogue: Arc<Catalogue>,
    request_id: String,
    received: Instant,
    first_token_ms: u64,
    /// What the final event says of it; taken when it is said.
    about: Option<About>,
    /// What was said up to now.
    said: Completion,
    length: usize,
    begun: bool,
}

/// How the answer came about.
struct About {
    provider: Arc<str>,
    model: Arc<str>,
    dropped: Vec<Cow<'static, str>>,
    attempts: Vec<Attempt>,
    cache: Option<Status>,
}

/// One call, told as it is answered. What is answered whole is in flight until it is written; what is
/// told in pieces keeps its place itself.
pub async fn call(
    lobby: &web::Data<Lobby>,
    request_id: &str,
    call: Call,
) -> (HttpResponse, Option<InFlight>) {
    let received = call.received;
    let mut recorded = Recorded::new(
        lobby,
        "api",
        &call.principal,
        &call.tool,
        request_id,
        received,
    );
    let streamed = lobby.stream(call).await;
    let duration_ms = milliseconds(received);
    let (streamed, in_flight) = match streamed {
        Ok(streamed) => streamed,
        Err(error) => {
            if let Some(recorded) = recorded {
                recorded.failed(error.code());
            }
            return (failed(request_id, &error), None);
        }
    };
    let (catalogue, chatted) = match streamed {
        Streamed::Done(outcome) => {
            let outcome = Ok(*outcome);
            if let Some(recorded) = recorded {
                recorded.end(duration_ms, &outcome);
            }
            let response = match outcome {
                Ok(outcome) => whole(request_id, duration_ms, &outcome),
                Err(error) => failed(request_id, &error),
            };
            return (response, Some(in_flight));
        }
        Streamed::Told { catalogue, chatted } => (catalogue, *chatted),
    };
    if let Some(recorded) = &mut recorded {
        recorded.answering(&chatted);
    }
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header(("X-Request-Id", request_id))
        .insert_header(("X-Hub-Provider", &*chatted.provider))
        .insert_header(("X-Hub-Model", &*chatted.model));
    cache_header(&mut response, chatted.cache);
    if !chatted.attempts.is_empty() {
        attempts_header(&mut response, &chatted.attempts);
    }
    let Chatted {
        answer,
        provider,
        model,
        dropped,
        attempts,
        cache,
        collector,
        keeping,
        ..
    } = chatted;
    let telling = Telling {
        catalogue,
        request_id: request_id.to_owned(),
        received,
        first_token_ms: duration_ms,
        about: Some(About {
            provider: provider.clone(),
            model,
            dropped,
            attempts,
            cache,
        }),
        said: Completion::default(),
        length: 0,
        begun: false,
    };
    let response = response.streaming(body(Writing {
        // The pictures in it come at the end.
        stream: answer.streaming().kept(),
        spoken: Box::new(telling),
        provider,
        keeping,
        collector,
        recorded,
        in_flight,
    }));
    (response, None)
}

/// A tool that has no pieces: its result alone.
fn whole(request_id: &str, duration_ms: u64, outcome: &Outcome) -> HttpResponse {
    let mut events = Vec::new();
    let meta = meta_of(request_id, duration_ms, outcome);
    push(
        "result",
        &json!({"result": outcome.result, "meta": meta}),
        &mut events,
    );
    begin(request_id, outcome)
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(events)
}

fn push(kind: &str, data: &Value, into: &mut Vec<u8>) {
    into.extend_from_slice(format!("event: {kind}\ndata: {data}\n\n").as_bytes());
}

// === impl Telling ===

impl Telling {
    fn delta(&mut self, text: &str, into: &mut Vec<u8>) {
        if !self.begun {
            self.begun = true;
            let about = self.about.as_ref();
            if let Some(about) = about.filter(|_| self.catalogue.hub.tag_replies) {
                let tag = format!("[{}] ", about.provider);
                push("delta", &json!({"text": tag}), into);
            }
        }
        push("delta", &json!({"text": text}), into);
    }

    fn result(&mut self, into: &mut Vec<u8>) {
        let Some(about) = self.about.take() else {
            return;
        };
        let said = std::mem::take(&mut self.said);
        let answer = Answer::complete(
            &self.catalogue,
            about.provider,
            about.model,
            said,
            about.dropped,
        );
        let given = Given {
            answer: Arc::new(answer),
            status: about.cache,
            attempts: about.attempts,
        };
        let outcome = given.outcome(self.catalogue.hub.tag_replies);
        let meta = meta_of(&self.request_id, milliseconds(self.received), &outcome);
        let mut meta = serde_json::to_value(meta).unwrap_or_default();
        if let Some(fields) = meta.as_object_mut() {
            let first = json!(self.first_token_ms);
            fields.insert("first_token_ms".to_owned(), first);
        }
        push(
            "result",
            &json!({"result": outcome.result, "meta": meta}),
            into,
        );
    }
}

impl Spoken for Telling {
    fn write(&mut self, event: &Event, into: &mut Vec<u8>) {
        match event {
            Event::Text(text) if !text.is_empty() => {
                self.length += text.len();
                if self.length <= MOST {
                    self.said.take(event.clone());
                }
                self.delta(text, into);
            }
            Event::Image(image) => {
                self.length += image.source.text().len();
                if self.length <= MOST {
                    self.said.take(event.clone());
                } else if let Some(about) = &mut self.about
                    && !about.dropped.iter().any(|name| name == "images")
                {
                    // It is told nowhere else.
                    about.dropped.push(Cow::Borrowed("images"));
                }
            }
            Event::Started { .. } | Event::Usage(_) => self.said.take(event.clone()),
            Event::End { .. } => {
                self.said.take(event.clone());
                self.result(into);
            }
            // Nothing of it is in the result.
            _ => {}
        }
    }

    fn keep_alive(&self) -> &'static str {
        ": working\n\n"
    }

    fn last_words(&mut self, refusal: &Refusal) -> Bytes {
        let mut event = Vec::new();
        let data = json!({
            "error": refusal.sentence,
            "code": refusal.code,
            "request_id": self.request_id,
        });
        push("error", &data, &mut event);
        event.into()
    }
}
