//! The reference of every door: `/openapi.json` for programs, `/docs` for people. Both are made once in a
//! life of the transport, when the first of them is asked for, from the table of doors and the types that
//! are read and written; what is in them is the same for everybody.
//!
//! - this file: the two doors
//! - `document`: the document, from the table; `about`: what there is to say of each door
//! - `parts`, `shapes`: what descriptions are made of; `errors`: every word that a failure has
//! - `page`: the document as a page

pub mod about;
mod document;
mod errors;
mod page;
mod parts;
pub mod shapes;

use std::sync::OnceLock;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header::{self, ETag, EntityTag, IfNoneMatch},
    web,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use data_encoding::HEXLOWER;

use super::{api::failed, credential::sha256, routes::Door};
use crate::{error::CallError, request_id::RequestId};

/// What is described, and both answers once somebody has asked for one.
pub struct Reference {
    doors: Vec<Door>,
    version: String,
    made: OnceLock<Option<Made>>,
}

/// Both answers, ready to be sent.
struct Made {
    document: Ready,
    page: Ready,
    policy: String,
}

/// One answer.
struct Ready {
    body: Bytes,
    tag: EntityTag,
}

/// `GET /openapi.json`
pub async fn document(request: HttpRequest, reference: web::Data<Reference>) -> HttpResponse {
    match reference.made() {
        Some(made) => made.document.answer(&request, "application/json", &[]),
        None => failed(RequestId::new().as_str(), &CallError::Internal),
    }
}

/// `GET /docs`
pub async fn page(request: HttpRequest, reference: web::Data<Reference>) -> HttpResponse {
    let Some(made) = reference.made() else {
        return failed(RequestId::new().as_str(), &CallError::Internal);
    };
    let headers = [
        ("Content-Security-Policy", &*made.policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ];
    let page = &made.page;
    page.answer(&request, "text/html; charset=utf-8", &headers)
}

// === impl Reference ===

impl Reference {
    /// Describes these doors of this version of the hub, when it is asked to.
    pub fn new(doors: Vec<Door>, version: &str) -> Self {
        Self {
            doors,
            version: version.to_owned(),
            made: OnceLock::new(),
        }
    }

    fn made(&self) -> Option<&Made> {
        let made = self.made.get_or_init(|| {
            let made = Made::new(&self.doors, &self.version);
            made.inspect_err(|error| tracing::error!(%error, "the reference cannot be written"))
                .ok()
        });
        made.as_ref()
    }
}

// === impl Made ===

impl Made {
    /// # Errors
    /// If the document cannot be written as JSON.
    fn new(doors: &[Door], version: &str) -> Result<Self, serde_json::Error> {
        let document = serde_json::to_value(document::make(doors, version))?;
        let page = page::of(&document);
        // The page's one style, by its digest; nothing else is loaded or run.
        let style = STANDARD.encode(sha256(page::STYLE.as_bytes()));
        Ok(Self {
            document: Ready::new(serde_json::to_vec(&document)?),
            page: Ready::new(page.into_bytes()),
            policy: format!(
                "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'none'"
            ),
        })
    }
}

// === impl Ready ===

impl Ready {
    fn new(body: Vec<u8>) -> Self {
        let digest = HEXLOWER.encode(&sha256(&body));
        Self {
            body: body.into(),
            tag: EntityTag::new_strong(digest),
        }
    }

    fn answer(
        &self,
        request: &HttpRequest,
        content_type: &str,
        headers: &[(&str, &str)],
    ) -> HttpResponse {
        let known = match request.get_header::<IfNoneMatch>() {
            Some(IfNoneMatch::Any) => true,
            Some(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&self.tag)),
            None => false,
        };
        let mut response = match known {
            true => HttpResponse::NotModified(),
            false => HttpResponse::Ok(),
        };
        response
            .insert_header(ETag(self.tag.clone()))
            .insert_header((header::CACHE_CONTROL, "private, no-cache"));
        for header in headers {
            response.insert_header(*header);
        }
        match known {
            true => response.finish(),
            false => response.content_type(content_type).body(self.body.clone()),
        }
    }
}
