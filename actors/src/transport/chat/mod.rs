//! The doors for SDKs: one line of theirs changes, the address. Each speaks one vendor's format, and every
//! provider answers through it.
//!
//! - this file: one request, from its bytes to its answer; what a format is to a door ([`Door`])
//! - `openai`: `POST /v1/chat/completions`; `anthropic`: `POST /v1/messages`
//! - `count`: `POST /v1/messages/count_tokens`
//! - `embeddings`: `POST /v1/embeddings`, which is no conversation and comes whole
//! - `models`: `GET /v1/models`, in the format of whoever asks
//! - `fresh`: whether kept answers will do
//! - `events`: an answer as it is made; `refusal`: why there is none; `reply`: what stands above either

mod anthropic;
mod count;
pub mod embeddings;
pub(super) mod events;
mod fresh;
pub mod models;
mod openai;
pub(super) mod refusal;
mod reply;

use std::{
    borrow::Cow,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web,
};
use bytes::Bytes;
use serde_json::Value;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

pub use self::{
    anthropic::Anthropic,
    count::CountTokens,
    openai::OpenAi,
    reply::{nowhere, refused, wrong_method},
};
use self::{
    events::{Writing, body},
    fresh::lets_cache,
    refusal::Refusal,
    reply::{begin, refuse, said_by},
};
use super::{
    body::{self as request_body, Body},
    calls::Recorded,
    held::hold,
    layers::Caller,
    lobby::Lobby,
};
use crate::{
    chat::{Chat, Chatted},
    conversation::{Format, Rest},
    protocol::{Completed, Completion},
    provider::wire::{Asked, BadRequest, Envelope},
    request_id::RequestId,
    streaming::Event,
};

/// Longest list of what a vendor is to try out, in bytes.
const LONGEST_BETAS: usize = 1024;

/// What an answer says of itself.
#[derive(Debug, Clone)]
pub struct About {
    /// The same as in `X-Request-Id`.
    pub request_id: String,
    /// Which model answers.
    pub model: String,
    /// Whether the client wants the usage at the end of a stream.
    pub wants_usage: bool,
}

/// A vendor's format, as a door speaks it.
pub trait Door: 'static {
    /// The door's name in the calls log and in records.
    const NAME: &'static str;

    /// Reads a request.
    ///
    /// # Errors
    /// The part that is not in the format.
    fn read(body: &Bytes) -> Result<Asked, BadRequest>;

    /// Writes a whole answer.
    fn write(completion: &Completion, about: About) -> Bytes;

    /// Writes an answer as it is made.
    fn speak(about: About) -> Box<dyn Spoken>;

    /// The status of a refusal, where the vendor has its own.
    fn status(refusal: &Refusal) -> StatusCode {
        refusal.status
    }

    /// The body that tells of a refusal.
    fn error(refusal: &Refusal, request_id: &str) -> Value;

    /// Whether an answer can have pictures in it.
    const HAS_IMAGES: bool;

    /// The header in which the vendor's SDK names what it wants to try out.
    const BETA: Option<&'static str> = None;

    /// Another name of `X-Request-Id`, which the vendor's SDK reads.
    const REQUEST_ID: Option<&'static str> = None;
}

/// An answer that is written as it is made.
pub trait Spoken: Send {
    /// Appends the event as server-sent events, or nothing if it says nothing to this client.
    fn write(&mut self, event: &Event, into: &mut Vec<u8>);

    /// What stands for a sign of life.
    fn keep_alive(&self) -> &'static str;

    /// The event that says why the stream breaks off. Nothing follows.
    fn last_words(&mut self, refusal: &Refusal) -> Bytes;
}

