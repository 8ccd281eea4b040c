//! One section as the settings read it: typed values, and every problem with its place.

use std::{ops::RangeInclusive, time::Duration};

use config::{Map, Value, ValueKind};

use super::nearest::suggestion;
use crate::pyfun::{Place, Problem};

/// A section or block while it is read. It remembers which keys were asked for; the others are
/// unknown.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// `[HUB]`, `[TOOL.summarize]`
    title: String,
    /// Where it opens.
    place: Place,
    file: &'a str,
    values: Option<&'a Map<String, Value>>,
    asked: Vec<&'static str>,
    problems: Vec<Problem>,
}

/// A value that is set.
#[derive(Debug, Clone)]
pub(super) struct Text<'a> {
    pub(super) value: &'a str,
    pub(super) place: Place,
}

// === impl Section ===

impl<'a> Section<'a> {
    pub(super) fn new(
        title: String,
        place: Place,
        file: &'a str,
        values: Option<&'a Map<String, Value>>,
    ) -> Self {
        Self {
            title,
            place,
            file,
            values,
            asked: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }

    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }

    pub(super) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The value of `key`, unless it is not there or `""`.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Text<'a>> {
        self.written(key).filter(|text| !text.value.is_empty())
    }

    /// The value of `key`, even `""`.
    pub(super) fn written(&mut self, key: &'static str) -> Option<Text<'a>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let value = self.values?.get(&key.to_ascii_lowercase())?;
        let ValueKind::String(text) = &value.kind else {
            return None;
        };
        Some(Text {
            value: text,
            place: Place::from_origin(self.file, value.origin()),
        })
    }

    /// true/false, on/off, yes/no, in any case.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let text = self.text(key)?;
        match text.value.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" => Some(true),
            "false" | "off" | "no" => Some(false),
            _ => {
                let message = format!("`{key}` is {}, not true or false", quoted(text.value));
                self.report(
                    Problem::error(text.place, message)
                        .help("write \"true\" or \"false\"; on/off and yes/no do too"),
                );
                None
            }
        }
    }

    /// A whole number of `unit` within `range`.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        unit: &str,
    ) -> Option<u64> {
        let text = self.text(key)?;
        let digits = text.value.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            let message = format!("`{key}` is {}, not a whole number", quoted(text.value));
            self.report(
                Problem::error(text.place, message)
                    .help(format!("digits only, no sign, no unit; it counts {unit}")),
            );
            return None;
        }
        match text.value.parse() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                let (least, most) = (range.start(), range.end());
                self.out_of_range(key, &text, &format!("{least} to {most} {unit}"));
                None
            }
        }
    }

    /// A number of `unit` within `range`, decimals allowed.
    pub(super) fn decimal(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f64>,
        unit: &str,
    ) -> Option<f64> {
        let text = self.text(key)?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let plain = match text.value.split_once('.') {
            Some((whole, fraction)) => digits(whole) && digits(fraction),
            None => digits(text.value),
        };
        if !plain {
            let message = format!("`{key}` is {}, not a number", quoted(text.value));
            self.report(Problem::error(text.place, message).help(format!(
                "digits, with a `.` before decimals, no unit; it counts {unit}"
            )));
            return None;
        }
        match text.value.parse::<f64>() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                let (least, most) = (range.start(), range.end());
                self.out_of_range(key, &text, &format!("{least} to {most} {unit}"));
                None
            }
        }
    }

    /// A time in seconds, decimals allowed.
    pub(super) fn seconds(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f64>,
    ) -> Option<Duration> {
        self.decimal(key, range, "seconds")
            .map(Duration::from_secs_f64)
    }

    /// Values between commas, without empty ones and without repeats.
    pub(super) fn list(&mut self, key: &'static str) -> Option<(Vec<String>, Place)> {
        let text = self.text(key)?;
        let mut items: Vec<String> = Vec::new();
        for item in text.value.split(',').map(str::trim) {
            if !item.is_empty() && !items.iter().any(|known| known == item) {
                items.push(item.to_owned());
            }
        }
        Some((items, text.place))
    }

    /// Everything wrong in the section, keys that nobody asked for included.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        for (key, value) in self.values.into_iter().flatten() {
            let known = self
                .asked
                .iter()
                .any(|asked| asked.eq_ignore_ascii_case(key));
            if known {
                continue;
            }
            let title = &self.title;
            if matches!(value.kind, ValueKind::Table(_)) {
                self.problems.push(
                    Problem::warning(self.place.clone(), format!("{title} takes no name"))
                        .help(format!("`.{key}` is ignored; write {title}")),
                );
                continue;
            }
            let place = Place::from_origin(self.file, value.origin());
            // Keys of sections are written in capitals, keys of blocks are not.
            let shown = match title.contains('.') {
                true => key.clone(),
                false => key.to_ascii_uppercase(),
            };
            self.problems.push(
                Problem::warning(place, format!("unknown key `{shown}` in {title}"))
                    .help(suggestion(key, &self.asked, "it is ignored; known here:")),
            );
        }
        self.problems
    }

    fn out_of_range(&mut self, key: &str, text: &Text<'_>, range: &str) {
        self.report(
            Problem::error(
                text.place.clone(),
                format!("`{key}` is {}, out of range", quoted(text.value)),
            )
            .help(format!("it can be {range}")),
        );
    }
}

/// A value inside a message, cut if it is long.
pub(super) fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    let first = value.lines().next().unwrap_or_default();
    match first.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("\"{}..\"", first.get(..end).unwrap_or_default()),
        None => format!("\"{first}\""),
    }
}
