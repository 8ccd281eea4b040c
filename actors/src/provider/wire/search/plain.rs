//! Plain: a vendor's text without markup, entities and control characters, on one line.
//!
//! What comes out holds no HTML element, however the markup was nested or escaped: some clients put
//! the text into a page as it is. `Vec<T>` and `a < b` stay what they are.

/// Removals after which a text is no longer worth being careful with.
const PATIENCE: usize = 8;
/// Longest run of characters that is taken for one tag.
const LONGEST_TAG: usize = 2_000;
/// Longest name of an entity, `&` and `;` not counted.
const LONGEST_ENTITY: usize = 10;

/// Elements that browsers know.
const ELEMENTS: [&str; 117] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "animate",
    "applet",
    "area",
    "article",
    "aside",
    "audio",
    "b",
    "base",
    "bdi",
    "bdo",
    "big",
    "blink",
    "blockquote",
    "body",
    "br",
    "button",
    "canvas",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "datalist",
    "dd",
    "del",
    "details",
    "dfn",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "legend",
    "li",
    "link",
    "main",
    "map",
    "mark",
    "marquee",
    "math",
    "meta",
    "meter",
    "nav",
    "noscript",
    "object",
    "ol",
    "optgroup",
    "option",
    "output",
    "p",
    "param",
    "path",
    "picture",
    "pre",
    "progress",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "script",
    "section",
    "select",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "title",
    "tr",
    "u",
    "ul",
    "video",
];

/// Entities that are common in texts.
const ENTITIES: [(&str, &str); 62] = [
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("hellip", "…"),
    ("mdash", "—"),
    ("ndash", "–"),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("sbquo", "‚"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("bdquo", "„"),
    ("laquo", "«"),
    ("raquo", "»"),
    ("lsaquo", "‹"),
    ("rsaquo", "›"),
    ("copy", "©"),
    ("reg", "®"),
    ("trade", "™"),
    ("deg", "°"),
    ("euro", "€"),
    ("pound", "£"),
    ("yen", "¥"),
    ("cent", "¢"),
    ("sect", "§"),
    ("para", "¶"),
    ("middot", "·"),
    ("bull", "•"),
    ("times", "×"),
    ("divide", "÷"),
    ("plusmn", "±"),
    ("frac12", "½"),
    ("frac14", "¼"),
    ("iexcl", "¡"),
    ("iquest", "¿"),
    ("auml", "ä"),
    ("ouml", "ö"),
    ("uuml", "ü"),
    ("Auml", "Ä"),
    ("Ouml", "Ö"),
    ("Uuml", "Ü"),
    ("szlig", "ß"),
    ("eacute", "é"),
    ("egrave", "è"),
    ("ecirc", "ê"),
    ("agrave", "à"),
    ("acirc", "â"),
    ("ccedil", "ç"),
    ("ntilde", "ñ"),
    ("oacute", "ó"),
    ("aacute", "á"),
    ("iacute", "í"),
    ("uacute", "ú"),
    ("ocirc", "ô"),
    ("icirc", "î"),
    ("larr", "←"),
    ("rarr", "→"),
    ("ensp", " "),
    ("emsp", " "),
];

/// The text alone, at most `most` characters of it.
pub(super) fn plain(text: &str, most: usize) -> String {
    // Markup makes a text longer than what is read of it; more than this is not worth the time.
    let seen = text.chars().take(most.saturating_mul(4));
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
            // With attributes it could do harm. Followed by a space it is no tag.
            Tag::Unknown if equals.after(start) < end => shorter.push_str("< "),
            Tag::Unknown | Tag::None => shorter.push('<'),
        }
    }
    shorter.push_str(text.get(at..).unwrap_or_default());
    (shorter, removed)
}

