//! Words: the machine words that vendors' documents name. No other leaves an error.
//!
//! A closed list, not a pattern: whatever a hostile vendor echoes, a key among it, comes out as
//! nothing, because what comes out is always one of these.

/// Sorted, for the search.
const KNOWN: [&str; 104] = [
    "aborted",
    "account_deactivated",
    "account_inactive",
    "already_exists",
    "api_error",
    "api_key_expired",
    "api_key_invalid",
    "api_key_service_blocked",
    "authentication_error",
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "blocklist",
    "cancelled",
    "content_filter",
    "content_policy_violation",
    "context_length_exceeded",
    "contract_spend_limit_reached",
    "credit_balance_exhausted",
    "data_loss",
    "deadline_exceeded",
    "enforced_spend_limit_reached",
    "engine_overloaded",
    "failed_precondition",
    "image_safety",
    "insufficient_balance",
    "insufficient_credits",
    "insufficient_permissions",
    "insufficient_quota",
    "internal",
    "internal_error",
    "internal_server_error",
    "invalid_api_key",
    "invalid_argument",
    "invalid_image",
    "invalid_model",
    "invalid_organization",
    "invalid_prompt",
    "invalid_request_error",
    "invalid_type",
    "invalid_value",
    "json_validate_failed",
    "language",
    "malformed_function_call",
    "malformed_response",
    "max_tokens",
    "missing_required_parameter",
    "missing_thought_signature",
    "model_decommissioned",
    "model_not_available",
    "model_not_found",
    "model_not_supported",
    "moderation",
    "moderation_error",
    "no_provider_available",
    "not_found",
    "not_found_error",
    "openrouter_in_flight_budget",
    "option_not_in_plan",
    "organization_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "other",
    "out_of_range",
    "overloaded_error",
    "permission_denied",
    "permission_error",
    "prohibited_content",
    "project_spend_limit_exceeded",
    "provider_error",
    "provider_unavailable",
    "quota_limited",
    "ramp_limit_exceeded",
    "rate_limit_error",
    "rate_limit_exceeded",
    "rate_limited",
    "recitation",
    "refusal",
    "request_too_large",
    "requests",
    "resource_exhausted",
    "resource_not_allowed",
    "safety",
    "server_error",
    "service_unavailable",
    "slow_down",
    "spii",
    "string_above_max_length",
    "subscription_token_invalid",
    "timeout_error",
    "tokens",
    "too_many_tool_calls",
    "tool_use_failed",
    "unauthenticated",
    "unavailable",
    "unexpected_tool_call",
    "unimplemented",
    "unknown",
    "unknown_parameter",
    "unknown_url",
    "unsupported_country_region_territory",
    "unsupported_parameter",
    "unsupported_value",
    "upstream_error",
    "validation",
];

/// The same word out of the list, if it is there.
pub(super) fn known(word: &str) -> Option<&'static str> {
    let found = KNOWN.binary_search(&word).ok()?;
    KNOWN.get(found).copied()
}

/// The same for a word that is written in capitals (Google's `RESOURCE_EXHAUSTED`).
pub(super) fn shouted(word: &str) -> Option<&'static str> {
    let shouted = !word.bytes().any(|byte| byte.is_ascii_lowercase());
    shouted.then(|| known(&word.to_ascii_lowercase()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_each_word_is_plain() {
        assert!(KNOWN.is_sorted_by(|left, right| left < right));
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(KNOWN.iter().all(|word| word.bytes().all(plain)));
    }

    #[test]
    fn what_is_not_on_the_list_is_nothing() {
        assert_eq!(known("overloaded_error"), Some("overloaded_error"));
        assert_eq!(shouted("RESOURCE_EXHAUSTED"), Some("resource_exhausted"));
        for word in [
            "",
            "skantabcdefghijk",
            "Overloaded_Error",
            "overloaded_error ",
        ] {
            assert_eq!(known(word), None);
        }
        assert_eq!(shouted("Resource_Exhausted"), None);
    }
}