/// One conversation, at any of the doors.
pub async fn serve<D: Door>(
    head: HttpRequest,
    payload: web::Payload,
    caller: web::ReqData<Caller>,
    lobby: web::Data<Lobby>,
) -> HttpResponse {
    let received = Instant::now();
    let request_id = RequestId::new();
    let request_id = request_id.as_str();
    let (asked, held) = match take::<D>(&head, payload, &lobby).await {
        Ok(taken) => taken,
        Err(refusal) => return refuse::<D>(&refusal, request_id),
    };
    let Asked { model, request } = asked;
    let principal = caller.into_inner().0;
    let mut recorded = Recorded::new(&lobby, D::NAME, &principal, &model, request_id, received);
    let cache = lets_cache(head.headers());
    let wants_usage = request.raw.as_ref().is_some_and(|raw| raw.wants_usage);
    let chatted = lobby
        .chat(Chat {
            principal,
            door: D::NAME,
            model,
            cache,
            request,
            received,
        })
        .await;
    drop(held);
    let (mut chatted, in_flight) = match chatted {
        Ok(answer) => answer,
        Err(error) => {
            if let Some(recorded) = recorded {
                recorded.failed(error.code());
            }
            return refuse::<D>(&error.into(), request_id);
        }
    };
    if let Some(recorded) = &mut recorded {
        recorded.answering(&chatted);
    }
    if let Completed::Whole(completion) = &chatted.answer
        && !D::HAS_IMAGES
        && completion.images().next().is_some()
    {
        chatted.dropped.push(Cow::Borrowed("images"));
    }
    let mut response = begin::<D>(StatusCode::OK, request_id);
    said_by(&mut response, &chatted);
    let Chatted {
        answer,
        provider,
        model,
        mut keeping,
        collector,
        ..
    } = chatted;
    let mut about = About {
        request_id: request_id.to_owned(),
        model: (*model).to_owned(),
        wants_usage,
    };
    let completion = match answer {
        Completed::Whole(completion) => completion,
        Completed::Streaming(stream) => {
            let writing = Writing {
                stream,
                spoken: D::speak(about),
                provider,
                keeping,
                collector,
                recorded,
                in_flight,
            };
            return response
                .content_type("text/event-stream")
                .insert_header((header::CACHE_CONTROL, "no-cache"))
                .insert_header(("X-Accel-Buffering", "no"))
                .streaming(body(writing));
        }
    };
    if let Some(mut recorded) = recorded {
        recorded.used(&completion.usage);
        recorded.said(None);
    }
    if completion.withheld().is_none() {
        keeping.keep(&completion.text());
    }
    if let Some(model) = &completion.model {
        about.model.clone_from(model);
    }
    let bytes = match &completion.raw {
        Some(raw) => raw.clone(),
        None => D::write(&completion, about),
    };
    let response = response.content_type("application/json").body(bytes);
    hold(response, in_flight)
}

async fn take<D: Door>(
    request: &HttpRequest,
    payload: web::Payload,
    lobby: &Lobby,
) -> Result<(Asked, Option<OwnedSemaphorePermit>), Refusal> {
    let Body { bytes, held } = json(request, payload, lobby).await?;
    let mut asked = D::read(&bytes)?;
    if let Some(betas) = D::BETA.and_then(|name| betas(request.headers().get_all(name))) {
        let rest = &mut Arc::make_mut(&mut asked.request.conversation).rest;
        rest.get_or_insert_with(|| Rest::nothing(Format::Anthropic))
            .betas = Some(betas);
    }
    Ok((asked, held))
}

/// The words of a header that a vendor knows, and nothing else.
fn betas<'a>(values: impl Iterator<Item = &'a HeaderValue>) -> Option<Box<str>> {
    let texts: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
    let betas = texts.join(",");
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_., ".contains(c);
    let fits = !betas.is_empty() && betas.len() <= LONGEST_BETAS && betas.chars().all(is_word);
    fits.then(|| betas.into())
}

async fn json(
    request: &HttpRequest,
    payload: web::Payload,
    lobby: &Lobby,
) -> Result<Body, Refusal> {
    if !request_body::is_json(request) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send JSON, with the header Content-Type: application/json.",
        ));
    }
    Ok(request_body::read(request, payload, &lobby.bodies).await?)
}

// === impl About ===

impl About {
    fn envelope(self, prefix: &str) -> Envelope {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Envelope {
            id: format!("{prefix}{}", self.request_id),
            model: self.model,
            created: now.unwrap_or_default().as_secs(),
        }
    }
}
