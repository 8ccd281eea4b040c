//! `POST /v1/embeddings`: vectors of texts, in OpenAI's format, whoever makes them.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use bytes::Bytes;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{
    OpenAi, json,
    refusal::Refusal,
    reply::{begin, refuse, said_by},
};
use crate::{
    chat::Chatted,
    embedding::Embedding,
    error::CallError,
    lent::lent,
    protocol::{Embedded, Encoding, Vectors},
    provider::wire::embedding::{Asked, read_request, write_answer},
    request_id::RequestId,
    transport::{body::Body, calls::Recorded, held::hold, layers::Caller, lobby::Lobby},
};

/// The door's name in the calls log and in records.
const NAME: &str = "embeddings";

/// From so many numbers on, vectors are written on a lent thread: others wait for this one.
const MANY: usize = 64 * 1024;

/// One request.
pub async fn serve(
    request: HttpRequest,
    payload: web::Payload,
    caller: web::ReqData<Caller>,
    lobby: web::Data<Lobby>,
) -> HttpResponse {
    let received = Instant::now();
    let request_id = RequestId::new();
    let request_id = request_id.as_str();
    // Held until the answer is written: it can be a thousand times as long as the question.
    let (asked, held) = match take(&request, payload, &lobby).await {
        Ok(taken) => taken,
        Err(refusal) => return refuse::<OpenAi>(&refusal, request_id),
    };
    let Asked { model, request } = asked;
    let (count, encoding) = (request.input.count(), request.encoding);
    let principal = caller.into_inner().0;
    let mut recorded = Recorded::new(&lobby, NAME, &principal, &model, request_id, received);
    let embedded = lobby.embed(Embedding {
        principal,
        door: NAME,
        model,
        request,
        received,
    });
    let (embedded, in_flight) = match embedded.await {
        Ok(embedded) => embedded,
        Err(error) => {
            if let Some(recorded) = recorded {
                recorded.failed(error.code());
            }
            return refuse::<OpenAi>(&error.into(), request_id);
        }
    };
    if let Some(recorded) = &mut recorded {
        recorded.answering(&embedded);
        recorded.used(&embedded.answer.usage);
    }
    let mut response = begin::<OpenAi>(StatusCode::OK, request_id);
    said_by(&mut response, &embedded);
    let Chatted {
        answer,
        model,
        mut keeping,
        ..
    } = embedded;
    keeping.keep(&format!("{count} vectors of {} numbers", answer.dimensions));
    let Some(body) = written(answer, encoding, model.to_string()).await else {
        let error = CallError::Internal;
        if let Some(recorded) = recorded {
            recorded.failed(error.code());
        }
        return refuse::<OpenAi>(&error.into(), request_id);
    };
    if let Some(recorded) = recorded {
        recorded.said(None);
    }
    let response = response.content_type("application/json").body(body);
    hold(response, (in_flight, held))
}

/// Reads a request, and reserves memory for its answer.
async fn take(
    request: &HttpRequest,
    payload: web::Payload,
    lobby: &Lobby,
) -> Result<(Asked, Option<OwnedSemaphorePermit>), Refusal> {
    let Body { bytes, mut held } = json(request, payload, lobby).await?;
    let asked = read_request(&bytes)?;
    let weight = bytes.len() + asked.request.weight();
    lobby.bodies.reserve(weight, &mut held)?;
    Ok((asked, held))
}

/// The answer's body; `None` if it cannot be written.
async fn written(embedded: Embedded, encoding: Encoding, model: String) -> Option<Bytes> {
    let numbers = match &embedded.vectors {
        Vectors::Raw(_) => 0,
        Vectors::Read(vectors) => vectors.len() * embedded.dimensions,
    };
    let write = move || write_answer(&embedded, encoding, &model).ok();
    match numbers >= MANY {
        true => lent(write).await,
        false => write(),
    }
}
