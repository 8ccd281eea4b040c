//! Lines to blocks: which section each value stands in, and everything that is wrong on the way.

use std::collections::{HashMap, HashSet};

use config::Map;

use super::{
    CONTAINERS, NAMED,
    line::{Fault, Header, Line, is_comment_or_nothing, is_evidence, unquoted},
    problem::{Place, Problem},
};

/// One section with its values, in the file's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Lower-case.
    pub(super) kind: String,
    /// As written; none in `[HUB]`.
    pub(super) name: Option<String>,
    /// Where it opens.
    pub(super) line: usize,
    /// By key: lower-case, without the block's own name before it.
    pub(super) entries: Map<String, Entry>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) value: String,
    /// Where it begins.
    pub(super) line: usize,
}

/// Reads lines into blocks.
#[derive(Debug, Default)]
pub(super) struct Blocks<'a> {
    blocks: Vec<Block>,
    problems: Vec<Problem>,
    open: Vec<Open<'a>>,
    /// Kind (lower-case) and name of each section seen, and where it stands in `blocks`.
    seen: HashMap<(String, Option<&'a str>), usize>,
    /// Lines of headers without a name that have had their problem.
    nameless: HashSet<usize>,
}

/// A section that is not closed yet.
#[derive(Debug)]
struct Open<'a> {
    header: Header<'a>,
    line: usize,
    /// Where its values go; nowhere in a container and in a block's second edition.
    block: Option<usize>,
}

// === impl Blocks ===

