//! The reference of every door: `/openapi.json` for programs, `/docs` for people. Both are made once in a
//! life of the transport, from the table of doors and the types that are read and written; what is in
//! them is the same for everybody.
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

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header::{self, ETag, EntityTag, IfNoneMatch},
    web,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use data_encoding::HEXLOWER;

use super::{credential::sha256, routes::Door};

/// Both answers, ready to be sent.
pub struct Reference {
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
    reference.document.answer(&request, "application/json", &[])
}

/// `GET /docs`
pub async fn page(request: HttpRequest, reference: web::Data<Reference>) -> HttpResponse {
    let headers = [
        ("Content-Security-Policy", &*reference.policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ];
    let page = &reference.page;
    page.answer(&request, "text/html; charset=utf-8", &headers)
}

// === impl Reference ===

impl Reference {
    /// Describes these doors of this version of the hub.
    ///
    /// # Errors
    /// If the document cannot be written as JSON.
    pub fn new(doors: &[Door], version: &str) -> Result<Self, serde_json::Error> {
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
