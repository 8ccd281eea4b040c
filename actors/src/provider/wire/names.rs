//! Names of tools that every vendor takes, and back.
//!
//! OpenAI and Anthropic take letters, digits, `_` and `-`, 64 of them; Gemini wants a letter or `_` in
//! front. Callers' names are what they are (MCP allows dots and slashes).

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::conversation::Tool;

/// Longest name, in bytes.
const MOST: usize = 64;

/// The name that a vendor is told. The same for the same name, and another for another.
pub(super) fn outer(name: &str) -> Cow<'_, str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if begins_well && name.len() <= MOST && name.bytes().all(fits) {
        return Cow::Borrowed(name);
    }
    // The hash keeps `a.b` and `a/b` apart.
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let plain = name.chars().map(|letter| match u8::try_from(letter) {
        Ok(byte) if fits(byte) => letter,
        _ => '_',
    });
    let plain: String = plain.take(MOST - 10).collect();
    Cow::Owned(format!("_{plain}_{:08x}", hasher.finish() as u32))
}

/// The callers' names of tools that a vendor is told another name of: all that an answer as it is made
/// needs of its request, which may be large and need not wait for the end.
pub(super) struct Renamed(Vec<(String, String)>);

/// The id that a vendor is told (Anthropic takes the letters of a name and no other). The same for a
/// call and its result.
pub(super) fn outer_id(id: &str) -> Cow<'_, str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !id.is_empty() && id.bytes().all(fits) {
        return Cow::Borrowed(id);
    }
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    Cow::Owned(format!("call_{:016x}", hasher.finish()))
}

/// An id for a call that the vendor gave none: the same for the same call of the same answer.
pub(super) fn call_id(answer: &str, index: usize, name: &str, arguments: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (answer, index, name, arguments).hash(&mut hasher);
    format!("{MADE_UP}{index}_{:016x}", hasher.finish())
}

/// Whether the hub made the id up, so that its vendor does not know it.
pub(super) fn is_made_up(id: &str) -> bool {
    id.starts_with(MADE_UP)
}

const MADE_UP: &str = "call_hub_";

// === impl Renamed ===

impl Renamed {
    /// Of these tools.
    pub(super) fn of(tools: &[Tool]) -> Self {
        let renamed = tools.iter().filter_map(|tool| match outer(&tool.name) {
            Cow::Owned(outer) => Some((outer, tool.name.clone())),
            Cow::Borrowed(_) => None,
        });
        // A tool that has such a name itself is meant by it.
        let meant = |(outer, _): &(String, String)| tools.iter().all(|tool| tool.name != *outer);
        Self(renamed.filter(meant).collect())
    }

    /// The caller's name for what the vendor calls `name`.
    pub(super) fn inner(&self, name: &str) -> String {
        let meant = self.0.iter().find(|(outer, _)| outer == name);
        meant.map_or(name, |(_, inner)| inner).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str) -> Tool {
        Tool {
            name: name.to_owned(),
            description: None,
            schema: None,
            strict: None,
            kept: None,
        }
    }

    #[test]
    fn every_name_comes_back() {
        let names = ["plain", "a.b", "a/b", "1st", "größe", "", &"x".repeat(200)];
        let tools: Vec<_> = names.into_iter().map(tool).collect();
        let mut seen = std::collections::BTreeSet::new();
        for tool in &tools {
            let outer = outer(&tool.name).into_owned();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            assert!(outer.len() <= MOST && outer.bytes().all(plain), "{outer}");
            assert!(!outer.starts_with(|first: char| first.is_ascii_digit()));
            assert_eq!(Renamed::of(&tools).inner(&outer), tool.name);
            assert!(seen.insert(outer));
        }
        assert_eq!(outer("plain"), "plain");
        assert_eq!(Renamed::of(&tools).inner("nobody_has_it"), "nobody_has_it");
        let own = outer("a.b").into_owned();
        let tools = [tool("a.b"), tool(&own)];
        assert_eq!(Renamed::of(&tools).inner(&own), own, "it is a name, too");
    }
}
