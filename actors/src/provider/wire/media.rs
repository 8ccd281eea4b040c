//! Media: data URLs, and what is said where a vendor cannot take something.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    conversation::{Format, Media, Source},
    protocol::{Class, Failure, FailureKind},
};

/// Reads `data:image/png;base64,..` (RFC 2397); `None` for any other address.
pub(super) fn data_url(url: &str) -> Option<Source> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    Some(Source::Inline {
        media_type: media_type.to_owned(),
        data: data.to_owned(),
    })
}

/// Whether that is such an address.
pub(super) fn is_data_url(url: &str) -> bool {
    let head = url
        .strip_prefix("data:")
        .and_then(|url| url.split_once(','));
    head.is_some_and(|(head, _)| head.ends_with(";base64"))
}

/// The text in base64, if it is one.
pub(super) fn text(base64: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(base64).ok()?).ok()
}

/// A text as base64.
pub(super) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// The address of something that may be right here.
pub(super) fn url(source: &Source) -> Option<String> {
    match source {
        Source::Inline { media_type, data } => Some(format!("data:{media_type};base64,{data}")),
        Source::Url { url, .. } => Some(url.clone()),
        Source::Id { .. } => None,
    }
}

/// The address of an image that a model made.
pub(crate) fn address(image: &Media) -> Option<String> {
    url(&image.source)
}

/// The source at an address.
pub(crate) fn at(url: String) -> Source {
    data_url(&url).unwrap_or(Source::Url {
        url,
        media_type: None,
    })
}

/// Whether vendors of a format read addresses of any host.
pub(crate) fn reads_addresses(format: Format) -> bool {
    format != Format::Gemini
}

/// Whether a vendor of that format reads what is at an address itself.
pub(crate) fn reads(format: Format, url: &str) -> bool {
    // Google's own files, its storage, and YouTube.
    const GOOGLES: [&str; 5] = [
        "https://generativelanguage.googleapis.com/",
        "gs://",
        "https://www.youtube.com/",
        "https://youtube.com/",
        "https://youtu.be/",
    ];
    reads_addresses(format) || GOOGLES.iter().any(|place| url.starts_with(place))
}

/// The vendor cannot take a part of the request that must not be left out. Another might.
pub(super) fn untakeable(advice: impl Into<Cow<'static, str>>) -> Failure {
    Failure {
        advice: Some(advice.into()),
        ..Failure::new(FailureKind::Rejected, Class::NextNow)
    }
}

/// The vendor reads no addresses, and the hub does not read images for it.
pub(super) fn no_image_urls() -> Failure {
    untakeable(
        "This provider takes no image addresses: send the image as a data URL, or set \
         HUB_FETCH_IMAGES = \"true\" in hub.pyfun.",
    )
}

/// The vendor reads no addresses, and the hub reads images alone.
pub(super) fn no_urls() -> Failure {
    untakeable("This provider takes no addresses of files: send the file inside the request.")
}

// === impl Media ===

impl Media {
    /// What is at `source`, without a name.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            name: None,
            detail: None,
        }
    }
}
