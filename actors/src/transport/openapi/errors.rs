//! Errors: every status of a failed call, its machine words, and what they mean.

use serde_json::json;
use utoipa::openapi::{ContentBuilder, Response, ResponseBuilder, schema::ComponentsBuilder};

use super::{parts::JSON, shapes};
use crate::error::ErrorBody;

/// One status: its words, and when it comes.
struct Kind {
    status: u16,
    codes: &'static [&'static str],
    when: &'static str,
}

const fn kind(status: u16, codes: &'static [&'static str], when: &'static str) -> Kind {
    Kind {
        status,
        codes,
        when,
    }
}

const KINDS: [Kind; 13] = [
    kind(
        400,
        &["bad_request", "invalid_sql"],
        "The request is wrong. The sentence names the part: no JSON, a wrong type, an unknown parameter, a query that is no SELECT.",
    ),
    kind(401, &["unauthorized"], "No valid key or session."),
    kind(
        403,
        &["forbidden"],
        "The key's scope does not have this, or the request comes from a page or for a host that is not allowed.",
    ),
    kind(
        404,
        &["unknown_tool", "unknown_model", "not_found"],
        "There is no such tool, model or path. The sentence says what there is.",
    ),
    kind(
        405,
        &["method_not_allowed"],
        "Another method is needed: `Allow` names it.",
    ),
    kind(
        408,
        &["request_timeout"],
        "The body did not arrive in time.",
    ),
    kind(409, &["replayed"], "This envelope has been sent before."),
    kind(
        413,
        &["payload_too_large"],
        "The body is larger than 10 MiB.",
    ),
    kind(
        415,
        &["unsupported_media_type"],
        "Send `Content-Type: application/json`.",
    ),
    kind(
        429,
        &["rate_limited"],
        "The key has used as much as it may for now. `Retry-After` says when there is more.",
    ),
    kind(
        502,
        &["providers_failed"],
        "Every provider of the chain failed. `attempts` says who, and how.",
    ),
    kind(
        503,
        &["overloaded", "not_configured"],
        "No time now (`Retry-After`), or the tool lacks its setting: the sentence says which.",
    ),
    kind(
        504,
        &["deadline_exceeded"],
        "Nobody answered within the tool's `timeout_sec`.",
    ),
];

/// What `POST /api` can fail with.
pub const OF_CALLS: [u16; 9] = [400, 403, 404, 408, 413, 415, 502, 503, 504];

/// The name of a status's response.
pub fn name(status: u16) -> String {
    format!("Error{status}")
}

/// Adds a response for each.
pub fn add(components: ComponentsBuilder) -> ComponentsBuilder {
    let with = |components: ComponentsBuilder, kind: &Kind| {
        components.response(name(kind.status), kind.response())
    };
    KINDS.iter().fold(components, with)
}

// === impl Kind ===

impl Kind {
    fn response(&self) -> Response {
        let codes: Vec<_> = self.codes.iter().map(|code| format!("`{code}`")).collect();
        let code = self.codes.first().copied().unwrap_or_default();
        let example = json!({"error": self.when, "code": code, "request_id": "019a…"});
        let content = ContentBuilder::new()
            .schema(Some(shapes::of::<ErrorBody<'static>>()))
            .example(Some(example));
        ResponseBuilder::new()
            .description(format!("{}: {}", codes.join(", "), self.when))
            .content(JSON, content.build())
            .build()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{error::CallError, transport::body::BodyError};

    #[test]
    fn every_failure_is_in_the_table() {
        let text = String::new;
        let calls = [
            CallError::BadRequest(text()),
            CallError::InvalidSql(text()),
            CallError::Unauthorized,
            CallError::Forbidden(text()),
            CallError::RateLimited {
                sentence: text(),
                retry_after: Duration::ZERO,
            },
            CallError::UnknownTool {
                name: text(),
                active: text(),
            },
            CallError::UnknownModel(text()),
            CallError::NotConfigured(text()),
            CallError::Overloaded(text()),
            CallError::Rejected {
                word: None,
                sentence: text(),
                attempts: Vec::new(),
            },
            CallError::ProvidersFailed {
                sentence: text(),
                attempts: Vec::new(),
                retry_after: None,
            },
            CallError::DeadlineExceeded {
                timeout: Duration::ZERO,
                attempts: Vec::new(),
            },
            CallError::Internal,
        ];
        let bodies = [
            BodyError::TooLarge,
            BodyError::Broken,
            BodyError::Crowded,
            BodyError::Late,
        ];
        let calls = calls.iter().map(|e| (e.status().as_u16(), e.code()));
        let bodies = bodies.iter().map(|e| (e.status().as_u16(), e.code()));
        for (status, code) in calls.chain(bodies) {
            let listed = KINDS.iter().find(|kind| kind.status == status);
            let listed = listed.is_some_and(|kind| kind.codes.contains(&code));
            assert!(listed, "{status} {code}");
        }
        for status in OF_CALLS {
            assert!(KINDS.iter().any(|kind| kind.status == status), "{status}");
        }
    }
}
