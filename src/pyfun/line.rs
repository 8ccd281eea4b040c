//! The four shapes of a line: nothing, `[HEADER]`, `[HEADER_END]`, `key = "value"`.

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Empty, a comment, or the file's identifier.
    Blank,
    /// `[HUB]`, `[TOOL.summarize]`
    Open(Header<'a>),
    /// `[HUB_END]`, `[TOOL.summarize_END]`; the header without its `_END`.
    Close(Header<'a>),
    /// `key = "value"`
    Pair(&'a str, &'a str),
    /// `key = "value`, the quote not closed on this line.
    Begun(&'a str, &'a str),
}

/// The name of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// `HUB`, `TOOL`
    pub(super) kind: &'a str,
    /// `summarize`; none in `[HUB]`.
    pub(super) name: Option<&'a str>,
}

/// A line that is none of the shapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault<'a> {
    pub(super) message: String,
    pub(super) help: String,
    /// What was probably meant, so that one fault does not bring others.
    pub(super) meant: Line<'a>,
}

const SHAPES: &str =
    "a line is `key = \"value\"`, `[SECTION]`, `[SECTION_END]`, `# comment` or empty";

// === impl Header ===

impl Header<'_> {
    /// Whether both name the same section. Kinds are compared without case, names with it.
    pub(super) fn is(&self, kind: &str, name: Option<&str>) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.name == name
    }
}

impl std::fmt::Display for Header<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind)?;
        match self.name {
            Some(name) => write!(f, ".{name}"),
            None => Ok(()),
        }
    }
}

// === impl Line ===

impl<'a> Line<'a> {
    /// Reads one line.
    ///
    /// # Errors
    /// [`Fault`] if it has none of the shapes.
    pub(super) fn read(text: &'a str) -> Result<Self, Fault<'a>> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(Self::Blank);
        }
        match text.strip_prefix('[') {
            Some(rest) => header(rest),
            None => pair(text),
        }
    }
}

/// Whether a line inside a value shows that the quote before it was never closed.
pub(super) fn is_evidence(text: &str) -> bool {
    let text = text.trim();
    if let Some((key, value)) = text.split_once('=') {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let key = key.trim();
        if value.trim_start().starts_with('"') && !key.is_empty() && key.chars().all(word) {
            return true;
        }
    }
    let upper = |kind: &str| {
        kind.chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    match Line::read(text) {
        Ok(Line::Close(_)) => true,
        Ok(Line::Open(header)) => upper(header.kind),
        _ => false,
    }
}

/// Whether nothing but a comment follows.
pub(super) fn is_comment_or_nothing(text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty() || text.starts_with('#')
}

fn header(rest: &str) -> Result<Line<'_>, Fault<'_>> {
    let fault = |message: String, help: &str, meant| {
        Err(Fault {
            message,
            help: help.to_owned(),
            meant,
        })
    };
    let Some((inside, after)) = rest.split_once(']') else {
        let inside = rest.split(['#', ' ']).next().unwrap_or_default();
        let meant = named(inside).unwrap_or(Line::Blank);
        return fault(
            "`[` without `]`".to_owned(),
            "close the header: `[SECTION]`",
            meant,
        );
    };
    let inside = inside.trim();
    if inside
        .get(..10)
        .is_some_and(|start| start.eq_ignore_ascii_case("PYFUN_FILE"))
    {
        return Ok(Line::Blank);
    }
    let Some(line) = named(inside) else {
        return fault(
            format!("`[{inside}]` is no header"),
            "write `[SECTION]` or `[KIND.name]`: letters, digits and `_`, no spaces",
            Line::Blank,
        );
    };
    if is_comment_or_nothing(after) {
        return Ok(line);
    }
    fault(
        "text after the header".to_owned(),
        "put it on a line of its own, or `#` before it",
        line,
    )
}

/// `KIND`, `KIND.name`, either with `_END`.
fn named(inside: &str) -> Option<Line<'_>> {
    let end = inside.len().saturating_sub(4);
    let (stem, closes) = match (inside.get(..end), inside.get(end..)) {
        (Some(stem), Some(tail)) if tail.eq_ignore_ascii_case("_END") => (stem, true),
        _ => (inside, false),
    };
    let (kind, name) = match stem.split_once('.') {
        Some((kind, name)) => (kind, Some(name)),
        None => (stem, None),
    };
    let kind_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name_char = |c: char| !c.is_whitespace() && !matches!(c, '"' | '[' | '=' | '#');
    let good_kind =
        kind.starts_with(|c: char| c.is_ascii_alphabetic()) && kind.chars().all(kind_char);
    let good_name = name.is_none_or(|name| !name.is_empty() && name.chars().all(name_char));
    if !good_kind || !good_name {
        return None;
    }
    let header = Header { kind, name };
    Some(if closes {
        Line::Close(header)
    } else {
        Line::Open(header)
    })
}

fn pair(text: &str) -> Result<Line<'_>, Fault<'_>> {
    let fault = |message: String, help: String, meant| {
        Err(Fault {
            message,
            help,
            meant,
        })
    };
    let Some((key, value)) = text.split_once('=') else {
        return fault(
            "this line cannot be read".to_owned(),
            SHAPES.to_owned(),
            Line::Blank,
        );
    };
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() || key.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '#' | '[')) {
        return fault(
            "no single word stands before `=`".to_owned(),
            SHAPES.to_owned(),
            Line::Blank,
        );
    }
    let Some(body) = value.strip_prefix('"') else {
        let bare = unquoted(value);
        let (message, help) = if bare.is_empty() {
            (
                format!("`{key}` has no value"),
                format!("write `{key} = \"\"` for \"not set\""),
            )
        } else {
            (
                format!("the value of `{key}` is not in double quotes"),
                format!("write `{key} = \"..\"`, with straight double quotes"),
            )
        };
        return fault(message, help, Line::Pair(key, bare));
    };
    let Some((body, after)) = body.split_once('"') else {
        return Ok(Line::Begun(key, body));
    };
    if is_comment_or_nothing(after) {
        return Ok(Line::Pair(key, body.trim()));
    }
    fault(
        format!("text after the closing quote of `{key}`"),
        "a comment starts with `#`; a value cannot hold double quotes, use `'`".to_owned(),
        Line::Pair(key, body.trim()),
    )
}

/// What an unquoted value probably means: no comment, no other kind of quotes.
pub(super) fn unquoted(value: &str) -> &str {
    let value = value
        .split_once(" #")
        .map_or(value, |(value, _)| value)
        .trim();
    if value.starts_with('#') {
        return "";
    }
    value.trim_matches([
        '\'', '`', '\u{201c}', '\u{201d}', '\u{201e}', '\u{ab}', '\u{bb}',
    ])
}
