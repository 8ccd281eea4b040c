//! The language, rule by rule.

mod faults;
mod printing;
mod quotes;
mod redact;
mod values;

use config::{Map, Source, Value, ValueKind};

use super::{Place, Problems, Pyfun};

/// Reads a file called `f`.
fn read(bytes: impl AsRef<[u8]>) -> (Vec<String>, Problems) {
    let (pyfun, problems) = Pyfun::read("f", bytes.as_ref());
    let root = pyfun.collect().unwrap();
    let mut values = Vec::new();
    flatten("", &root, &mut values);
    (values, problems)
}

/// `section/key = value @ origin`, in order.
fn flatten(path: &str, map: &Map<String, Value>, values: &mut Vec<String>) {
    for (key, value) in map {
        match &value.kind {
            ValueKind::Table(table) => flatten(&format!("{path}{key}/"), table, values),
            kind => values.push(format!(
                "{path}{key} = {kind} @ {}",
                value.origin().unwrap_or("nowhere")
            )),
        }
    }
}

/// `line severity: message`, in order.
fn briefly(problems: &Problems) -> Vec<String> {
    problems
        .iter()
        .map(|problem| {
            let place = match &problem.place {
                Place::Line(line) => line.to_string(),
                Place::Variable(name) => name.clone(),
                Place::File => "file".to_owned(),
            };
            format!("{place} {}: {}", problem.severity.word(), problem.message)
        })
        .collect()
}

/// The text has these problems, and still means these values.
fn check(text: impl AsRef<[u8]>, problems: &[&str], values: &[&str]) {
    let shown = String::from_utf8_lossy(text.as_ref()).into_owned();
    let (found_values, found) = read(text);
    assert_eq!(briefly(&found), problems, "{shown}");
    assert_eq!(found_values, values, "{shown}");
}
