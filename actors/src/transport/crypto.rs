//! `POST /crypto`: the same calls as `POST /api`, for people whose TLS ends at somebody else's edge.
//!
//! This door takes envelopes apart and puts them together. It cannot open one: it asks the Guardian's
//! side, where the keys are. What is wrong with an envelope is not said; what is wrong with the call in
//! it is, in the sealed answer. The status outside is 200 for every answer that is sealed, whatever
//! became of the call: that is inside.

use actix_web::{
    HttpRequest, HttpResponse,
    body::MessageBody,
    http::{StatusCode, header},
    web,
};
use bytes::Bytes;
use tokio::{
    sync::oneshot,
    time::{Duration, Instant, timeout},
};

use super::{
    api::{self, Refused},
    body::Body,
    held::hold,
    layers::Caller,
    lobby::{InFlight, Lobby},
};
use crate::{
    catalogue::Crypto,
    envelope::Envelope,
    error::CallError,
    protocol::{CryptoUp, Seal, Unseal, UnsealError},
    request_id::RequestId,
};

/// Where this door is. Envelopes are for this path alone.
pub const PATH: &str = "/crypto";
/// And for this method.
const METHOD: &str = "POST";
/// Longest wait for an envelope to be opened or sealed. Just after a start the keys are still being
/// stretched.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no sealed answer.
enum Unsealed {
    Refused(Refused),
    Failed(CallError),
}

/// One sealed call.
pub async fn call(
    request: HttpRequest,
    payload: web::Payload,
    caller: web::ReqData<Caller>,
    lobby: web::Data<Lobby>,
) -> HttpResponse {
    let received = Instant::now();
    let request_id = RequestId::new();
    let request_id = request_id.as_str();
    match sealed(
        &request,
        payload,
        caller.into_inner(),
        &lobby,
        received,
        request_id,
    )
    .await
    {
        Ok((envelope, in_flight)) => {
            let response = HttpResponse::Ok()
                .insert_header(("X-Request-Id", request_id))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .content_type("application/json")
                .body(envelope.json());
            hold(response, in_flight)
        }
        Err(Unsealed::Refused(refused)) => refused.respond(request_id),
        Err(Unsealed::Failed(error)) => api::failed(request_id, &error),
    }
}

async fn sealed(
    request: &HttpRequest,
    payload: web::Payload,
    Caller(principal): Caller,
    lobby: &Lobby,
    received: Instant,
    request_id: &str,
) -> Result<(Envelope, Option<InFlight>), Unsealed> {
    let crypto = keeper(lobby)?;
    let Body { bytes, held: _held } = api::read(request, payload, lobby).await?;
    let envelope = Envelope::parse(&bytes).ok_or(UnsealError::Refused)?;
    drop(bytes);
    // Who calls may use their own key, whatever the envelope says.
    if *envelope.kid != *principal.id {
        return Err(UnsealError::Refused.into());
    }
    let answers = envelope.id.clone();
    let kid = envelope.kid.clone();
    let text = unseal(&crypto, envelope).await?;
    let (response, in_flight) = match api::parse(&text) {
        Ok(asked) if asked.stream => {
            let bad = api::bad("A sealed call is answered in one piece: leave `stream` out.");
            (bad.respond(request_id), None)
        }
        Ok(asked) => {
            let call = asked.into_call(principal, received);
            api::answer(call, "crypto", request_id, lobby).await
        }
        Err(refused) => (refused.respond(request_id), None),
    };
    drop(text);
    let (reply, sealed) = oneshot::channel();
    let seal = Seal {
        method: METHOD,
        path: PATH,
        kid,
        id: request_id.to_owned(),
        answers,
        text: inside(response),
        reply,
    };
    crypto.seals.do_send(seal);
    match timeout(PATIENCE, sealed).await {
        Ok(Ok(envelope)) => Ok((envelope, in_flight)),
        // Its actor ended, or does not come to it.
        Ok(Err(_)) | Err(_) => Err(CallError::Internal.into()),
    }
}

/// Who opens and seals.
fn keeper(lobby: &Lobby) -> Result<CryptoUp, CallError> {
    let catalogue = lobby.catalogue.load();
    match catalogue.as_deref().map(|catalogue| &catalogue.crypto) {
        Some(Crypto::Up(up)) => Ok(up.clone()),
        Some(Crypto::NotConfigured) => Err(CallError::NotConfigured(
            "Sealed calls are not set up: set MASTER_ENCRYPTION_KEY and PERSISTENT_ENCRYPTION_SALT."
                .to_owned(),
        )),
        Some(Crypto::Down) | None => Err(CallError::Internal),
    }
}

async fn unseal(crypto: &CryptoUp, envelope: Envelope) -> Result<Vec<u8>, Unsealed> {
    let (reply, opened) = oneshot::channel();
    crypto.unseals.do_send(Unseal {
        method: METHOD,
        path: PATH,
        envelope,
        reply,
    });
    match timeout(PATIENCE, opened).await {
        Ok(Ok(opened)) => Ok(opened?),
        Ok(Err(_)) | Err(_) => Err(CallError::Internal.into()),
    }
}

/// What is sealed: the status that `POST /api` would have answered with, and its body.
fn inside(response: HttpResponse) -> Vec<u8> {
    let status = response.status().as_u16();
    let wait = response.headers().get(header::RETRY_AFTER);
    let wait = wait.and_then(|seconds| seconds.to_str().ok()?.parse::<u64>().ok());
    let body = response.into_body().try_into_bytes();
    // Bodies of this door are bytes, never streams.
    let body = body.unwrap_or(Bytes::from_static(b"null"));
    let mut text = format!("{{\"status\":{status},").into_bytes();
    if let Some(wait) = wait {
        text.extend_from_slice(format!("\"retry_after\":{wait},").as_bytes());
    }
    text.extend_from_slice(b"\"body\":");
    text.extend_from_slice(&body);
    text.push(b'}');
    text
}

// === impl Unsealed ===

impl From<Refused> for Unsealed {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<CallError> for Unsealed {
    fn from(error: CallError) -> Self {
        Self::Failed(error)
    }
}

impl From<UnsealError> for Unsealed {
    fn from(error: UnsealError) -> Self {
        match error {
            UnsealError::Refused => api::bad("The envelope cannot be opened.").into(),
            UnsealError::Replayed => Refused {
                status: StatusCode::CONFLICT,
                code: "replayed",
                sentence: "This envelope has been sent before. Seal the call again.".to_owned(),
            }
            .into(),
            UnsealError::Full => CallError::Overloaded(
                "The hub cannot remember more envelopes now. Try again in a minute.".to_owned(),
            )
            .into(),
        }
    }
}
