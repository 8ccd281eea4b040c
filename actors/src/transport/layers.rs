//! Layers: what a request passes before a handler sees it. The order is here and nowhere else:
//!
//! 1. **size**: a body that says it is too large is refused unread. (The server has cut heads that are
//!    too long or slow, or have too many headers, before.)
//! 2. **Host and Origin** ([`guard`](super::guard))
//! 3. **authentication**: who is it? ([`access`](super::access))
//! 4. **scope**: may they use this door?
//! 5. **limits**: may they use it now?
//! 6. the handler
//!
//! [`Front`] is 1 and 2, around the whole server. [`Gate`] is 3 to 5, around the resource that was
//! found: what it decides on is what is called, not a path that somebody else may read differently.

use std::{
    future::{Ready, ready},
    num::NonZeroU32,
    rc::Rc,
    sync::Arc,
};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::{Method, StatusCode, header, header::HeaderValue},
};
use futures_util::{
    FutureExt, TryFutureExt,
    future::{Either, LocalBoxFuture, MapOk},
};

pub use super::access::Denied;
use super::{
    access::Access,
    api::{failure, limited},
    body::{self, BodyError},
    credential,
    guard::Guard,
    routes::Door,
    session,
};
use crate::{account::Exhausted, principal::Principal};

/// An answer of a layer, or of what is behind it.
type Passed<B> = ServiceResponse<EitherBody<B>>;
type Outcome<B> = Result<Passed<B>, Error>;

/// What is behind, its answer marked as such.
type Inside<F, B> = MapOk<F, fn(ServiceResponse<B>) -> Passed<B>>;

/// Refused, or on to what is behind; boxed only where there is something to wait for.
type Passing<F, B> =
    Either<Either<Ready<Outcome<B>>, Inside<F, B>>, LocalBoxFuture<'static, Outcome<B>>>;

/// Size, Host and Origin.
#[derive(Clone)]
pub struct Front(pub Arc<Guard>);

/// Authentication, scope, limits.
#[derive(Clone)]
pub struct Gate {
    /// Who knows who may enter.
    pub access: Arc<Access>,
    /// What is behind.
    pub door: Door,
}

/// A layer in its place.
pub struct Layer<L, S> {
    layer: L,
    inner: Rc<S>,
}

/// Who sent a request, as its handler finds it.
#[derive(Clone)]
pub struct Caller(pub Arc<Principal>);

fn inside<S, B>(inner: &S, request: ServiceRequest) -> Inside<S::Future, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let inside: fn(ServiceResponse<B>) -> Passed<B> = ServiceResponse::map_into_left_body;
    inner.call(request).map_ok(inside)
}

fn refused<B>(request: ServiceRequest, answer: HttpResponse) -> Passed<B> {
    request.into_response(answer).map_into_right_body()
}

// === impl Front ===

impl<S, B> Transform<S, ServiceRequest> for Front
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = Passed<B>;
    type Error = Error;
    type InitError = ();
    type Transform = Layer<Self, S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(Layer {
            layer: self.clone(),
            inner: Rc::new(inner),
        }))
    }
}

impl<S, B> Service<ServiceRequest> for Layer<Front, S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = Passed<B>;
    type Error = Error;
    type Future = Passing<S::Future, B>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        if let Err(answer) = self.layer.admit(&request) {
            return Either::Left(Either::Left(ready(Ok(refused(request, answer)))));
        }
        let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
            return Either::Left(Either::Right(inside(&*self.inner, request)));
        };
        // A web page, and one that may call: its browser reads the answer only if it is told so.
        if let Some(answer) = Guard::preflight(&request) {
            let mut answer = refused(request, answer);
            Guard::allow(answer.headers_mut(), origin);
            return Either::Left(Either::Left(ready(Ok(answer))));
        }
        let inside = inside(&*self.inner, request);
        let allowed = inside.map_ok(|mut answer| {
            Guard::allow(answer.headers_mut(), origin);
            answer
        });
        Either::Right(allowed.boxed_local())
    }
}

impl Front {
    fn admit(&self, request: &ServiceRequest) -> Result<(), HttpResponse> {
        if body::announced(request.headers()) > body::MAX {
            let error = BodyError::TooLarge;
            return Err(failure(error.status(), error.code(), error.to_string()));
        }
        self.0.check(request)
    }
}

// === impl Gate ===

impl<S, B> Transform<S, ServiceRequest> for Gate
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = Passed<B>;
    type Error = Error;
    type InitError = ();
    type Transform = Layer<Self, S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(Layer {
            layer: self.clone(),
            inner: Rc::new(inner),
        }))
    }
}

impl<S, B> Service<ServiceRequest> for Layer<Gate, S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = Passed<B>;
    type Error = Error;
    type Future = Passing<S::Future, B>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Gate { access, door } = &self.layer;
        if door.is_public_for(request.method()) {
            return Either::Left(Either::Right(inside(&*self.inner, request)));
        }
        let presented = credential::presented(request.headers());
        let presented = presented.or_else(|| session::presented(request.request()));
        if let Some(who) = access.at_once(presented.as_ref()) {
            return Either::Left(match door.admit(who, &request) {
                Ok(()) => Either::Right(inside(&*self.inner, request)),
                Err(answer) => Either::Left(ready(Ok(refused(request, answer)))),
            });
        }
        let (access, door, inner) = (access.clone(), *door, self.inner.clone());
        let asking = async move {
            let who = access.who(presented.as_ref()).await;
            match door.admit(who, &request) {
                Ok(()) => inside(&*inner, request).await,
                Err(answer) => Ok(refused(request, answer)),
            }
        };
        Either::Right(asking.boxed_local())
    }
}

// === impl Door ===

impl Door {
    fn admit(
        &self,
        who: Result<Arc<Principal>, Denied>,
        request: &ServiceRequest,
    ) -> Result<(), HttpResponse> {
        let principal = who.map_err(Denied::answer)?;
        if let Some(permission) = self.needs
            && !principal.admin.allows(permission)
        {
            return Err(failure(
                StatusCode::FORBIDDEN,
                "forbidden",
                format!("This key does not have the permission {permission}."),
            ));
        }
        if self.counts && *request.method() == Method::POST {
            principal
                .account
                .charge(NonZeroU32::MIN)
                .map_err(Exhausted::answer)?;
        }
        request.extensions_mut().insert(Caller(principal));
        Ok(())
    }
}

// === impl Denied ===

impl Denied {
    /// The same for everybody: it tells nothing about what was wrong.
    pub(super) fn answer(self) -> HttpResponse {
        match self {
            Self::Unknown => {
                let sentence =
                    "Send a valid API key: `Authorization: Bearer KEY`, or `X-Hub-Key: KEY`.";
                let mut answer = failure(
                    StatusCode::UNAUTHORIZED,
                    "unauthorized",
                    sentence.to_owned(),
                );
                let challenge = HeaderValue::from_static("Bearer");
                answer
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, challenge);
                answer
            }
            Self::Unavailable => failure(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "The hub cannot tell now who may enter. Try again in a second.".to_owned(),
            ),
        }
    }
}

// === impl Exhausted ===

impl Exhausted {
    fn answer(self) -> HttpResponse {
        limited(&self.into())
    }
}
