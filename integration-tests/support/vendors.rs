//! One vendor of each format, for tests that go through all of them.

use super::{
    fault::Fault,
    hub::Hub,
    pyfun::{Provider, Pyfun},
    upstream::{FakeUpstream, Script},
    vendor::Vendor,
};

/// The vendors' formats.
pub(crate) const VENDORS: [Vendor; 3] = [Vendor::Anthropic, Vendor::Gemini, Vendor::OpenAi];

/// A model of each, and who offers it.
pub(crate) const MODELS: [(&str, &str); 3] = [
    ("claude-fast-1", "anthropic"),
    ("gemini-fast-1", "gemini"),
    ("acme/open-20b:free", "openrouter"),
];

/// Vendors that converse.
pub(crate) async fn conversing() -> FakeUpstream {
    let upstream = FakeUpstream::start().await;
    for vendor in VENDORS {
        upstream.endpoint(vendor).always(Fault::Talk);
    }
    upstream
}

/// Three providers that do not stand in for each other.
pub(crate) fn apart(upstream: &FakeUpstream) -> Pyfun {
    let base = &upstream.url();
    Pyfun::chain([
        Provider::anthropic(base).fallback_to(""),
        // One that wants its calls signed, and one that does not.
        Provider::gemini(base)
            .key("models", "gemini-fast-1, gemini-fast-3")
            .fallback_to(""),
        Provider::openrouter(base).fallback_to(""),
    ])
}

/// Three providers that do not stand in for each other, at vendors that converse.
pub(crate) async fn separate() -> (FakeUpstream, Hub) {
    let upstream = conversing().await;
    let hub = Hub::with(&apart(&upstream)).await;
    (upstream, hub)
}

// === impl FakeUpstream ===

impl FakeUpstream {
    /// What stands behind the provider of that name.
    pub(crate) fn of(&self, provider: &str) -> &Script {
        let vendor = VENDORS
            .into_iter()
            .find(|vendor| vendor.provider() == provider);
        self.endpoint(vendor.expect("one of the three"))
    }
}
