//! Plain: a vendor's text without markup, entities and control characters, on one line.
//!
//! What comes out holds no HTML element, however the markup was nested or escaped: some clients put
//! the text into a page as it is. `Vec<T>` and `a < b` stay what they are; `List<Object>`, which a browser
//! would take for an element, gets a space.

use super::markup::{ELEMENTS, ENTITIES};

/// Removals after which a text is no longer worth being careful with.
const PATIENCE: usize = 4;
/// Longest run of characters that is taken for one tag.
const LONGEST_TAG: usize = 2_000;
/// Longest name of an element.
const LONGEST_NAME: usize = 10;
/// Longest name of an entity, `&` and `;` not counted.
const LONGEST_ENTITY: usize = 10;

/// The text alone, at most `most` characters of it.
pub(super) fn plain(text: &str, most: usize) -> String {
    // Markup makes a text longer than what is read of it; more than this is not worth the time.
    let seen = text.chars().take(most.saturating_mul(2));
    let text: String = seen.filter(|c| !is_hidden(*c)).collect();
    let mut text = decoded(&without_tags(text));
    text.retain(|c| !is_hidden(c));
    one_line(&without_tags(text), most)
}

/// Removes tags until none is left: what stands around one may be the halves of another.
fn without_tags(mut text: String) -> String {
    for _ in 0..PATIENCE {
        let (shorter, removed) = once_without_tags(&text);
        text = shorter;
        if !removed {
            return text;
        }
    }
    text.replace('<', "< ")
}

/// The text, and whether a tag was removed.
fn once_without_tags(text: &str) -> (String, bool) {
    let mut shorter = String::with_capacity(text.len());
    let (mut brackets, mut equals) = (Next::new(text, b'>'), Next::new(text, b'='));
    let (mut at, mut removed) = (0, false);
    while let Some(before) = text.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + before + 1;
        shorter.push_str(text.get(at..at + before).unwrap_or_default());
        at = start;
        let end = brackets.after(start);
        let inside = text.get(start..end).unwrap_or_default();
        match tag(inside) {
            // A tag that does not end might end in the text that a reader sees next: its beginning
            // alone is taken out.
            Tag::Element if end == text.len() || inside.len() > LONGEST_TAG => removed = true,
            Tag::Element => {
                (at, removed) = (end + 1, true);
                if breaks_line(inside) {
                    shorter.push(' ');
                }
            }
            // Followed by a space it is no tag.
            Tag::Type => shorter.push_str("< "),
            // With attributes it could do harm.
            Tag::Unknown if equals.after(start) < end => shorter.push_str("< "),
            Tag::Unknown | Tag::None => shorter.push('<'),
        }
    }
    shorter.push_str(text.get(at..).unwrap_or_default());
    (shorter, removed)
}

/// What stands behind a `<`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// An element, a comment or a declaration.
    Element,
    /// An element to a browser, and written as programs write types: `List<Object>`.
    Type,
    /// Something that only looks like one.
    Unknown,
    /// Nothing of the kind.
    None,
}

/// Finds a byte again and again, each time further on, and reads a text once.
struct Next<'a> {
    text: &'a [u8],
    byte: u8,
    found: usize,
}

// === impl Next ===

impl<'a> Next<'a> {
    fn new(text: &'a str, byte: u8) -> Self {
        Self {
            text: text.as_bytes(),
            byte,
            found: 0,
        }
    }

    /// Its place from `start` on, or the text's end.
    fn after(&mut self, start: usize) -> usize {
        let from = self.found.max(start);
        let rest = self.text.get(from..).unwrap_or_default();
        let next = rest.iter().position(|byte| *byte == self.byte);
        self.found = next.map_or(self.text.len(), |next| from + next);
        self.found
    }
}

/// What follows a `<`, as a browser would see it.
pub(super) fn tag(inside: &str) -> Tag {
    if inside.starts_with(['!', '?']) {
        return Tag::Element;
    }
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    if !inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Tag::None;
    }
    // No name is longer: the rest need not be read.
    let end = inside
        .char_indices()
        .take(LONGEST_NAME + 1)
        .find(|(_, c)| c.is_whitespace() || *c == '/');
    let name = end.map_or(inside, |(end, _)| inside.get(..end).unwrap_or_default());
    let lower_case = |name: &str| name.to_ascii_lowercase();
    let known =
        name.len() <= LONGEST_NAME && ELEMENTS.binary_search(&lower_case(name).as_str()).is_ok();
    let capital = |c: char| c.is_ascii_uppercase();
    match known {
        true if name.starts_with(capital) && !name.chars().all(capital) => Tag::Type,
        true => Tag::Element,
        false => Tag::Unknown,
    }
}

/// Whether words on both sides of a tag are apart.
fn breaks_line(inside: &str) -> bool {
    let name = inside.trim_matches('/');
    let name = name.split([' ', '/']).next().unwrap_or_default();
    ["br", "p", "div", "li", "td", "tr", "h1", "h2", "h3", "hr"]
        .iter()
        .any(|block| name.eq_ignore_ascii_case(block))
}

/// Every entity that is known, decoded once.
fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let name = after
            .bytes()
            .take(LONGEST_ENTITY + 1)
            .position(|byte| byte == b';')
            .and_then(|end| after.get(..end));
        match name.and_then(|name| Some((name, entity(name)?))) {
            Some((name, character)) => {
                decoded.push_str(&character);
                rest = after.get(name.len() + 1..).unwrap_or_default();
            }
            None => {
                decoded.push('&');
                rest = after;
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn entity(name: &str) -> Option<String> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?).map(String::from);
    }
    ENTITIES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, character)| (*character).to_owned())
}

/// White space is one space each, control characters are gone, and the end is cut.
fn one_line(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len());
    let mut count = 0;
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        let apart = space && count > 0;
        if count + usize::from(apart) >= most {
            line.push_str("..");
            break;
        }
        if apart {
            line.push(' ');
        }
        line.push(c);
        count += 1 + usize::from(apart);
        space = false;
    }
    line
}

/// Control characters, and characters that nobody sees: they turn the direction of what is read, or
/// carry text past a reader's eyes to a model.
pub(super) fn is_hidden(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(
            c,
            '\u{ad}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}
