//! `env_key`: the name of the variable that holds a provider's key, never the key.

use super::{section::Section, url, vendors::Vendor};
use crate::pyfun::{
    Problem,
    redact::{is_variable_name, looks_like_key},
};

/// Variables of the hub itself: none of them is a vendor's key, and none may be sent to one.
const OURS: [&str; 6] = [
    "DATABASE_URL",
    "HUB_API_KEY",
    "MASTER_ENCRYPTION_KEY",
    "PERSISTENT_ENCRYPTION_SALT",
    "PORT",
    "HOST",
];

/// Reads `env_key`. `""` says that the provider needs no key. Where the line is missing, a known
/// `vendor` at its own address has its usual variable; at any other address that key is not sent.
pub(super) fn read(
    name: &str,
    vendor: Option<&Vendor>,
    base_url: &str,
    section: &mut Section<'_>,
) -> Option<String> {
    let Some(text) = section.written("env_key") else {
        return usual(name, vendor, base_url, section);
    };
    if text.value.is_empty() {
        return None;
    }
    if looks_like_key(text.value) || !is_variable_name(text.value) {
        // The value must not be printed: it may be a key.
        let message = if looks_like_key(text.value) || text.value.contains('-') {
            "`env_key` looks like a key itself"
        } else {
            "`env_key` is no variable's name"
        };
        section.report(Problem::error(text.place, message).help(format!(
            "write the NAME of the variable that holds the key, such as \"{}\"; letters, digits \
             and `_`",
            usual_name(name, vendor)
        )));
        return None;
    }
    if OURS.contains(&text.value.to_ascii_uppercase().as_str()) {
        section.report(
            Problem::error(
                text.place,
                format!("`env_key` is `{}`, a secret of the hub itself", text.value),
            )
            .help("it would be sent to this provider; name the provider's own variable"),
        );
        return None;
    }
    Some(text.value.to_owned())
}

fn usual(
    name: &str,
    vendor: Option<&Vendor>,
    base_url: &str,
    section: &mut Section<'_>,
) -> Option<String> {
    if let Some(vendor) = vendor
        && (base_url.is_empty() || url::same_host(base_url, vendor.base_url))
    {
        return vendor.env_key.map(str::to_owned);
    }
    let message = format!("{} has no `env_key`, so no key is sent", section.title());
    section.report(Problem::warning(section.place(), message).help(format!(
        "write `env_key = \"{}\"`, or `env_key = \"\"` if it needs no key",
        usual_name(name, vendor)
    )));
    None
}

/// The variable's name that one would expect.
fn usual_name(name: &str, vendor: Option<&Vendor>) -> String {
    let stem: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    vendor
        .and_then(|vendor| vendor.env_key)
        .map_or_else(|| format!("{stem}_API_KEY"), str::to_owned)
}
