//! Request ids: a UUID of version 7 (RFC 9562, section 5.7), so that they sort by time.

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::{Builder, fmt::Simple};

/// The name of one request, in lower-case hexadecimal without dashes.
pub struct RequestId([u8; Simple::LENGTH]);

// === impl RequestId ===

impl RequestId {
    /// A new one. Its random part tells requests apart and keeps no secret, so it comes from a
    /// generator that asks the kernel for nothing.
    pub fn new() -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let mut random = [0; 10];
        fastrand::fill(&mut random);
        let id = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        let mut text = [0; Simple::LENGTH];
        id.simple().encode_lower(&mut text);
        Self(text)
    }

    /// Its 32 characters.
    pub fn as_str(&self) -> &str {
        // Hexadecimal digits are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_are_of_version_7() {
        let (one, other) = (RequestId::new(), RequestId::new());
        assert_ne!(one.as_str(), other.as_str());
        let id = uuid::Uuid::parse_str(one.as_str()).unwrap();
        assert_eq!((id.get_version_num(), one.as_str().len()), (7, 32));
    }
}
