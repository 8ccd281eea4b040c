//! What a caller sees when a call fails: one plain sentence, a machine word, a status.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::attempt::Attempt;

/// Why a call has no result. The same on every door; each door puts it in its own shape.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The request is not what the tool takes. The sentence names the part that is wrong.
    #[error("{0}")]
    BadRequest(String),
    /// What `db_query` was sent is no query that it runs.
    #[error("{0}")]
    InvalidSql(String),
    /// Whoever calls has no right to call any more.
    #[error("This key has been revoked or has expired.")]
    Unauthorized,
    /// Outside of what the caller may use.
    #[error("{0}")]
    Forbidden(String),
    /// The caller has used as much as they may for now.
    #[error("{sentence}")]
    RateLimited {
        /// Of what there was too much.
        sentence: String,
        /// When there is some again.
        retry_after: Duration,
    },
    /// No such tool.
    #[error("There is no tool `{name}`. Active tools: {active}.")]
    UnknownTool {
        /// What was asked for.
        name: String,
        /// What there is.
        active: String,
    },
    /// No such model.
    #[error("{0}")]
    UnknownModel(String),
    /// The tool exists, what it needs does not. The sentence says what to set.
    #[error("{0}")]
    NotConfigured(String),
    /// Nobody has time now.
    #[error("{0}")]
    Overloaded(String),
    /// A provider says that the request itself is at fault.
    #[error("{sentence}")]
    Rejected {
        /// The vendor's own word for it, if it is one that we know.
        word: Option<&'static str>,
        /// Who said it, and in which word.
        sentence: String,
        /// What was tried.
        attempts: Vec<Attempt>,
    },
    /// Every provider of the chain failed.
    #[error("{sentence}")]
    ProvidersFailed {
        /// Who failed, and how.
        sentence: String,
        /// What was tried.
        attempts: Vec<Attempt>,
        /// The shortest wait that a rate-limiting provider asked for.
        retry_after: Option<Duration>,
    },
    /// The tool's `timeout_sec` is over.
    #[error("No provider answered within {} s.", .timeout.as_secs_f64())]
    DeadlineExceeded {
        /// The tool's limit.
        timeout: Duration,
        /// What was tried.
        attempts: Vec<Attempt>,
    },
    /// A part of the hub that the tool needs is restarting.
    #[error("The hub is busy with itself. Try again in a second.")]
    Internal,
}

/// The body of a failed call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody<'a> {
    /// One plain sentence.
    pub error: String,
    /// The machine word.
    pub code: &'static str,
    /// The same as in `X-Request-Id`.
    pub request_id: &'a str,
    /// What was tried, if anything was.
    #[serde(skip_serializing_if = "<[Attempt]>::is_empty")]
    pub attempts: &'a [Attempt],
}

// === impl CallError ===

impl CallError {
    /// The HTTP status that fits.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::InvalidSql(_) | Self::Rejected { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::UnknownTool { .. } | Self::UnknownModel(_) => StatusCode::NOT_FOUND,
            Self::NotConfigured(_) | Self::Overloaded(_) | Self::Internal => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::ProvidersFailed { .. } => StatusCode::BAD_GATEWAY,
            Self::DeadlineExceeded { .. } => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The machine word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) | Self::Rejected { .. } => "bad_request",
            Self::InvalidSql(_) => "invalid_sql",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::RateLimited { .. } => "rate_limited",
            Self::UnknownTool { .. } => "unknown_tool",
            Self::UnknownModel(_) => "unknown_model",
            Self::NotConfigured(_) => "not_configured",
            Self::Overloaded(_) | Self::Internal => "overloaded",
            Self::ProvidersFailed { .. } => "providers_failed",
            Self::DeadlineExceeded { .. } => "deadline_exceeded",
        }
    }

    /// What was tried.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Rejected { attempts, .. }
            | Self::ProvidersFailed { attempts, .. }
            | Self::DeadlineExceeded { attempts, .. } => attempts,
            _ => &[],
        }
    }

    /// When trying again makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded(_) | Self::Internal => Some(Duration::from_secs(1)),
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            Self::ProvidersFailed { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The body that tells it.
    pub fn body<'a>(&'a self, request_id: &'a str) -> ErrorBody<'a> {
        ErrorBody {
            error: self.to_string(),
            code: self.code(),
            request_id,
            attempts: self.attempts(),
        }
    }
}
