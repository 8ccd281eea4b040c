//! The language of hub.pyfun: text in, values that know their `file:line` out.
//!
//! ```text
//! [PYFUN_FILE = .pyfun]                 the file's identifier, ignored
//! # comment                             a line of its own, or behind a value
//! [LLM_PROVIDERS]                       groups blocks; decoration
//!   [LLM_PROVIDER.anthropic]            a block, known by KIND.NAME wherever it stands
//!   base_url = "https://.."             always in double quotes; "" is "not set"
//!   [LLM_PROVIDER.anthropic_END]
//! [LLM_PROVIDERS_END]
//! ```
//!
//! Keys are lower-cased, block names never. Indentation means nothing; a byte order mark, tabs and
//! Windows line ends are fine. There are no escapes: a value cannot hold a double quote.
//!
//! Two faults of files in the wild load with a warning: an end marker with the wrong name, and a
//! value that runs over several lines. Everything else that is wrong is an error, and every error is
//! reported at once. What is wrong is still read as it was probably meant, so that one mistake does
//! not bring others with it and the settings can be checked as well.

mod blocks;
mod line;
mod problem;
pub mod redact;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use config::{ConfigError, Map, Source, Value, ValueKind};

pub use problem::{Place, Problem, Problems, Severity};

use blocks::{Block, Blocks};

/// Headers that group blocks and hold no values themselves.
pub(crate) const CONTAINERS: [&str; 6] = [
    "PROVIDERS",
    "LLM_PROVIDERS",
    "SEARCH_PROVIDERS",
    "WEB_PROVIDERS",
    "MODELS",
    "TOOLS",
];

/// Kinds of blocks that need a name.
pub(crate) const NAMED: [&str; 6] = [
    "LLM_PROVIDER",
    "SEARCH_PROVIDER",
    "WEB_PROVIDER",
    "PARSER_PROVIDER",
    "MODEL",
    "TOOL",
];

/// Largest file that is read, in bytes.
pub const LARGEST_FILE: usize = 1 << 20;

/// A file in the language, read; a source of values for `config`.
///
/// The values form two levels for sections (`hub` -> `hub_port`) and three for blocks (`tool` ->
/// `summarize` -> `timeout_sec`), in the file's order. Each value's origin is `FILE:LINE`.
#[derive(Debug, Clone)]
pub struct Pyfun {
    file: String,
    blocks: Vec<Block>,
}

// === impl Pyfun ===

impl Pyfun {
    /// Reads a file's content; `file` is the name to report it under. Returns what could be read and
    /// everything that is wrong.
    pub fn read(file: &str, bytes: &[u8]) -> (Self, Problems) {
        let none = |problem: Problem| {
            let mut problems = Problems::new(file, Vec::new());
            problems.extend([problem]);
            (Self::empty(file), problems)
        };
        if bytes.len() > LARGEST_FILE {
            return none(
                Problem::error(Place::File, "the file is larger than 1 MiB")
                    .help("is this the right file? a configuration has a few kilobytes"),
            );
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return none(
                Problem::error(Place::File, "the file is UTF-16")
                    .help("save it as UTF-8: your editor has \"save with encoding\""),
            );
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut unreadable = Vec::new();
        let source: Vec<String> = bytes
            .split(|byte| *byte == b'\n')
            .enumerate()
            .map(|(index, line)| {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                unreadable.extend(encoding_problem(index + 1, line));
                String::from_utf8_lossy(line).into_owned()
            })
            .collect();
        let lines: Vec<&str> = source.iter().map(String::as_str).collect();
        let (blocks, faults) = Blocks::read(&lines);
        let mut problems = Problems::new(file, source);
        problems.extend(unreadable.into_iter().chain(faults));
        let pyfun = Self {
            file: file.to_owned(),
            blocks,
        };
        (pyfun, problems)
    }

    /// A file that says nothing, under a name to report it.
    pub fn empty(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            blocks: Vec::new(),
        }
    }

    /// The blocks of one kind (lower-case): each one's name and the line it opens at.
    pub fn blocks_of(&self, kind: &str) -> impl Iterator<Item = (&str, usize)> {
        self.blocks
            .iter()
            .filter(move |block| block.kind == kind)
            .filter_map(|block| Some((block.name.as_deref()?, block.line)))
    }

    /// Every kind of section in the file (lower-case) with the line it first opens at.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, usize)> {
        let mut seen = HashSet::new();
        self.blocks
            .iter()
            .filter(move |block| seen.insert(block.kind.as_str()))
            .map(|block| (block.kind.as_str(), block.line))
    }

    fn table(&self, block: &Block) -> Map<String, Value> {
        block
            .entries
            .iter()
            .map(|(key, entry)| {
                let origin = format!("{}:{}", self.file, entry.line);
                let value = ValueKind::String(entry.value.clone());
                (key.clone(), Value::new(Some(&origin), value))
            })
            .collect()
    }
}

impl Source for Pyfun {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut root = Map::new();
        for block in &self.blocks {
            let kind = table_at(&mut root, &block.kind);
            let place = match &block.name {
                Some(name) => table_at(kind, name),
                None => kind,
            };
            place.extend(self.table(block));
        }
        Ok(root)
    }
}

/// The table under `key`, made if there is none.
fn table_at<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let slot = map
        .entry(key.to_owned())
        .or_insert_with(|| Value::new(None, ValueKind::Nil));
    if !matches!(slot.kind, ValueKind::Table(_)) {
        slot.kind = ValueKind::Table(Map::new());
    }
    match &mut slot.kind {
        ValueKind::Table(table) => table,
        _ => unreachable!("made a table one line above"),
    }
}

fn encoding_problem(number: usize, line: &[u8]) -> Option<Problem> {
    let place = Place::Line(number);
    match std::str::from_utf8(line) {
        Err(_) => Some(
            Problem::error(place, "this line is not UTF-8")
                .help("save the file as UTF-8: your editor has \"save with encoding\""),
        ),
        Ok(text) => {
            let control = text.chars().find(|c| c.is_control() && *c != '\t')?;
            Some(
                Problem::error(
                    place,
                    format!("a control character ({})", control.escape_unicode()),
                )
                .help("remove it; it may be invisible in your editor"),
            )
        }
    }
}
