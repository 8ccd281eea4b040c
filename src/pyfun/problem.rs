//! What is wrong in a configuration: one problem, and all of them together.

use std::fmt;

use serde_json::json;

use super::redact;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know; even `--strict` accepts it.
    Note,
    /// Looks wrong, and the hub runs.
    Warning,
    /// The hub cannot run so.
    Error,
}

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of the file, from 1.
    Line(usize),
    /// A variable that overrides the file.
    Variable(String),
    /// The file as a whole.
    File,
}

/// One thing that is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What is wrong: one sentence, lower-case, without a full stop.
    pub message: String,
    /// What to do. Several lines are printed one below the other.
    pub help: Option<String>,
}

/// Most problems that are printed; more come from a file that is no configuration at all.
const MOST_PRINTED: usize = 200;

/// Every problem of one file, in the file's order.
///
/// Printed as one paragraph each: severity, file and line, what is wrong, the line itself, the help.
/// Nothing that looks like a key leaves this type: see [`redact`].
#[derive(Debug, Clone)]
pub struct Problems {
    file: String,
    source: Vec<String>,
    list: Vec<Problem>,
}

// === impl Severity ===

impl Severity {
    /// The word for it, as printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

// === impl Place ===

impl Place {
    /// Reads a `config` value's origin: `FILE:LINE`, or the name of a variable.
    pub fn from_origin(file: &str, origin: Option<&str>) -> Self {
        let Some(origin) = origin else {
            return Self::File;
        };
        origin
            .strip_prefix(file)
            .and_then(|rest| rest.strip_prefix(':'))
            .and_then(|line| line.parse().ok())
            .map_or_else(|| Self::Variable(origin.to_owned()), Self::Line)
    }
}

// === impl Problem ===

impl Problem {
    /// Something the hub cannot run with.
    pub fn error(place: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, place, message.into())
    }

    /// Something that looks wrong.
    pub fn warning(place: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, place, message.into())
    }

    /// Something that is good to know.
    pub fn note(place: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, place, message.into())
    }

    /// Says what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn new(severity: Severity, place: Place, message: String) -> Self {
        Self {
            severity,
            place,
            message,
            help: None,
        }
    }
}

// === impl Problems ===

impl Problems {
    /// No problem yet in `file`, whose lines are `source`.
    pub fn new(file: &str, source: Vec<String>) -> Self {
        Self {
            file: file.to_owned(),
            source,
            list: Vec::new(),
        }
    }

    /// The file's name, as given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Adds problems and puts all into order: by line, then variables, then the file as a whole.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.list.extend(problems);
        self.list.sort_by(|a, b| a.place.cmp(&b.place));
    }

    /// All of them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// How many there are of one severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.iter().filter(|p| p.severity == severity).count()
    }

    /// Whether one of them stops the start.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// All of them as a JSON array of objects with `severity`, `file`, `line`, `variable`, `source`,
    /// `message` and `help`; what does not apply is null.
    pub fn to_json(&self) -> serde_json::Value {
        self.iter()
            .map(|problem| {
                let (line, variable) = match &problem.place {
                    Place::Line(line) => (Some(*line), None),
                    Place::Variable(name) => (None, Some(name)),
                    Place::File => (None, None),
                };
                json!({
                    "severity": problem.severity.word(),
                    "file": self.file,
                    "line": line,
                    "variable": variable,
                    "source": self.source_line(&problem.place),
                    "message": redact::words(&problem.message),
                    "help": problem.help.as_deref().map(redact::words),
                })
            })
            .collect()
    }

    fn source_line(&self, place: &Place) -> Option<String> {
        let Place::Line(line) = place else {
            return None;
        };
        let text = self.source.get(line.checked_sub(1)?)?;
        Some(redact::line(text))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, problem: &Problem) -> fmt::Result {
        let message = redact::words(&problem.message);
        write!(f, "{}: ", problem.severity.word())?;
        match &problem.place {
            Place::Line(line) => write!(f, "{}:{line}: {message}", self.file)?,
            Place::Variable(name) => write!(f, "{name}: {message}")?,
            Place::File => write!(f, "{}: {message}", self.file)?,
        }
        if let (Place::Line(line), Some(source)) =
            (&problem.place, self.source_line(&problem.place))
        {
            write!(f, "\n{line:>5} | {source}")?;
        }
        if let Some(help) = &problem.help {
            let help = redact::words(help).replace('\n', "\n        ");
            write!(f, "\n      = help: {help}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.iter().take(MOST_PRINTED).enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            self.write(f, problem)?;
        }
        match self.list.len().checked_sub(MOST_PRINTED) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "\nnote: {}: {more} more problems", self.file),
        }
    }
}

impl std::error::Error for Problems {}
