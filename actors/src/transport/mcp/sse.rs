//! The transport of 2024-11-05: a stream that begins with the address to post to, for clients that
//! are configured for the old hub.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use bytes::Bytes;
use futures_util::stream;
use rmcp::{
    RoleServer, ServiceExt,
    model::{
        CancelledNotification, ClientJsonRpcMessage, ClientNotification, GetExtensions, RequestId,
        ServerJsonRpcMessage,
    },
    transport::Transport,
};
use serde::Deserialize;
use tokio::{
    sync::{OwnedSemaphorePermit, RwLock, Semaphore, mpsc, watch},
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use super::{
    door::Mcp,
    handler::Handler,
    held::Held,
    refusal::{full, refuse_body},
    rpc::{self, Code},
};
use crate::{
    principal::Principal,
    transport::{body, layers::Caller},
};

/// Most clients at a time.
const MOST: usize = 500;
/// Messages on their way to or from one client.
const QUEUE: usize = 16;
/// Most requests of one client without an answer that has left. rmcp has a task for each answer that
/// waits for its turn, so a client that asks and does not read would otherwise cost all the memory
/// there is.
const UNANSWERED: usize = 64;
/// A stream that says nothing for long is cut by proxies and clients.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The connected clients.
pub struct Clients {
    /// Where their messages go, by session. Weak: a client lives as long as its stream.
    inboxes: Arc<RwLock<HashMap<String, Inbox>>>,
    places: Arc<Semaphore>,
}

/// Where one client's messages go.
#[derive(Clone)]
struct Inbox {
    /// Who opened the stream.
    owner: Arc<str>,
    sender: mpsc::WeakSender<ClientJsonRpcMessage>,
    /// Places for requests that are not answered.
    places: Arc<Semaphore>,
}

/// A request's place. Its handler has it, and then its answer on the way out.
#[derive(Clone)]
struct Unanswered(#[expect(dead_code, reason = "held, not read")] Arc<OwnedSemaphorePermit>);

/// One client, as rmcp sees it.
struct Wire {
    outbox: mpsc::Sender<(ServerJsonRpcMessage, Option<Unanswered>)>,
    inbox: mpsc::Receiver<ClientJsonRpcMessage>,
    unanswered: HashMap<RequestId, Unanswered>,
}

/// The query of `/messages`.
#[derive(Deserialize)]
pub struct Address {
    session_id: String,
}

/// `GET /sse`
pub async fn stream(mcp: web::Data<Mcp>, caller: web::ReqData<Caller>) -> HttpResponse {
    open(&mcp, caller.into_inner().0).await
}

/// Opens a client's stream, which is its principal's own and ends when their key is revoked.
pub async fn open(mcp: &Mcp, principal: Arc<Principal>) -> HttpResponse {
    let Some(clients) = &mcp.legacy else {
        return HttpResponse::NotFound().finish();
    };
    let Ok(place) = clients.places.clone().try_acquire_owned() else {
        return full();
    };
    let id = Uuid::new_v4().simple().to_string();
    let (outbox, mut messages) = mpsc::channel(QUEUE);
    let (sender, inbox) = mpsc::channel(QUEUE);
    let (connection, connected) = watch::channel(());
    let inboxes = clients.inboxes.clone();
    let entry = Inbox {
        owner: principal.id.clone(),
        sender: sender.downgrade(),
        places: Arc::new(Semaphore::new(UNANSWERED)),
    };
    inboxes.write().await.insert(id.clone(), entry);
    let endpoint = format!("event: endpoint\ndata: /messages?session_id={id}\n\n");
    let handler = Handler::connected(mcp.lobby.clone(), connected);
    tokio::spawn(async move {
        let wire = Wire {
            outbox,
            inbox,
            unanswered: HashMap::new(),
        };
        if let Ok(session) = Box::pin(handler.serve(wire)).await {
            drop(session.waiting().await);
        }
        inboxes.write().await.remove(&id);
    });
    let closing = mcp.service.config.cancellation_token.clone();
    let over = principal.account.over();
    // Dropped with the stream: the session's inbox closes, its calls end, its place is free.
    let held = (sender, connection, place);
    let mut first = Some(endpoint);
    let events = stream::poll_fn({
        let mut quiet = Box::pin(sleep_until(Instant::now() + KEEP_ALIVE));
        let mut closed = Box::pin(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = over => {}
            }
        });
        move |context| {
            use std::{future::Future, task::Poll};
            let _held = &held;
            if let Some(endpoint) = first.take() {
                return Poll::Ready(Some(event(endpoint)));
            }
            if closed.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(message) = messages.poll_recv(context) {
                quiet.as_mut().reset(Instant::now() + KEEP_ALIVE);
                return Poll::Ready(message.map(|(message, _answered)| event(text(&message))));
            }
            if quiet.as_mut().poll(context).is_ready() {
                quiet.as_mut().reset(Instant::now() + KEEP_ALIVE);
                return Poll::Ready(Some(event(": still here\n\n".to_owned())));
            }
            Poll::Pending
        }
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-cache"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(events)
}

fn event(text: String) -> Result<Bytes, io::Error> {
    Ok(Bytes::from(text))
}

fn text(message: &ServerJsonRpcMessage) -> String {
    let json = serde_json::to_string(message).unwrap_or_default();
    format!("event: message\ndata: {json}\n\n")
}

/// `POST /messages`
pub async fn message(
    request: HttpRequest,
    address: Option<web::Query<Address>>,
    payload: web::Payload,
    caller: web::ReqData<Caller>,
    mcp: web::Data<Mcp>,
) -> HttpResponse {
    let principal = caller.into_inner().0;
    if !body::is_json(&request) {
        return rpc::refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::Invalid,
            "Send JSON, with the header Content-Type: application/json.",
        );
    }
    let Some(address) = address else {
        return rpc::refuse(
            StatusCode::BAD_REQUEST,
            Code::Invalid,
            "The address has no session_id. Post to the one that the stream at /sse begins with.",
        );
    };
    let inbox = match &mcp.legacy {
        Some(clients) => clients.inbox(&address.session_id, &principal).await,
        None => None,
    };
    let Some((inbox, places)) = inbox else {
        return rpc::refuse(
            StatusCode::NOT_FOUND,
            Code::Invalid,
            "There is no such session. Open a stream at /sse first.",
        );
    };
    let (body, held) = match body::read(&request, payload, &mcp.lobby.bodies).await {
        Ok(read) => (read.bytes, read.held),
        Err(error) => return refuse_body(error),
    };
    if let Some(refused) = mcp.refuse_call(&body, &principal) {
        return refused;
    }
    let mut message = match serde_json::from_slice(&body) {
        Ok(message) => message,
        Err(_) => return HttpResponse::BadRequest().json(rpc::diagnose(&body)),
    };
    if let ClientJsonRpcMessage::Request(request) = &mut message {
        let held = Held::of_caller(principal, held);
        request.request.extensions_mut().insert(held);
        let Ok(place) = places.try_acquire_owned() else {
            return busy();
        };
        let place = Unanswered(Arc::new(place));
        request.request.extensions_mut().insert(place);
    }
    match inbox.send(message).await {
        Ok(()) => HttpResponse::Accepted().body("Accepted"),
        Err(_gone) => rpc::refuse(
            StatusCode::NOT_FOUND,
            Code::Invalid,
            "The session has ended. Open a new stream at /sse.",
        ),
    }
}

/// The client asks and does not read.
fn busy() -> HttpResponse {
    let mut response = rpc::refuse(
        StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal,
        "Too many of this session's requests are not answered yet. Read the stream, then try again.",
    );
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    response
}

// === impl Clients ===

impl Default for Clients {
    fn default() -> Self {
        Self {
            inboxes: Arc::default(),
            places: Arc::new(Semaphore::new(MOST)),
        }
    }
}

impl Clients {
    async fn inbox(
        &self,
        id: &str,
        principal: &Principal,
    ) -> Option<(mpsc::Sender<ClientJsonRpcMessage>, Arc<Semaphore>)> {
        let inbox = self.inboxes.read().await.get(id)?.clone();
        if inbox.owner != principal.id {
            return None;
        }
        Some((inbox.sender.upgrade()?, inbox.places))
    }
}

// === impl Wire ===

impl Transport<RoleServer> for Wire {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let outbox = self.outbox.clone();
        let answered = match &message {
            ServerJsonRpcMessage::Response(response) => self.unanswered.remove(&response.id),
            ServerJsonRpcMessage::Error(error) => {
                error.id.as_ref().and_then(|id| self.unanswered.remove(id))
            }
            _ => None,
        };
        async move {
            let sent = outbox.send((message, answered)).await;
            sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        let message = self.inbox.recv().await?;
        match &message {
            ClientJsonRpcMessage::Request(request) => {
                if let Some(place) = request.request.extensions().get::<Unanswered>() {
                    self.unanswered.insert(request.id.clone(), place.clone());
                }
            }
            // rmcp sends no answer to what was cancelled.
            ClientJsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(CancelledNotification {
                    params,
                    ..
                }) = &notification.notification
                    && let Some(id) = &params.request_id
                {
                    self.unanswered.remove(id);
                }
            }
            _ => {}
        }
        Some(message)
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.inbox.close();
        Ok(())
    }
}
