//! Exchange: one question to one vendor, retries included.

use std::{borrow::Cow, rc::Rc, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::CONTENT_TYPE};
use tokio::time::{Instant, sleep};

use super::{
    pump::Pump,
    retry::{Budget, Retry},
    wire::{Dialect, Encoded, ReadStream, Wire},
};
use crate::{
    lent::lent,
    memory::Memory,
    protocol::{Ask, Class, Failure, FailureKind, Reply},
    request::Request,
    streaming::Sink,
    upstream::{Arriving, Connection, Sight, UpstreamError},
};

/// An answer from this length on is read on a lent thread: the actor's own has to turn its loop, or
/// it is taken for stuck.
const LONG: usize = 256 * 1024;

/// A vendor, as one life of its actor sees it.
pub(super) struct Vendor<R: Request> {
    name: Arc<str>,
    connection: Connection,
    wire: &'static dyn Wire<R>,
    dialect: Dialect,
    retry: Retry,
    budget: Budget,
    memory: Memory,
}

/// What a question cost, and what it lost.
#[derive(Default)]
struct Effort {
    tries: u32,
    /// How long the answers to parts are already, in bytes: what is asked in many has one limit.
    read: usize,
    dropped: Vec<Cow<'static, str>>,
}

/// What is still to come of an answer that has begun.
struct Rest {
    pump: Pump,
    sink: Sink,
}

/// Answers one [`Ask`], unless its caller goes away first.
pub(super) async fn answer<R: Request>(vendor: Rc<Vendor<R>>, ask: Ask<R>) {
    let Ask {
        request,
        model,
        deadline,
        permit,
        mut reply,
    } = ask;
    let mut effort = Effort::default();
    let outcome = tokio::select! {
        outcome = vendor.answer(&request, &model, deadline, &mut effort) => Some(outcome),
        () = reply.closed() => None,
    };
    // It may be large, and its answer may take long to come.
    drop(request);
    let Effort { tries, dropped, .. } = effort;
    let Some(outcome) = outcome else {
        tracing::debug!(
            provider = &*vendor.name,
            "nobody waits any more, request cancelled"
        );
        return;
    };
    let (outcome, rest) = match outcome {
        Ok((answer, rest)) => (Ok(answer), rest),
        Err(failure) => (Err(failure), None),
    };
    // A caller that left in this instant needs no answer, and the rest of it ends at once.
    drop(reply.send(Reply {
        outcome,
        tries,
        dropped,
    }));
    if let Some(Rest { pump, sink }) = rest {
        pump.run(sink).await;
    }
    drop(permit);
}

// === impl Vendor ===

impl<R: Request> Vendor<R> {
    pub(super) fn new(
        name: Arc<str>,
        connection: Connection,
        wire: &'static dyn Wire<R>,
        dialect: Dialect,
        retry: Retry,
        memory: Memory,
    ) -> Self {
        Self {
            name,
            connection,
            wire,
            dialect,
            retry,
            budget: Budget::default(),
            memory,
        }
    }

    async fn answer(
        &self,
        request: &Arc<R>,
        model: &str,
        deadline: Instant,
        effort: &mut Effort,
    ) -> Result<(R::Answer, Option<Rest>), Failure> {
        self.budget.deposit();
        let parts = self.wire.parts(request);
        if parts.len() <= 1 {
            let most = request.most();
            return self.ask(request, most, model, deadline, effort).await;
        }
        let mut answers = Vec::with_capacity(parts.len());
        for part in &parts {
            let most = request.most().saturating_sub(effort.read);
            let (answer, _) = self.ask(part, most, model, deadline, effort).await?;
            answers.push(answer);
        }
        let joined = R::join(answers);
        let joined = joined.ok_or_else(|| Failure::new(FailureKind::Malformed, Class::NextNow))?;
        Ok((joined, None))
    }

    /// Asks for one part, as often as it may. Its answer has at most `most` bytes.
    async fn ask(
        &self,
        request: &Arc<R>,
        most: usize,
        model: &str,
        deadline: Instant,
        effort: &mut Effort,
    ) -> Result<(R::Answer, Option<Rest>), Failure> {
        let Encoded {
            path,
            body,
            dropped,
            raw,
        } = self.wire.encode(request, model, &self.dialect)?;
        effort.dropped = dropped;
        let most = most.min(request.most());
        let request = request.sent(raw);
        let body = body.map(Bytes::from);
        let mut tries = 0;
        loop {
            tries += 1;
            effort.tries += 1;
            let more = tries <= self.retry.count;
            let exchanged = self.exchange(&request, &path, body.clone(), most).await;
            let failure = match exchanged {
                Ok((answer, rest, length)) => {
                    effort.read += length;
                    return Ok((answer, rest));
                }
                Err(failure) => failure,
            };
            if failure.class != Class::RetrySame || !more {
                return Err(failure);
            }
            match self.retry.pause(tries, failure.retry_after) {
                Some(pause) if Instant::now() + pause < deadline && self.budget.withdraw() => {
                    tracing::debug!(
                        provider = &*self.name,
                        kind = %failure.kind,
                        status = failure.status,
                        ?pause,
                        "asking again"
                    );
                    sleep(pause).await;
                }
                _ => return Err(failure),
            }
        }
    }

