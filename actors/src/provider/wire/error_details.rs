//! What stands in an error's details and metadata, as far as it serves to classify.

use std::borrow::Cow;

use serde::{
    Deserialize,
    de::{MapAccess, SeqAccess, value::MapAccessDeserializer},
};

use super::lenient::{self, Lenient, Object, Presence, any};

/// What the details say, all of them together.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Details<'a> {
    /// Anthropic: `enforced_spend_limit_reached`.
    pub(super) error_code: Option<Cow<'a, str>>,
    /// Gemini's ErrorInfo: `API_KEY_INVALID`.
    pub(super) reason: Option<Cow<'a, str>>,
    /// Gemini's RetryInfo: `46s`.
    pub(super) retry_delay: Option<Cow<'a, str>>,
    /// Gemini's QuotaFailure names a limit for the day, or a limit of nothing.
    pub(super) used_up: bool,
}

/// What OpenRouter adds.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Metadata<'a> {
    #[serde(borrow, deserialize_with = "any")]
    pub(super) error_type: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    limit_source: Option<Cow<'a, str>>,
    /// Why moderation flagged the input.
    #[serde(deserialize_with = "any")]
    reasons: Presence,
    #[serde(deserialize_with = "any")]
    flagged_input: Presence,
}

/// One element of the details.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail<'a> {
    #[serde(borrow, deserialize_with = "any")]
    error_code: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "any")]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "retryDelay", deserialize_with = "any")]
    retry_delay: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "any")]
    violations: Violations,
}

/// Whether one of Gemini's quota violations cannot be waited out within a call.
#[derive(Default)]
struct Violations(bool);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Violation<'a> {
    #[serde(borrow, rename = "quotaId", deserialize_with = "any")]
    quota_id: Option<Cow<'a, str>>,
    #[serde(rename = "quotaValue", deserialize_with = "any")]
    quota_value: Option<u64>,
}

// === impl Details ===

impl<'a> Details<'a> {
    fn add(&mut self, detail: Detail<'a>) {
        self.error_code = self.error_code.take().or(detail.error_code);
        self.reason = self.reason.take().or(detail.reason);
        self.retry_delay = self.retry_delay.take().or(detail.retry_delay);
        self.used_up |= detail.violations.0;
    }
}

// === impl Metadata ===

impl Metadata<'_> {
    /// The one 402 that time heals: the credit is set aside for calls that are under way.
    pub(super) fn is_in_flight_budget(&self) -> bool {
        self.limit_source.as_deref() == Some("openrouter_in_flight_budget")
    }

    /// A 403 for a prompt that moderation flagged; any other is about the key.
    pub(super) fn is_moderation(&self) -> bool {
        let kind = self.error_type.as_deref().unwrap_or_default();
        self.reasons.0 || self.flagged_input.0 || kind.contains("moderation")
    }
}

// === impl Lenient ===

impl<'de: 'a, 'a> Lenient<'de> for Details<'a> {
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut details = Self::default();
        lenient::each(list, |detail: Option<Detail<'a>>| {
            details.add(detail.unwrap_or_default());
        })?;
        Ok(details)
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        let mut details = Self::default();
        details.add(Detail::deserialize(MapAccessDeserializer::new(object))?);
        Ok(details)
    }
}

impl<'de: 'a, 'a> Lenient<'de> for Metadata<'a> {
    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        Self::deserialize(MapAccessDeserializer::new(object))
    }
}

impl<'de> Lenient<'de> for Violations {
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut used_up = false;
        lenient::each(list, |violation: Option<Violation<'de>>| {
            let violation = violation.unwrap_or_default();
            used_up |= violation.quota_value == Some(0)
                || violation.quota_id.is_some_and(|id| id.contains("PerDay"));
        })?;
        Ok(Self(used_up))
    }
}

impl<'de: 'a, 'a> Object<'de> for Detail<'a> {}
impl<'de: 'a, 'a> Object<'de> for Violation<'a> {}