impl<'a> Blocks<'a> {
    /// Reads the whole file. What is wrong is reported and read as it was probably meant.
    pub(super) fn read(lines: &[&'a str]) -> (Vec<Block>, Vec<Problem>) {
        let mut blocks = Self::default();
        let mut at = 0;
        let mut complete = true;
        while let Some(text) = lines.get(at) {
            let number = at + 1;
            at += 1;
            let line = Line::read(text).unwrap_or_else(|fault| blocks.fault(number, fault));
            match line {
                Line::Blank => {}
                Line::Open(header) => blocks.open(number, header),
                Line::Close(header) => blocks.close(number, header),
                Line::Pair(key, value) => blocks.entry(number, key, value.to_owned()),
                Line::Begun(key, first) => {
                    let rest = lines.get(at..).unwrap_or_default();
                    (at, complete) = blocks.continued(number, key, first, rest);
                }
            }
        }
        // Behind a quote that swallowed the rest of the file, open sections are no news.
        if complete {
            let open = std::mem::take(&mut blocks.open);
            blocks.unclosed(&open, None);
        }
        (blocks.blocks, blocks.problems)
    }

    fn fault(&mut self, number: usize, fault: Fault<'a>) -> Line<'a> {
        self.problems
            .push(Problem::error(Place::Line(number), fault.message).help(fault.help));
        fault.meant
    }

    fn open(&mut self, line: usize, header: Header<'a>) {
        if let Some(ended) = self.open.pop_if(|top| is_nearly_the_end_of(top, &header)) {
            let ended = ended.header;
            let message = format!("`[{header}]` does not end `[{ended}]`");
            self.problems.push(
                Problem::error(Place::Line(line), message).help(format!("write `[{ended}_END]`")),
            );
            return;
        }
        let kind = header.kind.to_ascii_lowercase();
        let container = header.name.is_none() && is_one_of(&CONTAINERS, header.kind);
        let block = if container {
            None
        } else if let Some(first) = self.seen.get(&(kind.clone(), header.name)) {
            let first = self.blocks.get(*first).map_or(0, |block| block.line);
            self.problems.push(
                Problem::error(Place::Line(line), format!("`[{header}]` is there twice"))
                    .help(format!("it first opens at line {first}; merge the two")),
            );
            None
        } else {
            self.seen
                .insert((kind.clone(), header.name), self.blocks.len());
            self.blocks.push(Block {
                kind,
                name: header.name.map(str::to_owned),
                line,
                entries: Map::new(),
            });
            Some(self.blocks.len() - 1)
        };
        self.open.push(Open {
            header,
            line,
            block,
        });
    }

    fn close(&mut self, line: usize, header: Header<'a>) {
        let same = |open: &Open<'_>| open.header.is(header.kind, header.name);
        if let Some(at) = self.open.iter().rposition(same) {
            let inner = self.open.split_off(at + 1);
            self.open.pop();
            self.unclosed(&inner, Some((line, header)));
            return;
        }
        let place = Place::Line(line);
        // A wrong name closes what is open only if it is of the same shape: `[TOOL.x_END]` is a
        // misnamed end of `[TOOL.y]`, hardly of `[TOOLS]`.
        let top = self
            .open
            .pop_if(|top| top.header.name.is_some() == header.name.is_some());
        self.problems.push(match top {
            Some(top) => Problem::warning(
                place,
                format!(
                    "`[{header}_END]` closes nothing: `[{}]` (line {}) is open",
                    top.header, top.line
                ),
            )
            .help(format!("write `[{}_END]`", top.header)),
            None => Problem::warning(place, format!("`[{header}_END]` closes nothing"))
                .help("remove this line, or add the header that it ends"),
        });
    }

    fn unclosed(&mut self, open: &[Open<'_>], closed_by: Option<(usize, Header<'_>)>) {
        let before = closed_by.map_or_else(
            || "before the file ends".to_owned(),
            |(line, header)| format!("before `[{header}_END]` (line {line})"),
        );
        self.problems.extend(open.iter().map(|open| {
            Problem::error(
                Place::Line(open.line),
                format!("`[{}]` is never closed", open.header),
            )
            .help(format!("add `[{}_END]` {before}", open.header))
        }));
    }

    fn entry(&mut self, line: usize, key: &str, value: String) {
        let place = Place::Line(line);
        let Some(top) = self.open.last() else {
            self.problems.push(
                Problem::error(place, format!("`{key}` stands outside every section"))
                    .help("put it between a header and its `_END`"),
            );
            return;
        };
        let (header, opened) = (top.header, top.line);
        let Some(block) = top.block.and_then(|block| self.blocks.get_mut(block)) else {
            let container = header.name.is_none() && is_one_of(&CONTAINERS, header.kind);
            if container {
                self.problems.push(
                    Problem::warning(
                        place,
                        format!("`{key}` stands in no named block, so it does nothing"),
                    )
                    .help(format!(
                        "`[{header}]` only groups blocks; put it into one of them"
                    )),
                );
            }
            return;
        };
        if header.name.is_none() && is_one_of(&NAMED, header.kind) {
            if self.nameless.insert(opened) {
                self.problems.push(
                    Problem::error(
                        Place::Line(opened),
                        format!("`[{header}]` has values and no name"),
                    )
                    .help(format!("write `[{header}.name]` .. `[{header}.name_END]`")),
                );
            }
            return;
        }
        let own = own_key(key, header.name);
        if let Some(first) = block.entries.get(&own) {
            let first = first.line;
            self.problems.push(
                Problem::error(place, format!("`{key}` is set twice in `[{header}]`"))
                    .help(format!("it is first set at line {first}; keep one of them")),
            );
            return;
        }
        block.entries.insert(own, Entry { value, line });
    }

    /// Reads on from a quote that is not closed on its line. Returns the index of the next line to
    /// read, and false if the quote swallowed the rest of the file.
    fn continued(
        &mut self,
        line: usize,
        key: &'a str,
        first: &'a str,
        rest: &[&'a str],
    ) -> (usize, bool) {
        let never_closed = |because: String| {
            Problem::error(
                Place::Line(line),
                format!("the quote of `{key}` is never closed{because}"),
            )
            .help("add `\"` at the end of the value")
        };
        let mut parts = vec![first.trim()];
        for (offset, text) in rest.iter().enumerate() {
            let number = line + 1 + offset;
            if is_evidence(text) {
                self.problems.push(never_closed(format!(
                    ": line {number} is not part of the value"
                )));
                self.entry(line, key, unquoted(first).to_owned());
                return (number - 1, true);
            }
            let Some((last, after)) = text.split_once('"') else {
                parts.push(text.trim());
                continue;
            };
            parts.push(last.trim());
            if !is_comment_or_nothing(after) {
                self.problems.push(
                    Problem::error(
                        Place::Line(number),
                        format!("text after the closing quote of `{key}` (line {line})"),
                    )
                    .help("a comment starts with `#`; a value cannot hold double quotes, use `'`"),
                );
            }
            self.problems.push(
                Problem::warning(
                    Place::Line(line),
                    format!("the value of `{key}` runs on to line {number}"),
                )
                .help("all its lines count here; elsewhere only the first may, so use one line"),
            );
            self.entry(line, key, parts.join("\n"));
            return (number, true);
        }
        self.problems.push(never_closed(String::new()));
        self.entry(line, key, unquoted(first).to_owned());
        (line + rest.len(), false)
    }
}

/// `anthropic.base_url` inside `[LLM_PROVIDER.anthropic]` means `base_url`.
fn own_key(key: &str, name: Option<&str>) -> String {
    let key = key.to_ascii_lowercase();
    let own = name.and_then(|name| {
        key.strip_prefix(&name.to_ascii_lowercase())?
            .strip_prefix('.')
            .filter(|rest| !rest.is_empty())
    });
    own.map(str::to_owned).unwrap_or(key)
}

/// Whether a header is a slip of the finger away from the end marker of an open section:
/// `[HUB_EN]`, `[TOOL.x_EMD]`.
fn is_nearly_the_end_of(open: &Open<'_>, header: &Header<'_>) -> bool {
    let (open, header) = (open.header.to_string(), header.to_string());
    header
        .strip_prefix(&open)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|end| strsim::damerau_levenshtein(end, "END") <= 1)
}

fn is_one_of(kinds: &[&str], kind: &str) -> bool {
    kinds.iter().any(|known| known.eq_ignore_ascii_case(kind))
}
