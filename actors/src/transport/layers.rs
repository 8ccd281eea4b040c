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
    http::{Method, header},
};
use futures_util::{
    FutureExt, TryFutureExt,
    future::{Either, LocalBoxFuture, MapOk},
};

use super::{
    access::{Access, Denied},
    body, credential,
    guard::Guard,
    refused::Refused,
    routes::{self, Door},
    session,
};
use crate::principal::Principal;

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

/// What actix puts around a service: either layer.
#[derive(Clone)]
pub struct Around<L>(pub L);

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

fn answered<B>(request: ServiceRequest, answer: HttpResponse) -> Passed<B> {
    request.into_response(answer).map_into_right_body()
}

// === impl Around ===

impl<L, S, B> Transform<S, ServiceRequest> for Around<L>
where
    L: Clone,
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    Layer<L, S>: Service<ServiceRequest, Response = Passed<B>, Error = Error>,
{
    type Response = Passed<B>;
    type Error = Error;
    type InitError = ();
    type Transform = Layer<L, S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(Layer {
            layer: self.0.clone(),
            inner: Rc::new(inner),
        }))
    }
}

// === impl Front ===

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
        if let Err(refused) = self.layer.admit(&request) {
            let answer = routes::words_at(request.path())(refused);
            return Either::Left(Either::Left(ready(Ok(answered(request, answer)))));
        }
        let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
            return Either::Left(Either::Right(inside(&*self.inner, request)));
        };
        // A web page, and one that may call: its browser reads the answer only if it is told so.
        if let Some(answer) = Guard::preflight(&request) {
            let mut answer = answered(request, answer);
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
    fn admit(&self, request: &ServiceRequest) -> Result<(), Refused> {
        if body::announced(request.headers()) > body::MAX {
            return Err(Refused::TooLarge);
        }
        self.0.check(request).map_err(Refused::Foreign)
    }
}

// === impl Gate ===

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
        let presented = match access.is_open() {
            true => None,
            false => credential::presented(request.headers())
                .or_else(|| session::presented(request.request())),
        };
        if let Some(who) = access.at_once(presented.as_ref()) {
            return Either::Left(match door.admit(who, &request) {
                Ok(()) => Either::Right(inside(&*self.inner, request)),
                Err(refused) => Either::Left(ready(Ok(answered(request, (door.refuse)(refused))))),
            });
        }
        let (access, door, inner) = (access.clone(), *door, self.inner.clone());
        let asking = async move {
            let who = access.who(presented.as_ref()).await;
            match door.admit(who, &request) {
                Ok(()) => inside(&*inner, request).await,
                Err(refused) => Ok(answered(request, (door.refuse)(refused))),
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
    ) -> Result<(), Refused> {
        let principal = who.map_err(Refused::Denied)?;
        if let Some(permission) = self.needs
            && !principal.admin.allows(permission)
        {
            return Err(Refused::NotPermitted(permission));
        }
        if self.counts && *request.method() == Method::POST {
            let counted = principal.account.charge(NonZeroU32::MIN);
            counted.map_err(Refused::Exhausted)?;
        }
        request.extensions_mut().insert(Caller(principal));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::{
        account::{Account, Limits},
        scope::Scope,
    };

    fn principal(admin: Scope) -> Arc<Principal> {
        let limits = Limits {
            rpd: NonZeroU32::new(1),
            ..Limits::default()
        };
        Arc::new(Principal {
            admin,
            account: Account::new(limits),
            ..Principal::all("one")
        })
    }

    #[test]
    fn scope_comes_before_limits_and_both_after_authentication() {
        let door = Door {
            path: "/admin",
            public: false,
            login: false,
            needs: Some("admin:keys"),
            counts: true,
            routes: |resource| resource,
            about: None,
            refuse: Refused::answer,
        };
        let post = TestRequest::post().to_srv_request();
        let enter = |who| {
            door.admit(who, &post)
                .map_err(|refused| refused.answer().status().as_u16())
        };
        assert_eq!(enter(Err(Denied::Unknown)), Err(401));
        assert_eq!(enter(Err(Denied::Unavailable)), Err(503));
        let narrow = principal(Scope::NONE);
        for _ in 0..2 {
            assert_eq!(enter(Ok(narrow.clone())), Err(403));
        }
        assert!(
            narrow.account.charge(NonZeroU32::MIN).is_ok(),
            "nothing was counted"
        );
        let wide = principal(Scope::All);
        assert_eq!(enter(Ok(wide.clone())), Ok(()));
        assert_eq!(enter(Ok(wide.clone())), Err(429));
        // Looking is not counted.
        let get = TestRequest::get().to_srv_request();
        assert!(door.admit(Ok(wide), &get).is_ok());
        assert!(get.extensions().get::<Caller>().is_some());
    }
}