/// What stands behind a `<`.
#[derive(Debug, PartialEq, Eq)]
enum Tag {
    /// An element, a comment or a declaration.
    Element,
    /// Something that only looks like one.
    Unknown,
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
fn tag(inside: &str) -> Tag {
    if inside.starts_with(['!', '?']) {
        return Tag::Element;
    }
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    if !inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Tag::None;
    }
    let known = |name: &&str| {
        let (start, rest) = inside.split_at_checked(name.len()).unwrap_or_default();
        let over = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == '/');
        over && start.eq_ignore_ascii_case(name)
    };
    if ELEMENTS.iter().any(|name| known(&name)) {
        Tag::Element
    } else {
        Tag::Unknown
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
            .position(|byte| byte == b';')
            .filter(|end| *end <= LONGEST_ENTITY)
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
fn is_hidden(c: char) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_entities_become_text() {
        for (text, expected) in [
            (
                "<strong>Rust</strong> is fast &amp; safe",
                "Rust is fast & safe",
            ),
            ("a<br>b<br/>c</p><p>d", "a b c d"),
            (
                "caf&eacute; &#233;&#xE9; &euro;5&nbsp;now",
                "café éé €5 now",
            ),
            ("don&#x27;t &quot;panic&quot;", "don't \"panic\""),
            (
                "a &unknown; b & c &; &#xZZ; &#99999999;",
                "a &unknown; b & c &; &#xZZ; &#99999999;",
            ),
            ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
            (
                "Vec&lt;T&gt; and HashMap<String, Vec<u8>> where a < b > c",
                "Vec<T> and HashMap<String, Vec<u8>> where a < b > c",
            ),
            (
                "Iterator<Item = u8>, <T: Copy>",
                "Iterator< Item = u8>, <T: Copy>",
            ),
            ("x <!-- secret --> y <?php z ?>", "x y"),
            ("<a href=\"https://x.example/?a=1&b=2\">link</a>", "link"),
            ("  many \n\t spaces\u{a0} ", "many spaces"),
            ("a\u{0}b\u{1b}[31mc\u{7f}\u{85}d", "ab[31mc d"),
            ("left\u{202e}thgir \u{e0041}\u{200b}", "leftthgir"),
            ("👩\u{200d}💻", "👩\u{200d}💻"),
            ("", ""),
            ("<", "<"),
            ("&", "&"),
        ] {
            assert_eq!(plain(text, 500), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(plain("äöü ß", 5), "äöü ß");
        assert_eq!(plain("äöü ßx", 5), "äöü ß..");
        assert_eq!(plain("äöü ß", 4), "äöü..");
        assert_eq!(plain(&"a".repeat(10_000), 3), "aaa..");
    }

    #[test]
    fn escaped_and_nested_markup_is_still_markup() {
        for text in [
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "<scr<b>ipt>alert(1)</scr</b>ipt>",
            "&lt;scr&lt;b&gt;ipt&gt;",
            "<img src=x onerror=alert(1)",
            "<IMG/SRC=x/ONERROR=alert(1)>",
            "<x onclick=alert(1)>",
            "<<<<b>b>b>b>",
            "<svg/onload=alert(1)>",
            "<img src=\"a<b\" onerror=alert(1)>",
        ] {
            let plain = plain(text, 500);
            assert!(!dangerous(&plain), "{text:?}: {plain:?}");
        }
    }

    /// Whether a browser would make an element of some part of the text.
    fn dangerous(text: &str) -> bool {
        let mut parts = text.split('<');
        parts.next();
        parts.any(|part| {
            let inside = part.split('>').next().unwrap_or_default();
            match tag(inside) {
                Tag::Element => true,
                Tag::Unknown => inside.contains('='),
                Tag::None => false,
            }
        })
    }

    /// Texts out of pieces that hurt, thousands of them, always the same ones.
    #[test]
    fn whatever_comes_in_no_element_and_no_control_character_comes_out() {
        const PIECES: [&str; 30] = [
            "<", ">", "/", "&", ";", "&lt;", "&gt;", "&amp;", "&#60;", "&#x3e;", "&#x3C;", "&#0;",
            "script", "img", "b", "svg", " ", "=", "onerror", "\"", "'", "!--", "-->", "\u{0}",
            "\u{1b}", "\u{202e}", "ä", "T", "\n", "x",
        ];
        let mut random = fastrand::Rng::with_seed(4);
        for _ in 0..20_000 {
            let text: String = (0..random.usize(1..40))
                .filter_map(|_| PIECES.get(random.usize(..PIECES.len())).copied())
                .collect();
            let plain = plain(&text, 60);
            assert!(!dangerous(&plain), "{text:?}: {plain:?}");
            assert!(!plain.chars().any(is_hidden), "{text:?}: {plain:?}");
            assert!(!plain.contains(['\n', '\t']), "{text:?}: {plain:?}");
            assert!(plain.chars().count() <= 62, "{text:?}: {plain:?}");
        }
    }

    #[test]
    fn hostile_texts_cost_little() {
        let started = std::time::Instant::now();
        for piece in ["<", "<b", "<!", "&", "&#", "<<b>b>", "<a ", "&lt;"] {
            let text = piece.repeat(2_000_000 / piece.len());
            plain(&text, 4_000);
        }
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    }
}