    /// Reads an answer that came with a status of success. None passes that repeats the key: its reader
    /// is not who the key belongs to.
    async fn read(&self, request: &Arc<R>, body: BytesMut) -> Result<R::Answer, Failure> {
        let (wire, find) = (self.wire, self.connection.secret_finder());
        let long = body.len() >= LONG;
        let request = request.clone();
        let read = move || {
            let answer = wire.decode(&request, &body)?;
            let repeats = R::says(&answer, &|text| find(text) == Sight::Holds);
            Ok((answer, repeats))
        };
        let read: Result<_, Failure> = match long {
            true => lent(read).await,
            false => read(),
        };
        let (answer, repeats) = read?;
        if repeats {
            tracing::error!(
                provider = &*self.name,
                "the answer repeats the key and is dropped"
            );
            return Err(Failure::new(FailureKind::Malformed, Class::NextNow));
        }
        Ok(answer)
    }

    /// One answer, and how long it is, in bytes; 0 if it comes bit by bit.
    async fn exchange(
        &self,
        request: &Arc<R>,
        path: &str,
        body: Option<Bytes>,
        most: usize,
    ) -> Result<(R::Answer, Option<Rest>, usize), Failure> {
        let header = self.wire.header(request);
        let answer = match (body, self.wire.stream(request)) {
            (Some(body), Some(reader)) => {
                let arriving = self.connection.stream(path, body, header).await?;
                if arriving.status().is_success() && is_stream(arriving.headers()) {
                    let (answer, rest) = self.open(arriving, reader).await?;
                    return Ok((answer, rest, 0));
                }
                arriving.whole(most).await?
            }
            (Some(body), None) => self.connection.post(path, body, header, most).await?,
            (None, _) => self.connection.get(path, most).await?,
        };
        let status = answer.status.as_u16();
        if !answer.status.is_success() {
            return Err(self.wire.refusal(status, &answer.headers, &answer.body));
        }
        let length = answer.body.len();
        match self.read(request, answer.body).await {
            // A caller who listens to a stream is given one, whatever the vendor did.
            Ok(answer) => Ok((request.as_asked(answer), None, length)),
            Err(failure) => Err(with_status(failure, status)),
        }
    }

    async fn open(
        &self,
        arriving: Arriving,
        reader: Box<dyn ReadStream>,
    ) -> Result<(R::Answer, Option<Rest>), Failure> {
        let status = arriving.status().as_u16();
        let find = self.connection.secret_finder();
        let pump = Pump::new(
            self.name.clone(),
            arriving,
            reader,
            find,
            self.memory.clone(),
        );
        let opened = pump.open().await;
        let (pump, sink, stream) = opened.map_err(|failure| with_status(failure, status))?;
        let answer = R::streaming(stream)
            .ok_or_else(|| Failure::new(FailureKind::Malformed, Class::NextNow))?;
        Ok((answer, Some(Rest { pump, sink })))
    }
}

/// Some servers answer whole whatever they are asked, and some send an error as JSON with a 200.
fn is_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

/// A failure that came with a status of success has that status, unless it has one of its own.
fn with_status(failure: Failure, status: u16) -> Failure {
    Failure {
        status: failure.status.or(Some(status)),
        ..failure
    }
}

// === impl Failure ===

impl From<UpstreamError> for Failure {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Connect => Self::new(FailureKind::Unreachable, Class::RetrySame),
            UpstreamError::Reset => Self::new(FailureKind::Interrupted, Class::RetrySame),
            // Bytes of an answer came, so the vendor did the work and bills it: not again.
            UpstreamError::Truncated => Self::new(FailureKind::Interrupted, Class::NextNow),
            UpstreamError::Undecodable | UpstreamError::Unreadable => {
                Self::new(FailureKind::Malformed, Class::NextNow)
            }
            UpstreamError::TooLarge(_) => Self::new(FailureKind::TooLarge, Class::NextNow),
        }
    }
}
